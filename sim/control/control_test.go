package control_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/control"
	"infinisim/sim/lab"
	"infinisim/sim/simtest"
)

// plane is the control plane of a lab with two linked arrays.
type plane struct {
	t      testing.TB
	lab    *lab.Lab
	labs   *lab.Labs
	server *control.Server
	link   lab.Link
}

func newPlane(tb testing.TB) *plane {
	tb.Helper()
	labs := lab.NewLabs(lab.Options{}, "")
	l, err := labs.Create(tb.Context(), lab.Plan{Name: lab.DefaultName})
	require.NoError(tb, err)
	tb.Cleanup(func() {
		for _, l := range labs.List() {
			bad, err := l.Check(context.WithoutCancel(tb.Context()))
			require.NoError(tb, err)
			require.Empty(tb, bad, l.Name())
		}
		require.NoError(tb, labs.Close())
	})
	links, err := l.Links(tb.Context())
	require.NoError(tb, err)
	return &plane{t: tb, lab: l, labs: labs, link: links[0], server: control.New(control.Options{Labs: labs, Log: slog.New(slog.DiscardHandler)})}
}

func (p *plane) do(method, path, body string) (int, string) {
	p.t.Helper()
	rec := httptest.NewRecorder()
	p.server.ServeHTTP(rec, httptest.NewRequestWithContext(p.t.Context(), method, "http://localhost/_sim/v1/"+path, strings.NewReader(body)))
	return rec.Code, rec.Body.String()
}

func (p *plane) ok(method, path, body string) map[string]any {
	p.t.Helper()
	status, text := p.do(method, path, body)
	require.Equal(p.t, http.StatusOK, status, "%s %s: %s", method, path, text)
	out := map[string]any{}
	if text[0] == '{' {
		require.NoError(p.t, json.Unmarshal([]byte(text), &out))
	}
	return out
}

// array sends a request to an array.
func (p *plane) array(key, method, path, body string) map[string]any {
	p.t.Helper()
	a, err := p.lab.Array(key)
	require.NoError(p.t, err)
	r := httptest.NewRequestWithContext(p.t.Context(), method, "/api/rest/"+path, strings.NewReader(body))
	r.SetBasicAuth("admin", "123456")
	rec := httptest.NewRecorder()
	a.Server.ServeHTTP(rec, r)
	var out struct {
		Result map[string]any `json:"result"`
	}
	require.NoError(p.t, json.Unmarshal(rec.Body.Bytes(), &out), rec.Body.String())
	require.Less(p.t, rec.Code, 300, rec.Body.String())
	return out.Result
}

func (p *plane) volume() float64 {
	p.t.Helper()
	pool := p.array("box-1", http.MethodPost, "pools", `{"name":"p","physical_capacity":1000000000000,"virtual_capacity":1000000000000}`)
	return p.array("box-1", http.MethodPost, "volumes", fmt.Sprintf(`{"name":"v","size":1000000000,"pool_id":%v}`, pool["id"]))["id"].(float64)
}

func TestClock(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	c := p.ok(http.MethodGet, "clock", "")
	assert.Equal(t, map[string]any{
		"now": 1735689600000.0, "now_ns": "1735689600000000000", "mode": "manual", "speed": 0.0, "next_settle": nil,
		"next": 1735776000000.0, "next_ns": "1735776000000000000", // the default snapshot policy, a day after the array was made
	}, c)
	assert.Equal(t, int64(1735689630000), simtest.Object(p.ok(http.MethodPost, "clock/advance", `{"by":"30s"}`)).ID("now"))
	assert.Equal(t, int64(1735689631000), simtest.Object(p.ok(http.MethodPost, "clock/advance", `{"by":1000}`)).ID("now"))
	assert.Equal(t, int64(1735693200000), simtest.Object(p.ok(http.MethodPost, "clock/advance", `{"to":"2025-01-01T01:00:00Z"}`)).ID("now"))
	assert.Equal(t, int64(1735693201000), simtest.Object(p.ok(http.MethodPost, "clock/advance", `{"to":1735693201000}`)).ID("now"))
	assert.Equal(t, "system", p.ok(http.MethodPost, "clock/speed", `{"factor":60}`)["mode"])
	assert.Equal(t, "manual", p.ok(http.MethodPost, "clock/freeze", "")["mode"])
	assert.Equal(t, []any{}, p.ok(http.MethodPost, "clock/settle", "")["ran"])
}

