package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// logged is what a process logged.
type logged struct {
	mu  sync.Mutex
	raw bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.raw.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.raw.String()
}

// startLogged runs serve until it is ready and keeps its log.
func startLogged(t *testing.T, args ...string) (line readyLine, log *logged, stop func() error) {
	t.Helper()
	log = new(logged)
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--ready-file", "-"}, args...), w, log)
		_ = w.Close()
		ended <- err
	}()
	text, err := bufio.NewReader(r).ReadBytes('\n')
	require.NoError(t, err, log.String())
	go func() { _, _ = io.Copy(io.Discard, r) }()
	require.NoError(t, json.Unmarshal(text, &line))
	return line, log, func() error { cancel(); return <-ended }
}

// send makes a request and gives the status.
func send(t *testing.T, method, url, body string, set func(r *http.Request)) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	set(r)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

// TestServe_logHasNoSecrets plants passwords and tokens everywhere and looks
// for them in everything that is logged.
func TestServe_logHasNoSecrets(t *testing.T) {
	t.Parallel()
	line, log, stop := startLogged(t, "--log-format", "json", "--log-level", "debug", "--control-token", "planted-token",
		"--fabric", "127.0.0.1:0", "--fabric-secret", "planted-secret")
	array := line.Arrays[0].URL + "/api/rest/"
	admin := func(r *http.Request) { r.SetBasicAuth("admin", "123456") }
	token := func(r *http.Request) { r.Header.Set("Authorization", "Bearer planted-token") }
	assert.Equal(t, http.StatusCreated, send(t, http.MethodPost, array+"users", `{"name":"eve","password":"Planted-password-1","email":"e@example.com","role":"ADMIN"}`, admin))
	assert.Equal(t, http.StatusOK, send(t, http.MethodGet, array+"volumes", "", func(r *http.Request) { r.SetBasicAuth("eve", "Planted-password-1") }))
	assert.Equal(t, http.StatusUnauthorized, send(t, http.MethodGet, array+"volumes", "", func(r *http.Request) { r.SetBasicAuth("eve", "Planted-guess") }))
	assert.Equal(t, http.StatusOK, send(t, http.MethodPut, line.Control+"/_sim/v1/arrays/box-1/users/eve/password", `{"password":"Planted-password-2"}`, token))
	assert.Equal(t, http.StatusUnauthorized, send(t, http.MethodGet, line.Control+"/_sim/metrics", "", func(r *http.Request) { r.Header.Set("Authorization", "Bearer Planted-guess") }))
	require.NoError(t, stop())
	assert.NotContains(t, strings.ToLower(log.String()), "planted")

	var said []string
	for text := range strings.Lines(log.String()) {
		var entry map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &entry), text)
		said = append(said, entry["level"].(string)+" "+entry["msg"].(string))
		if entry["msg"] == "request" && entry["status"] == float64(http.StatusUnauthorized) {
			assert.Equal(t, []any{"box-1", "GET", "/api/rest/volumes"}, []any{entry["array"], entry["method"], entry["path"]})
			assert.NotEmpty(t, entry["code"])
		}
	}
	for _, want := range []string{"INFO starts", "INFO array listens", "INFO serves", "DEBUG request", "DEBUG control request", "INFO shuts down", "INFO ends"} {
		assert.Contains(t, said, want)
	}
	assert.Equal(t, "INFO starts", said[0])
	assert.Equal(t, "INFO ends", said[len(said)-1])
}

func TestServe_quietUnlessAsked(t *testing.T) {
	t.Parallel()
	line, log, stop := startLogged(t)
	get(t, http.DefaultClient, line.Arrays[0].URL+"/api/rest/volumes")
	require.NoError(t, stop())
	assert.Empty(t, log.String())
}

func TestServe_refusedConfigurationIsLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	err := run(t.Context(), []string{"serve", "--log-format", "json", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--limits", "some"}, io.Discard, &log)
	require.ErrorContains(t, err, "--limits")
	assert.Contains(t, log.String(), `"level":"ERROR"`)
	assert.Contains(t, log.String(), `--limits`)
}

// TestServe_logsPeers has the process of a peer end and come back.
func TestServe_logsPeers(t *testing.T) {
	t.Parallel()
	down := true
	var mu sync.Mutex
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if down {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer peer.Close()
	line, log, stop := startLogged(t, "--log-level", "info", "--arrays", "1", "--links", "none", "--clock", "manual", "--peer", "box-2="+peer.URL, "--fabric-secret", "s")
	meet := func() {
		send(t, http.MethodPost, line.Arrays[0].URL+"/api/rest/links", `{"name":"x","remote_host":"box-2","local_replication_network_space_id":1}`, func(r *http.Request) { r.SetBasicAuth("admin", "123456") })
		send(t, http.MethodPost, line.Control+"/_sim/v1/clock/advance", `{"by":"1h"}`, func(*http.Request) {})
	}
	meet()
	mu.Lock()
	down = false
	mu.Unlock()
	meet()
	require.NoError(t, stop())
	assert.Equal(t, 1, strings.Count(log.String(), `msg="peer is lost" lab=default peer=box-2`))
	assert.Equal(t, 1, strings.Count(log.String(), `msg="peer is found" lab=default peer=box-2`))
}

// TestServe_sendsSpans has a collector get the spans of a process by the time
// it has ended.
func TestServe_sendsSpans(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []string
	c := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.URL.Path, string(raw))
	}))
	defer c.Close()
	line, _, stop := startLogged(t, "--otlp-endpoint", c.URL)
	get(t, http.DefaultClient, line.Arrays[0].URL+"/api/rest/volumes")
	require.NoError(t, stop())
	mu.Lock()
	defer mu.Unlock()
	assert.Contains(t, got, "/v1/traces")
	assert.True(t, slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "GET /api/rest/volumes") }))
}

func TestServe_metrics(t *testing.T) {
	t.Parallel()
	line, _, stop := startLogged(t, "--data", filepath.Join(t.TempDir(), "labs"))
	get(t, http.DefaultClient, line.Arrays[1].URL+"/api/rest/volumes")
	text := get(t, http.DefaultClient, line.Control+"/_sim/metrics")
	assert.Contains(t, text, `infinisim_http_requests_total{array="box-2",code="",lab="default",method="GET",route="volumes",status="200"} 1`)
	assert.Contains(t, text, `infinisim_link_up{`)
	require.NoError(t, stop())
}
