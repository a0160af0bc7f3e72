package control_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// watching reads the updates of a stream.
type watching struct {
	t     *testing.T
	lines *bufio.Scanner
}

func watch(t *testing.T, p *plane, path string) *watching {
	t.Helper()
	server := httptest.NewServer(p.server)
	t.Cleanup(server.Close)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/_sim/v1/"+path, http.NoBody)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	return &watching{t: t, lines: bufio.NewScanner(resp.Body)}
}

// next is the name of the next event and what it says.
func (w *watching) next() (name string, v map[string]any) {
	w.t.Helper()
	for w.lines.Scan() {
		if text, ok := strings.CutPrefix(w.lines.Text(), "event: "); ok {
			name = text
		}
		if text, ok := strings.CutPrefix(w.lines.Text(), "data: "); ok {
			require.NoError(w.t, json.Unmarshal([]byte(text), &v))
			return name, v
		}
	}
	return "", nil
}

func TestWatch_tellsWhatChanged(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	w := watch(t, p, "watch")
	name, first := w.next()
	assert.Equal(t, "overview", name)
	assert.Equal(t, "default", first["lab"])
	assert.Len(t, first["arrays"], 2)
	assert.InDelta(t, 0, first["faults"], 0)

	// What happens in a burst is one update.
	for range 20 {
		p.array("box-1", http.MethodGet, "system", "")
	}
	p.ok(http.MethodPost, "faults", `{"id":"f","site":"http","array":"box-1","path":"volumes","effect":{"type":"error","code":"INTERNAL_ERROR"}}`)
	updates := 0
	for last := map[string]any(nil); last["entry"] != float64(20) || last["faults"] != float64(1); updates++ {
		_, last = w.next()
		require.NotNil(t, last)
		assert.GreaterOrEqual(t, last["version"], first["version"])
	}
	assert.LessOrEqual(t, updates, 4)

	p.ok(http.MethodPost, "clock/advance", `{"by":"1h"}`)
	for last := first; last["clock"].(map[string]any)["now"] != first["clock"].(map[string]any)["now"].(float64)+3_600_000; {
		_, last = w.next()
		require.NotNil(t, last)
	}
}

// TestWatch_ends has a stream end with its lab, and with the control plane.
func TestWatch_ends(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	p.ok(http.MethodPost, "labs", `{"name":"brief"}`)
	w := watch(t, p, "labs/brief/watch")
	w.next()
	p.ok(http.MethodDelete, "labs/brief", "")
	name := "overview"
	for name == "overview" {
		name, _ = w.next()
	}
	assert.Equal(t, "gone", name)

	w = watch(t, p, "watch")
	w.next()
	require.NoError(t, p.server.Close())
	for v := map[string]any{}; v != nil; {
		_, v = w.next()
	}
	assert.False(t, w.lines.Scan())
}

func TestWatch_refusals(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	status, text := p.do(http.MethodGet, "watch?updates=many", "")
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, text, "updates")
	status, text = p.do(http.MethodGet, "watch?updates=1", "")
	assert.Equal(t, http.StatusOK, status)
	assert.True(t, strings.HasPrefix(text, "event: overview\ndata: {"), text)
}

// TestAsk_onlyLooks has what the array answers, and nothing that stays.
func TestAsk_onlyLooks(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	volume := p.volume()
	p.ok(http.MethodPost, "faults", `{"site":"http","effect":{"type":"error","code":"INTERNAL_ERROR"}}`)
	entries, state := len(p.entries("entry=all")), p.ok(http.MethodGet, "watch?updates=1", "")
	one := p.ok(http.MethodGet, fmt.Sprintf("arrays/box-1/rest/volumes/%v?fields=id,name", volume), "")
	assert.Equal(t, volume, one["result"].(map[string]any)["id"])
	page := p.ok(http.MethodGet, "arrays/box-1/rest/events?sort=-id&page_size=2", "")
	assert.Len(t, page["result"], 2)
	assert.InDelta(t, 2, page["metadata"].(map[string]any)["page_size"], 0)
	assert.NotEmpty(t, p.ok(http.MethodGet, "arrays/box-1/rest/components/nodes/1/fc_ports/2", "")["result"])
	assert.Len(t, p.entries("entry=all"), entries)
	assert.Equal(t, state, p.ok(http.MethodGet, "watch?updates=1", ""))
	for path, want := range map[string]struct {
		status int
		part   string
	}{
		"arrays/box-9/rest/volumes":                      {http.StatusNotFound, "box-9"},
		"arrays/box-1/rest/nothing":                      {http.StatusNotFound, "nothing"},
		"arrays/box-1/rest/users/admin/reset_password/x": {http.StatusNotFound, "only reads"},
		"arrays/box-1/rest/volumes?sort=shape":           {http.StatusBadRequest, "shape"},
		"arrays/box-1/rest/volumes/1?evil=1":             {http.StatusBadRequest, "evil"},
		"arrays/box-1/rest/volumes/1":                    {http.StatusNotFound, "1"},
		"arrays/box-1/replicas/1/history":                {http.StatusNotFound, "1"},
		"arrays/box-1/replicas/x/history":                {http.StatusBadRequest, "x"},
		"arrays/box-9/components":                        {http.StatusNotFound, "box-9"},
		"arrays/box-1/replicas/1/history?since=x":        {http.StatusBadRequest, "since"},
	} {
		status, text := p.do(http.MethodGet, path, "")
		assert.Equal(t, want.status, status, "%s: %s", path, text)
		assert.Contains(t, text, want.part, path)
	}
}