func TestBadInput_changesNothing(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	before := p.ok(http.MethodGet, "clock", "")
	for _, c := range []struct {
		status             int
		code, method, path string
		body               string
	}{
		{400, "INVALID_FIELD_VALUE", "POST", "clock/advance", `{}`},
		{400, "INVALID_FIELD_VALUE", "POST", "clock/advance", `{"by":"soon"}`},
		{400, "INVALID_FIELD_VALUE", "POST", "clock/advance", `{"by":"-1s"}`},
		{400, "INVALID_FIELD_VALUE", "POST", "clock/advance", `{"by":"1s","to":5}`},
		{400, "INVALID_FIELD_VALUE", "POST", "clock/advance", `{"to":"2024-01-01T00:00:00Z"}`},
		{400, "UNKNOWN_FIELD", "POST", "clock/advance", `{"evil":1}`},
		{400, "MALFORMED_REQUEST", "POST", "clock/advance", `{`},
		{400, "INVALID_FIELD_VALUE", "POST", "clock/speed", `{"factor":0}`},
		{400, "INVALID_FIELD_VALUE", "POST", "clock/speed", `{"factor":-1}`},
		{404, "OBJECT_NOT_FOUND", "POST", "arrays/box-9/datasets/1/write", `{"offset":0,"length":1,"seed":1}`},
		{404, "VOLUME_NOT_FOUND", "POST", "arrays/box-1/datasets/1/write", `{"offset":0,"length":1,"seed":1}`},
		{400, "INVALID_FIELD_VALUE", "GET", "arrays/box-1/datasets/x/digest", ``},
		{404, "LINK_NOT_FOUND", "POST", "arrays/box-1/links/9/cut", ``},
		{400, "INVALID_FIELD_VALUE", "PUT", fmt.Sprintf("arrays/box-1/links/%d/model", p.link.AID), `{"bandwidth":0}`},
		{400, "INVALID_FIELD_VALUE", "PUT", fmt.Sprintf("arrays/box-1/links/%d/model", p.link.AID), `{"latency":"fast"}`},
		{404, "NETWORK_SPACE_NOT_FOUND", "POST", "arrays/box-1/ips", `{"network_space":"none"}`},
		{400, "INVALID_FIELD_VALUE", "POST", "arrays", `{"profile":"1.0"}`},
		{400, "INVALID_FIELD_VALUE", "POST", "arrays", `{"serial":1001}`},
		{400, "INVALID_FIELD_VALUE", "GET", "journal?since=x", ``},
		{400, "INVALID_FIELD_VALUE", "PATCH", "arrays/box-1", `{"next_id":7}`},
		{400, "INVALID_FIELD_VALUE", "PATCH", "arrays/box-1", `{"serial":0}`},
		{404, "FAULT_NOT_FOUND", "DELETE", "faults/none", ``},
		{404, "VOLUME_NOT_FOUND", "PUT", "arrays/box-1/datasets/1/workload", `{"reads":1}`},
		{404, "S3_BUCKET_NOT_FOUND", "POST", "arrays/box-1/s3_buckets/1/objects", `{"objects":1}`},
		{400, "INVALID_FIELD_VALUE", "POST", "arrays/box-1/s3_buckets/x/objects", `{"objects":1}`},
		{404, "VOLUME_NOT_FOUND", "GET", "arrays/box-1/datasets/1/workload", ``},
		{400, "INVALID_FIELD_VALUE", "PUT", "arrays/box-1/datasets/x/workload", `{"reads":1}`},
		{400, "INVALID_FIELD_VALUE", "GET", "arrays/box-1/datasets/x/workload", ``},
		{400, "INVALID_FIELD_VALUE", "PUT", "arrays/box-1/datasets/1/workload", `{"latency":"soon"}`},
		{400, "UNKNOWN_FIELD", "PUT", "arrays/box-1/datasets/1/workload", `{"evil":1}`},
		{404, "FILESYSTEM_NOT_FOUND", "POST", "arrays/box-1/nlm_locks", `{"filesystem_id":7,"file_path":"/a","client":"c"}`},
		{400, "UNKNOWN_FIELD", "POST", "arrays/box-1/nlm_locks", `{"evil":1}`},
		{404, "COMPONENT_NOT_FOUND", "PATCH", "arrays/box-1/components/nodes/9", `{"state":"FAILED"}`},
		{404, "COMPONENT_NOT_FOUND", "PATCH", "arrays/box-1/components/robots", `{"state":"FAILED"}`},
		{400, "UNKNOWN_FIELD", "PATCH", "arrays/box-1/components/nodes/1", `{"evil":1}`},
		{400, "INVALID_FIELD_VALUE", "PATCH", "arrays/box-1/components/nodes/1", `{"state":"ASLEEP"}`},
		{400, "MALFORMED_REQUEST", "PATCH", "arrays/box-1/components/nodes/1", `[`},
		{404, "PATH_NOT_FOUND", "GET", "evil", ``},
		{405, "METHOD_NOT_ALLOWED", "DELETE", "clock", ``},
	} {
		status, text := p.do(c.method, c.path, c.body)
		assert.Equal(t, c.status, status, "%s %s: %s", c.path, c.body, text)
		assert.Contains(t, text, `"code":"`+c.code+`"`, "%s %s", c.path, c.body)
	}
	assert.Equal(t, before, p.ok(http.MethodGet, "clock", ""))
}

