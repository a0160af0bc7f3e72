package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/api"
	"infinisim/sim/apierr"
	"infinisim/sim/journal"
	"infinisim/sim/lab"
)

// client asks one array, with whatever headers a test sets.
type client struct {
	t      testing.TB
	lab    *lab.Lab
	server *api.Server
	header http.Header
}

func newClient(tb testing.TB) *client {
	tb.Helper()
	l, err := lab.New(lab.Options{})
	require.NoError(tb, err)
	tb.Cleanup(func() {
		bad, err := l.Check(context.WithoutCancel(tb.Context()))
		require.NoError(tb, err)
		require.Empty(tb, bad)
		require.NoError(tb, l.Close())
	})
	a, err := l.AddArray(tb.Context(), lab.ArraySetup{})
	require.NoError(tb, err)
	c := &client{t: tb, lab: l, server: a.Server, header: http.Header{}}
	c.basic("admin", "123456")
	return c
}

func (c *client) basic(user, password string) {
	r := httptest.NewRequestWithContext(c.t.Context(), http.MethodGet, "/", nil)
	r.SetBasicAuth(user, password)
	c.header.Set("Authorization", r.Header.Get("Authorization"))
}

func (c *client) do(method, path string, body io.Reader) (*httptest.ResponseRecorder, map[string]any) {
	c.t.Helper()
	r := httptest.NewRequestWithContext(c.t.Context(), method, path, body)
	r.Header = c.header.Clone()
	rec := httptest.NewRecorder()
	c.server.ServeHTTP(rec, r)
	out := map[string]any{}
	require.NoError(c.t, json.Unmarshal(rec.Body.Bytes(), &out), rec.Body.String())
	return rec, out
}

func (c *client) code(status int, code, method, path, body string) {
	c.t.Helper()
	rec, out := c.do(method, path, strings.NewReader(body))
	e, _ := out["error"].(map[string]any)
	require.Equal(c.t, code, e["code"], "%s %s: %v", method, path, out)
	require.Equal(c.t, status, rec.Code)
}

const pool = `{"name":"p","physical_capacity":1000000000000,"virtual_capacity":1000000000000}`

func TestEnvelope_exact(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	rec, _ := c.do(http.MethodGet, "/api/rest/pools", nil)
	assert.Equal(t, `{"result":[],"error":null,"metadata":{"ready":true,"number_of_objects":0,"page_size":50,"pages_total":1,"page":1}}`, rec.Body.String())
	rec, _ = c.do(http.MethodGet, "/api/rest/system/product_id", nil)
	assert.Equal(t, `{"result":"INFINIBOX","error":null,"metadata":{"ready":true}}`, rec.Body.String())
	assert.Equal(t, "no-cache", rec.Header().Get("Cache-Control"))
	_, out := c.do(http.MethodGet, "/api/rest/volumes/7", nil)
	e := out["error"].(map[string]any)
	assert.Len(t, e, 6)
	assert.Equal(t, map[string]any{
		"code": "VOLUME_NOT_FOUND", "message": "Volume not found: volume 7 does not exist", "reasons": []any{}, "severity": "ERROR", "is_remote": false, "data": nil,
	}, e)
}

