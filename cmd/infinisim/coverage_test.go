package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/coverage"
)

func TestCoverage_commandLine(t *testing.T) {
	t.Parallel()
	line, _, stop := start(t)
	get(t, http.DefaultClient, line.Arrays[0].URL+"/api/rest/pools")
	do := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := run(t.Context(), append([]string{"coverage"}, args...), &out, io.Discard)
		return out.String(), err
	}
	dir := t.TempDir()
	a, b, sum := filepath.Join(dir, "a.json"), filepath.Join(dir, "b.json"), filepath.Join(dir, "sum.json")
	for _, name := range []string{a, b} {
		out, err := do("--control", line.Control, "--format", "json")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(name, []byte(out), 0o600))
	}
	out, err := do("merge", a, b)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(sum, []byte(out), 0o600))
	r, err := coverage.Read(bytes.NewBufferString(out))
	require.NoError(t, err)
	assert.Equal(t, 2, r.Endpoints["GET pools"])
	out, err = do("--file", sum, "--never")
	require.NoError(t, err)
	assert.Contains(t, out, "never DELETE pools/{id}")
	_, err = do("--control", line.Control, "--lab", "default", "--threshold", "endpoints=0.1", "--threshold", "0")
	require.NoError(t, err)
	_, err = do("--file", sum, "--threshold", "99", "--threshold", "states=1")
	require.ErrorContains(t, err, "coverage: total is ")
	require.ErrorContains(t, err, "coverage: states is 0.0 %, less than 1.0 %")
	out, err = do("--file", a, "--file", b, "--format", "html")
	require.NoError(t, err)
	assert.Contains(t, out, "<html")
	for _, args := range [][]string{
		{"--threshold", "much"},
		{"--threshold", "101"},
		{"--threshold", "rules=1"},
		{"--file", "none"},
		{"--file", a, "--format", "pdf"},
		{"merge"},
		{"merge", filepath.Join(dir, "none")},
		{"--control", line.Control, "--lab", "none"},
	} {
		_, err := do(args...)
		require.Error(t, err, args)
	}
	require.NoError(t, stop())
}
