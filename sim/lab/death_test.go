package lab_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
)

// mortal is a durable lab that ends at a numbered step of its work, as by a
// signal: what is in its file then is all that the next life knows. The old
// life goes on for itself; nobody hears of it.
type mortal struct {
	*process
	other *mortal
	dir   string
	srv   *httptest.Server

	mu     sync.Mutex
	life   int
	dead   bool
	steps  int
	at     int // step to die at, 0 for none
	last   string
	past   []*lab.Lab
	deaths int
}

// couple is two mortal labs of one array each that know each other; the clock
// of the second follows the first's.
type couple struct {
	t     testing.TB
	procs [2]*mortal
	ids   coupleIDs
	// missed says that the other one notices that somebody is dead.
	missed bool
}

// coupleIDs are the objects that a couple works with, on each side.
type coupleIDs struct {
	spaces, pools, links, replicas [2]int64
	volume, second, group          int64
}

// newCouple opens the labs of two directories; an empty one is a new lab.
func newCouple(tb testing.TB, dirs [2]string, ids coupleIDs) *couple {
	tb.Helper()
	w := &couple{t: tb, ids: ids}
	for i := range w.procs {
		m := &mortal{process: &process{t: tb, key: fmt.Sprintf("box-%d", i+1)}, dir: dirs[i]}
		srv := httptest.NewServer(http.HandlerFunc(m.serve))
		m.srv, m.url = srv, srv.URL
		w.procs[i] = m
	}
	w.procs[0].other, w.procs[1].other = w.procs[1], w.procs[0]
	for i, m := range w.procs {
		m.open(i)
	}
	return w
}

func (m *mortal) path() string { return filepath.Join(m.dir, fmt.Sprintf("lab-%d.db", m.life)) }

// open begins a life.
func (m *mortal) open(i int) {
	m.t.Helper()
	life := m.life
	l, err := lab.New(lab.Options{
		Path: m.path(), First: i + 1, Secret: "s", Follows: i == 1,
		Peers: map[string]string{m.other.key: fmt.Sprintf("%s/%d", m.other.url, life)},
		Step:  func(name string) { m.step(life, name) },
	})
	require.NoError(m.t, err)
	m.mu.Lock()
	m.lab = l
	m.mu.Unlock()
	if len(l.Arrays()) == 0 {
		_, err = l.AddArray(m.t.Context(), lab.ArraySetup{})
		require.NoError(m.t, err)
	}
}

// step ends the life at the step that it is to end at.
func (m *mortal) step(life int, name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if life != m.life || m.dead {
		return
	}
	if m.steps++; m.steps != m.at {
		return
	}
	raw, err := os.ReadFile(m.path())
	if err == nil {
		err = os.WriteFile(filepath.Join(m.dir, fmt.Sprintf("lab-%d.db", m.life+1)), raw, 0o600)
	}
	assert.NoError(m.t, err)
	m.dead, m.last = true, name
}

// lives reports whether a life is the present one.
func (m *mortal) lives(life int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.dead && m.life == life
}

// serve is the fabric's listener of the present life. It hears the present life
// of the other.
func (m *mortal) serve(w http.ResponseWriter, r *http.Request) {
	var sender int
	_, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	_, err := fmt.Sscanf(r.URL.Path, "/%d/", &sender)
	m.mu.Lock()
	life, l, dead := m.life, m.lab, m.dead
	m.mu.Unlock()
	if err != nil || dead || !m.other.lives(sender) {
		panic(http.ErrAbortHandler)
	}
	r.URL.Path = "/" + rest
	rec := httptest.NewRecorder()
	l.FabricHandler().ServeHTTP(rec, r)
	if !m.lives(life) || !m.other.lives(sender) {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

// revive begins the next life of whoever is dead.
func (w *couple) revive() {
	w.t.Helper()
	for i, m := range w.procs {
		if m.lives(m.life) {
			continue
		}
		if w.missed {
			_, err := m.other.lab.AdvanceTo(w.t.Context(), m.other.lab.Clock.Now().Add(10*time.Second))
			require.NoError(w.t, err)
		}
		m.mu.Lock()
		m.past = append(m.past, m.lab)
		m.life++
		m.dead = false
		m.deaths++
		m.mu.Unlock()
		m.open(i)
	}
}

// close ends the labs, and looks at what is left.
func (w *couple) close() {
	w.t.Helper()
	for _, m := range w.procs {
		bad, err := m.lab.Check(context.Background())
		require.NoError(w.t, err)
		assert.Empty(w.t, bad)
	}
	for _, m := range w.procs {
		m.srv.Close()
		for _, l := range append(m.past, m.lab) {
			assert.NoError(w.t, l.Close())
		}
	}
}

// pass lets time go by on both sides.
func (w *couple) pass(d time.Duration) {
	w.t.Helper()
	to := w.procs[0].lab.Clock.Now().Add(d)
	for _, m := range w.procs {
		_, err := m.lab.AdvanceTo(w.t.Context(), max(to, m.lab.Clock.Now()))
		if m.lives(m.life) {
			require.NoError(w.t, err)
		}
	}
}

// everyStep has somebody die at many steps.
var everyStep = flag.Int("every-step", 0, "every nth step of two processes is one to die at; 0 is a few of them")

var (
	errNotYet = errors.New("not yet")
	errDead   = errors.New("nobody answers")
)

// until does something again and again, with time between, and with new lives
// for whoever died.
func (w *couple) until(name string, do func() error) error {
	w.t.Helper()
	var err error
	for range 25 {
		if err = do(); err == nil {
			return nil
		}
		w.revive()
		w.pass(2 * time.Second)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// ask sends a request that has to succeed.
func (w *couple) ask(i int, method, path, body string) (map[string]any, error) {
	w.t.Helper()
	m := w.procs[i]
	life := m.life
	status, out := m.do(method, path, body)
	switch {
	case !m.lives(life):
		return nil, errDead
	case status >= http.StatusBadRequest:
		return nil, fmt.Errorf("%s %s: %d %v", method, path, status, out)
	}
	return out, nil
}
