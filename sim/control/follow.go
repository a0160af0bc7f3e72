package control

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/lab"
)

// follower is the control plane of a process whose clock this one leads.
type follower struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

// addFollower has the lab default lead another process's clock.
func addFollower(s *Server, r *request) (any, error) {
	var f follower
	if err := r.decode(&f, keysOf(f)...); err != nil {
		return nil, err
	}
	switch {
	case f.URL == "":
		return nil, apierr.New(apierr.MissingField, "url: required").About("url")
	case !r.lab.Clock.Manual() || r.lab.Name() != lab.DefaultName:
		return nil, apierr.New(apierr.InvalidValue, "clock: it moves by itself; only a manual clock of the lab %s can lead", lab.DefaultName).About("clock")
	}
	s.mu.Lock()
	s.followers = append(slices.DeleteFunc(s.followers, func(o follower) bool { return o.URL == f.URL }), f)
	s.mu.Unlock()
	return s.clock(r)
}

func (s *Server) following() []follower {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.followers)
}

// leads reports whether other processes move with a lab.
func (s *Server) leads(l *lab.Lab) bool {
	return l.Name() == lab.DefaultName && len(s.following()) > 0
}

// lead moves the lab and its followers together, from one time at which
// something is due in any of them to the next. step says where to go when it
// knows the next due time and the next of class settle over all, and whether to
// go on from there; to is where a lab without followers goes at once. moved
// hears of every move that all of them made.
func (s *Server) lead(
	ctx context.Context, l *lab.Lab, step func(next, settle clock.Time) (to clock.Time, more bool), to clock.Time, moved func(*lab.Report),
) (*lab.Report, error) {
	if !s.leads(l) {
		return l.AdvanceTo(ctx, to)
	}
	sum := &lab.Report{Ran: []lab.Ran{}, Now: l.Clock.Now()}
	for range mostSteps {
		next, settle, err := s.nextDue(ctx, l)
		if err != nil {
			return nil, err
		}
		at, more := step(next, settle)
		if at == clock.Never {
			return sum, nil
		}
		at = max(at, l.Clock.Now())
		one, err := l.AdvanceTo(ctx, at)
		if err != nil {
			return nil, err
		}
		sum.Now, sum.Count, sum.Ran = one.Now, sum.Count+one.Count, append(sum.Ran, one.Ran...)
		for _, f := range s.following() {
			if _, err := s.tell(ctx, f, http.MethodPost, "/clock/advance", map[string]string{"to": at.String()}); err != nil {
				return nil, err
			}
		}
		moved(one)
		if !more {
			return sum, nil
		}
	}
	return nil, fmt.Errorf("clock: still something due after %d steps", mostSteps)
}

// noted is for who needs no word of each move.
func noted(*lab.Report) {}

// mostSteps ends a settle that would never end.
const mostSteps = 1_000_000

// nextDue is the earliest due time in the lab and its followers.
func (s *Server) nextDue(ctx context.Context, l *lab.Lab) (next, settle clock.Time, err error) {
	if next, settle, err = l.NextDue(ctx); err != nil {
		return 0, 0, err
	}
	for _, f := range s.following() {
		v, err := s.tell(ctx, f, http.MethodGet, "/clock", nil)
		if err != nil {
			return 0, 0, err
		}
		next, settle = min(next, parseNS(v.NextNS)), min(settle, parseNS(v.SettleNS))
	}
	return next, settle, nil
}

func parseNS(text string) clock.Time {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return clock.Never
	}
	return clock.Time(n)
}

// tell sends a follower's control plane a request.
func (s *Server) tell(ctx context.Context, f follower, method, path string, body any) (v clockView, err error) {
	raw, err := json.Marshal(body)
	if err != nil || body == nil {
		raw = nil
	}
	req, err := http.NewRequestWithContext(ctx, method, f.URL+prefix+path, bytes.NewReader(raw))
	if err != nil {
		return v, err
	}
	if f.Token != "" {
		req.Header.Set("Authorization", "Bearer "+f.Token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return v, apierr.New(apierr.SystemNotReady, "follower %s does not answer: %v", f.URL, err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err = io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = apierr.New(apierr.SystemNotReady, "follower %s: %s %s", f.URL, resp.Status, raw)
	}
	if err != nil {
		return v, err
	}
	return v, json.Unmarshal(raw, &v)
}
