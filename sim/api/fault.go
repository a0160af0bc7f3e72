package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/fault"
)

// headerFault names the rules that struck a request.
const headerFault = "X-Sim-Fault"

// Wait has a request wait for a lab time. It calls waiting once whoever moves
// the clock knows of it; answered must be called once the request was answered.
type Wait func(ctx context.Context, until clock.Time, waiting func()) (answered func(), err error)

// The ways in which a strike ends a request.
var (
	errStruck = errors.New("a fault answered")             // status and answer are set
	errAgain  = errors.New("a fault delays it past login") // wait, then begin anew
)

// struck is what faults did to a request.
type struck struct {
	ids      []string
	draws    map[string]int // what rules drew before its session was looked at
	delays   []fault.Hit    // to be waited for before it goes on
	drop     bool           // no answer goes out
	reset    bool           // nor an orderly end of the connection
	cut      bool           // half of it goes out
	garble   string         // how its body is spoilt, empty for not
	drip     *fault.Effect  // how it goes out piece by piece, nil for at once
	twice    bool           // it is handled once more
	over     bool           // no rule strikes it any more
	answered func()         // of the last wait, nil for none
}

// strike holds the request against the rules, before its session is looked at
// or, inside, after. It returns an error if the request goes no further.
func (s *Server) strike(x *exchange, inside bool) error {
	if s.Faults == nil || x.struck.over {
		return nil
	}
	if x.struck.draws == nil {
		x.struck.draws = map[string]int{}
	}
	e := fault.Event{
		Draws: x.struck.draws,
		Site:  fault.HTTP, Now: x.now, Array: s.Key, Kind: x.op.kind, Method: x.r.Method,
		Path: strings.TrimPrefix(x.r.URL.Path, root+"/"), Inside: inside, Past: x.struck.ids,
	}
	if x.op.kind != "" {
		e.Object = number(x.in.Vars["id"])
	}
	if inside {
		e.User, e.Fields = x.who, x.in.Body
	}
	hits := s.Faults.Strike(e)
	for _, h := range hits {
		x.struck.ids = append(x.struck.ids, h.ID)
		s.Journal.Struck(string(fault.HTTP), string(h.Type), h.ID)
		s.Log.Warn("fault injected", "rule", h.ID, "effect", h.Type, "array", s.Key, "path", x.r.URL.Path)
	}
	for _, h := range hits {
		if h.Type == fault.Delay {
			x.struck.delays = append(x.struck.delays, h)
		}
	}
	if inside && len(x.struck.delays) > 0 {
		x.later = hits
		return errAgain // nobody waits with the lab's lock
	}
	if err := s.waitDelays(x); err != nil {
		return err
	}
	return s.effects(x, hits, inside)
}

// waitDelays waits for the delays of a request, which add up.
func (s *Server) waitDelays(x *exchange) error {
	var byLab, byWall time.Duration
	for _, h := range x.struck.delays {
		if h.Clock == "real" || s.Wait == nil {
			byWall += time.Duration(h.Delay)
			continue
		}
		byLab += time.Duration(h.Delay)
	}
	x.struck.delays = nil
	if byWall > 0 {
		if err := clock.Pause(x.r.Context(), byWall); err != nil {
			return err
		}
	}
	if byLab == 0 {
		return nil
	}
	answered, err := s.Wait(x.r.Context(), x.now.Add(byLab), x.done) // of a wait before
	if err != nil {
		return err
	}
	x.struck.answered = answered
	x.now = max(x.now, s.Clock.Now())
	return nil
}

// pause waits once, by the lab's clock or the wall's.
func (s *Server) pause(x *exchange, d time.Duration, by string) error {
	if by == "real" || s.Wait == nil {
		return clock.Pause(x.r.Context(), d)
	}
	answered, err := s.Wait(x.r.Context(), s.Clock.Now().Add(d), x.done) // of a wait before
	if err == nil {
		x.struck.answered = answered
	}
	return err
}

// effects carries out what is no delay.
func (s *Server) effects(x *exchange, hits []fault.Hit, inside bool) error {
	for _, h := range hits {
		switch h.Type {
		case fault.Error:
			message := h.Message
			if message == "" {
				message = "injected by fault rule " + h.ID
			}
			e := apierr.New(h.Code, "%s", message)
			x.status, x.answer, x.code = StatusOf(h.Code), refusal(e), h.Code
			if h.Status != 0 {
				x.status = h.Status
			}
			return errStruck
		case fault.Status:
			x.code = apierr.FaultInjected
			x.status, x.answer = h.Status, refusal(apierr.New(apierr.FaultInjected, "injected by fault rule %s", h.ID))
			x.struck.garble = h.Body
			return errStruck
		case fault.Reset:
			x.struck.drop, x.struck.reset = true, true
			return errStruck
		case fault.Garble:
			x.struck.garble = h.Body
		case fault.Lost:
			x.struck.drop = true
		case fault.Duplicate:
			x.struck.twice = true
		case fault.Drip:
			x.struck.drip = &h.Effect
		case fault.Expire:
			if s.expire(x.in.Vars["session"]) && inside {
				return apierr.New(apierr.NotAuthenticated, "%s needs a session", x.r.URL.Path)
			}
		}
	}
	return nil
}

// expire ends a session; it reports false if there is none.
func (s *Server) expire(session string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.sessions[session]
	delete(s.sessions, session)
	return ok
}

// again has a request come a second time, after what it did the first time was
// journalled. No rule strikes the second one.
func (s *Server) again(x *exchange) error {
	s.journal(x)
	x.struck.twice, x.struck.over = false, true
	x.status, x.answer, x.plain, x.cookie, x.who, x.later = 0, "", false, nil, "", nil
	x.r.Body = io.NopCloser(bytes.NewReader(x.raw))
	return s.safely(x)
}

// respond sends the answer, or what a fault leaves of it.
func (s *Server) respond(w http.ResponseWriter, x *exchange) {
	if len(x.struck.ids) > 0 {
		w.Header().Set(headerFault, strings.Join(x.struck.ids, ","))
	}
	switch x.struck.garble {
	case "empty":
		x.answer = ""
	case "truncated":
		x.struck.cut = true
	case "malformed":
		x.answer = `{"result": <html>`
	}
	switch {
	case x.struck.reset:
		resetConnection(w)
		panic(http.ErrAbortHandler)
	case x.struck.drop:
		panic(http.ErrAbortHandler)
	case x.struck.cut:
		sendPart(w, x.status, x.answer)
		panic(http.ErrAbortHandler)
	case x.struck.drip != nil:
		e := x.struck.drip
		wait := func() error { return s.pause(x, time.Duration(e.Delay), e.Clock) }
		if err := sendPieces(w, x.status, x.answer, e.Piece(), wait); err != nil {
			panic(http.ErrAbortHandler) // the client is gone
		}
	default:
		send(w, x.status, x.answer)
	}
}

// done tells the clock that the request was answered.
func (x *exchange) done() {
	if x.struck.answered != nil {
		x.struck.answered()
		x.struck.answered = nil
	}
}
