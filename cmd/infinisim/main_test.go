package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// start runs serve and reads what it prints until it is ready: a test waits on
// a condition and never on time.
func start(t *testing.T, args ...string) (line readyLine, printed *strings.Builder, stop func() error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ready")
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--ready-file", file}, args...), w, io.Discard)
		_ = w.Close()
		ended <- err
	}()
	printed = new(strings.Builder)
	buf := make([]byte, 4096)
	for !strings.Contains(printed.String(), "Ctrl-C ends it.") {
		n, err := r.Read(buf)
		printed.Write(buf[:n])
		if err != nil {
			cancel()
			require.NoError(t, <-ended)
			require.Fail(t, "ended before it served", printed.String())
		}
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	raw, err := os.ReadFile(file) // it was there before the greeting
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &line))
	return line, printed, func() error { cancel(); return <-ended }
}

func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	r.SetBasicAuth("admin", "123456")
	resp, err := client.Do(r)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, string(raw))
	return string(raw)
}

func TestServe_readyAndCleanEnd(t *testing.T) {
	t.Parallel()
	line, printed, stop := start(t, "--arrays", "3", "--tls", "--first", "4")
	require.Len(t, line.Arrays, 3)
	assert.Len(t, line.Links, 3)
	assert.Equal(t, "box-4", line.Arrays[0].Key)
	assert.Contains(t, printed.String(), "pip install infinisdk==289.1.4")
	for _, a := range line.Arrays {
		assert.Contains(t, get(t, http.DefaultClient, a.URL+"/api/rest/system?fields=name"), a.Name)
		assert.Contains(t, get(t, http.DefaultClient, a.URL+"/_sim/v1/health"), `"ok"`)
		secure := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // signed by itself
		assert.Contains(t, get(t, secure, *a.HTTPS+"/api/rest/system?fields=name"), a.Name)
	}
	assert.Contains(t, get(t, http.DefaultClient, line.Control+"/_sim/v1/health"), `"ok"`)
	assert.Contains(t, get(t, http.DefaultClient, line.Control+"/_sim/v1/clock"), `"system"`)
	require.NoError(t, stop())
}

func TestServe_badFlags(t *testing.T) {
	t.Parallel()
	for _, c := range [][]string{
		{"--arrays", "-1"},
		{"--links", "star"},
		{"--profile", "1.0"},
		{"--clock", "sundial"},
		{"--clock", "follow=http://127.0.0.1:1"},
		{"--peer", "box-2"},
		{"--peer", "box-2=http://127.0.0.1:1"},
		{"--fabric", "127.0.0.1:0"},
		{"--fabric", "nowhere", "--fabric-secret", "s"},
		{"--speed", "0"},
		{"--journal-entries", "0"},
		{"--journal-bytes", "-1"},
		{"--history-bytes", "-1"},
		{"--limits", "some"},
		{"--data", "/dev/null/x"},
		{"--first", "0"},
		{"--listen", "nowhere"},
		{"--control", "nowhere"},
		{"--control", "0.0.0.0:0"},
		{"--listen", "127.0.0.1:x"},
		{"--tls-cert", "x"},
		{"--tls", "--tls-cert", "none", "--tls-key", "none"},
		{"--demo", "--arrays", "2"},
		{"--demo", "--estate", "demo.yaml"},
		{"--demo", "--import", "lab.json"},
		{"--log-format", "xml"},
		{"--log-level", "loud"},
		{"--otlp-endpoint", "127.0.0.1:4318"},
		{"--evil"},
		{"more"},
	} {
		var out bytes.Buffer
		args := append([]string{"serve"}, c...)
		if c[0] != "--control" {
			args = append(args, "--control", "127.0.0.1:0")
		}
		if c[0] != "--listen" {
			args = append(args, "--listen", "127.0.0.1:0")
		}
		err := run(t.Context(), args, &out, io.Discard)
		require.Error(t, err, c)
		assert.Empty(t, out.String(), c)
	}
}

