package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"

	"github.com/go-chi/chi/v5"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/fault"
	"infinisim/sim/job"
	"infinisim/sim/journal"
	"infinisim/sim/model"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// maxBody is the longest body that is read.
const maxBody = 4 << 20

// The headers of a client that has a clock of its own, in milliseconds since
// 1970: where the lab moves before the request, and when the next job of the
// class settle is due.
const (
	headerNow        = "X-Sim-Now"
	headerNextSettle = "X-Sim-Next-Settle"
)

// headerTenant names the tenant that a request is about.
const headerTenant = "X-Infinidat-Tenant-Id"

// exchange is one request on its way.
type exchange struct {
	op     operation
	r      *http.Request
	in     *model.Input
	now    clock.Time
	raw    []byte
	asked  string // the query, once it is read
	status int
	answer string
	plain  bool // no member of the answer has the name of a secret
	cookie *http.Cookie
	settle clock.Time
	who    string     // the user, once known
	got    clock.Time // when it was received
	code   apierr.Code
	wrote  []store.Touch
	before journal.Before
	told   func(journal.Entry) // hears of the entry, nil for nobody
	struck struck
	later  []fault.Hit // what struck past the session, to be carried out
}

// serve is the one way of a request: body, time, jobs due, session and role,
// parameters, handler, render, commit, journal, answer.
func serve(op operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := serverOf(r)
		x := &exchange{op: op, r: r, settle: clock.Never}
		if s.Done != nil {
			defer s.tell(x, clock.StartStopwatch())
		}
		defer x.done()
		err := s.safely(x)
		if err != nil && !errors.Is(err, errStruck) {
			x.status, x.answer = s.refuse(x, err)
			x.wrote = nil
		}
		if x.struck.twice {
			if err := s.again(x); err != nil {
				x.status, x.answer = s.refuse(x, err)
			}
		}
		s.journal(x)
		if x.cookie != nil {
			http.SetCookie(w, x.secured())
		}
		if x.settle != clock.Never {
			w.Header().Set(headerNextSettle, strconv.FormatInt(x.settle.CeilMS(), 10))
		}
		if x.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", s.Routes.others(r))
		}
		if !op.reads && s.Changed != nil {
			s.Changed()
		}
		s.respond(w, x)
	}
}

// safely runs the exchange; a panic becomes our own error.
func (s *Server) safely(x *exchange) (err error) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if e, ok := p.(error); ok && errors.Is(e, http.ErrAbortHandler) {
			panic(p)
		}
		s.Log.Error("request panicked", "path", x.r.URL.Path, "panic", p, "stack", string(debug.Stack()))
		err = apierr.New(apierr.Internal, "the request failed inside")
	}()
	if err := s.read(x); err != nil {
		return err
	}
	if err := s.strike(x, false); err != nil {
		return err
	}
	for {
		err := s.run(x)
		if !errors.Is(err, errAgain) {
			return err
		}
		if err := s.waitDelays(x); err != nil {
			return err
		}
	}
}

// read takes the request off the wire.
func (s *Server) read(x *exchange) error {
	x.now = s.Clock.Now()
	raw, err := body(x.r)
	if err != nil {
		return apierr.Unread(err)
	}
	if len(raw) > maxBody {
		return apierr.New(apierr.BodyTooLarge, "body: longer than %d bytes", maxBody)
	}
	x.raw = raw
	x.in = &model.Input{Request: model.Request{Vars: vars(x.r), Query: x.r.URL.Query()}}
	x.asked = x.in.Query.Encode() // a handler may take some away
	if x.in.Approved, err = x.in.Flag("approved", false); err != nil {
		return err
	}
	x.in.Vars["path"], x.in.Vars["method"] = x.r.URL.Path, x.r.Method
	if c, err := x.r.Cookie(cookieName); err == nil {
		x.in.Vars["session"] = c.Value
	}
	if err := x.readBody(); err != nil {
		return err
	}
	x.now, err = s.moveClock(x.r)
	x.got = x.now
	s.noteBefore(x)
	return err
}

// body reads what a request sends, and a byte more than it may at most.
func body(r *http.Request) ([]byte, error) {
	if r.Body == http.NoBody {
		return nil, nil
	}
	return io.ReadAll(io.LimitReader(r.Body, maxBody+1))
}

func (x *exchange) readBody() error {
	raw := bytes.TrimSpace(x.raw)
	if len(raw) == 0 {
		x.in.Body = model.Body{}
		return nil
	}
	if x.op.reads {
		return nil
	}
	if x.op.upload {
		if form, err := x.readForm(); form {
			return err
		}
	}
	if err := notJSON(raw); err != nil {
		return err
	}
	x.in.Raw = raw
	if raw[0] != '{' && !x.op.object {
		x.in.Body = model.Body{}
		return nil
	}
	body, err := model.DecodeBody(raw)
	x.in.Body = body
	return err
}

func vars(r *http.Request) map[string]string {
	out := map[string]string{}
	if c := chi.RouteContext(r.Context()); c != nil {
		for i, key := range c.URLParams.Keys {
			out[key] = c.URLParams.Values[i]
		}
	}
	return out
}

