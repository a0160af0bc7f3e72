package control_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// entries are the lines of the journal that a query picks.
func (p *plane) entries(query string) []map[string]any {
	p.t.Helper()
	status, text := p.do(http.MethodGet, "journal?"+query, "")
	require.Equal(p.t, http.StatusOK, status, text)
	out := []map[string]any{}
	for line := range strings.Lines(text) {
		e := map[string]any{}
		require.NoError(p.t, json.Unmarshal([]byte(line), &e))
		out = append(out, e)
	}
	return out
}

func touched(kind string, e map[string]any) []string {
	out := []string{}
	all, _ := e["objects"].([]any)
	for _, o := range all {
		o := o.(map[string]any)
		if o["kind"] == kind {
			out = append(out, fmt.Sprint(o["did"], " ", o["id"]))
		}
	}
	return out
}

// replicate makes a volume with an ASYNC replica, and lets the first copy end.
func (p *plane) replicate() (volume, replica float64) {
	p.t.Helper()
	volume = p.volume()
	pool := p.array("box-2", http.MethodPost, "pools", `{"name":"p","physical_capacity":1000000000000,"virtual_capacity":1000000000000}`)
	r := p.array("box-1", http.MethodPost, "replicas", fmt.Sprintf(
		`{"entity_type":"VOLUME","replication_type":"ASYNC","link_id":%d,"remote_pool_id":%v,"rpo_value":300000,"sync_interval":60000,
		"entity_pairs":[{"local_entity_id":%v,"remote_base_action":"CREATE"}]}`, p.link.AID, pool["id"], volume))
	p.ok(http.MethodPost, "clock/settle", "")
	return volume, r["id"].(float64)
}

func TestJournal_tellsWhatHappened(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	volume, replica := p.replicate()
	made := p.entries("method=POST&path=volumes")
	require.Len(t, made, 1)
	assert.Equal(t, []string{fmt.Sprint("created ", volume)}, touched("volume", made[0]))
	assert.Equal(t, "admin", made[0]["user"])
	moves := p.entries("entry=move")
	require.NotEmpty(t, moves)
	first := moves[0]["move"].(map[string]any)
	assert.Equal(t, []any{replica, "ASYNC_PENDING", "start", "ASYNC_INITIAL"}, []any{first["replica"], first["from"], first["on"], first["to"]})
	jobs := p.entries(fmt.Sprintf("entry=job&kind=replica&object=%v", replica))
	require.NotEmpty(t, jobs)
	assert.NotEmpty(t, jobs[0]["job"].(map[string]any)["name"])
	all := p.entries("entry=all")
	for i, e := range all {
		assert.Equal(t, float64(i+1), e["seq"])
	}
	assert.Len(t, p.entries("entry=all&since=2&until=5"), 2)
	assert.Empty(t, p.entries("until=2025-01-01T00:00:00Z"))
	assert.Len(t, p.entries("entry=all&since=2025-01-01T00:00:00Z"), len(all))
}

func TestJournal_refusalsTouchNothing(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	p.volume()
	p.ok(http.MethodPost, "faults", `{"id":"gone","site":"http","method":"DELETE","path":"volumes/*","effect":{"type":"lost"}}`)
	a, err := p.lab.Array("box-1")
	require.NoError(t, err)
	for _, r := range []struct{ method, path, body string }{
		{"POST", "volumes", `{"name":"v","size":1000000000,"pool_id":1}`},
		{"DELETE", "volumes/1", ``},
	} {
		assert.NotPanics(t, func() {
			defer func() { _ = recover() }() // the connection is dropped
			request(t, a.Server, r.method, r.path, r.body)
		})
	}
	refused := p.entries("code=POOL_NOT_FOUND")
	require.Len(t, refused, 1)
	assert.Empty(t, refused[0]["objects"])
	lost := p.entries("method=DELETE")
	require.Len(t, lost, 1)
	assert.Equal(t, []any{"gone"}, lost[0]["faults"])
	assert.Equal(t, true, lost[0]["lost"])
	p.ok(http.MethodPost, "arrays/box-2/deactivate", "")
	assert.Panics(t, func() { request(t, p.lab.Handler("box-2"), "GET", "pools", "") })
	down := p.entries("array=box-2&status=dropped")
	require.Len(t, down, 1)
	assert.Equal(t, 0.0, down[0]["status"])
	assert.Len(t, p.entries("entry=all&status=dropped"), 1)
}

func TestJournal_har(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	p.volume()
	har := p.ok(http.MethodGet, "journal?format=har&path=volumes", "")
	entries := har["log"].(map[string]any)["entries"].([]any)
	require.Len(t, entries, 1)
	assert.Equal(t, "http://simulator-box-1/api/rest/volumes", entries[0].(map[string]any)["request"].(map[string]any)["url"])
}

func TestJournal_badFilters(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	for _, query := range []string{"since=x", "until=yesterday", "status=ok", "object=x", "entry=thought", "format=pdf"} {
		status, text := p.do(http.MethodGet, "journal?"+query, "")
		name, value, _ := strings.Cut(query, "=")
		assert.Equal(t, http.StatusBadRequest, status, query)
		assert.Contains(t, text, "INVALID_FIELD_VALUE", query)
		assert.Contains(t, text, name+": ", query)
		assert.Contains(t, text, value, query)
	}
}

// request sends a request to a handler as the user admin.
func request(t *testing.T, h http.Handler, method, path, body string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/api/rest/"+path, strings.NewReader(body))
	r.SetBasicAuth("admin", "123456")
	h.ServeHTTP(httptest.NewRecorder(), r)
}