// TestComponents_list holds the list against the tree of the array itself.
func TestComponents_list(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	states := func() map[string]any {
		out := map[string]any{}
		for _, one := range p.ok(http.MethodGet, "arrays/box-1/components", "")["parts"].([]any) {
			part := one.(map[string]any)
			out[part["path"].(string)] = part["state"]
		}
		return out
	}
	all := states()
	assert.Len(t, all, 1+2+3*(1+6+8+5+2+10)+8*61+3+2)
	for path, state := range map[string]string{"nodes/1": "ACTIVE", "nodes/3/fc_ports/8": "UP", "enclosures/8/drives/60": "ACTIVE", "ups/1": "OK", "external_services/elastic": "GREEN", "system": "ACTIVE"} {
		assert.Equal(t, state, all[path], path)
	}
	for _, one := range p.ok(http.MethodGet, "arrays/box-1/components", "")["kinds"].([]any) {
		kind := one.(map[string]any)
		assert.Contains(t, kind["states"], kind["well"], kind["kind"])
		assert.Contains(t, kind["states"], kind["failed"], kind["kind"])
	}
	p.ok(http.MethodPatch, "arrays/box-1/components/nodes/3", `{"state":"FAILED"}`)
	all = states()
	assert.Equal(t, "FAILED", all["nodes/3"])
	assert.Equal(t, "DOWN", all["nodes/3/fc_ports/8"])
	assert.Equal(t, "YELLOW", all["external_services/elastic"])
}

// TestHistory_ofReplica has the jobs and the lag of an ASYNC replica, to the
// millisecond, with a link that is lost under one of them.
func TestHistory_ofReplica(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	_, id := p.replicate()
	path := fmt.Sprintf("arrays/box-1/replicas/%v/history", id)
	p.ok(http.MethodPost, "clock/advance", `{"by":"150s"}`)
	h := p.ok(http.MethodGet, path, "")
	jobs := h["jobs"].([]any)
	require.Len(t, jobs, 3)
	for i, one := range jobs {
		j := one.(map[string]any)
		assert.Equal(t, "DONE", j["outcome"])
		assert.Equal(t, i == 0, j["initial"])
		if i > 1 {
			assert.InDelta(t, 60_000, j["started"].(float64)-jobs[i-1].(map[string]any)["started"].(float64), 0)
		}
	}
	last := jobs[2].(map[string]any)
	assert.Equal(t, last["started"], h["restore_point"])
	lag := h["lag"].([]any)
	require.Len(t, lag, 1+2*2+1, "after the first copy, before and after each job, now")
	end := lag[len(lag)-1].(map[string]any)
	assert.Equal(t, h["now"], end["at"])
	assert.InDelta(t, h["now"].(float64)-h["restore_point"].(float64), end["lag_ms"], 0)
	before, after := lag[3].(map[string]any), lag[4].(map[string]any)
	assert.Equal(t, before["at"], after["at"])
	assert.Greater(t, before["lag_ms"], 60_000.0)
	assert.Less(t, after["lag_ms"], 100.0)

	// A job that starts while the link is down waits for it.
	p.ok(http.MethodPost, fmt.Sprintf("arrays/box-1/links/%d/cut", p.link.AID), "")
	p.ok(http.MethodPost, "clock/advance", `{"by":"10m"}`)
	h = p.ok(http.MethodGet, path, "")
	jobs = h["jobs"].([]any)
	stuck := jobs[len(jobs)-1].(map[string]any)
	assert.Equal(t, "STALLED", stuck["outcome"])
	assert.Nil(t, stuck["ended"])
	require.Len(t, stuck["stalls"], 1)
	p.ok(http.MethodPost, fmt.Sprintf("arrays/box-1/links/%d/restore", p.link.AID), "")
	p.ok(http.MethodPost, "clock/advance", `{"by":"1s"}`)
	h = p.ok(http.MethodGet, path, "")
	highest := 0.0
	for _, one := range h["lag"].([]any) {
		highest = max(highest, one.(map[string]any)["lag_ms"].(float64))
	}
	assert.Greater(t, highest, 600_000.0)
	stuck = h["jobs"].([]any)[len(jobs)-1].(map[string]any)
	assert.Equal(t, "DONE", stuck["outcome"])
	assert.NotNil(t, stuck["stalls"].([]any)[0].(map[string]any)["to"])

	// A window begins where it is told to.
	since := h["now"].(float64) - 90_000
	window := p.ok(http.MethodGet, fmt.Sprintf("%s?since=%.0f", path, since), "")
	assert.InDelta(t, since, window["from"], 0)
	assert.Less(t, len(window["jobs"].([]any)), len(h["jobs"].([]any)))
	assert.Equal(t, h["lag"].([]any)[len(h["lag"].([]any))-1], window["lag"].([]any)[len(window["lag"].([]any))-1])
}