// moveClock follows a client that drives the lab's time.
func (s *Server) moveClock(r *http.Request) (clock.Time, error) {
	if text := r.Header.Get(headerNow); text != "" {
		ms, err := strconv.ParseFloat(text, 64)
		if err != nil || !clock.Within(ms) {
			return 0, apierr.New(apierr.InvalidValue, "%s: %q is no number of milliseconds up to %d", headerNow, text, clock.Last.MS())
		}
		s.Clock.AdvanceTo(clock.FromMSFloat(ms))
	}
	return s.Clock.Now(), nil
}

// run does the work in transactions: what is due first, then the request in a
// savepoint of its own, so that a refused request changes nothing and the jobs
// stay.
func (s *Server) run(x *exchange) error {
	ctx := x.r.Context()
	handle := func(tx *store.Tx) error { return s.handle(tx, x) }
	if !x.op.reads {
		return s.Runner.Update(ctx, x.now, handle, func(tx *store.Tx) {
			x.noteSettle(tx)
			if s.Look != nil {
				x.told = s.Look(tx)
			}
		})
	}
	due, err := s.view(ctx, x, false)
	if !due {
		return err
	}
	if err := s.Runner.Update(ctx, x.now, func(*store.Tx) error { return nil }, nil); err != nil {
		return err
	}
	_, err = s.view(ctx, x, true) // what others make due meanwhile is theirs
	return err
}

// view answers a reading request, unless jobs are due that must run before; they
// must not if it is told to answer anyway.
func (s *Server) view(ctx context.Context, x *exchange, anyway bool) (due bool, err error) {
	err = s.Runner.View(ctx, max(x.now, s.Runner.DB.Now()), func(tx *store.Tx) error {
		if at, ok := job.Next(tx); ok && at <= tx.Now() && !anyway {
			due = true
			return nil
		}
		return s.handle(tx, x)
	})
	return due, err
}

func (x *exchange) noteSettle(tx *store.Tx) {
	if at, ok := job.NextSettle(tx); ok {
		x.settle = at
	}
}

func (s *Server) handle(tx *store.Tx, x *exchange) error {
	x.noteState(tx)
	b := s.engine.Box(tx, s.Key, model.Identity{})
	who, err := s.identify(b, x)
	if err != nil {
		return err
	}
	b.Who, x.who = who, who.Name
	x.noteWho(who)
	if err := b.SelectTenant(x.r.Header.Get(headerTenant)); err != nil {
		return err
	}
	if err := s.allow(b, x); err != nil {
		return err
	}
	if err := s.inside(x); err != nil {
		return err
	}
	if x.op.reads && x.op.crud {
		return s.told(b, x)
	}
	x.in.PageSize = b.DefaultPageSize()
	var v any
	if x.op.session != nil {
		v, err = x.op.session(s, b, x.in)
	} else {
		v, err = x.op.do(b, x.in)
	}
	if err != nil {
		return err
	}
	if x.status == 0 {
		x.status = http.StatusOK
	}
	if x.op.created {
		x.status = http.StatusCreated // as POST replicas answers (vendor PowerShell scripts)
	}
	if l, ok := v.(*loggedIn); ok {
		x.cookie, v = l.cookie, l.result
	}
	if x.op.reads {
		x.noteSettle(tx)
	}
	x.answer, x.plain, err = envelope(b, v)
	if !x.op.reads {
		x.wrote = tx.Touched()
	}
	return err
}

// inside lets faults strike that ask for the user or the body. What struck
// before a delay is carried out after it.
func (s *Server) inside(x *exchange) error {
	if hits := x.later; hits != nil {
		x.later = nil
		return s.effects(x, hits, true)
	}
	return s.strike(x, true)
}

// allow asks gate, role and parameters.
func (s *Server) allow(b *model.Box, x *exchange) error {
	if x.op.gate != (schema.Gate{}) && !x.op.gate.Open(b.Release()) {
		return apierr.New(apierr.PathNotFound, "this array has nothing at %s", x.r.URL.Path)
	}
	if !x.op.anonymous && !model.May(b.Who.Role, x.op.least) {
		return apierr.New(apierr.PermissionDenied, "role %s may not %s %s", b.Who.Role, x.r.Method, x.r.URL.Path)
	}
	if x.op.filters != nil || slices.Contains(x.op.params, "*") {
		return nil
	}
	names := make([]string, 0, len(x.in.Query))
	for name := range x.in.Query {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if name != "approved" && !slices.Contains(x.op.params, name) {
			return apierr.New(apierr.UnknownParameter, "%s: unknown parameter", name).About(name)
		}
	}
	return nil
}

// refuse turns an error into status and answer, and counts what nothing knew.
func (s *Server) refuse(x *exchange, err error) (int, string) {
	e, ok := apierr.As(err)
	if !ok {
		s.Log.Error("request failed", "method", x.r.Method, "path", x.r.URL.Path, "error", err)
		e = apierr.New(apierr.Internal, "the request failed inside")
		if errors.Is(err, store.ErrNotKept) {
			e = apierr.New(apierr.Internal, "%v", err)
		}
	}
	switch e.Code {
	case apierr.PathNotFound:
		s.count(s.missing, x.r.Method+" "+x.r.URL.Path)
	case apierr.UnknownField:
		s.count(s.unread, fmt.Sprintf("%s %s: %s", x.r.Method, x.r.URL.Path, e.Subject))
	}
	x.code, x.plain = e.Code, false
	return StatusOf(e.Code), refusal(e)
}
