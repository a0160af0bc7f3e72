package infinisim_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
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

// TestDocs_lines finds each line of blocks that quote a file in that file.
func TestDocs_lines(t *testing.T) {
	t.Parallel()
	quoted := regexp.MustCompile("(?ms)^<!-- from: (\\S+) -->\n```\\w+\n(.*?)^```$")
	pages, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	lines := 0
	for _, page := range pages {
		raw, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, block := range quoted.FindAllStringSubmatch(string(raw), -1) {
			file, err := os.ReadFile(block[1])
			require.NoError(t, err, page)
			for line := range strings.Lines(block[2]) {
				lines++
				assert.Contains(t, string(file), strings.TrimSpace(line), "%s quotes %s", page, block[1])
			}
		}
	}
	assert.Positive(t, lines, "lines that quote a file")
}
