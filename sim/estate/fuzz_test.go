package estate_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"infinisim/sim/document"
	"infinisim/sim/estate"
	"infinisim/sim/lab"
)

// FuzzEstate reads any text as an estate and builds what it takes: a refusal
// names a line of the file, and what was built is as it must be.
func FuzzEstate(f *testing.F) {
	files, err := filepath.Glob("../../fixtures/estates/*.yaml")
	require.NoError(f, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(string(raw))
	}
	for _, text := range []string{
		"", "arrays: []\n", "arrays: [{name: a}]\n", `{"arrays":[{"name":"a"},{"name":"b"}],"links":[{"between":["a","b"]}]}`,
		"seed: 7\narrays:\n- name: a\n  profile: '7.2'\n  pools: [{name: p, physical_capacity: 1TB, virtual_capacity: 2TB}]\n" +
			"  volumes: [{name: 'v{n}', count: 3, pool: p, size: 1GB}]\n  hosts: [{name: h}]\n  luns: [{host: h, volume: v1}]\n",
		"arrays:\n- name: a\n  pools:\n  - &x {name: p}\n  - *x\n", "arrays:\n- {name: a, features: {qos: false}}\nfaults: [{site: http, effect: {type: reset}}]\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := estate.Parse("fuzz.yaml", []byte(text))
		if err != nil {
			requireLine(t, err)
			return
		}
		ctx, stop := context.WithTimeout(t.Context(), 2*time.Second) // a large one takes longer
		defer stop()
		l, err := e.Build(ctx, lab.Options{})
		if ctx.Err() != nil {
			if err == nil {
				_ = l.Close()
			}
			return
		}
		if err != nil {
			requireLine(t, err)
			return
		}
		bad, err := l.Check(t.Context())
		require.NoError(t, err)
		require.Empty(t, bad)
		require.NoError(t, l.Close())
	})
}

func requireLine(t *testing.T, err error) {
	t.Helper()
	e := document.As(err)
	require.NotNil(t, e, "%v", err)
	require.Positive(t, e.Line, "%v", err)
}