func TestWorkload(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	path := fmt.Sprintf("arrays/box-1/datasets/%v/workload", p.volume())
	assert.Equal(t, 0.0, p.ok(http.MethodGet, path, "")["reads"], "hosts do nothing at first")
	want := map[string]any{"reads": 100.0, "writes": 50.0, "block_size": 8192.0, "latency": "1ms", "protocol": "FC", "host_id": 0.0, "working_set": 1e9, "hot_set": 0.0, "overwrites": 0.0, "seed": 0.0}
	assert.Equal(t, want, p.ok(http.MethodPut, path, `{"reads":100,"writes":50}`))
	assert.Equal(t, want, p.ok(http.MethodGet, path, ""))
	status, text := p.do(http.MethodPut, path, `{"reads":1,"host_id":77}`)
	assert.Equal(t, http.StatusNotFound, status)
	assert.Contains(t, text, "LUN_NOT_FOUND")
	made := p.array("box-1", http.MethodPost, "metrics/collectors", `{"collected_fields":["ops"],"filters":{"protocol_type":"SAN"}}`)
	p.ok(http.MethodPost, "clock/advance", `{"by":"5s"}`)
	data := p.array("box-1", http.MethodGet, fmt.Sprintf("metrics/collectors/data?collector_id=%.0f", made["id"]), "")["collectors"].([]any)[0]
	assert.Equal(t, []any{[]any{150.0}, []any{150.0}}, data.(map[string]any)["data"])
}

func TestComponents(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	now := p.ok(http.MethodPatch, "arrays/box-1/components/enclosures/2/drives/7", `{"state":"FAILED"}`)
	assert.Equal(t, "FAILED", now["state"])
	assert.Equal(t, "FAILED", p.array("box-1", http.MethodGet, "components/enclosures/2/drives/7", "")["state"])
	assert.Equal(t, 1.0, p.array("box-1", http.MethodGet, "system/health_state", "")["failed_drives"])
	assert.Equal(t, 0.0, p.array("box-2", http.MethodGet, "system/health_state", "")["failed_drives"])
}

