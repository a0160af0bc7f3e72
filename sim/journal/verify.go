package journal

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
)

// Verification is what a test expects of the requests that were made.
type Verification struct {
	// Since leaves out the entries up to that number.
	Since int64 `json:"since,omitempty"`
	// Expect says how often which requests were made.
	Expect []Expectation `json:"expect,omitempty"`
	// InOrder are requests that were made one after the other; others may have
	// been made in between.
	InOrder []Asked `json:"in_order,omitempty"`
	// NothingElse says that no requests were made but those that Expect and
	// InOrder describe, and those of Ignoring.
	NothingElse bool    `json:"nothing_else,omitempty"`
	Ignoring    []Asked `json:"ignoring,omitempty"`
}

// Expectation says how often requests were made: exactly so many times, or at
// least, or at most, or both of the last two, or never.
type Expectation struct {
	Request Asked `json:"request"`
	Exactly *int  `json:"exactly,omitempty"`
	AtLeast *int  `json:"at_least,omitempty"`
	AtMost  *int  `json:"at_most,omitempty"`
	Never   bool  `json:"never,omitempty"`
}

// UnmarshalJSON refuses members that no expectation has.
func (x *Expectation) UnmarshalJSON(raw []byte) error {
	type plain Expectation
	return strictly(raw, (*plain)(x))
}

// Verdict is whether a verification holds, and why not.
type Verdict struct {
	Satisfied bool      `json:"satisfied"`
	Failures  []Failure `json:"failures"`
	// Last is the number of the last entry that was looked at.
	Last int64 `json:"last"`

	hopeless bool // no request to come can satisfy it
}

// Failure is something that was not as expected.
type Failure struct {
	// Message says what, in words.
	Message string `json:"message"`
	// Found are the requests that fit, or that nobody expected.
	Found []Seen `json:"found,omitempty"`
	// Nearest are those that came nearest, the nearest first.
	Nearest []Seen `json:"nearest,omitempty"`
}

// Seen is a request of the journal in short.
type Seen struct {
	Seq     int64  `json:"seq"`
	Request string `json:"request"`
	Misses  []Miss `json:"misses,omitempty"`
}

// String is the verdict for people.
func (v *Verdict) String() string {
	var out strings.Builder
	for _, f := range v.Failures {
		fmt.Fprintln(&out, f.Message)
		for _, s := range f.Found {
			fmt.Fprintf(&out, "    #%d %s\n", s.Seq, s.Request)
		}
		for _, s := range f.Nearest {
			fmt.Fprintf(&out, "  near: #%d %s\n", s.Seq, s.Request)
			for _, m := range s.Misses {
				fmt.Fprintf(&out, "      %s\n", m)
			}
		}
	}
	return out.String()
}

// Validate refuses, with INVALID_VALUE, a verification that asks for nothing or
// for what cannot be.
func (v Verification) Validate() error {
	refuse := func(member, format string, args ...any) error {
		return apierr.New(apierr.InvalidValue, member+": "+format, args...).About(member)
	}
	if len(v.Expect)+len(v.InOrder) == 0 && !v.NothingElse {
		return refuse("expect", "nothing is expected: give expect, in_order or nothing_else")
	}
	if len(v.Ignoring) > 0 && !v.NothingElse {
		return refuse("ignoring", "goes with nothing_else")
	}
	for i, x := range v.Expect {
		member := fmt.Sprintf("expect[%d]", i)
		bounds := 0
		for _, given := range []bool{x.Exactly != nil, x.AtLeast != nil || x.AtMost != nil, x.Never} {
			if given {
				bounds++
			}
		}
		least, most := x.bounds()
		switch {
		case bounds != 1:
			return refuse(member, "one of exactly, never, or at_least and at_most has to be given")
		case least < 0 || most < 0:
			return refuse(member, "a number of requests is not negative")
		case least > most:
			return refuse(member, "at least %d is more than at most %d", least, most)
		}
	}
	return nil
}

const noBound = int(^uint(0) >> 1)

// bounds are how often the requests may have been made.
func (x Expectation) bounds() (least, most int) {
	least, most = 0, noBound
	switch {
	case x.Never:
		most = 0
	case x.Exactly != nil:
		least, most = *x.Exactly, *x.Exactly
	default:
		if x.AtLeast != nil {
			least = *x.AtLeast
		}
		if x.AtMost != nil {
			most = *x.AtMost
		}
	}
	return least, most
}

