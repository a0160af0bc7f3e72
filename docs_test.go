package infinisim_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDocs_files holds blocks of the manual against the files that they show.
// make docs writes them.
func TestDocs_files(t *testing.T) {
	t.Parallel()
	shown := regexp.MustCompile("(?ms)^<!-- file: (\\S+) -->\n```(\\w+)\n.*?^```$")
	pages, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	blocks := 0
	for _, page := range pages {
		raw, err := os.ReadFile(page)
		require.NoError(t, err)
		now := shown.ReplaceAllFunc(raw, func(block []byte) []byte {
			blocks++
			parts := shown.FindSubmatch(block)
			file, err := os.ReadFile(string(parts[1]))
			require.NoError(t, err, page)
			return []byte("<!-- file: " + string(parts[1]) + " -->\n```" + string(parts[2]) + "\n" + string(file) + "```")
		})
		if *update {
			require.NoError(t, os.WriteFile(page, now, 0o600))
			continue
		}
		if string(now) != string(raw) { // without printing both
			assert.Fail(t, page+" shows a file as it no longer is: make docs")
		}
	}
	assert.GreaterOrEqual(t, blocks, 6, "blocks that show a file")
}
