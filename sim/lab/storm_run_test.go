package lab_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"infinisim/sim/api"
	"infinisim/sim/journal"
	"infinisim/sim/model"
)

// The random proof of the whole model. A run is a script: lines that
// storm_draw_test.go draws, seed by seed, and that storm_test.go plays. After
// each line the lab checks itself, what was refused has changed nothing, and in
// the end every list is what its objects show one by one.

var (
	storms     = flag.Int("storms", 6, "how many seeds TestStorm_seeds runs")
	firstStorm = flag.Uint64("first-storm", 1, "the first seed of TestStorm_seeds")
	stormSteps = flag.Int("storm-steps", 60, "how many steps a run of TestStorm_seeds has")
	replayFile = flag.String("replay", "", "a script for TestReplay")
	minimise   = flag.Bool("minimise", false, "have TestReplay and TestStorm_seeds leave out what a failure does not need")
)

// mostFailed is when TestStorm_seeds has seen enough.
const mostFailed = 5

func TestStorm_seeds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ran, steps, failed := 0, 0, 0
	done, could := map[string]bool{}, 0
	for i := range *storms {
		seed := *firstStorm + uint64(i) //nolint:gosec // not negative
		s, err := runSeed(t.Context(), dir, seed)
		ran, steps = ran+1, steps+len(s.script)
		maps.Copy(done, s.done)
		if s.lab != nil {
			could = len(slices.DeleteFunc(slices.Clone(s.lab.Routes()), func(r api.Served) bool { return r.Method == http.MethodGet }))
		}
		script := s.text()
		if s.close(); err == nil {
			continue
		}
		if *minimise {
			script, err = shrink(t.Context(), dir, script, err)
		}
		t.Errorf("seed %d: %v\n%s", seed, err, script)
		if failed++; failed >= mostFailed {
			break
		}
	}
	maps.DeleteFunc(done, func(route string, _ bool) bool { return strings.HasPrefix(route, "GET ") })
	t.Logf("%d seeds from %d on ran, %d steps, %d failed; accepted were %d of %d requests that write", ran, *firstStorm, steps, failed, len(done), could)
}

// runSeed plays what a seed draws.
func runSeed(ctx context.Context, dir string, seed uint64) (*storm, error) {
	s := newStorm(ctx, dir)
	k := newDeck(s, seed)
	if err := s.play(k.opening(seed)); err != nil {
		return s, err
	}
	for range *stormSteps {
		if err := k.step(); err != nil {
			return s, err
		}
	}
	return s, s.agree()
}

// agree holds every list against its objects, one by one.
func (s *storm) agree() error {
	if err := s.lab.ClearFaults(s.ctx); err != nil {
		return err
	}
	for _, a := range s.lab.Arrays() {
		if err := s.lab.SetActive(s.ctx, a.Key, true); err != nil {
			return err
		}
		for _, k := range s.lab.Catalog().Kinds() {
			if k.Single {
				continue
			}
			if err := s.agreeOn(a.Key, k); err != nil {
				return fmt.Errorf("%s: %s: %w", a.Key, k.Path, err)
			}
		}
	}
	return nil
}

func (s *storm) agreeOn(box string, k *model.Kind) error {
	out, _, err := s.send(box, ask{method: "GET", target: k.Path + "?page_size=40&sort=id"})
	if err != nil || out.status != 200 {
		return err
	}
	var rows []json.RawMessage
	if json.Unmarshal(out.result, &rows) != nil {
		return nil //nolint:nilerr // it is no list
	}
	for _, raw := range rows {
		var o struct{ ID json.RawMessage }
		if err := json.Unmarshal(raw, &o); err != nil {
			return err
		}
		one, _, err := s.send(box, ask{method: "GET", target: k.Path + "/" + strings.Trim(string(o.ID), `"`)})
		if err != nil {
			return err
		}
		if one.status == 200 && !bytes.Equal(one.result, raw) {
			return fmt.Errorf("listed as %s, read as %s", raw, one.result)
		}
		if one.status != 200 {
			return fmt.Errorf("%s is listed, and reading it is answered with %d", o.ID, one.status)
		}
	}
	return nil
}

// journalText is everything that a run's journals hold.
func (s *storm) journalText() (string, error) {
	var out bytes.Buffer
	for _, j := range append(slices.Clone(s.former), s.lab.Journal) {
		if err := j.WriteTo(&out, journal.Filter{Entry: journal.All}); err != nil {
			return "", err
		}
	}
	return out.String(), nil
}

// TestStorm_sameSeedSameBytes plays seeds twice: scripts and journals are
// byte-equal.
func TestStorm_sameSeedSameBytes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		var texts, scripts []string
		for range 2 {
			s, err := runSeed(t.Context(), t.TempDir(), 100+seed)
			require.NoError(t, err, "seed %d\n%s", 100+seed, s.text())
			text, err := s.journalText()
			require.NoError(t, err)
			texts, scripts = append(texts, text), append(scripts, s.text())
			s.close()
		}
		require.Equal(t, scripts[0], scripts[1], "seed %d", 100+seed)
		require.Equal(t, texts[0], texts[1], "seed %d", 100+seed)
	}
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
	if err = replay(t.Context(), dir, script); err != nil && *minimise {
		script, err = shrink(t.Context(), dir, script, err)
		t.Log("\n" + script)
	}
	require.NoError(t, err)
}

// TestRegress plays what once failed, for ever.
func TestRegress(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../fixtures/regress/model/*.script")
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
	return s.agree()
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
