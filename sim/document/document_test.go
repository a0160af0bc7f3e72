package document_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/document"
)

// all has a member of every type that documents are read into.
type all struct {
	Text  string                   `yaml:"text,required"`
	Int   int                      `json:"int,omitempty"`
	Big   *int64                   `yaml:"big"`
	Seed  uint64                   `yaml:"seed"`
	Float float64                  `yaml:"float"`
	Bool  bool                     `yaml:"bool"`
	For   time.Duration            `yaml:"for"`
	At    time.Time                `yaml:"at"`
	Size  document.Size            `yaml:"size"`
	List  []string                 `yaml:"list"`
	Map   map[string]document.Size `yaml:"map"`
	Raw   json.RawMessage          `yaml:"raw"`
	Node  document.Node            `yaml:"node"`
	inner
	Hidden string `json:"-"`
}

type inner struct {
	Deep struct {
		Odds float64 `json:"odds"`
	} `yaml:"deep"`
}

func TestInto_everyType(t *testing.T) {
	t.Parallel()
	n, err := document.Parse("d.yaml", []byte(`# a comment
text: "007"
int: 5_000
big: 9007199254740993
seed: 7
float: 2
bool: true
for: 1h30m
at: 2025-01-01T00:00:00Z
size: 1.5TB
list: [a, "true"]
map: {x: 4KiB, y: 5}
raw: {a: [1, 2.5, null, on, 2025-01-01]}
node: {b: c}
`))
	require.NoError(t, err)
	var got all
	require.NoError(t, n.Into(&got))
	assert.Equal(t, []any{"007", 5000, int64(9007199254740993), uint64(7), 2.0, true}, []any{got.Text, got.Int, *got.Big, got.Seed, got.Float, got.Bool})
	assert.Equal(t, []any{90 * time.Minute, "2025-01-01T00:00:00Z", document.Size(1.5e12)}, []any{got.For, got.At.Format(time.RFC3339), got.Size})
	assert.Equal(t, []string{"a", "true"}, got.List)
	assert.Equal(t, map[string]document.Size{"x": 4096, "y": 5}, got.Map)
	assert.JSONEq(t, `{"a":[1,2.5,null,"on","2025-01-01"]}`, string(got.Raw))
	assert.Equal(t, []any{14, "node.b"}, []any{got.Node.Get("b").Line(), got.Node.Get("b").Field()})
}

// TestInto_refusals finds what is not as the struct has it.
func TestInto_refusals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"int: 1":                      "d.yaml:1: text is missing",
		"text: 7":                     "d.yaml:1: text: 7 is not a text",
		"text: a\nint: 1.5":           "d.yaml:2: int: 1.5 is not a whole number",
		"text: a\nint: \"1\"":         `d.yaml:2: int: "1" is not a whole number`,
		"text: a\nbig: {}":            "d.yaml:2: big: a mapping is not a whole number",
		"text: a\nfloat: .nan":        "d.yaml:2: float: .nan is not a number",
		"text: a\nbool: yes":          `d.yaml:2: bool: "yes" is not true or false`,
		"text: a\nfor: 5":             "d.yaml:2: for: 5 is not a duration like 30s or 1h30m",
		"text: a\nsize: 1.5B":         `d.yaml:2: size: "1.5B" is not a number of bytes like 10TB, 512KiB or 1048576`,
		"text: a\nsize: 99999PB":      `d.yaml:2: size: "99999PB" is not a number of bytes like 10TB, 512KiB or 1048576`,
		"text: a\nlist: b":            `d.yaml:2: list: "b" is not a list`,
		"text: a\nlist:\n- b\n- 3":    "d.yaml:4: list[1]: 3 is not a text",
		"text: a\nmap: []":            "d.yaml:2: map: an empty list is not a mapping",
		"text: a\ndeep:\n  odss: 1":   "d.yaml:3: deep.odss: unknown, this takes odds",
		"text: a\nHidden: b":          "d.yaml:2: Hidden: unknown, this takes text, int, big",
		"text: a\n? [x]\n: y":         "a key is a word",
		"text: *x":                    "anchor",
		"text: a\n\tint: 1":           "d.yaml:2:",
		"text: a\nnode: {a: 1, a: 2}": "d.yaml:2: node.a: comes twice, first in line 2",
	} {
		n, err := document.Parse("d.yaml", []byte(text))
		if err == nil {
			err = n.Into(new(all))
		}
		require.Error(t, err, text)
		assert.Contains(t, err.Error(), want)
		assert.NotNil(t, document.As(err), text)
	}
}
