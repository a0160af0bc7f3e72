package control_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/journal"
	"infinisim/sim/lab"
)

// later sends a request that goes on after its answer.
func (p *plane) later(path, body string) map[string]any {
	p.t.Helper()
	status, text := p.do(http.MethodPost, path, body)
	require.Equal(p.t, http.StatusAccepted, status, text)
	return parsed(p.t, text)
}

// busy has the lab replicate a volume every minute; the cleanup stops what is
// under way before the labs are closed.
func busy(t *testing.T) *plane {
	t.Helper()
	p := newPlane(t)
	t.Cleanup(func() { require.NoError(t, p.server.Close()) })
	pool := p.array("box-2", http.MethodPost, "pools", `{"name":"p","physical_capacity":1000000000000,"virtual_capacity":1000000000000}`)
	p.array("box-1", http.MethodPost, "replicas?approved=true", fmt.Sprintf(
		`{"link_id":%d,"entity_type":"VOLUME","remote_pool_id":%v,"sync_interval":60000,"entity_pairs":[{"local_entity_id":%v,"remote_base_action":"CREATE"}]}`,
		p.link.AID, pool["id"], p.volume()))
	p.ok(http.MethodPost, "clock/settle", "")
	return p
}

func (p *plane) fork(name string) *lab.Lab {
	p.t.Helper()
	l, err := p.labs.Fork(lab.DefaultName, name, "")
	require.NoError(p.t, err)
	return l
}

func (p *plane) print(l *lab.Lab) (state, lines string) {
	p.t.Helper()
	state, err := l.Fingerprint(p.t.Context())
	require.NoError(p.t, err)
	var out bytes.Buffer
	require.NoError(p.t, l.Journal.WriteTo(&out, journal.Filter{Entry: journal.All}))
	return state, out.String()
}

// TestOperation_isTheSameAdvance moves one copy at once and one in an operation.
func TestOperation_isTheSameAdvance(t *testing.T) {
	t.Parallel()
	p := busy(t)
	one, other := p.fork("one"), p.fork("other")
	moved := p.ok(http.MethodPost, "labs/one/clock/advance", `{"by":"1d2h"}`)
	began := p.later("labs/other/clock/advance", `{"by":"1d2h","async":true}`)
	assert.Equal(t, []any{"other", "advance", moved["now"]}, []any{began["lab"], began["kind"], began["to"]})
	o := p.ok(http.MethodGet, fmt.Sprintf("labs/other/operations/%v?wait=5m", began["id"]), "")
	assert.Equal(t, []any{"DONE", 1.0, moved["now"], moved["count"], nil}, []any{o["state"], o["share"], o["now"], o["count"], o["error"]})
	assert.Greater(t, o["moves"], 900.0)
	wantState, wantLines := p.print(one)
	state, lines := p.print(other)
	assert.Equal(t, wantState, state)
	assert.Equal(t, wantLines, lines)
	assert.Greater(t, strings.Count(lines, "\n"), 1500)
	_, list := p.do(http.MethodGet, "labs/other/operations", "")
	assert.Contains(t, list, `"state":"DONE"`)
	p.ok(http.MethodDelete, fmt.Sprintf("labs/other/operations/%v", began["id"]), "")
	_, list = p.do(http.MethodGet, "labs/other/operations", "")
	assert.Equal(t, "[]\n", list)
}

// TestOperation_cancel stops a move of years in the middle: the lab is where a
// shorter move would have brought it.
func TestOperation_cancel(t *testing.T) {
	t.Parallel()
	p := busy(t)
	short := p.fork("short")
	began := p.later("clock/advance", `{"by":"3650d","async":true}`)
	id := fmt.Sprint(began["id"])
	status, text := p.do(http.MethodPost, "clock/advance", `{"by":"1h","async":true}`)
	require.Equal(t, http.StatusConflict, status, text)
	assert.Contains(t, text, "OPERATION_EXISTS")
	far := p.ok(http.MethodGet, "operations/"+id+"?wait=10ms", "")
	assert.Equal(t, "RUNNING", far["state"])
	o := p.ok(http.MethodDelete, "operations/"+id, "")
	require.Equal(t, "CANCELLED", o["state"])
	assert.Less(t, o["share"], 1.0)
	assert.GreaterOrEqual(t, o["now"], far["now"])
	c := p.ok(http.MethodGet, "clock", "")
	assert.Equal(t, o["now"], c["now"])
	assert.Greater(t, c["next"], c["now"], "nothing is overdue")
	_, err := short.AdvanceTo(t.Context(), p.lab.Clock.Now())
	require.NoError(t, err)
	want, _ := p.print(short)
	got, _ := p.print(p.lab)
	assert.Equal(t, want, got)
	p.ok(http.MethodPost, "clock/advance", `{"by":"1h"}`)
	p.later("clock/advance", `{"by":"3650d","async":true}`)
	p.later("labs/short/clock/advance", `{"by":"3650d","async":true}`)
	p.ok(http.MethodDelete, "labs/short", "")
	require.NoError(t, p.server.Close())
	status, text = p.do(http.MethodPost, "clock/advance", `{"by":"1h","async":true}`)
	assert.Equal(t, http.StatusServiceUnavailable, status, text)
}

