package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/scenario"
)

// TestRun_commandLine plays files by the command and reads its exit codes.
func TestRun_commandLine(t *testing.T) {
	t.Parallel()
	do := func(args ...string) (string, int) {
		var out bytes.Buffer
		if err := run(t.Context(), append([]string{"run"}, args...), &out, io.Discard); err != nil {
			return out.String(), codeOf(err)
		}
		return out.String(), 0
	}
	good := "../../fixtures/scenarios/clock-jump.yaml"
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("name: n\nestate: {arrays: [{name: a}]}\nsteps:\n- settle: blocked\n"), 0o600))
	out, code := do(good)
	assert.Equal(t, 0, code, out)
	assert.Contains(t, out, "1 passed, 0 failed, 0 refused\n")
	out, code = do(good, bad)
	assert.Equal(t, 1, code, out)
	assert.Contains(t, out, bad+`:4: step "settle"`)
	out, code = do("-o", "json", "--seed", "3", bad, good)
	assert.Equal(t, 1, code, out)
	var r scenario.Report
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	assert.Equal(t, []uint64{3, 3}, []uint64{r.Results[0].Seed, r.Results[1].Seed})
	assert.Equal(t, 4, r.Results[0].Failure.Line)
	for _, args := range [][]string{{}, {"gone.yaml"}, {good, "gone.yaml", bad}, {"-o", "xml", good}, {"--seed", "x", good}} {
		_, code := do(args...)
		assert.Equal(t, 2, code, args)
	}
}

// TestServe_estate serves an estate, and makes another lab of one.
func TestServe_estate(t *testing.T) {
	t.Parallel()
	line, _, stop := start(t, "--estate", "../../fixtures/estates/linked.yaml", "--seed", "4", "--clock", "manual")
	assert.Equal(t, []string{"north", "south"}, []string{line.Arrays[0].Name, line.Arrays[1].Name})
	assert.Equal(t, "town", line.Links[0].Name)
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"lab", "create", "small", "--control", line.Control, "--estate", "../../fixtures/estates/small.yaml"}, &out, io.Discard))
	assert.Contains(t, out.String(), `"seed":11`)
	assert.Contains(t, out.String(), `"name":"site"`)
	assert.Contains(t, get(t, http.DefaultClient, line.Control+"/_sim/v1/labs/default"), `"seed":4`)
	for _, args := range [][]string{
		{"lab", "create", "x", "--control", line.Control, "--estate", "gone.yaml"},
		{"lab", "create", "x", "--control", line.Control, "--arrays", "1", "--estate", "../../fixtures/estates/small.yaml"},
		{"serve", "--estate", "gone.yaml"},
		{"serve", "--estate", "../../fixtures/scenarios/clock-jump.yaml"},
		{"serve", "--arrays", "1", "--estate", "../../fixtures/estates/small.yaml"},
	} {
		require.Error(t, run(t.Context(), args, io.Discard, io.Discard), args)
	}
	require.NoError(t, stop())
}