func TestPaths_slashesAreServed(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, path := range []string{"/api/rest/pools", "//api/rest/pools", "/api//rest//pools/", "/api/rest/pools//"} {
		rec, _ := c.do(http.MethodGet, path, nil)
		assert.Equal(t, http.StatusOK, rec.Code, path)
	}
	rec, _ := c.do(http.MethodPut, "/api/rest/system/name/", strings.NewReader(`"other"`))
	assert.Equal(t, http.StatusOK, rec.Code)
	_, out := c.do(http.MethodGet, "/api/rest/system?fields=name", nil)
	assert.Equal(t, "other", out["result"].(map[string]any)["name"])
	c.code(http.StatusNotFound, "PATH_NOT_FOUND", http.MethodGet, "/api/rest/nonexistent/path", "")
	c.code(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", http.MethodPatch, "/api/rest/pools", "")
	rec, _ = c.do(http.MethodPatch, "/api/rest//pools/", nil)
	assert.Equal(t, "GET, POST", rec.Header().Get("Allow"))
	rec, _ = c.do(http.MethodDelete, "/api/rest/events/1000", nil)
	assert.Equal(t, "GET", rec.Header().Get("Allow"))
	assert.Equal(t, map[string]int{"box-1 GET /api/rest/nonexistent/path": 1}, c.lab.Missing())
}

func TestBody_bad(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	post := func(status int, code, body string) {
		t.Helper()
		c.code(status, code, http.MethodPost, "/api/rest/pools", body)
	}
	post(http.StatusBadRequest, "MALFORMED_REQUEST", `{"name":`)
	post(http.StatusBadRequest, "MALFORMED_REQUEST", `[]`)
	post(http.StatusBadRequest, "MALFORMED_REQUEST", `"x"`)
	post(http.StatusBadRequest, "MISSING_REQUIRED_FIELD", ``)
	post(http.StatusBadRequest, "UNKNOWN_FIELD", `{"evil":1}`)
	c.code(http.StatusBadRequest, "INVALID_FIELD_VALUE", http.MethodPut, "/api/rest/system/name", ``)
	c.code(http.StatusBadRequest, "INVALID_FIELD_VALUE", http.MethodPost, "/api/rest/metrics/collectors", `{"collected_fields":[{}]}`)
	for _, name := range []string{"physical_capacity", "virtual_capacity", "max_extend"} { // sums of such numbers are none
		body := `{"name":"p","physical_capacity":1000000000000,"virtual_capacity":1000000000000,"`
		post(http.StatusBadRequest, "INVALID_FIELD_VALUE", body+name+`":9223372036854775807}`)
	}
	assert.Equal(t, map[string]int{"box-1 POST /api/rest/pools: evil": 1}, c.lab.Unread())
	rec, out := c.do(http.MethodPost, "/api/rest/pools", io.LimitReader(endless{}, 100<<20))
	assert.Equal(t, http.StatusRequestEntityTooLarge, rec.Code)
	assert.Equal(t, "REQUEST_TOO_LARGE", out["error"].(map[string]any)["code"])
	_, out = c.do(http.MethodGet, "/api/rest/pools", nil)
	assert.Empty(t, out["result"])
}

// endless is a body without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	copy(p, bytes.Repeat([]byte(" "), len(p)))
	return len(p), nil
}

func TestSession_loginAndLogout(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.header.Del("Authorization")
	c.code(http.StatusUnauthorized, "NOT_AUTHENTICATED", http.MethodGet, "/api/rest/system", "")
	rec, _ := c.do(http.MethodGet, "/api/rest/_features", nil)
	assert.Equal(t, http.StatusOK, rec.Code, "features are public")
	c.code(http.StatusUnauthorized, "BAD_CREDENTIALS", http.MethodPost, "/api/rest/users/login?approved=true", `{"username":"admin","password":"no"}`)
	rec, out := c.do(http.MethodPost, "/api/rest/users/login?approved=true", strings.NewReader(`{"username":"admin","password":"123456","clientid":"x"}`))
	require.Len(t, rec.Result().Cookies(), 1)
	cookie := rec.Result().Cookies()[0]
	assert.Equal(t, "/", cookie.Path)
	assert.True(t, cookie.Expires.IsZero(), "sessions do not end by themselves")
	result := out["result"].(map[string]any)
	assert.Equal(t, []any{"ADMIN"}, result["roles"])
	assert.NotContains(t, rec.Body.String(), "123456")
	c.header.Set("Cookie", cookie.Name+"="+cookie.Value)
	rec, _ = c.do(http.MethodGet, "/api/rest/system", nil)
	assert.Equal(t, http.StatusOK, rec.Code)
	rec, _ = c.do(http.MethodPost, "/api/rest/users/logout?approved=true", strings.NewReader(`{}`))
	assert.Equal(t, http.StatusOK, rec.Code)
	c.code(http.StatusUnauthorized, "NOT_AUTHENTICATED", http.MethodGet, "/api/rest/system", "")
}