func TestLab_commandLine(t *testing.T) {
	t.Parallel()
	line, _, stop := start(t, "--control-token", "secret")
	do := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := run(t.Context(), append(args, "--control", line.Control), &out, io.Discard)
		return out.String(), err
	}
	_, err := do("lab", "list")
	require.ErrorContains(t, err, "401")
	lab := func(args ...string) string {
		out, err := do(append(append([]string{"lab"}, args...), "--control-token", "secret")...)
		require.NoError(t, err, args)
		return out
	}
	assert.Contains(t, lab("create", "one", "--arrays", "1", "--links", "none", "--seed", "4"), `"seed":4`)
	assert.Contains(t, lab("fork", "default", "two"), `"url":"http://`)
	assert.Equal(t, 3, strings.Count(lab("list"), `"seed"`))
	assert.Contains(t, lab("reset", "two"), "true")
	assert.Contains(t, lab("delete", "two"), "two")
	_, err = do("lab", "delete", "two", "--control-token", "secret")
	require.ErrorContains(t, err, "LAB_NOT_FOUND")
	out, err := do("health")
	require.NoError(t, err)
	assert.Equal(t, "ok\n", out)
	require.NoError(t, stop())
	_, err = do("health")
	require.Error(t, err)
}

// TestServe_data stops a server and starts another on the same directory.
func TestServe_data(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	line, _, stop := start(t, "--data", dir)
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"lab", "fork", "default", "copy", "--control", line.Control}, &out, io.Discard))
	require.ErrorContains(t, run(t.Context(), []string{
		"serve", "--data", dir, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0",
	}, io.Discard, io.Discard), "in use by another process")
	require.NoError(t, stop())
	again, _, stop := start(t, "--data", dir, "--arrays", "5")
	assert.Len(t, again.Arrays, 2)
	assert.Equal(t, line.Links, again.Links)
	out.Reset()
	require.NoError(t, run(t.Context(), []string{"lab", "list", "--control", again.Control}, &out, io.Discard))
	assert.Contains(t, out.String(), `"name":"copy"`)
	assert.Contains(t, out.String(), `"durable":true`)
	require.NoError(t, stop())
}

// TestServe_oneClockLeadsAnother links arrays of two servers; advancing the one
// moves both, from due time to due time.
func TestServe_oneClockLeadsAnother(t *testing.T) {
	t.Parallel()
	give := func(i int) []string {
		return []string{
			"--arrays", "1", "--links", "none", "--fabric-secret", "s", "--first", fmt.Sprint(i + 1), "--fabric", "127.0.0.1:0",
		}
	}
	leader, _, stop := start(t, append(give(0), "--clock", "manual")...)
	follower, _, stopFollower := start(t, append(give(1), "--clock", "follow="+leader.Control)...)
	assert.NotEmpty(t, leader.Fabric)
	assert.NotEmpty(t, follower.Fabric)
	post := func(url, body string) string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		raw, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return string(raw)
	}
	now := func(line readyLine) string {
		var c struct {
			NS string `json:"now_ns"`
		}
		require.NoError(t, json.Unmarshal([]byte(get(t, http.DefaultClient, line.Control+"/_sim/v1/clock")), &c))
		return c.NS
	}
	assert.Equal(t, now(leader), now(follower))
	assert.Contains(t, post(leader.Control+"/_sim/v1/clock/advance", `{"by":"90s"}`), `"now"`)
	assert.Equal(t, now(leader), now(follower))
	assert.Contains(t, post(leader.Control+"/_sim/v1/clock/settle", ""), `"blocked":[]`)
	assert.Contains(t, post(follower.Control+"/_sim/v1/clock/followers", `{}`), "url: required")
	require.NoError(t, stopFollower())
	assert.Contains(t, post(leader.Control+"/_sim/v1/clock/advance", `{"by":"1s"}`), "does not answer")
	require.NoError(t, stop())
}
