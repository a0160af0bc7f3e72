package scenario_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/estate"
	"infinisim/sim/lab"
	"infinisim/sim/scenario"
)

// TestDocs_examples builds the estate of the manual and plays its scenario.
func TestDocs_examples(t *testing.T) {
	t.Parallel()
	const file = "../../docs/scenarios.md"
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	all := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(raw), -1)
	require.Len(t, all, 2)
	e, err := estate.Parse(file, []byte(all[0][1]))
	require.NoError(t, err)
	l, err := e.Build(t.Context(), lab.Options{})
	require.NoError(t, err)
	require.NoError(t, l.Close())
	s, err := scenario.Parse(file, []byte(all[1][1]))
	require.NoError(t, err)
	got, err := s.Play(t.Context(), scenario.Options{})
	require.NoError(t, err)
	assert.Nil(t, got.Failure, "%v", got.Failure)
}

// TestDocs_everyKey asks the reader of scenarios for its keys, by one that none
// has, and finds each in the manual.
func TestDocs_everyKey(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../docs/scenarios.md")
	require.NoError(t, err)
	step := func(text string) string { return head + "steps:\n- " + text + "\n" }
	for name, text := range map[string]string{
		"a scenario": head + "steps: []\nx: 1\n",
		"a step":     step("x: 1"),
		"a request":  step("request: {x: 1}"),
		"an answer":  step("request: {do: GET volumes, expect: {x: 1}}"),
		"an object":  step("object: {x: 1}"),
		"events":     step("events: {x: 1}"),
		"a digest":   step("digest: {x: 1}"),
		"a write":    step("write: {x: 1}"),
		"a workload": step("workload: {x: 1}"),
		"a cut":      step("cut: {x: 1}"),
		"a link":     step("link: {x: 1}"),
		"an estate":  "name: n\nestate: {x: 1}\nsteps: []\n",
		"a clock":    "name: n\nestate: {arrays: [], clock: {x: 1}}\nsteps: []\n",
		"its link":   "name: n\nestate: {arrays: [], links: [{x: 1}]}\nsteps: []\n",
	} {
		_, err := scenario.Parse("s.yaml", []byte(text))
		_, keys, found := strings.Cut(err.Error(), "unknown, this takes ")
		require.True(t, found, "%s: %v", name, err)
		for key := range strings.SplitSeq(keys, ", ") {
			assert.Contains(t, string(raw), "`"+key+"`", "docs/scenarios.md does not have %s of %s", key, name)
		}
	}
}
