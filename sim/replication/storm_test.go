package replication_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"infinisim/sim/clock"
	"infinisim/sim/lab"
)

// The random proof of replication. A run is a script: lines of text that
// storm_draw_test.go draws, seed by seed, from what there is, and that
// storm_play_test.go plays. After each line the lab checks itself and
// storm_oracle_test.go holds content against what was written; in the end
// everything heals and must agree.

var (
	storms     = flag.Int("storms", 12, "how many seeds TestStorm_seeds runs")
	firstStorm = flag.Uint64("first-storm", 1, "the first seed of TestStorm_seeds")
	stormSteps = flag.Int("storm-steps", 60, "how many steps a run of TestStorm_seeds has")
	replayFile = flag.String("replay", "", "a script for TestReplay")
	minimise   = flag.Bool("minimise", false, "have TestReplay and TestStorm_seeds leave out what a failure does not need")
)

// TestMain makes a short run of rapid the usual one, from one seed; its flags
// still count.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{"rapid.checks": "12", "rapid.steps": "60", "rapid.seed": "1", "rapid.nofailfile": "true"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	m.Run()
}

// dice draws whole numbers from 0 up to, not including, n.
type dice interface{ pick(n int) int }

// seeded are the dice of a seed.
type seeded struct{ *rand.Rand }

func (d seeded) pick(n int) int { return d.IntN(n) }

func seededDice(seed uint64) dice { return seeded{rand.New(rand.NewPCG(seed, 2))} } //nolint:gosec // a test's dice

// drawn are the dice of rapid, which shrinks what they showed. Its integers
// prefer small ones; its bits are fair.
type drawn struct{ t *rapid.T }

func (d drawn) pick(n int) int {
	bits := 0
	for 1<<bits < 4*n {
		bits++
	}
	return rapid.Custom(func(t *rapid.T) int {
		v := 0
		for range bits {
			v <<= 1
			if rapid.Bool().Draw(t, "") {
				v++
			}
		}
		return v % n
	}).Draw(d.t, "pick")
}

// TestStorm does what comes to mind to replicas, links and datasets on two or
// three arrays, refused or not. A failure is shrunk, and printed as a script
// that `make replay` plays.
func TestStorm(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		d := drawn{t}
		s := newStorm(t.Context(), dir)
		defer s.close()
		fail := func(err error) {
			if err != nil {
				t.Fatalf("%v\n%s", err, s.text())
			}
		}
		fail(s.play(s.drawLab(d)))
		t.Repeat(map[string]func(*rapid.T){
			"step": func(t *rapid.T) { fail(s.play(s.draw(drawn{t}))) },
		})
		fail(s.play("! calm"))
	})
}

// TestStorm_seeds is the same without rapid, and so faster: many seeds, of
// which it names those that fail.
func TestStorm_seeds(t *testing.T) {
	t.Parallel()
	const workers = 2
	dir, seeds := t.TempDir(), make(chan uint64)
	var group sync.WaitGroup
	var mu sync.Mutex // guards what follows
	ran, steps, failed := 0, 0, 0
	for range workers {
		group.Go(func() {
			for seed := range seeds {
				n, script, err := runSeed(t.Context(), dir, seed, *stormSteps)
				if err != nil && *minimise {
					script, err = shrink(t.Context(), dir, script, err)
				}
				mu.Lock()
				ran, steps = ran+1, steps+n
				if err != nil {
					failed++
					t.Errorf("seed %d: %v\n%s", seed, err, script)
				}
				mu.Unlock()
			}
		})
	}
	for i := range *storms {
		mu.Lock()
		enough := failed >= mostFailed
		mu.Unlock()
		if enough {
			break
		}
		seeds <- *firstStorm + uint64(i) //nolint:gosec // not negative
	}
	close(seeds)
	group.Wait()
	t.Logf("%d seeds from %d on ran, %d steps, %d failed", ran, *firstStorm, steps, failed)
}

// mostFailed is when TestStorm_seeds has seen enough.
const mostFailed = 10

// runSeed plays what a seed draws; script is what it came to.
func runSeed(ctx context.Context, dir string, seed uint64, length int) (steps int, script string, err error) {
	s := newStorm(ctx, dir)
	defer s.close()
	err = s.run(seed, length)
	return len(s.script), s.text(), err
}

func (s *storm) run(seed uint64, length int) error {
	d := seededDice(seed)
	if err := s.play(s.drawLab(d)); err != nil {
		return err
	}
	for range length {
		if err := s.play(s.draw(d)); err != nil {
			return err
		}
	}
	return s.play("! calm")
}

// TestReplay plays the script that -replay names.
func TestReplay(t *testing.T) {
	t.Parallel()
	if *replayFile == "" {
		t.Skip("no -replay")
	}
	raw, err := os.ReadFile(*replayFile)
	require.NoError(t, err)
	script, dir := string(raw), t.TempDir()
	err = replay(t.Context(), dir, script)
	if err != nil && *minimise {
		script, err = shrink(t.Context(), dir, script, err)
		t.Log("\n" + script)
	}
	require.NoError(t, err)
}

// TestRegress plays what once failed, for ever.
func TestRegress(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../fixtures/regress/*.script")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NoError(t, replay(t.Context(), t.TempDir(), string(raw)))
		})
	}
}

func replay(ctx context.Context, dir, script string) error {
	s := newStorm(ctx, dir)
	defer s.close()
	for line := range strings.Lines(script) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		if err := s.play(line); err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
	}
	return nil
}

// shrink leaves out the lines without which a script still fails.
func shrink(ctx context.Context, dir, script string, failure error) (string, error) {
	lines := strings.Split(strings.TrimSpace(script), "\n")
	for size := len(lines) / 2; size > 0; size /= 2 {
		for i := 1; i < len(lines); { // the first line makes the lab
			end := min(i+size, len(lines))
			rest := append(append([]string(nil), lines[:i]...), lines[end:]...)
			if err := replay(ctx, dir, strings.Join(rest, "\n")); err != nil {
				lines, failure = rest, err
				continue
			}
			i = end
		}
	}
	return strings.Join(lines, "\n") + "\n", failure
}

// bases are the labs that runs fork, made once: by arrays and seed.
var bases sync.Map //nolint:gochecknoglobals // a test's cache

// base makes a lab of linked arrays with two pools on each.
func base(ctx context.Context, arrays int, seed uint64) (*lab.Lab, error) {
	made, _ := bases.LoadOrStore([2]uint64{uint64(arrays), seed}, sync.OnceValues(func() (*lab.Lab, error) { //nolint:gosec // two or three
		l, err := lab.Build(context.WithoutCancel(ctx), lab.Options{Seed: seed, Clock: clock.NewManual(clock.Epoch)}, arrays, lab.Ring)
		if err != nil {
			return nil, err
		}
		s := &storm{ctx: ctx, lab: l}
		for _, a := range l.Arrays() {
			for _, name := range []string{"p", "q"} {
				line := fmt.Sprintf(`%s > POST pools {"name":%q,"physical_capacity":2000000000000,"virtual_capacity":2000000000000}`, a.Key, name)
				err = errors.Join(err, s.request(line))
			}
		}
		return l, err
	}))
	return made.(func() (*lab.Lab, error))() //nolint:forcetypeassert // stored above
}
