package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClock_commandLine(t *testing.T) {
	t.Parallel()
	line, _, stop := start(t, "--clock", "manual", "--check")
	do := func(ctx context.Context, args ...string) (string, error) {
		var out bytes.Buffer
		err := run(ctx, append(args, "--control", line.Control), &out, io.Discard)
		return out.String(), err
	}
	get(t, http.DefaultClient, line.Arrays[0].URL+"/api/rest/system")
	out, err := do(t.Context(), "clock", "advance", "2d")
	require.NoError(t, err)
	assert.Contains(t, out, `"state":"DONE","from":1735689600000,"to":1735862400000,"now":1735862400000,"share":1`)
	out, err = do(t.Context(), "clock", "settle")
	require.NoError(t, err)
	assert.Contains(t, out, `"blocked":[]`)
	out, err = do(t.Context(), "clock", "show")
	require.NoError(t, err)
	assert.Contains(t, out, `"mode":"manual"`)
	_, err = do(t.Context(), "clock", "freeze", "--lab", "none")
	require.ErrorContains(t, err, "LAB_NOT_FOUND")
	_, err = do(t.Context(), "clock", "advance", "soon")
	require.ErrorContains(t, err, "no duration like 30s or 2d")
	assert.Contains(t, get(t, http.DefaultClient, line.Control+"/_sim/v1/check"), `{"checks":true,"first":null}`)
	out, err = do(t.Context(), "lab", "travel", "default", "1", "before")
	require.NoError(t, err)
	assert.Contains(t, out, `"path":"/api/rest/system"`)
	_, err = do(t.Context(), "lab", "travel", "default", "one", "before")
	require.ErrorContains(t, err, "no number")
	require.NoError(t, stop())
}

// TestClock_interrupted ends the command in the middle of a long move.
func TestClock_interrupted(t *testing.T) {
	t.Parallel()
	line, _, stop := start(t, "--clock", "manual", "--arrays", "6")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	var out bytes.Buffer
	go func() {
		ended <- run(ctx, []string{"clock", "advance", "36000d", "--control", line.Control}, &out, io.Discard)
	}()
	for !strings.Contains(get(t, http.DefaultClient, line.Control+"/_sim/v1/operations"), "RUNNING") {
		require.Empty(t, ended)
	}
	cancel()
	require.ErrorContains(t, <-ended, "cancelled")
	assert.Contains(t, out.String(), `"state":"CANCELLED"`)
	require.NoError(t, stop())
}

func TestClock_progress(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "2025-01-01 10:00:00  7 jobs", line(operation{State: "RUNNING", Now: 1735725600000, Share: 0.41666, Count: 7}))
	assert.Equal(t, "[##########--------------]  42.0%", bar(0.42))
	assert.Equal(t, "[########################] 100.0%", bar(1))
}

// TestServe_bothStayInStep leads another process's clock through a long move
// that is cancelled, and through one that is not.
func TestServe_bothStayInStep(t *testing.T) {
	t.Parallel()
	give := func(i int) []string {
		return []string{"--arrays", "1", "--links", "none", "--first", fmt.Sprint(i + 1)}
	}
	leader, _, stop := start(t, append(give(0), "--clock", "manual")...)
	follower, _, stopFollower := start(t, append(give(1), "--clock", "follow="+leader.Control)...)
	var o operation
	ask := func(method, path, body string) {
		r, err := http.NewRequestWithContext(t.Context(), method, leader.Control+"/_sim/v1/"+path, strings.NewReader(body))
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		o = operation{}
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&o))
	}
	inStep := func() {
		var one, other struct {
			Now  string `json:"now_ns"`
			Next string `json:"next_ns"`
		}
		require.NoError(t, json.Unmarshal([]byte(get(t, http.DefaultClient, leader.Control+"/_sim/v1/clock")), &one))
		require.NoError(t, json.Unmarshal([]byte(get(t, http.DefaultClient, follower.Control+"/_sim/v1/clock")), &other))
		assert.Equal(t, one.Now, other.Now)
		assert.Greater(t, one.Next, one.Now)
		assert.Greater(t, other.Next, other.Now)
	}
	ask(http.MethodPost, "clock/advance", `{"by":"36000d","async":true}`)
	require.Equal(t, "RUNNING", o.State)
	path := fmt.Sprintf("operations/%d", o.ID)
	for o.Count == 0 {
		ask(http.MethodGet, path+"?wait=1ms", "")
	}
	ask(http.MethodDelete, path, "")
	require.Equal(t, "CANCELLED", o.State)
	inStep()
	ask(http.MethodPost, "clock/advance", `{"by":"20d","async":true}`)
	ask(http.MethodGet, fmt.Sprintf("operations/%d?wait=2m", o.ID), "")
	require.Equal(t, "DONE", o.State)
	assert.GreaterOrEqual(t, o.Count, 20)
	inStep()
	require.NoError(t, stop())
	require.NoError(t, stopFollower())
}
