// Package api is an array's management REST API: routes, envelope, sessions
// and roles. What the objects are and do stands in sim/model; this package
// turns requests into calls and results into answers.
package api

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"

	"infinisim/sim/clock"
	"infinisim/sim/fabric"
	"infinisim/sim/fault"
	"infinisim/sim/journal"
	"infinisim/sim/model"
	"infinisim/sim/store"
)

// Options is what a server works on.
type Options struct {
	// Routes are the requests of the lab's kinds.
	Routes *Routes
	// Runner runs the lab's transactions.
	Runner *fabric.Runner
	// Clock is the lab's time.
	Clock *clock.Clock
	// Key is the array.
	Key string
	// Log hears of requests (Debug) and of our own bugs (Error).
	Log *slog.Logger
	// Journal remembers every request; nil remembers none.
	Journal *journal.Journal
	// Faults are the lab's; nil has none.
	Faults *fault.Set
	// Wait has a request wait for a lab time; nil waits by the wall clock.
	Wait Wait
	// Look is called in the transaction of every request that may have changed
	// something, after it. What it returns, unless nil, hears of the request's
	// entry. Nil is not called.
	Look func(tx *store.Tx) func(e journal.Entry)
	// Done hears of every request that has ended; nil is not called.
	Done func(d Done)
	// Changed is called after every request that may have put work on the
	// timetable; nil is not called.
	Changed func()
}

// Routes are the requests that arrays answer, the same for all arrays of an
// engine. They hold no state.
type Routes struct {
	engine *model.Engine
	router chi.Router
	served []Served
	table  []routed
}

// Served is one request that arrays answer.
type Served struct {
	// Method and Path are those of the request; the path, under /api/rest, has
	// its variables in braces.
	Method, Path string
	// Least is the least role that may make it, empty if it needs no session.
	Least string
	// Kind is the type of the objects that it is about, empty for none.
	Kind string
}

// Find is the request that arrays answer for a method and a path under
// /api/rest; ok is false when there is none.
func (t *Routes) Find(method, path string) (s Served, ok bool) {
	ctx := chi.NewRouteContext()
	if !t.router.Match(ctx, method, root+"/"+path) {
		return Served{}, false
	}
	pattern := strings.TrimPrefix(ctx.RoutePattern(), root+"/")
	i := slices.IndexFunc(t.served, func(s Served) bool { return s.Method == method && s.Path == pattern })
	if i < 0 {
		return Served{}, false
	}
	return t.served[i], true
}

// others lists the methods that the path of a request takes besides its own, as
// the header Allow of a 405 has them (RFC 9110, 15.5.6).
func (t *Routes) others(r *http.Request) string {
	var out []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		s, ok := t.Find(method, strings.TrimPrefix(r.URL.Path, root+"/"))
		if ok && method != r.Method && (method == http.MethodGet || !t.fixed(s)) {
			out = append(out, method)
		}
	}
	return strings.Join(out, ", ")
}

// fixed reports whether a request would change an object that no client changes
// in this way.
func (t *Routes) fixed(s Served) bool {
	if shapes()[s.Method+" "+s.Path].never {
		return true
	}
	k := t.kind(s.Kind)
	return k != nil && k.Fixed && s.Path == k.Path+"/{id}"
}

// Served lists what arrays answer. The caller must not change the list.
func (t *Routes) Served() []Served { return t.served }

// Server answers for one array. It is an http.Handler.
type Server struct {
	Options
	engine *model.Engine

	// mu guards the session table and the counters; it is a leaf.
	mu       sync.Mutex
	sessions map[string]*Session
	missing  map[string]int
	unread   map[string]int
}

// root is where the API begins.
const root = "/api/rest"

// NewRoutes lists the requests of an engine's kinds.
func NewRoutes(e *model.Engine) *Routes {
	t := &Routes{engine: e, router: chi.NewRouter()}
	t.router.NotFound(serve(notFound()))
	t.router.MethodNotAllowed(serve(wrongMethod()))
	t.router.Get("/_sim/v1/health", health)
	t.route()
	return t
}

// New makes the server of an array.
func New(o Options) *Server {
	return &Server{
		Options: o, engine: o.Routes.engine,
		sessions: map[string]*Session{}, missing: map[string]int{}, unread: map[string]int{},
	}
}

// serverKey finds the array that a request of the shared routes is for.
type serverKey struct{}

func serverOf(r *http.Request) *Server {
	s, _ := r.Context().Value(serverKey{}).(*Server) // ServeHTTP put it there
	return s
}

// ServeHTTP serves double and trailing slashes as if they were not there:
// real clients send both, and a redirect would turn a POST into a GET.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if clean := cleanPath(r.URL.Path); clean != r.URL.Path || r.URL.RawPath != "" {
		u := *r.URL
		u.Path, u.RawPath = clean, ""
		r2 := r.WithContext(r.Context())
		r2.URL = &u
		r = r2
	}
	s.Routes.router.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), serverKey{}, s)))
}

func cleanPath(p string) string {
	for strings.Contains(p, "//") {
		p = strings.ReplaceAll(p, "//", "/")
	}
	if len(p) > 1 {
		p = strings.TrimSuffix(p, "/")
	}
	return p
}

// mostCounted is how many different keys a table counts; further ones are
// counted together.
const (
	mostCounted = 10_000
	theOthers   = "others"
)

func (s *Server) count(table map[string]int, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := table[key]; !known && len(table) >= mostCounted {
		key = theOthers
	}
	table[key]++
}

func (s *Server) counts(table map[string]int) map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(table)
}

// Missing counts the requests that no route answered, by "METHOD path".
func (s *Server) Missing() map[string]int { return s.counts(s.missing) }

// Unread counts the body keys that nothing knew, by "METHOD path: key".
func (s *Server) Unread() map[string]int { return s.counts(s.unread) }

// Sessions are the sessions that are open, by their ids.
func (s *Server) Sessions() map[string]Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]Session{}
	for id, open := range s.sessions {
		out[id] = *open
	}
	return out
}

// Resume makes the given sessions the open ones and clears the counters.
func (s *Server) Resume(sessions map[string]Session) {
	s.Forget()
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, open := range sessions {
		s.sessions[id] = &open
	}
}

// Forget ends all sessions and clears the counters.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
	clear(s.missing)
	clear(s.unread)
}
