package scenario_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"infinisim/sim/document"
	"infinisim/sim/scenario"
)

// TestParse_damaged spoils a story and its estate in many places, one at a time:
// what is read is a scenario, or is refused with a place.
func TestParse_damaged(t *testing.T) {
	t.Parallel()
	estate, err := os.ReadFile("../../fixtures/estates/small.yaml")
	require.NoError(t, err)
	steps, err := os.ReadFile(filepath.Join(fixtures, "slow-answers.yaml"))
	require.NoError(t, err)
	text := strings.Replace(string(steps), "estate: ../estates/small.yaml", "estate:\n  "+strings.ReplaceAll(string(estate), "\n", "\n  "), 1)
	_, err = scenario.Parse("s.yaml", []byte(text))
	require.NoError(t, err)
	values := regexp.MustCompile(`: [^\s{\[][^,}\n]*`).FindAllStringIndex(text, -1)
	require.Greater(t, len(values), 100)
	for i, at := range values {
		junk := []string{": null", ": []", ": {}", ": -1", ": [{a: {}}]", ": \"${x\"", ": \"%d/${/}\"", ""}
		for _, bad := range []string{junk[i%len(junk)], junk[(i/7+3)%len(junk)]} {
			_, err := scenario.Parse("s.yaml", []byte(text[:at[0]]+bad+text[at[1]:]))
			require.True(t, err == nil || document.As(err) != nil, "%s: %v", text[at[0]:at[1]], err)
		}
	}
	lines := strings.SplitAfter(text, "\n")
	for i := range lines {
		_, err := scenario.Parse("s.yaml", []byte(strings.Join(slices.Delete(slices.Clone(lines), i, i+1), "")))
		require.True(t, err == nil || document.As(err) != nil, "without line %d: %v", i+1, err)
	}
}
