package control_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"infinisim/sim/control"
)

// TestMetrics_guarded asks for the token, and lets no page of another origin
// read.
func TestMetrics_guarded(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	ask := func(s *control.Server, query, name, value string) (int, string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/_sim/metrics"+query, nil)
		r.Header.Set(name, value)
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		return rec.Code, rec.Body.String()
	}
	status, text := ask(p.server, "", "X", "")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, text, `infinisim_link_up{array="box-1"`)
	status, text = ask(p.server, "?labs=some", "X", "")
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, text, `labs: \"some\" is not all`)
	status, text = ask(p.server, "", "Origin", "http://evil.example")
	assert.Equal(t, http.StatusForbidden, status)
	assert.Contains(t, text, "PERMISSION_DENIED")
	locked := control.New(control.Options{Labs: p.labs, Token: "t"})
	for header, want := range map[string]int{"": http.StatusUnauthorized, "Bearer x": http.StatusUnauthorized, "Bearer t": http.StatusOK} {
		status, text := ask(locked, "?labs=all", "Authorization", header)
		assert.Equal(t, want, status, text)
	}
}
