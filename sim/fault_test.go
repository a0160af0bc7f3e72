package sim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/apierr"
	"infinisim/sim/fault"
	"infinisim/sim/journal"
	"infinisim/sim/simtest"
)

func inject(tb testing.TB, l *simtest.Lab, rule string) string {
	tb.Helper()
	var r fault.Rule
	require.NoError(tb, json.Unmarshal([]byte(rule), &r))
	r, err := l.AddFault(tb.Context(), r)
	require.NoError(tb, err)
	return r.ID
}

// send sends a request that may get no answer.
func send(tb testing.TB, l *simtest.Lab, method, path, body string) (answer, error) {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), method, "http://simulator-box-1/api/rest/"+path, bytes.NewReader([]byte(body)))
	require.NoError(tb, err)
	r.SetBasicAuth(sim.Username, sim.Password)
	resp, err := (&http.Client{Transport: l.Transport()}).Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	return answer{status: resp.StatusCode, fault: resp.Header.Get("X-Sim-Fault"), body: raw}, err
}

// answer is what came back.
type answer struct {
	status int
	fault  string
	body   []byte
}

const newPool = `{"name":"p","physical_capacity":1000000000000,"virtual_capacity":1000000000000}`

func TestFault_requests(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	c := l.Client("box-1")
	names := func() any { return c.Do(http.MethodGet, "pools?fields=name", nil).Result }

	inject(t, l, `{"id":"e","site":"http","method":"POST","path":"pools","times":1,"effect":{"type":"error","code":"POOL_NAME_CONFLICT","message":"taken"}}`)
	resp, err := send(t, l, http.MethodPost, "pools", newPool)
	require.NoError(t, err)
	assert.Equal(t, http.StatusConflict, resp.status)
	assert.Equal(t, "e", resp.fault)
	assert.Empty(t, names(), "nothing was applied")

	inject(t, l, `{"id":"s","site":"http","kind":"pool","times":1,"effect":{"type":"status","status":503,"body":"malformed"}}`)
	resp, err = send(t, l, http.MethodGet, "pools", "")
	require.NoError(t, err)
	assert.Equal(t, http.StatusServiceUnavailable, resp.status)
	require.False(t, json.Valid(resp.body))

	inject(t, l, `{"id":"r","site":"http","method":"POST","times":1,"effect":{"type":"reset"}}`)
	_, err = send(t, l, http.MethodPost, "pools", newPool)
	require.Error(t, err)
	assert.Empty(t, names(), "nothing was applied")

	inject(t, l, `{"id":"l","site":"http","user":"admin","fields":{"name":"p"},"times":1,"effect":{"type":"lost"}}`)
	_, err = send(t, l, http.MethodPost, "pools", newPool)
	require.Error(t, err)
	assert.Len(t, names(), 1, "applied, but the answer is lost")

	faults := 0
	for _, e := range l.Journal.Entries(journal.Filter{}) {
		faults += len(e.Faults)
	}
	assert.Equal(t, 4, faults)
	for _, count := range l.Faults() {
		assert.Equal(t, 1, count.Hits, count.ID)
	}
	require.NoError(t, l.RemoveFault(t.Context(), "l"))
	require.NoError(t, l.ClearFaults(t.Context()))
	assert.Empty(t, l.Faults())
}