// TestOperation_skipsIdleTime lets a hundred days pass in which next to nothing
// is due.
func TestOperation_skipsIdleTime(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	t.Cleanup(func() { require.NoError(t, p.server.Close()) })
	p.ok(http.MethodPost, "labs", `{"name":"empty","arrays":0,"links":"none"}`)
	for name, most := range map[string][2]float64{"empty": {1, 0}, "default": {101, 600}} { // the default policy is due every day
		began := p.later("labs/"+name+"/clock/advance", `{"by":"100d","async":true}`)
		o := p.ok(http.MethodGet, fmt.Sprintf("labs/%s/operations/%v?wait=1m", name, began["id"]), "")
		require.Equal(t, "DONE", o["state"])
		assert.LessOrEqual(t, o["moves"], most[0], name)
		assert.LessOrEqual(t, o["count"], most[1], name)
		assert.Equal(t, began["from"].(float64)+float64(100*24*time.Hour/time.Millisecond), o["now"])
	}
}

func TestOperation_badInput(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	for _, c := range []struct {
		status             int
		code, method, path string
		body               string
	}{
		{404, "OPERATION_NOT_FOUND", "GET", "operations/1", ""},
		{404, "OPERATION_NOT_FOUND", "DELETE", "operations/7", ""},
		{400, "INVALID_FIELD_VALUE", "GET", "operations/x", ""},
		{400, "INVALID_FIELD_VALUE", "POST", "clock/advance", `{"by":"40000d","async":true}`},
		{400, "INVALID_FIELD_VALUE", "POST", "clock/advance", `{"by":"1dx","async":true}`},
		{400, "INVALID_FIELD_VALUE", "POST", "clock/advance", `{"by":"1d","async":3}`},
		{404, "ENTRY_NOT_FOUND", "POST", "labs/default/travel", `{"entry":9,"name":"x"}`},
		{400, "MISSING_REQUIRED_FIELD", "POST", "labs/default/travel", `{"name":"x"}`},
		{400, "INVALID_FIELD_VALUE", "POST", "labs/default/travel", `{"entry":9,"name":"No!"}`},
		{409, "LAB_EXISTS", "POST", "labs/default/travel", `{"entry":9,"name":"default"}`},
		{404, "LAB_NOT_FOUND", "POST", "labs/nowhere/travel", `{"entry":9,"name":"x"}`},
	} {
		status, text := p.do(c.method, c.path, c.body)
		assert.Equal(t, c.status, status, "%v %s", c, text)
		assert.Contains(t, text, c.code, c)
	}
	p.later("clock/advance", `{"by":"1d","async":true}`)
	p.ok(http.MethodGet, "operations/1?wait=1m", "")
	status, text := p.do(http.MethodGet, "operations/1?wait=soon", "")
	assert.Equal(t, http.StatusBadRequest, status, text)
	require.NoError(t, p.server.Close())
}

// TestTravel_overTheControlPlane goes before a deletion and makes it again, as
// whoever made it.
func TestTravel_overTheControlPlane(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	id := p.volume()
	p.array("box-1", http.MethodDelete, fmt.Sprintf("volumes/%v?approved=true", id), "")
	last := p.lab.Journal.Last()
	v := p.ok(http.MethodPost, "labs/default/travel", fmt.Sprintf(`{"entry":%d,"name":"before"}`, last))
	assert.Equal(t, []any{"before", "request", "box-1", "DELETE", "admin", "simulator-box-1.before", 200.0}, []any{v["name"], v["entry_kind"], v["array"], v["method"], v["user"], v["host"], v["status"]})
	past, err := p.labs.Get("before")
	require.NoError(t, err)
	assert.Equal(t, "manual", p.ok(http.MethodGet, "labs/before/clock", "")["mode"])
	a, err := past.Array("box-1")
	require.NoError(t, err)
	rec := recorded(t, a.Server, v["method"].(string), v["path"].(string)+"?"+v["query"].(string), v["cookie"].(string))
	assert.Equal(t, v["answer"], strings.TrimSpace(rec))
	rec = recorded(t, a.Server, "GET", v["path"].(string), "")
	assert.Contains(t, rec, "NOT_AUTHENTICATED")
}

// recorded asks an array as the holder of a cookie.
func recorded(t *testing.T, h http.Handler, method, target, cookie string) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, http.NoBody)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Body.String()
}

// TestClock_toTheNanosecond names times in milliseconds: no number with a
// fraction has so many digits of nanoseconds.
func TestClock_toTheNanosecond(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	for _, ms := range []string{"1735693201002", "1795749489602"} {
		assert.Equal(t, ms+"000000", p.ok(http.MethodPost, "clock/advance", `{"to":`+ms+`}`)["now_ns"])
	}
}