func (x Expectation) words() string {
	switch least, most := x.bounds(); {
	case most == 0:
		return "never"
	case least == most:
		return times(least)
	case most == noBound:
		return times(least) + " or more"
	case least == 0:
		return times(most) + " or less"
	default:
		return fmt.Sprintf("%d to %s", least, times(most))
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// Verify holds the requests that were made against what is expected.
func (j *Journal) Verify(v Verification) *Verdict {
	out, _ := j.verify(v)
	return out
}

// Wait returns when the journal satisfies a verification, or can do so no more,
// or after that much of the wall clock's time; it polls nothing. It returns
// ctx's error if that comes first.
func (j *Journal) Wait(ctx context.Context, v Verification, atMost time.Duration) (*Verdict, error) {
	out, changed := j.verify(v)
	if out.Satisfied || out.hopeless || atMost <= 0 {
		return out, nil
	}
	wait, cancel := context.WithCancel(ctx)
	late := make(chan error, 1)
	go func() { late <- clock.Pause(wait, atMost) }()
	ended := false
	defer func() {
		cancel()
		if !ended {
			<-late //nolint:errcheck // it was told to end
		}
	}()
	for !out.Satisfied && !out.hopeless {
		select {
		case err := <-late:
			ended = true
			return out, err
		case <-changed:
			out, changed = j.verify(v)
		}
	}
	return out, nil
}

func (j *Journal) verify(v Verification) (*Verdict, <-chan struct{}) {
	entries, changed := j.look(Filter{Since: v.Since})
	out := &Verdict{Failures: []Failure{}, Last: v.Since}
	if len(entries) > 0 {
		out.Last = entries[len(entries)-1].Seq
	}
	if n := j.forgotten(v.Since); n > 0 {
		out.Failures = append(out.Failures, Failure{Message: fmt.Sprintf("the journal has forgotten requests up to #%d: give since, or raise its limits", n)})
		out.hopeless = true
	}
	for _, x := range v.Expect {
		out.expect(x, entries)
	}
	if len(v.InOrder) > 0 {
		out.inOrder(v.InOrder, entries)
	}
	if v.NothingElse {
		out.nothingElse(v, entries)
	}
	out.Satisfied = len(out.Failures) == 0
	return out, changed
}

// forgotten is the number of the last request that left the ring, 0 if none
// after since did.
func (j *Journal) forgotten(since int64) int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.requests.gone <= since {
		return 0
	}
	return j.requests.gone
}

func seen(e Entry, misses []Miss) Seen {
	status := fmt.Sprint(e.Status)
	switch {
	case e.Status == 0:
		status = "dropped"
	case e.Code != "":
		status += " " + e.Code
	}
	if e.Lost {
		status += ", answer lost"
	}
	text := fmt.Sprintf("%s %s %s", e.Array, e.Method, strings.TrimPrefix(e.Path, root))
	if e.Query != "" {
		text += "?" + e.Query
	}
	if e.Body != "" {
		text += " " + shorten(e.Body)
	}
	return Seen{Seq: e.Seq, Request: text + " -> " + status, Misses: misses}
}

// shorten keeps what tells a body from others.
func shorten(body string) string {
	r := []rune(body)
	if len(r) <= longestShown {
		return body
	}
	return string(r[:longestShown]) + "…"
}

const (
	longestShown = 300
	mostNearest  = 3
	mostFound    = 20
)

func (v *Verdict) expect(x Expectation, entries []Entry) {
	var found []Seen
	for _, e := range entries {
		if len(x.Request.Misses(e)) == 0 {
			found = append(found, seen(e, nil))
		}
	}
	least, most := x.bounds()
	if len(found) >= least && len(found) <= most {
		return
	}
	f := Failure{
		Message: fmt.Sprintf("%s was asked %s, not %s", x.Request, times(len(found)), x.words()),
		Found:   found[:min(len(found), mostFound)],
	}
	if len(found) < least {
		f.Nearest = nearest(x.Request, entries)
	} else {
		v.hopeless = true
	}
	v.Failures = append(v.Failures, f)
}

// nearest are the requests that miss the least; one for something else at all
// is farther away than one with another body.
func nearest(a Asked, entries []Entry) []Seen {
	type near struct {
		Seen
		weight int
	}
	var all []near
	for _, e := range entries {
		n := near{Seen: seen(e, a.Misses(e))}
		for _, m := range n.Misses {
			n.weight++
			if m.far() {
				n.weight += 2
			}
		}
		if len(n.Misses) > 0 {
			all = append(all, n)
		}
	}
	slices.SortStableFunc(all, func(x, y near) int { return cmp.Compare(x.weight, y.weight) })
	var out []Seen
	for _, n := range all[:min(len(all), mostNearest)] {
		out = append(out, n.Seen)
	}
	return out
}

func (v *Verdict) inOrder(want []Asked, entries []Entry) {
	var found []Seen
	rest := entries
	for i, a := range want {
		at := slices.IndexFunc(rest, func(e Entry) bool { return len(a.Misses(e)) == 0 })
		if at >= 0 {
			found = append(found, seen(rest[at], nil))
			rest = rest[at+1:]
			continue
		}
		message := fmt.Sprintf("%s was not asked", a)
		if i > 0 {
			message += fmt.Sprintf(" after %s", want[i-1])
		}
		v.Failures = append(v.Failures, Failure{Message: message, Found: found, Nearest: nearest(a, rest)})
		return
	}
}

func (v *Verdict) nothingElse(w Verification, entries []Entry) {
	known := slices.Concat(w.InOrder, w.Ignoring)
	for _, x := range w.Expect {
		known = append(known, x.Request)
	}
	var found []Seen
	for _, e := range entries {
		if !slices.ContainsFunc(known, func(a Asked) bool { return len(a.Misses(e)) == 0 }) {
			found = append(found, seen(e, nil))
		}
	}
	if len(found) == 0 {
		return
	}
	v.hopeless = true
	v.Failures = append(v.Failures, Failure{
		Message: fmt.Sprintf("%d requests were not expected", len(found)), Found: found[:min(len(found), mostFound)],
	})
}
