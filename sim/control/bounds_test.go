package control_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestMethods_areAllowed reads in a refusal which methods a path takes.
func TestMethods_areAllowed(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "http://localhost/_sim/v1/faults", nil)
	rec := httptest.NewRecorder()
	p.server.ServeHTTP(rec, r)
	assert.Equal(t, http.StatusMethodNotAllowed, rec.Code)
	assert.Equal(t, "GET, POST, DELETE", rec.Header().Get("Allow"))
}

// TestAdvance_bounds asks for times that no lab reaches.
func TestAdvance_bounds(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	before := p.ok(http.MethodGet, "clock", "")
	for _, body := range []string{
		`{"by":9e18}`, `{"by":5600000000000}`, `{"to":"9999-01-01T00:00:00Z"}`, `{"to":"0001-01-01T00:00:00Z"}`, `{"to":1e300}`, `{"to":-1}`,
	} {
		status, text := p.do(http.MethodPost, "clock/advance", body)
		assert.Equal(t, http.StatusBadRequest, status, body)
		assert.Contains(t, text, "INVALID_FIELD_VALUE", body)
	}
	assert.Equal(t, before, p.ok(http.MethodGet, "clock", ""))
}
