package ui_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/ui"
)

func request(h http.Handler, method, path string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(method, path, http.NoBody))
	return rec
}

// TestMount has the dashboard at its path and the control plane everywhere
// else.
func TestMount(t *testing.T) {
	t.Parallel()
	asked := ""
	h := ui.Mount(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.URL.Path }))
	assert.Contains(t, request(h, http.MethodGet, "/_sim/ui/").Body.String(), "<main")
	assert.Empty(t, asked)
	rec := request(h, http.MethodGet, "/_sim/ui")
	assert.Equal(t, http.StatusMovedPermanently, rec.Code)
	assert.Equal(t, "/_sim/ui/", rec.Header().Get("Location"))
	for _, path := range []string{"/_sim/v1/clock", "/_sim/uix", "/"} {
		request(h, http.MethodGet, path)
		assert.Equal(t, path, asked)
	}
	rec = request(h, http.MethodPost, "/_sim/ui/")
	assert.Equal(t, http.StatusMethodNotAllowed, rec.Code)
	assert.Equal(t, "GET, HEAD", rec.Header().Get("Allow"))
	assert.Equal(t, http.StatusNotFound, request(h, http.MethodGet, "/_sim/ui/js/none.js").Code)
}

// TestHandler_headers has every file under the policy, and of its own type
// whatever the machine says.
func TestHandler_headers(t *testing.T) {
	t.Parallel()
	for path, kind := range map[string]string{
		"": "text/html", "js/main.js": "text/javascript", "js/views/api.js": "text/javascript", "css/base.css": "text/css", "icon.svg": "image/svg+xml",
	} {
		rec := request(ui.Handler(), http.MethodGet, ui.Path+"/"+path)
		require.Equal(t, http.StatusOK, rec.Code, path)
		assert.Contains(t, rec.Header().Get("Content-Type"), kind, path)
		policy := rec.Header().Get("Content-Security-Policy")
		assert.Contains(t, policy, "default-src 'self'", path)
		assert.NotContains(t, policy, "unsafe", path)
		assert.Equal(t, "nosniff", rec.Header().Get("X-Content-Type-Options"), path)
	}
}

// TestFiles has nothing in the pages that the policy refuses or that another
// host has, and no file that is too long to be read.
func TestFiles(t *testing.T) {
	t.Parallel()
	elsewhere := regexp.MustCompile(`https?://[^'"\s)]+`)
	inline := regexp.MustCompile(`(?i)<script>|<style|\sstyle=|\son\w+="|setAttribute\('style|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|createContextualFragment|srcdoc|javascript:`)
	files := 0
	err := filepath.WalkDir("static", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, u := range elsewhere.FindAllString(string(raw), -1) {
			assert.Equal(t, "http://www.w3.org/2000/svg", u, path)
		}
		assert.NotRegexp(t, inline, string(raw), path)
		assert.LessOrEqual(t, strings.Count(string(raw), "\n"), 400, path)
		return nil
	})
	require.NoError(t, err)
	assert.Greater(t, files, 20)
}
