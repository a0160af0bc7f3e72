package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"infinisim/sim/fabric"
	"infinisim/sim/job"
	"infinisim/sim/model"
	"infinisim/sim/replication"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// moving is a lab whose file has another layout, to be started again and again.
type moving struct {
	bin, dir string
	old      map[string][]byte // its files
	want     []byte            // what the lab holds
	took     time.Duration     // by a start that nobody kills
	steps    int               // deaths at steps
	inMoves  int               // of them, those in the moving of rows
}

// runMigrations kills servers while they move the rows of a file to their own
// layout.
func runMigrations(ctx context.Context, bin string, kills int, seed uint64) error {
	dir, err := os.MkdirTemp("", "infinisim-crash-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	m := &moving{bin: bin, dir: dir}
	if err := m.prepare(ctx); err != nil {
		return err
	}
	for step, died := 1, true; died; step++ {
		if died, err = m.dieAt(ctx, step); err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
	}
	if m.inMoves == 0 {
		return errors.New("no step was one of moving rows")
	}
	dice := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // instants of a test
	for i := range kills {
		if err := m.killAfter(ctx, time.Duration(dice.Int64N(int64(m.took)))); err != nil {
			return fmt.Errorf("seed %d, kill %d: %w", seed, i+1, err)
		}
	}
	fmt.Printf("ok   crash: rows of another layout, killed at %d numbered steps (%d while rows were moved) and %d times in the %v of a start: all that was there is there\n",
		m.steps, m.inMoves, kills, m.took.Round(time.Millisecond))
	return nil
}

// start starts a server on the directory, whose clock stands still.
func (m *moving) start(ctx context.Context, more ...string) (*server, error) {
	return startOn(ctx, m.bin, m.dir, append([]string{"--clock", "manual"}, more...)...)
}

// prepare fills a lab, and gives its file another layout.
func (m *moving) prepare(ctx context.Context) error {
	s, err := m.start(ctx)
	if err != nil {
		return err
	}
	defer s.kill()
	if err := s.prepare(ctx); err != nil {
		return err
	}
	_, status, err := s.plane(ctx, http.MethodPost, "generate", map[string]any{"array": "box-1", "pools": 4, "volumes": 2000, "used": 30})
	if err != nil || status >= http.StatusBadRequest {
		return fmt.Errorf("generate: %d %w", status, err)
	}
	c := &client{name: "c", dice: rand.New(rand.NewPCG(1, 1))} //nolint:gosec // names of a test
	for i := range 20 {
		v := &volume{name: "r" + strconv.Itoa(i), size: 1_000_000_000}
		for _, what := range []string{"create", "write", "replicate"} {
			if ok, err := c.apply(ctx, s, &change{what: what, volume: v}); !ok || err != nil {
				return fmt.Errorf("%s %s: refused, or %w", what, v.name, err)
			}
		}
	}
	if m.want, err = s.export(ctx); err != nil {
		return err
	}
	s.kill()
	m.old = map[string][]byte{}
	files, err := filepath.Glob(filepath.Join(m.dir, "*.db"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := reorder(file); err != nil {
			return err
		}
		if m.old[file], err = os.ReadFile(file); err != nil { //nolint:gosec // our own
			return err
		}
	}
	begun := time.Now()
	if s, err = m.start(ctx); err != nil {
		return err
	}
	m.took = time.Since(begun)
	defer s.kill()
	return m.compare(ctx, s)
}

// reorder moves the rows of a file to a layout whose fields come the other way
// round.
func reorder(file string) error {
	db, err := store.Open(store.Options{Path: file, Types: otherTypes()})
	if err != nil {
		return err
	}
	return db.Close()
}

// otherTypes are the array's kinds with their fields the other way round.
func otherTypes() []*schema.Type {
	jobs := job.New(slog.Default())
	engine := model.NewEngine(fabric.New(jobs), jobs, slog.Default())
	replication.Install(engine)
	var out []*schema.Type
	for _, t := range engine.Catalog.Types() {
		var fields []schema.Holder
		for _, f := range slices.Backward(t.StoredFields()) {
			if f.Name != "id" { // each type has it
				fields = append(fields, held{f})
			}
		}
		out = append(out, schema.NewType(t.Name(), fields...))
	}
	return out
}

// held is a field that a type is declared with.
type held struct{ f *schema.Field }

func (h held) Field() *schema.Field { return h.f }

// restore puts the file of the other layout back.
func (m *moving) restore() error {
	for file, raw := range m.old {
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// dieAt lets a server end itself at a step of its start; died is false where it
// came to an end of it before.
func (m *moving) dieAt(ctx context.Context, step int) (died bool, err error) {
	if err := m.restore(); err != nil {
		return false, err
	}
	s, err := m.start(ctx, "--die-at-step", strconv.Itoa(step))
	if err == nil { // it serves: all that is due at a start is done
		defer s.kill()
		return false, m.compare(ctx, s)
	}
	if !strings.Contains(err.Error(), "dies at step") {
		return false, err
	}
	m.steps++
	if strings.Contains(err.Error(), "moved") {
		m.inMoves++
	}
	return true, m.again(ctx)
}

// killAfter kills a server a while after its start.
func (m *moving) killAfter(ctx context.Context, wait time.Duration) error {
	if err := m.restore(); err != nil {
		return err
	}
	kill, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if s, err := m.start(kill); err == nil {
		s.kill() // it was faster
	} else if kill.Err() == nil {
		return err
	}
	return m.again(ctx)
}

// again starts a server after one that was killed, and compares.
func (m *moving) again(ctx context.Context) error {
	s, err := m.start(ctx)
	if err != nil {
		return err
	}
	defer s.kill()
	return m.compare(ctx, s)
}

// compare holds what a server has against what there was.
func (m *moving) compare(ctx context.Context, s *server) error {
	if err := s.check(ctx); err != nil {
		return err
	}
	got, err := s.export(ctx)
	if err != nil || bytes.Equal(got, m.want) {
		return err
	}
	had, has := bytes.Split(m.want, []byte("\n")), bytes.Split(got, []byte("\n"))
	for i := range min(len(had), len(has)) {
		if !bytes.Equal(had[i], has[i]) {
			return fmt.Errorf("line %d was %s and is %s", i+1, had[i], has[i])
		}
	}
	return fmt.Errorf("it had %d lines and has %d", len(had), len(has))
}
