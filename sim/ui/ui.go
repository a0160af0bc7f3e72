// Package ui is the dashboard: pages for a browser at /_sim/ui, beside the
// control plane, which has all that they show and do. The pages hold nothing
// of a lab, so they are served to everybody.
package ui

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var files embed.FS

// Path is where the dashboard is.
const Path = "/_sim/ui"

// policy lets the pages load and ask what is on their own origin, and nothing
// else: no script and no style that stands in a page or comes from elsewhere.
const policy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"

// Mount serves the dashboard at Path, and everything else by the control
// plane.
func Mount(control http.Handler) http.Handler {
	pages := Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == Path || strings.HasPrefix(r.URL.Path, Path+"/") {
			pages.ServeHTTP(w, r)
			return
		}
		control.ServeHTTP(w, r)
	})
}

// Handler serves the pages of the dashboard at Path.
func Handler() http.Handler {
	static, err := fs.Sub(files, "static")
	if err != nil {
		panic("ui: " + err.Error()) // the folder is built in
	}
	pages := http.StripPrefix(Path, http.FileServerFS(static))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache")
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
		case r.URL.Path == Path:
			http.Redirect(w, r, Path+"/", http.StatusMovedPermanently)
		default:
			setType(h, r.URL.Path)
			pages.ServeHTTP(w, r)
		}
	})
}

// setType names the types of the files itself: those of the machine may be
// others, and a browser runs no module of another type.
func setType(h http.Header, name string) {
	kinds := map[string]string{
		".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".html": "text/html; charset=utf-8",
	}
	if kind, ok := kinds[path.Ext(name)]; ok {
		h.Set("Content-Type", kind)
	}
}