func TestRoles_readOnlyWritesNothing(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	rec, out := c.do(http.MethodPost, "/api/rest/users", strings.NewReader(`{"name":"r","email":"e","password":"Aa1!aaa123456","role":"ReadOnly"}`))
	require.Equal(t, http.StatusCreated, rec.Code, "%v", out)
	assert.Equal(t, "READ_ONLY", out["result"].(map[string]any)["role"])
	c.basic("r", "Aa1!aaa123456")
	rec, _ = c.do(http.MethodGet, "/api/rest/pools", nil)
	assert.Equal(t, http.StatusOK, rec.Code)
	c.code(http.StatusForbidden, "PERMISSION_DENIED", http.MethodPost, "/api/rest/pools", pool)
	c.basic("r", "wrong")
	c.code(http.StatusUnauthorized, "NOT_AUTHENTICATED", http.MethodGet, "/api/rest/pools", "")
}

func TestApproval(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	_, out := c.do(http.MethodPost, "/api/rest/pools?approved=false", strings.NewReader(pool))
	id := out["result"].(map[string]any)["id"].(float64)
	path := fmt.Sprintf("/api/rest/pools/%.0f", id)
	c.code(http.StatusForbidden, "APPROVAL_REQUIRED", http.MethodDelete, path, "")
	c.code(http.StatusForbidden, "APPROVAL_REQUIRED", http.MethodDelete, path+"?approved=false", "")
	c.code(http.StatusBadRequest, "INVALID_FIELD_VALUE", http.MethodDelete, path+"?approved=perhaps", "")
	rec, _ := c.do(http.MethodDelete, path+"?approved=True", nil)
	assert.Equal(t, http.StatusOK, rec.Code)
}

func TestPassword_isNeverShown(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	rec, _ := c.do(http.MethodPost, "/api/rest/users", strings.NewReader(`{"name":"u","email":"e","password":"Aa1!Hidden123","role":"ADMIN"}`))
	assert.NotContains(t, rec.Body.String(), "Hidden")
	c.code(http.StatusBadRequest, "USER_PASSWORD_DOES_NOT_COMPLY_WITH_POLICY", http.MethodPost, "/api/rest/users", `{"name":"w","email":"e","password":"123456"}`)
	c.code(http.StatusConflict, "USER_NAME_CONFLICT", http.MethodPost, "/api/rest/users", `{"name":"u","email":"e","password":"Aa1!aaa123456"}`)
	c.code(http.StatusBadRequest, "UNKNOWN_PARAMETER", http.MethodGet, "/api/rest/users?password=eq:x", "")
	for _, e := range c.lab.Journal.Entries(journal.Filter{}) {
		assert.NotContains(t, e.Body+e.Answer, "Hidden")
	}
}

func TestNextSettle_isAnnounced(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	rec, _ := c.do(http.MethodGet, "/api/rest/pools", nil)
	assert.Empty(t, rec.Header().Get("X-Sim-Next-Settle"))
	before := c.lab.Clock.Now()
	c.header.Set("X-Sim-Now", "1735689605000.5")
	_, _ = c.do(http.MethodGet, "/api/rest/pools", nil)
	assert.Equal(t, int64(5000), c.lab.Clock.Now().Sub(before).Milliseconds())
	c.header.Set("X-Sim-Now", "1000")
	_, _ = c.do(http.MethodGet, "/api/rest/pools", nil)
	assert.Equal(t, int64(5000), c.lab.Clock.Now().Sub(before).Milliseconds(), "the clock never goes back")
	for _, no := range []string{"soon", "NaN", "-1", "1e300", "7258118400001"} {
		c.header.Set("X-Sim-Now", no)
		c.code(http.StatusBadRequest, "INVALID_FIELD_VALUE", http.MethodGet, "/api/rest/pools", "")
	}
}

// TestStatus_complete finds every code of apierr in the table.
func TestStatus_complete(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../apierr/codes.go", nil, 0)
	require.NoError(t, err)
	n := 0
	ast.Inspect(file, func(node ast.Node) bool {
		v, ok := node.(*ast.ValueSpec)
		if !ok {
			return true
		}
		n++
		code := apierr.Code(strings.Trim(v.Values[0].(*ast.BasicLit).Value, `"`))
		if code != apierr.Internal {
			assert.NotEqual(t, http.StatusInternalServerError, api.StatusOf(code), code)
		}
		return true
	})
	assert.Greater(t, n, 100)
}
