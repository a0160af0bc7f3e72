package state

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestMembers_areThoseOfADecoder splits objects of all values with white space
// between, and compares with encoding/json.
func TestMembers_areThoseOfADecoder(t *testing.T) {
	t.Parallel()
	values := []string{`1`, `-0.5e+3`, `true`, `null`, `""`, `"a\"}b\\"`, `"é,:"`, `{}`, `[]`, `{"a":[1,{"b":"]"}]}`, `[ "}" , [ ] ]`}
	space := rapid.SampledFrom([]string{"", " ", "\t", " \r\n "})
	rapid.Check(t, func(rt *rapid.T) {
		var text strings.Builder
		put := func(s string) { text.WriteString(s + space.Draw(rt, "space")) }
		put("{")
		keys := rapid.SliceOfDistinct(rapid.SampledFrom([]string{`"id"`, `"a b"`, `"\u0041"`, `"{"`, `"\""`}), rapid.ID[string]).Draw(rt, "keys")
		for i, key := range keys {
			if i > 0 {
				put(",")
			}
			put(key)
			put(":")
			put(rapid.SampledFrom(values).Draw(rt, "value"))
		}
		put("}")
		names, all, err := members(json.RawMessage(text.String()))
		require.NoError(rt, err, text.String())
		want := map[string]json.RawMessage{}
		require.NoError(rt, json.Unmarshal([]byte(text.String()), &want))
		require.Len(rt, names, len(keys))
		require.Len(rt, all, len(want))
		for name, value := range want {
			require.Equal(rt, string(bytes.TrimSpace(value)), string(all[name]), "%s of %s", name, text.String())
		}
		cut := text.String()[:rapid.IntRange(0, strings.LastIndex(text.String(), "}")).Draw(rt, "cut")]
		_, _, err = members(json.RawMessage(cut))
		require.Error(rt, err, cut)
	})
}