func TestArrays(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	made := p.ok(http.MethodPost, "arrays", `{"name":"third","serial":77}`)
	assert.Equal(t, "box-3", made["key"])
	assert.Equal(t, "simulator-box-3", made["host"])
	assert.Equal(t, true, made["active"])
	assert.Equal(t, false, p.ok(http.MethodPost, "arrays/box-3/deactivate", "")["active"])
	assert.Equal(t, true, p.ok(http.MethodPost, "arrays/box-3/activate", "")["active"])
	p.ok(http.MethodDelete, "arrays/box-3", "")
	_, text := p.do(http.MethodGet, "arrays", "")
	assert.NotContains(t, text, "box-3")
	ip := p.ok(http.MethodPost, "arrays/box-1/ips", `{"network_space":"replication"}`)["ip_address"]
	assert.Contains(t, ip, "10.")
}

func TestWriteDigestAndLinks(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	id := p.volume()
	write, digest := fmt.Sprintf("arrays/box-1/datasets/%v/write", id), fmt.Sprintf("arrays/box-1/datasets/%v/digest", id)
	empty := p.ok(http.MethodGet, digest, "")
	full := p.ok(http.MethodPost, write, `{"offset":0,"length":1048576,"seed":7}`)
	assert.Equal(t, 1048576.0, full["used"])
	assert.NotEqual(t, empty["digest"], full["digest"])
	assert.Equal(t, full, p.ok(http.MethodGet, digest, ""))
	assert.Equal(t, empty, p.ok(http.MethodPost, write, `{"offset":0,"length":1048576,"seed":0}`))
	status, _ := p.do(http.MethodPost, write, `{"offset":999999999,"length":2,"seed":1}`)
	assert.Equal(t, http.StatusBadRequest, status)

	link := fmt.Sprintf("arrays/box-1/links/%d/", p.link.AID)
	m := p.ok(http.MethodPut, link+"model", `{"bandwidth":50000000,"latency":"2ms","jitter":"1ms","loss":0.25,"slots":3,"addresses_down":1}`)
	assert.Equal(t, map[string]any{
		"bandwidth": 50000000.0, "latency": "2ms", "jitter": "1ms", "loss": 0.25, "slots": 3.0, "cut": false, "cut_from": "", "addresses_down": 1.0,
	}, m)
	state := func() any {
		return p.array("box-2", http.MethodGet, fmt.Sprintf("links/%d", p.link.BID), "")["link_state"]
	}
	assert.Equal(t, "DEGRADED", state())
	for _, bad := range []string{`{"loss":1}`, `{"jitter":"-1s"}`, `{"cut_from":"box-9"}`, `{"addresses_down":-1}`, `{"bandwidth":0}`, `{"speed":1}`} {
		status, _ := p.do(http.MethodPut, link+"model", bad)
		assert.Equal(t, http.StatusBadRequest, status, bad)
	}
	assert.Equal(t, "box-2", p.ok(http.MethodPost, link+"cut", `{"from":"box-2"}`)["cut_from"])
	assert.Equal(t, "DOWN", state())
	p.ok(http.MethodPost, link+"restore", "")
	assert.Equal(t, true, p.ok(http.MethodPost, link+"cut", "")["cut"])
	assert.Equal(t, "DOWN", p.array("box-2", http.MethodGet, fmt.Sprintf("links/%d", p.link.BID), "")["link_state"])
	assert.Equal(t, false, p.ok(http.MethodPost, link+"restore", "")["cut"])
}

