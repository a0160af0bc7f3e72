// Package control is the control plane: what a tester may do to a lab that an
// administrator of an array may not. It has a listener of its own.
package control

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"

	"infinisim/sim/api"
	"infinisim/sim/apierr"
	"infinisim/sim/lab"
	"infinisim/sim/observe"
)

// Options is what a control plane works on.
type Options struct {
	// Labs are the labs; one of them is the default one.
	Labs *lab.Labs
	// Describe tells how an array of a lab is reached; nil leaves addresses
	// out.
	Describe func(a *lab.Array) Address
	// Added is called after an array was added, Removed after one was removed;
	// nil is not called. Added's error takes the array away again.
	Added   func(ctx context.Context, l *lab.Lab, a *lab.Array) error
	Removed func(a *lab.Array)
	// Ready reports whether all listeners serve; nil means yes.
	Ready func() bool
	// Token is what a request has to bring as "Authorization: Bearer TOKEN";
	// empty asks for none. The path health needs none.
	Token string
	// Metrics counts requests, and is an observer of the labs; nil counts none.
	Metrics *observe.Metrics
	// Log hears of requests (Debug) and of our own bugs (Error); nil is silent.
	Log *slog.Logger
}

// Address is how an array is reached.
type Address struct {
	URL      string  `json:"url"`
	HTTPS    *string `json:"https_url"`
	Username string  `json:"username"`
	Password string  `json:"password"`
}

// Server is the control plane. It is an http.Handler.
type Server struct {
	Options
	router     chi.Router
	operations operations
	scraped    http.Handler
	ended      chan struct{} // closed when it ends: streams do

	// mu guards followers; it is a leaf.
	mu        sync.Mutex
	followers []follower
}

// request is one request, decoded.
type request struct {
	*http.Request
	lab  *lab.Lab
	body []byte
}

// handler does what a route asks; the result is what JSON encodes.
type handler func(s *Server, r *request) (any, error)

// lines is a result that is not JSON but JSON lines.
type lines []byte

const prefix = "/_sim/v1"

// New makes the control plane of a process.
func New(o Options) *Server {
	s := &Server{Options: o, ended: make(chan struct{})}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Metrics == nil {
		s.Metrics = observe.New()
	}
	s.scraped = s.Metrics.Handler(o.Labs)
	r := chi.NewRouter()
	for _, route := range routes() {
		if route.do == nil {
			r.Get(route.path, s.metrics)
			continue
		}
		for _, path := range route.paths() {
			r.Method(route.method, path, s.adaptTo(route.do, cmp.Or(route.most, maxBody)))
		}
	}
	r.NotFound(s.adapt(func(_ *Server, r *request) (any, error) {
		return nil, apierr.New(apierr.PathNotFound, "nothing is at %s", r.URL.Path)
	}))
	r.MethodNotAllowed(s.adapt(func(_ *Server, r *request) (any, error) {
		return nil, apierr.New(apierr.MethodNotAllowed, "%s does not take %s", r.URL.Path, r.Method)
	}))
	s.router = r
	return s
}

// ServeHTTP answers a request of the control plane.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

const maxBody = 1 << 20

func (s *Server) adapt(do handler) http.HandlerFunc { return s.adaptTo(do, maxBody) }

// adaptTo is the one place that writes answers. It reads bodies of at most a
// length.
func (s *Server) adaptTo(do handler, most int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var v any
		body, err := s.admit(r, most)
		if err == nil {
			v, err = s.do(do, &request{Request: r, body: body})
		}
		status, raw := http.StatusOK, []byte(nil)
		if p, ok := v.(page); ok && err == nil {
			s.send(w, status, "text/html; charset=utf-8", p)
			return
		}
		if st, ok := v.(stream); ok && err == nil {
			s.pour(w, r, st)
			return
		}
		if l, ok := v.(lines); ok && err == nil {
			s.send(w, status, "application/x-ndjson", l)
			return
		}
		if _, ok := v.(accepted); ok {
			status = http.StatusAccepted
		}
		if err == nil {
			raw, err = json.Marshal(v)
		}
		if err != nil {
			status, raw = s.refuse(r, err)
		}
		s.Log.Debug("control request", "method", r.Method, "path", r.URL.Path, "status", status)
		if status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", s.methods(r.URL.Path))
		}
		s.send(w, status, "application/json", append(raw, '\n'))
	}
}

