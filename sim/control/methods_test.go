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
