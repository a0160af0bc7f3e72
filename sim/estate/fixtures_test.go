package estate_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/estate"
	"infinisim/sim/lab"
)

const fixtures = "../../fixtures/estates"

// TestFixtures_areWhatTheySay builds every estate of the fixtures; nothing in
// it is as it must not be.
func TestFixtures_areWhatTheySay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(fixtures, "*.yaml"))
	require.NoError(t, err)
	require.Len(t, files, 6)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			e, err := estate.Read(file)
			require.NoError(t, err)
			l, err := e.Build(t.Context(), lab.Options{})
			require.NoError(t, err)
			defer func() { require.NoError(t, l.Close()) }()
			bad, err := l.Check(t.Context())
			require.NoError(t, err)
			assert.Empty(t, bad)
		})
	}
}
