package control_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	p.volume()
	ok := p.ok(http.MethodPost, "verify", `{"expect":[{"request":{"method":"POST","path":"volumes","fields":{"name":"v"}},"exactly":1}],"within":"1m"}`)
	assert.Equal(t, true, ok["satisfied"])
	assert.NotZero(t, ok["last"])
	bad := p.ok(http.MethodPost, "verify", `{"expect":[{"request":{"method":"POST","path":"volumes","fields":{"name":"w"}},"exactly":1}]}`)
	assert.Equal(t, false, bad["satisfied"])
	near := bad["failures"].([]any)[0].(map[string]any)["nearest"].([]any)[0].(map[string]any)
	assert.Equal(t, []any{map[string]any{"member": "fields.name", "want": "w", "have": "v"}}, near["misses"])
	for _, c := range [][2]string{
		{`{}`, "expect: nothing is expected"},
		{`{"expect":[{"exactly":1}],"within":"1h"}`, "within: 1h0m0s"},
		{`{"expect":[{"exactly":1}],"evil":1}`, "evil: unknown"},
		{`{"expect":[{"request":{"evil":1},"exactly":1}]}`, "evil"},
		{`{"expect":[{}]}`, "expect[0]: one of exactly"},
	} {
		body, says := c[0], c[1]
		status, text := p.do(http.MethodPost, "verify", body)
		assert.Equal(t, http.StatusBadRequest, status, body)
		assert.Contains(t, text, says)
	}
}
