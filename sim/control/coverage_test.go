package control_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
)

func TestCoverage(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	items := func(report map[string]any, section string) map[string]any {
		return report[section].(map[string]any)["items"].(map[string]any)
	}
	before := p.ok(http.MethodGet, "coverage", "")
	for _, section := range []string{"endpoints", "errors", "states", "transitions", "faults"} {
		assert.Zero(t, before[section].(map[string]any)["covered"], section)
		assert.NotEmpty(t, items(before, section), section)
	}
	p.replicate()
	p.ok(http.MethodPost, "faults", `{"id":"slow","site":"link","array":"box-1","peer":"box-2","effect":{"type":"latency","delay":"1ms"}}`)
	p.ok(http.MethodPost, "faults", `{"id":"idle","site":"http","path":"pools/9","effect":{"type":"error","code":"POOL_NOT_FOUND"}}`)
	p.ok(http.MethodPost, "faults", `{"id":"job","site":"job","job":"replica.mirror","times":1,"effect":{"type":"delay","delay":"1s"}}`)
	p.ok(http.MethodPost, "faults", `{"id":"node","site":"array","array":"box-1","effect":{"type":"component","component":"nodes/1"}}`)
	a, err := p.lab.Array("box-1")
	require.NoError(t, err)
	request(t, a.Server, http.MethodGet, "pools/9", "")
	p.ok(http.MethodDelete, "faults", "")
	r := p.ok(http.MethodGet, "coverage", "")
	assert.Equal(t, 1.0, items(r, "endpoints")["POST replicas"])
	assert.Equal(t, 1.0, items(r, "endpoints")["GET pools/{id}"])
	assert.Equal(t, 0.0, items(r, "endpoints")["DELETE replicas/{id}"])
	assert.Equal(t, 1.0, items(r, "errors")["POOL_NOT_FOUND"])
	assert.NotContains(t, items(r, "errors"), "LAB_NOT_FOUND")
	assert.Equal(t, 1.0, items(r, "states")["TARGET"])
	assert.NotZero(t, items(r, "states")["ASYNC_INITIAL"])
	assert.Equal(t, 0.0, items(r, "states")["PEER_PENDING"])
	assert.Equal(t, 1.0, items(r, "transitions")["ASYNC_PENDING, ASYNC_IDLE on start if initial -> ASYNC_INITIAL"])
	assert.Equal(t, map[string]any{"slow": 1.0, "idle": 1.0, "job": 0.0, "node": 1.0}, items(r, "rules"))
	assert.Equal(t, 1.0, items(r, "faults")["link latency"])
	assert.NotZero(t, items(r, "faults")["array component"])
	assert.Contains(t, r["faults"].(map[string]any)["never"], "job fail")
	assert.Contains(t, r["faults"].(map[string]any)["never"], "array full")
	status, page := p.do(http.MethodGet, "coverage?format=html", "")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, page, `<tr class="never"><td>DELETE replicas/{id}</td>`)
	for _, query := range []string{"format=pdf", "labs=some"} {
		status, text := p.do(http.MethodGet, "coverage?"+query, "")
		assert.Equal(t, http.StatusBadRequest, status, text)
	}
}

// TestCoverage_allLabs counts what deleted labs reached.
func TestCoverage_allLabs(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	l, err := p.labs.Create(t.Context(), lab.Plan{Name: "other"})
	require.NoError(t, err)
	a, err := l.Array("box-1")
	require.NoError(t, err)
	request(t, a.Server, http.MethodGet, "pools", "")
	require.NoError(t, p.labs.Delete("other"))
	asked := func(query string) any {
		return p.ok(http.MethodGet, "coverage"+query, "")["endpoints"].(map[string]any)["items"].(map[string]any)["GET pools"]
	}
	assert.Equal(t, []any{0.0, 1.0}, []any{asked(""), asked("?labs=all")})
}
