package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// session is a client that has nothing but the cookie of a login.
func (c *client) session() *client {
	c.t.Helper()
	rec, _ := c.do(http.MethodPost, "/api/rest/users/login", strings.NewReader(`{"username":"admin","password":"123456"}`))
	require.Equal(c.t, http.StatusOK, rec.Code)
	cookie, _, _ := strings.Cut(rec.Header().Get("Set-Cookie"), ";")
	assert.NotContains(c.t, rec.Header().Get("Set-Cookie"), "Max-Age", "clients have clocks of their own")
	return &client{t: c.t, lab: c.lab, server: c.server, header: http.Header{"Cookie": {cookie}}}
}

func (c *client) set(key, body string) (status int, answer map[string]any) {
	c.t.Helper()
	rec, answer := c.do(http.MethodPut, "/api/rest/config/mgmt/"+key, strings.NewReader(body))
	return rec.Code, answer
}

// ask is the status of a small request.
func (c *client) ask() int {
	c.t.Helper()
	rec, _ := c.do(http.MethodGet, "/api/rest/pools", http.NoBody)
	return rec.Code
}

func (c *client) pass(d time.Duration) {
	c.t.Helper()
	_, err := c.lab.AdvanceTo(c.t.Context(), c.lab.Clock.Now().Add(d))
	require.NoError(c.t, err)
}

// A session lasts for ever until somebody sets how long it does.
func TestSession_lasts(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	s := c.session()
	c.pass(1000 * time.Hour)
	assert.Equal(t, http.StatusOK, s.ask())
	for key, want := range map[string]float64{"mgmt.session_expiry": 1440, "mgmt.session_idle_timeout": 60} {
		_, got := c.do(http.MethodGet, "/api/rest/config/mgmt/"+key, http.NoBody)
		assert.InDelta(t, want, got["result"], 0, key)
	}
}

func TestSession_idle(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	s := c.session()
	c.pass(3 * time.Hour)
	status, got := c.set("mgmt.session_idle_timeout", `"10"`) // a text, as the vendor shows it
	require.Equal(t, http.StatusOK, status)
	assert.InDelta(t, 10, got["result"], 0)
	assert.Equal(t, http.StatusUnauthorized, s.ask(), "it was idle before that too")
	s = c.session()
	for range 20 { // whoever asks is not idle
		c.pass(10*time.Minute - time.Second)
		require.Equal(t, http.StatusOK, s.ask())
	}
	c.pass(10 * time.Minute)
	assert.Equal(t, http.StatusUnauthorized, s.ask())
	assert.Equal(t, http.StatusOK, c.ask(), "a password has no session that could end")
	assert.Equal(t, http.StatusUnauthorized, s.ask(), "it does not come back")
}

func TestSession_expiry(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	status, _ := c.set("mgmt.session_expiry", `30`)
	require.Equal(t, http.StatusOK, status)
	s := c.session()
	for range 29 {
		c.pass(time.Minute)
		require.Equal(t, http.StatusOK, s.ask())
	}
	c.pass(time.Minute)
	assert.Equal(t, http.StatusUnauthorized, s.ask(), "however much it asked")
}

func TestSession_limitsRefused(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, body := range []string{`0`, `-1`, `"x"`, `true`, `1.5`, `525601`, `"1e3"`, `null`, `""`, `1e300`} {
		for _, key := range []string{"mgmt.session_expiry", "mgmt.session_idle_timeout"} {
			status, got := c.set(key, body)
			assert.Equal(t, http.StatusBadRequest, status, body)
			assert.Contains(t, got["error"].(map[string]any)["message"], key)
		}
	}
	s := c.session()
	c.pass(1000 * time.Hour)
	assert.Equal(t, http.StatusOK, s.ask(), "nothing of it was kept")
}
