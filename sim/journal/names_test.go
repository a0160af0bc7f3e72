package journal

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestNamesSecret_isTheLongWay compares the one pass with a search for each
// word.
func TestNamesSecret_isTheLongWay(t *testing.T) {
	t.Parallel()
	pieces := append(secretWords(), `"`, `"`, `\`, "u", ":", "x", "PassWord", "TOKEN", "é", "", "İ", privateKey)
	rapid.Check(t, func(rt *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom(pieces)).Draw(rt, "text"), "")
		lower := strings.ToLower(text)
		want := strings.Contains(text, `\u`) || strings.Contains(text, privateKey) || slices.ContainsFunc(secretWords(), func(word string) bool { return strings.Contains(lower, word+`"`) })
		require.Equal(rt, want, NamesSecret(text), text)
	})
}
