package scenario_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/scenario"
)

const fixtures = "../../fixtures/scenarios"

// TestFixtures_pass plays every scenario of the fixtures, with its own seed and
// with another.
func TestFixtures_pass(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(fixtures, "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			s, err := scenario.Read(file)
			require.NoError(t, err)
			seed := uint64(987)
			for _, o := range []scenario.Options{{}, {Seed: &seed}} {
				got, err := s.Play(t.Context(), o)
				require.NoError(t, err)
				assert.Nil(t, got.Failure, "%s: %v", file, got.Failure)
				assert.True(t, got.Passed)
			}
		})
	}
}
