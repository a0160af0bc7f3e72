package scenario_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"infinisim/sim/document"
	"infinisim/sim/scenario"
)

// FuzzScenario reads any text as a scenario and plays what it takes: a refusal
// names a line of the file, and a scenario that is played passes or tells the
// step that did not.
func FuzzScenario(f *testing.F) {
	files, err := filepath.Glob("../../fixtures/scenarios/*.yaml")
	require.NoError(f, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(string(raw))
	}
	for _, steps := range []string{
		"", "steps: []\n", "steps:\n- advance: 1s\n", "steps:\n- settle: {}\n- check: {}\n", "steps:\n- restart: {}\n",
		"steps:\n- request: {array: a, method: GET, path: volumes}\n  expect: {status: 200}\n", "steps:\n- write: {array: a, volume: v, length: 1MB, seed: 3}\n",
	} {
		f.Add(head + steps)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := scenario.Parse("../../fixtures/scenarios/fuzz.yaml", []byte(text))
		if err != nil {
			e := document.As(err)
			require.NotNil(t, e, "%v", err)
			require.Positive(t, e.Line, "%v", err)
			return
		}
		ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond) // a year of replication takes longer
		defer stop()
		r, err := s.Play(ctx, scenario.Options{})
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			require.NotNil(t, document.As(err), "%v", err)
			return
		}
		require.Equal(t, r.Passed, r.Failure == nil)
	})
}