func TestLinkSchedule(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	link := fmt.Sprintf("arrays/box-1/links/%d/", p.link.AID)
	p.ok(http.MethodPost, "clock/freeze", "")
	got := p.ok(http.MethodPut, link+"schedule", `{"every":"15s","steps":[{"after":"10s","cut":true},{"after":"12s","cut":false,"latency":"9ms"}]}`)
	assert.Equal(t, "15s", got["every"])
	var seen []any
	for range 30 {
		p.ok(http.MethodPost, "clock/advance", `{"by":"1s"}`)
		seen = append(seen, p.ok(http.MethodGet, link+"model", "")["cut"])
	}
	for i, down := range seen {
		n := (i + 1) % 15
		assert.Equal(t, n == 10 || n == 11, down, "after %d s", i+1)
	}
	for _, bad := range []string{
		`{"steps":[{"after":"x"}]}`, `{"steps":[{"after":"2s"},{"after":"1s"}]}`, `{"every":"1s","steps":[{"after":"1s"},{"after":"3s"}]}`, `{"every":"soon"}`,
		`{"steps":[{"after":"1s","bandwidth":-1}]}`,
	} {
		status, _ := p.do(http.MethodPut, link+"schedule", bad)
		assert.Equal(t, http.StatusBadRequest, status, bad)
	}
	p.ok(http.MethodPut, link+"schedule", `{}`)
	assert.Empty(t, p.ok(http.MethodGet, link+"schedule", "")["steps"])
}

func TestLinkWitness(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	link := fmt.Sprintf("arrays/box-1/links/%d/", p.link.AID)
	status, text := p.do(http.MethodPost, link+"witness/cut", "")
	assert.Equal(t, http.StatusBadRequest, status, text)
	p.array("box-1", http.MethodPost, fmt.Sprintf("links/%d/set_witness_address", p.link.AID), `{"witness_address":"10.9.9.9"}`)
	p.ok(http.MethodPost, link+"witness/cut", "")
	here := p.array("box-1", http.MethodGet, fmt.Sprintf("links/%d", p.link.AID), "")
	there := p.array("box-2", http.MethodGet, fmt.Sprintf("links/%d", p.link.BID), "")
	assert.Equal(t, []any{"DOWN", "UP", "WITNESS"}, []any{here["local_witness_state"], here["remote_witness_state"], here["resiliency_mode"]})
	assert.Equal(t, []any{"UP", "DOWN"}, []any{there["local_witness_state"], there["remote_witness_state"]})
	p.ok(http.MethodPost, link+"witness/restore", "")
}

func TestJournalMissingUnreadCheckReset(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	p.volume()
	_, text := p.do(http.MethodGet, "journal?method=POST&path=/api/rest/pools", "")
	assert.Equal(t, 1, strings.Count(text, "\n"))
	var e map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &e))
	assert.Equal(t, "box-1", e["array"])
	status, _ := p.do(http.MethodGet, "missing", "")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, map[string]any{"violations": []any{}, "checks": false, "first": nil}, p.ok(http.MethodPost, "check", ""))
	p.ok(http.MethodPost, "reset", "")
	_, text = p.do(http.MethodGet, "journal", "")
	assert.Empty(t, text)
	assert.Equal(t, map[string]any{"status": "ok"}, p.ok(http.MethodGet, "health", ""))
}

func TestHealth_onlyWhenServing(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	p.server = control.New(control.Options{
		Labs: p.labs, Log: slog.New(slog.DiscardHandler), Ready: func() bool { return false }, Token: "t",
	})
	status, text := p.do(http.MethodGet, "health", "")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, text, `"code":"SYSTEM_NOT_READY"`)
}

func TestTweak_nextID(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	p.ok(http.MethodPatch, "arrays/box-1", `{"next_id":1678}`)
	assert.Equal(t, 1679.0, p.volume(), "the pool takes 1678")
}

func TestFault_envelope(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	p.ok(http.MethodPost, "faults", `{"id":"f","site":"http","path":"pools","times":1,"effect":{"type":"status","status":503,"body":"envelope"}}`)
	a, err := p.lab.Array("box-1")
	require.NoError(t, err)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/rest/pools", nil)
	r.SetBasicAuth("admin", "123456")
	rec := httptest.NewRecorder()
	a.Server.ServeHTTP(rec, r)
	assert.Equal(t, http.StatusServiceUnavailable, rec.Code)
	assert.Contains(t, rec.Body.String(), `"code":"FAULT_INJECTED"`)
}

