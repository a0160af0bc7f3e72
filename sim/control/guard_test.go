package control_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/control"
)

// sealedBody is a body that nobody may read.
type sealedBody struct{ read bool }

func (b *sealedBody) Read([]byte) (int, error) { b.read = true; return 0, errors.New("was read") }
func (b *sealedBody) Close() error             { return nil }

// everyRoute lists what the control plane serves, with words in place of the
// path's variables.
func everyRoute(s *control.Server) (methods, paths []string) {
	variable := regexp.MustCompile(`\{[^}]*\}|\*`)
	for _, served := range append(s.Served(), "GET /_sim/metrics", "GET /_sim/v1/nothing", "PUT /_sim/v1/clock") {
		method, path, _ := strings.Cut(served, " ")
		methods = append(methods, method)
		paths = append(paths, variable.ReplaceAllStringFunc(path, func(v string) string {
			if v == "{lab}" {
				return "default"
			}
			return "1"
		}))
	}
	return methods, paths
}

// TestGuard_everyRoute refuses every route of the control plane to who has no
// token or a wrong one, and to pages of other origins whatever they bring,
// before it reads a byte of the body.
func TestGuard_everyRoute(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	const token = "Tok3n-of-the-plane"
	guarded := control.New(control.Options{Labs: p.labs, Log: slog.New(slog.DiscardHandler), Token: token})
	cases := []struct {
		name   string
		server *control.Server
		host   string
		header map[string]string
		want   int
	}{
		{"no token", guarded, "localhost", nil, 401},
		{"wrong token", guarded, "localhost", map[string]string{"Authorization": "Bearer Tok3n-of-the-plane2"}, 401},
		{"start of the token", guarded, "localhost", map[string]string{"Authorization": "Bearer Tok3n"}, 401},
		{"empty token", guarded, "localhost", map[string]string{"Authorization": "Bearer "}, 401},
		{"token without its word", guarded, "localhost", map[string]string{"Authorization": token}, 401},
		{"token as a cookie", guarded, "localhost", map[string]string{"Cookie": "token=" + token}, 401},
		{"an array's password", guarded, "localhost", map[string]string{"Authorization": "Basic YWRtaW46MTIzNDU2"}, 401},
		{"foreign origin with the token", guarded, "localhost", map[string]string{"Authorization": "Bearer " + token, "Origin": "http://evil.example"}, 403},
		{"foreign origin", p.server, "localhost", map[string]string{"Origin": "http://evil.example"}, 403},
		{"a form of another site", p.server, "localhost", map[string]string{"Origin": "null", "Content-Type": "text/plain"}, 403},
		{"another site", p.server, "localhost", map[string]string{"Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"}, 403},
		{"a name bound anew", p.server, "evil.example", nil, 403},
		{"a name that only begins well", p.server, "127.0.0.1.evil.example:8079", nil, 403},
	}
	before, _ := p.lab.Version()
	methods, paths := everyRoute(guarded)
	require.Greater(t, len(paths), 100)
	for _, c := range cases {
		for i, path := range paths {
			if path == "/_sim/v1/health" && (c.want == 401 || c.host != "localhost") {
				continue // whoever starts containers asks without
			}
			body := &sealedBody{}
			r := httptest.NewRequestWithContext(t.Context(), methods[i], "http://"+c.host+path, body)
			for k, v := range c.header {
				r.Header.Set(k, v)
			}
			rec := httptest.NewRecorder()
			c.server.ServeHTTP(rec, r)
			require.Equal(t, c.want, rec.Code, "%s: %s %s: %s", c.name, methods[i], path, rec.Body)
			require.False(t, body.read, "%s: %s %s read its body", c.name, methods[i], path)
			require.NotContains(t, rec.Body.String(), token)
		}
	}
	after, _ := p.lab.Version()
	assert.Equal(t, before, after, "what is refused changes nothing")
}

// TestGuard_headers has a browser do nothing with an answer but read it.
func TestGuard_headers(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	for path, status := range map[string]int{
		"/_sim/v1/clock": 200, "/_sim/v1/nothing": 404, "/_sim/v1/coverage?format=html": 200, "/_sim/v1/journal": 200, "/_sim/metrics": 200,
		"/_sim/v1/watch?updates=1": 200, "/_sim/v1/arrays/box-1/rest/system": 200,
	} {
		rec := httptest.NewRecorder()
		p.server.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, nil))
		require.Equal(t, status, rec.Code, path)
		h := rec.Header()
		assert.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		assert.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'", path)
		assert.NotContains(t, h.Get("Content-Security-Policy"), "script", path)
		assert.Equal(t, "no-store", h.Get("Cache-Control"), path)
		assert.Empty(t, h.Get("Access-Control-Allow-Origin"), path)
	}
}

// TestNames_areNoPaths refuses names of labs and snapshots that would lead out
// of the directory which keeps them, or break a line or a header.
func TestNames_areNoPaths(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	for _, name := range []string{
		`../x`, `..`, `.`, `a/b`, `a\\b`, `/etc/passwd`, `a\u0000b`, `a\r\nX: y`, `a\u2215b`, `a\u202eb`, `a\uff0fb`, ` a`, `a `, `A`, `-a`, `%2e%2e%2fx`, `a@1`, `c:x`, `con.db`, ``,
	} {
		for path, body := range map[string]string{
			"labs": `{"name":"` + name + `"}`, "fork": `{"name":"` + name + `"}`, "snapshots": `{"name":"` + name + `"}`,
			"labs/default/travel": `{"entry":1,"name":"` + name + `"}`,
		} {
			status, text := p.do(http.MethodPost, path, body)
			assert.Equal(t, http.StatusBadRequest, status, "%s %s: %s", path, body, text)
		}
		status, text := p.do(http.MethodPost, "restore", `{"snapshot":"`+name+`"}`)
		assert.GreaterOrEqual(t, status, 400, "%q: %s", name, text)
	}
	for _, path := range []string{
		"snapshots/..%2f..%2fx", "snapshots/%2e%2e", "labs/..%2fdefault", "labs/%00", "faults/%0d%0aX:%20y", "arrays/..%2fbox-1",
	} {
		status, text := p.do(http.MethodDelete, path, "")
		assert.GreaterOrEqual(t, status, 400, "%s: %s", path, text)
	}
	for _, name := range []string{`a\r\nb`, `a\u0000`, `a\u001b[31m`, ` a`} {
		status, text := p.do(http.MethodPost, "arrays", `{"name":"`+name+`"}`)
		assert.Equal(t, http.StatusBadRequest, status, "%s: %s", name, text)
	}
	assert.Len(t, p.lab.Arrays(), 2)
	status, text := p.do(http.MethodPost, "import?name=..%2fx", "")
	assert.Equal(t, http.StatusBadRequest, status, text)
	assert.Len(t, p.labs.List(), 1)
	assert.Empty(t, p.lab.Snapshots())
}

// TestFault_idsAreNoHeaders refuses ids of rules that would make headers of
// their own of X-Sim-Fault, which names them.
func TestFault_idsAreNoHeaders(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	for _, id := range []string{`a\r\nSet-Cookie: x=y`, `a\nb`, `a,b`, `a\u0000`, `../x`, `a b`} {
		status, text := p.do(http.MethodPost, "faults", `{"id":"`+id+`","site":"http","path":"pools","effect":{"type":"status","status":503}}`)
		assert.Equal(t, http.StatusBadRequest, status, "%s: %s", id, text)
	}
	assert.Empty(t, p.lab.Faults())
}