func TestFault_expiredSession(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client := &http.Client{Transport: l.Transport(), Jar: jar}
	ask := func(method, path, body string) int {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://simulator-box-1/api/rest/"+path, bytes.NewReader([]byte(body)))
		require.NoError(t, err)
		resp, err := client.Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	ask(http.MethodPost, "users/login", `{"username":"admin","password":"123456"}`)
	assert.Equal(t, http.StatusOK, ask(http.MethodGet, "system", ""))
	inject(t, l, `{"site":"http","path":"system","times":1,"effect":{"type":"expire"}}`)
	assert.Equal(t, http.StatusUnauthorized, ask(http.MethodGet, "system", ""))
}

// TestFault_delayedByTheLabsClock delays three requests on a clock that stands
// still: advancing it lets them answer, in order, each at its own time.
func TestFault_delayedByTheLabsClock(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	for i, user := range []string{"", `"user":"admin",`, ""} {
		inject(t, l, fmt.Sprintf(`{"id":"d%d","site":"http",%s"path":"pools","fields":null,"method":"GET","times":1,"effect":{"type":"delay","delay":"%ds"}}`, i, user, 10*(i+1)))
	}
	require.Len(t, l.Faults(), 3)
	start := l.Clock.Now()
	var done sync.WaitGroup
	done.Go(func() {
		resp, err := send(t, l, http.MethodGet, "pools", "")
		if assert.NoError(t, err) {
			assert.Equal(t, "d0,d2,d1", resp.fault)
		}
	})
	for { // until the request waits; nothing else is on this lab's timetable
		next, _, err := l.NextDue(t.Context())
		require.NoError(t, err)
		if next == start.Add(40*time.Second) { // of the rules that strike before the session
			break
		}
	}
	l.MustAdvance(40 * time.Second)
	l.MustSettle() // the one that asks for the user strikes after that
	done.Wait()
	assert.Equal(t, start.Add(60*time.Second), l.Clock.Now())
}

func TestFault_links(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	ids, sources, targets := replicas(l, 1, map[string]any{"sync_interval": 3_600_000})
	l.MustSettle()
	path := fmt.Sprintf("replicas/%d", ids[0])
	copied := func() time.Duration {
		start := l.Clock.Now()
		l.MustWrite("box-1", sources[0], sim.Write{Offset: 0, Length: 100_007_936, Seed: uint64(start)}) //nolint:gosec // any seed
		l.Client("box-1").Post(path+"/sync", nil)
		l.MustSettle()
		return l.Clock.Now().Sub(start)
	}
	quick := copied()
	inject(t, l, `{"id":"slow","site":"link","array":"box-2","peer":"box-1","effect":{"type":"bandwidth","bandwidth":10000000}}`)
	slow := copied()
	assert.InDelta(t, 10, slow.Seconds()/quick.Seconds(), 1)
	inject(t, l, `{"id":"far","site":"link","array":"box-1","peer":"box-2","effect":{"type":"latency","delay":"2s"}}`)
	assert.Greater(t, copied(), slow+2*time.Second)
	require.NoError(t, l.ClearFaults(t.Context()))
	assert.Equal(t, quick, copied())

	now := l.Clock.Now().MS()
	inject(t, l, fmt.Sprintf(`{"id":"down","site":"link","array":"box-1","peer":"box-2","from":%d,"until":%d,"effect":{"type":"down"}}`, now+60_000, now+120_000))
	state := func() any { return l.Client("box-1").Get(fmt.Sprintf("links/%d", l.Links()[0].AID))["link_state"] }
	assert.Equal(t, "UP", state())
	l.MustAdvance(time.Minute)
	assert.Equal(t, "DOWN", state())
	l.MustAdvance(time.Minute)
	assert.Equal(t, "UP", state())
	l.MustSettle()
	assert.Equal(t, l.MustDigest("box-1", sources[0]), l.MustDigest("box-2", targets[0]))
}

func TestFault_jobs(t *testing.T) {
	t.Parallel()
	for effect, later := range map[string]time.Duration{
		`{"type":"delay","delay":"40s"}`: 40 * time.Second,
		`{"type":"fail","retry":"25s"}`:  25 * time.Second,
	} {
		l := simtest.New(t)
		plain := l.Fork(t)
		settled := func(l *simtest.Lab) time.Duration {
			start := l.Clock.Now()
			replicas(l, 1, nil)
			l.MustSettle()
			return l.Clock.Now().Sub(start)
		}
		quick := settled(plain)
		inject(t, l, `{"id":"j","site":"job","array":"box-1","kind":"replica","class":"settle","times":1,"effect":`+effect+`}`)
		assert.Equal(t, quick+later, settled(l), effect)
		assert.Equal(t, 1, l.Faults()[0].Hits)
	}
}

func TestFault_namesThatTheLabDoesNotHave(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	reset := fault.Effect{Type: fault.Reset}
	for member, r := range map[string]fault.Rule{
		"array": {Site: fault.HTTP, Array: "box-9", Effect: reset},
		"peer":  {Site: fault.Link, Array: "box-1", Peer: "box-9", Effect: fault.Effect{Type: fault.Down}},
		"kind":  {Site: fault.HTTP, Kind: "disk", Effect: reset},
		"job":   {Site: fault.Job, Job: "sleep", Effect: fault.Effect{Type: fault.Fail}},
		"site":  {Effect: reset},
		// A login has no session that could end.
		"effect.type": {Site: fault.HTTP, Method: http.MethodPost, Path: "users/login", Effect: fault.Effect{Type: fault.Expire}},
	} {
		_, err := l.AddFault(t.Context(), r)
		e, ok := apierr.As(err)
		require.True(t, ok, member)
		assert.Equal(t, member, e.Subject)
	}
	inject(t, l, `{"site":"http","effect":{"type":"reset"}}`)
	_, err := l.AddFault(t.Context(), fault.Rule{Site: fault.HTTP, Effect: reset})
	assert.Equal(t, apierr.FaultExists, apierr.CodeOf(err))
	require.Error(t, l.RemoveFault(t.Context(), "none"))
}

func TestFault_isForkedKeptAndReset(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lab.db")
	l, err := sim.New(sim.WithPath(path))
	require.NoError(t, err)
	first := simtest.Watch(t, l)
	inject(t, first, `{"id":"r","site":"http","path":"pools","effect":{"type":"status","status":500}}`)
	fork := first.Fork(t)
	assert.Equal(t, 500, fork.Client("box-1").Do(http.MethodGet, "pools", nil).Status)
	require.NoError(t, first.Close())
	l, err = sim.New(sim.WithPath(path))
	require.NoError(t, err)
	second := simtest.Watch(t, l)
	assert.Equal(t, 500, second.Client("box-1").Do(http.MethodGet, "pools", nil).Status)
	require.NoError(t, second.Reset(t.Context()))
	assert.Equal(t, 200, second.Client("box-1").Do(http.MethodGet, "pools", nil).Status)
	assert.Equal(t, 500, fork.Client("box-1").Do(http.MethodGet, "pools", nil).Status)
}

// TestFault_sixtyFourClients has 64 clients at one lab under rules of every
// kind, while rules come and go and the clock moves.
func TestFault_sixtyFourClients(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	replicas(l, 2, map[string]any{"sync_interval": 4000, "rpo_value": 4000})
	inject(t, l, `{"id":"lost","site":"http","odds":0.1,"effect":{"type":"lost"}}`)
	inject(t, l, `{"id":"busy","site":"http","method":"POST","odds":0.2,"effect":{"type":"status","status":503}}`)
	inject(t, l, `{"id":"late","site":"http","odds":0.05,"effect":{"type":"delay","delay":1,"clock":"real"}}`)
	inject(t, l, `{"id":"no","site":"http","user":"admin","odds":0.1,"effect":{"type":"error","code":"PERMISSION_DENIED"}}`)
	inject(t, l, `{"id":"job","site":"job","odds":0.2,"effect":{"type":"delay","delay":"3s"}}`)
	var clients sync.WaitGroup
	for i := range 64 {
		clients.Go(func() {
			for n := range 10 {
				_, _ = send(t, l, http.MethodPost, "pools", fmt.Sprintf(`{"name":"p%d-%d","physical_capacity":1000000000000,"virtual_capacity":1000000000000}`, i, n))
				_, _ = send(t, l, http.MethodGet, "pools?fields=name", "")
			}
		})
	}
	for i := range 20 {
		id := inject(t, l, fmt.Sprintf(`{"id":"link-%d","site":"link","array":"box-1","peer":"box-2","effect":{"type":"down"}}`, i))
		l.MustAdvance(time.Second)
		require.NoError(t, l.RemoveFault(t.Context(), id))
		l.MustAdvance(time.Second)
	}
	clients.Wait()
	for _, c := range l.Faults() {
		assert.Positive(t, c.Matched, c.ID)
		assert.LessOrEqual(t, c.Hits, c.Matched, c.ID)
	}
}