// methods lists those that a path takes, as the header Allow of a 405 has them
// (RFC 9110, 15.5.6).
func (s *Server) methods(path string) string {
	var out []string
	for _, method := range []string{get, post, put, patch, remove} {
		if s.router.Match(chi.NewRouteContext(), method, path) {
			out = append(out, method)
		}
	}
	return strings.Join(out, ", ")
}

// do finds the lab that the path names, and runs the handler.
func (s *Server) do(do handler, r *request) (any, error) {
	name := chi.URLParam(r.Request, "lab")
	if name == "" {
		name = lab.DefaultName
	}
	var err error
	if r.lab, err = s.Labs.Get(name); err != nil {
		return nil, err
	}
	return do(s, r)
}

func (s *Server) send(w http.ResponseWriter, status int, kind string, body []byte) {
	shield(w.Header())
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // the client is gone: nobody to tell; its type and shield keep a browser from running it
}

func (s *Server) refuse(r *http.Request, err error) (int, []byte) {
	e, ok := apierr.As(err)
	if !ok {
		s.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		e = apierr.New(apierr.Internal, "%v", err)
	}
	raw, bad := json.Marshal(map[string]any{"error": map[string]any{"code": e.Code, "message": e.Message}})
	if bad != nil {
		raw = []byte(`{"error":{"code":"INTERNAL_ERROR","message":""}}`)
	}
	return api.StatusOf(e.Code), raw
}

// decode reads a body that may have the given keys alone; an empty one leaves
// v as it is.
func (r *request) decode(v any, keys ...string) error {
	if len(strings.TrimSpace(string(r.body))) == 0 {
		return nil
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(r.body, &all); err != nil {
		return apierr.New(apierr.Malformed, "body: not a JSON object: %v", err)
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !slices.Contains(keys, name) {
			return apierr.New(apierr.UnknownField, "%s: unknown, this takes %s", name, strings.Join(keys, ", ")).About(name)
		}
	}
	if err := json.Unmarshal(r.body, v); err != nil {
		return apierr.New(apierr.InvalidValue, "body: %v", err)
	}
	return nil
}

func (r *request) key() string { return chi.URLParam(r.Request, "key") }

// id reads the number in the path.
func (r *request) id() (int64, error) {
	text := chi.URLParam(r.Request, "id")
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, apierr.New(apierr.InvalidValue, "id: %q is no number", text).About("id")
	}
	return id, nil
}

// healthView and resetView are the answers of the routes of those
// names.
type (
	healthView struct {
		Status string `json:"status"`
	}
	resetView struct {
		Reset bool `json:"reset"`
	}
)

func readDriven(_ *Server, r *request) (any, error)  { return r.lab.Journal.Driven(), nil }
func readMissing(_ *Server, r *request) (any, error) { return counted(r.lab.Missing()), nil }
func readUnread(_ *Server, r *request) (any, error)  { return counted(r.lab.Unread()), nil }

func health(s *Server, _ *request) (any, error) {
	if s.Ready != nil && !s.Ready() {
		return nil, apierr.New(apierr.SystemNotReady, "not all listeners serve yet")
	}
	return healthView{"ok"}, nil
}

// count is one line of missing or unread.
type count struct {
	Request string `json:"request"`
	Count   int    `json:"count"`
}

func counted(all map[string]int) []count {
	out := make([]count, 0, len(all))
	for k, n := range all {
		out = append(out, count{k, n})
	}
	slices.SortFunc(out, func(a, b count) int { return strings.Compare(a.Request, b.Request) })
	return out
}

func reset(s *Server, r *request) (any, error) {
	if err := r.decode(&struct{}{}); err != nil {
		return nil, err
	}
	return resetView{true}, r.lab.Reset(r.Context())
}
