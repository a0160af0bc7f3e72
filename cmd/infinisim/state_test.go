package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestState_commandLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	line, _, stop := start(t, "--clock", "manual", "--data", filepath.Join(dir, "data"))
	do := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := run(t.Context(), append(args, "--control", line.Control), &out, io.Discard)
		return out.String(), err
	}
	must := func(args ...string) string {
		out, err := do(args...)
		require.NoError(t, err, args)
		return out
	}
	assert.Contains(t, must("lab", "snapshot", "default", "a"), `"durable":true`)
	assert.Contains(t, must("lab", "fork", "default", "b", "--snapshot", "a"), `"name":"b"`)
	assert.Contains(t, must("lab", "restore", "default", "a"), `"name":"default"`)
	file := filepath.Join(dir, "lab.jsonl")
	must("export", file)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(text), must("export", "-"))
	assert.Contains(t, must("import", file, "--lab", "c"), `"name":"c"`)
	assert.Equal(t, string(text), must("export", "-", "--lab", "c"))
	assert.Contains(t, must("generate", "--pools", "1", "--volumes", "20", "--lab", "c"), `"objects":21`)
	for _, c := range []struct {
		want string
		args []string
	}{
		{"--lab", []string{"import", file}},
		{"LAB_EXISTS", []string{"import", file, "--lab", "c"}},
		{"no such file", []string{"import", file + "x", "--lab", "d"}},
		{"LAB_NOT_FOUND", []string{"export", "-", "--lab", "d"}},
		{"no such file", []string{"export", filepath.Join(dir, "none", "x")}},
	} {
		_, err := do(c.args...)
		require.ErrorContains(t, err, c.want)
	}
	require.NoError(t, stop())

	line, _, stop = start(t, "--clock", "manual", "--import", file)
	assert.Equal(t, string(text), must("export", "-"))
	require.NoError(t, stop())
	err = run(t.Context(), []string{"serve", "--clock", "manual", "--import", file, "--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "default.db")
	require.NoError(t, os.WriteFile(file, text[:len(text)/2], 0o600))
	err = run(t.Context(), []string{"serve", "--import", file, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "line ")
}

func TestGenerate_withoutAServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	do := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := run(t.Context(), append([]string{"generate", "--pools", "2", "--volumes", "50", "--seed", "7"}, args...), &out, io.Discard)
		return out.String(), err
	}
	one, err := do("--out", "-", "--arrays", "1", "--links", "none")
	require.NoError(t, err)
	file := filepath.Join(dir, "lab.jsonl")
	_, err = do("--out", file, "--arrays", "1", "--links", "none")
	require.NoError(t, err)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, one, string(text))
	data := filepath.Join(dir, "data")
	out, err := do("--data", data)
	require.NoError(t, err)
	assert.Contains(t, out, `"objects":52`)
	_, err = do("--data", data)
	require.ErrorContains(t, err, "is taken")
	_, err = do("--data", data, "--prefix", "more-")
	require.NoError(t, err)
	_, err = do("--data", data, "--out", file)
	require.ErrorContains(t, err, "one of them")
	_, err = do("--out", file, "--limits", "some")
	require.ErrorContains(t, err, "--limits")
}
