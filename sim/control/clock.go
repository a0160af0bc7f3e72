package control

import (
	"encoding/json"
	"strconv"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/lab"
)

// clockView is the lab's time as the control plane shows it; times are in
// milliseconds since 1970.
type clockView struct {
	Now        int64   `json:"now"`
	NowNS      string  `json:"now_ns"`
	Mode       string  `json:"mode"`
	Speed      float64 `json:"speed"`
	NextSettle *int64  `json:"next_settle"`
	Next       *int64  `json:"next"`
	NextNS     string  `json:"next_ns,omitempty"`
	SettleNS   string  `json:"next_settle_ns,omitempty"`
}

// moved is the answer of what moves the clock.
type moved struct {
	clockView
	Count   int      `json:"count"`
	Ran     []ran    `json:"ran"`
	Blocked []string `json:"blocked"`
}

// ran is a job that ran.
type ran struct {
	Due   int64  `json:"due"`
	Class string `json:"class"`
	Name  string `json:"name"`
	Array string `json:"array"`
	Kind  string `json:"kind"`
	ID    int64  `json:"id"`
}

// speedAsk is how fast the clock is to run.
type speedAsk struct {
	Factor float64 `json:"factor"`
}

// advanceAsk is where the clock is to move: by a duration or to a time, either
// as text or in milliseconds.
type advanceAsk struct {
	By json.RawMessage `json:"by"`
	To json.RawMessage `json:"to"`
	// Async has it answered at once, with an operation.
	Async bool `json:"async"`
}

func (s *Server) clock(r *request) (clockView, error) {
	next, settle, err := r.lab.NextDue(r.Context())
	now, speed := r.lab.Clock.Now(), r.lab.Clock.Speed()
	v := clockView{Now: now.MS(), NowNS: strconv.FormatInt(int64(now), 10), Mode: "system", Speed: speed}
	if speed == 0 {
		v.Mode = "manual"
	}
	if next != clock.Never {
		v.Next, v.NextNS = new(next.CeilMS()), strconv.FormatInt(int64(next), 10)
	}
	if settle != clock.Never {
		v.NextSettle, v.SettleNS = new(settle.CeilMS()), strconv.FormatInt(int64(settle), 10)
	}
	return v, err
}

func readClock(s *Server, r *request) (any, error) { return s.clock(r) }

func freeze(s *Server, r *request) (any, error) {
	if err := r.decode(&struct{}{}); err != nil {
		return nil, err
	}
	r.lab.Clock.Freeze()
	return s.clock(r)
}

func speed(s *Server, r *request) (any, error) {
	ask := speedAsk{Factor: 1}
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	if err := r.lab.SpeedUp(ask.Factor); err != nil {
		return nil, err
	}
	return s.clock(r)
}

// advance moves the lab by a duration or to a time, and runs what is due on
// the way.
func advance(s *Server, r *request) (any, error) {
	var ask advanceAsk
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	to, err := destination(r.lab.Clock.Now(), ask.By, ask.To)
	if err != nil {
		return nil, err
	}
	if ask.Async {
		return s.begin(r, to)
	}
	report, err := s.lead(r.Context(), r.lab, func(next, _ clock.Time) (clock.Time, bool) { return min(next, to), next < to }, to, noted)
	if err != nil {
		return nil, err
	}
	return s.report(r, report)
}

func destination(now clock.Time, by, to json.RawMessage) (clock.Time, error) {
	var text string
	var ms float64
	switch {
	case by != nil && to == nil && json.Unmarshal(by, &text) == nil:
		d, err := span(text)
		if err != nil || d < 0 {
			return 0, apierr.New(apierr.InvalidValue, "by: %q is no duration like 30s or 2d", text).About("by")
		}
		return notAfter("by", now, float64(d)/float64(time.Millisecond), d)
	case by != nil && to == nil && json.Unmarshal(by, &ms) == nil && ms >= 0:
		return notAfter("by", now, ms, time.Duration(clock.FromMSFloat(min(ms, float64(clock.Last.MS())))))
	case to != nil && by == nil && json.Unmarshal(to, &text) == nil:
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return 0, apierr.New(apierr.InvalidValue, "to: %q is no time like 2025-01-01T00:00:00Z", text).About("to")
		}
		return notBefore(now, float64(t.UnixMilli()), clock.FromTime(t))
	case to != nil && by == nil && json.Unmarshal(to, &ms) == nil:
		return notBefore(now, ms, clock.FromMSFloat(max(0, min(ms, float64(clock.Last.MS())))))
	}
	return 0, apierr.New(apierr.InvalidValue, "by, to: one of them, a duration (30s, or milliseconds) or a time (RFC 3339, or milliseconds since 1970)").About("by")
}

// notAfter is the time so much later, which is ms milliseconds.
func notAfter(name string, now clock.Time, ms float64, d time.Duration) (clock.Time, error) {
	if ms > float64(clock.Last.MS()-now.MS()) {
		return 0, apierr.New(apierr.InvalidValue, "%s: leads past %s, the last time of a lab", name, clock.Last).About(name)
	}
	return min(clock.Last, now.Add(d)), nil
}

// notBefore is the time t, which is ms milliseconds since 1970.
func notBefore(now clock.Time, ms float64, t clock.Time) (clock.Time, error) {
	switch {
	case ms > float64(clock.Last.MS()):
		return 0, apierr.New(apierr.InvalidValue, "to: is past %s, the last time of a lab", clock.Last).About("to")
	case ms < 0 || t < now:
		return 0, apierr.New(apierr.InvalidValue, "to: %s is before now, %s", clock.FromMSFloat(max(0, ms)), now).About("to")
	}
	return t, nil
}

func settle(s *Server, r *request) (any, error) {
	if err := r.decode(&struct{}{}); err != nil {
		return nil, err
	}
	if !s.leads(r.lab) {
		report, err := r.lab.Settle(r.Context())
		if err != nil {
			return nil, err
		}
		return s.report(r, report)
	}
	report, err := s.lead(r.Context(), r.lab, func(_, settle clock.Time) (clock.Time, bool) { return settle, settle != clock.Never }, 0, noted)
	if err == nil {
		var rest *lab.Report // nothing is due: it names what is blocked
		if rest, err = r.lab.Settle(r.Context()); err == nil {
			report.Blocked = rest.Blocked
		}
	}
	if err != nil {
		return nil, err
	}
	return s.report(r, report)
}

func (s *Server) report(r *request, report *lab.Report) (any, error) {
	v, err := s.clock(r)
	out := moved{clockView: v, Count: report.Count, Ran: []ran{}, Blocked: report.Blocked}
	if out.Blocked == nil {
		out.Blocked = []string{}
	}
	for _, j := range report.Ran {
		out.Ran = append(out.Ran, ran{Due: j.Due.MS(), Class: string(j.Class), Name: j.Name, Array: j.Array, Kind: j.Kind, ID: j.ID})
	}
	return out, err
}
