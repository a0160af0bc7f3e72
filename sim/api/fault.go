package api

import (
	"context"
	"errors"
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
	delays   []fault.Hit // to be waited for before it goes on
	drop     bool        // no answer goes out
	cut      bool        // half of it goes out
	answered func()      // of the last wait, nil for none
}

// strike holds the request against the rules, before its session is looked at
// or, inside, after. It returns an error if the request goes no further.
func (s *Server) strike(x *exchange, inside bool) error {
	if s.Faults == nil {
		return nil
	}
	e := fault.Event{
		Site: fault.HTTP, Now: x.now, Array: s.Key, Kind: x.op.kind, Method: x.r.Method,
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
	return s.effects(x, hits)
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

// effects carries out what is no delay.
func (s *Server) effects(x *exchange, hits []fault.Hit) error {
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
			switch h.Body {
			case "empty":
				x.answer = nil
			case "truncated":
				x.struck.cut = true
			case "malformed":
				x.answer = []byte(`{"result": <html>`)
			}
			return errStruck
		case fault.Reset:
			x.struck.drop = true
			return errStruck
		case fault.Lost:
			x.struck.drop = true
		case fault.Expire:
			s.mu.Lock()
			delete(s.sessions, x.in.Vars["session"])
			s.mu.Unlock()
		}
	}
	return nil
}

// respond sends the answer, or what a fault leaves of it.
func (x *exchange) respond(w http.ResponseWriter) {
	if len(x.struck.ids) > 0 {
		w.Header().Set(headerFault, strings.Join(x.struck.ids, ","))
	}
	switch {
	case x.struck.drop:
		panic(http.ErrAbortHandler)
	case x.struck.cut:
		sendPart(w, x.status, x.answer)
		panic(http.ErrAbortHandler)
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
