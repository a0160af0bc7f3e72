package replication_test

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"infinisim/sim/simtest"
)

var update = flag.Bool("update", false, "write the golden scripts anew")

// TestScripts plays the golden script of each kind.
func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.script")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			simtest.RunScript(t, file, *update)
		})
	}
}