func TestToken_isAskedFor(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	p.server = control.New(control.Options{Labs: p.labs, Log: slog.New(slog.DiscardHandler), Token: "secret"})
	status, text := p.do(http.MethodGet, "clock", "")
	assert.Equal(t, http.StatusUnauthorized, status)
	assert.NotContains(t, text, "secret")
	for token, want := range map[string]int{"secret": http.StatusOK, "wrong": http.StatusUnauthorized} {
		rec := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/_sim/v1/clock", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		p.server.ServeHTTP(rec, r)
		assert.Equal(t, want, rec.Code, token)
	}
	p.ok(http.MethodGet, "health", "")
}

func TestLabs_createForkResetDelete(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	p.array("box-1", http.MethodPost, "pools", `{"name":"p","physical_capacity":1000000000000,"virtual_capacity":1000000000000}`)
	made := p.ok(http.MethodPost, "labs", `{"name":"two","arrays":1,"seed":9,"profile":"7.2","clock":"manual"}`)
	assert.Len(t, made["arrays"], 1)
	assert.InDelta(t, 9, made["seed"], 0)
	assert.Equal(t, "simulator-box-1.two", made["arrays"].([]any)[0].(map[string]any)["host"])
	fork := p.ok(http.MethodPost, "labs/default/fork", `{"name":"copy"}`)
	assert.Len(t, fork["links"], 1)
	p.ok(http.MethodPost, "labs/copy/clock/advance", `{"by":"1h"}`)
	assert.NotEqual(t, p.ok(http.MethodGet, "clock", "")["now"], p.ok(http.MethodGet, "labs/copy/clock", "")["now"])
	copied, err := p.labs.Get("copy")
	require.NoError(t, err)
	pools := func(l *lab.Lab) string {
		rec := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Arrays()[0].Host()+"/api/rest/pools?fields=name", nil)
		r.SetBasicAuth("admin", "123456")
		p.labs.Handler(p.lab, "box-1").ServeHTTP(rec, r)
		return rec.Body.String()
	}
	assert.Contains(t, pools(copied), `"name":"p"`)
	p.ok(http.MethodPost, "labs/copy/reset", "")
	assert.NotContains(t, pools(copied), `"name":"p"`)
	assert.Contains(t, pools(p.lab), `"name":"p"`)
	_, list := p.do(http.MethodGet, "labs", "")
	assert.Equal(t, 3, strings.Count(list, `"durable":false`))
	p.ok(http.MethodDelete, "labs/two", "")
	for _, bad := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{http.MethodGet, "labs/two", "", http.StatusNotFound, `lab \"two\" does not exist`},
		{http.MethodGet, "labs/two/clock", "", http.StatusNotFound, "LAB_NOT_FOUND"},
		{http.MethodPost, "labs", `{"name":"copy"}`, http.StatusConflict, "LAB_EXISTS"},
		{http.MethodPost, "labs/copy/fork", `{"name":"default"}`, http.StatusConflict, "LAB_EXISTS"},
		{http.MethodPost, "labs", `{"name":"../x"}`, http.StatusBadRequest, "name:"},
		{http.MethodPost, "labs", `{"name":"x","links":"star"}`, http.StatusBadRequest, "star"},
		{http.MethodPost, "labs", `{"name":"x","clock":"sundial"}`, http.StatusBadRequest, "sundial"},
		{http.MethodPost, "labs", `{"name":"x","arrays":-1}`, http.StatusBadRequest, "-1"},
		{http.MethodPost, "labs", `{"name":"x","profile":"1.0"}`, http.StatusBadRequest, "1.0"},
		{http.MethodPost, "labs", `{"name":"x","evil":1}`, http.StatusBadRequest, "evil"},
		{http.MethodDelete, "labs/default", "", http.StatusBadRequest, "default"},
	} {
		status, text := p.do(bad.method, bad.path, bad.body)
		assert.Equal(t, bad.status, status, "%s %s: %s", bad.method, bad.path, text)
		assert.Contains(t, text, bad.want)
	}
	assert.Len(t, p.labs.List(), 2)
}
