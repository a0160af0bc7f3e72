// Package fault is the one vocabulary for everything that a tester makes go
// wrong: a rule says where it looks (a request, a link between arrays, a job of
// the timetable), what it matches, how often it strikes, and what happens
// then.
package fault

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
)

// Site is where a rule looks.
type Site string

// The sites.
const (
	// HTTP is a request of a client to an array.
	HTTP Site = "http"
	// Link is the path between two arrays.
	Link Site = "link"
	// Job is work of the timetable that is due.
	Job Site = "job"
)

// Type is what happens when a rule strikes.
type Type string

// The effects.
const (
	// Error answers with an error of the array: code and message in its
	// envelope, the status that goes with the code. Nothing is applied.
	Error Type = "error"
	// Status answers with a bare status and a body that is an envelope, empty,
	// cut in the middle or no JSON. Nothing is applied.
	Status Type = "status"
	// Reset drops the connection. Nothing is applied.
	Reset Type = "reset"
	// Lost applies the request and drops the connection instead of the answer.
	Lost Type = "lost"
	// Expire ends the session that the request came with.
	Expire Type = "expire"
	// Delay has a request answered, or a job run, later.
	Delay Type = "delay"
	// Fail has a job not run now but after Retry.
	Fail Type = "fail"
	// Down takes a link down.
	Down Type = "down"
	// Latency adds to a link's latency, one way.
	Latency Type = "latency"
	// Bandwidth limits a link's bandwidth, each way.
	Bandwidth Type = "bandwidth"
)

// Duration is a time.Duration that JSON writes like "1.5s".
type Duration time.Duration

// MarshalJSON writes the duration as Go does: "1m30s".
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads "1m30s", or a number of milliseconds.
func (d *Duration) UnmarshalJSON(raw []byte) error {
	var ms float64
	if json.Unmarshal(raw, &ms) == nil {
		*d = Duration(ms * float64(time.Millisecond))
		return nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return err
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		return apierr.New(apierr.InvalidValue, "%q is no duration like 1.5s", text)
	}
	*d = Duration(v)
	return nil
}

// Effect is what happens.
type Effect struct {
	// Type says what.
	Type Type `json:"type"`
	// Code and Message are the array's own, for Error; an empty message is one
	// that names the rule.
	Code    apierr.Code `json:"code,omitempty"`
	Message string      `json:"message,omitempty"`
	// Status is the HTTP status, for Status.
	Status int `json:"status,omitempty"`
	// Body is what a bare status comes with: envelope (the default), empty,
	// truncated or malformed.
	Body string `json:"body,omitempty"`
	// Delay is how long, for Delay and Latency. With Spread it is anything
	// from Delay to Delay plus Spread, drawn from the rule's dice.
	Delay  Duration `json:"delay,omitempty"`
	Spread Duration `json:"spread,omitempty"`
	// Clock is the clock of a request's delay: lab (the default) or real.
	Clock string `json:"clock,omitempty"`
	// Retry is when a failed job runs again, 0 for a minute.
	Retry Duration `json:"retry,omitempty"`
	// Bandwidth is in bytes a second, for Bandwidth.
	Bandwidth int64 `json:"bandwidth,omitempty"`
}

// UnmarshalJSON refuses members that no effect has.
func (e *Effect) UnmarshalJSON(raw []byte) error {
	type plain Effect
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode((*plain)(e))
}

// Rule is one fault. Members that are left out match everything.
type Rule struct {
	// ID names the rule; an empty one is made from the rule's content.
	ID string `json:"id"`
	// Site is where it looks.
	Site Site `json:"site"`
	// Array is the key of an array: the one that is asked, one end of the link,
	// or the owner of the job's object.
	Array string `json:"array,omitempty"`
	// Peer is the other end of a link.
	Peer string `json:"peer,omitempty"`
	// Method is the request's.
	Method string `json:"method,omitempty"`
	// Path is what follows /api/rest/, without the query; a star stands for
	// one part, two at the end for all that follow.
	Path string `json:"path,omitempty"`
	// Kind is a type of object by its name, such as volume.
	Kind string `json:"kind,omitempty"`
	// Object is an object's id.
	Object int64 `json:"object,omitempty"`
	// User is the name of the user who asks.
	User string `json:"user,omitempty"`
	// Fields are members that the request's body must have with these values;
	// null asks only for the member.
	Fields map[string]json.RawMessage `json:"fields,omitempty"`
	// Job is a job's name, Class its class.
	Job   string `json:"job,omitempty"`
	Class string `json:"class,omitempty"`
	// Skip leaves out that many matches, Times strikes at most that often; 0
	// sets no limit.
	Skip  int `json:"skip,omitempty"`
	Times int `json:"times,omitempty"`
	// Odds is the probability of each strike, 0 for certainty.
	Odds float64 `json:"odds,omitempty"`
	// From and Until are a window of lab time in milliseconds since 1970, 0 for
	// no limit; at Until itself the rule does not strike.
	From  int64 `json:"from,omitempty"`
	Until int64 `json:"until,omitempty"`
	// Effect is what happens.
	Effect Effect `json:"effect"`
}

func refuse(member, format string, a ...any) error {
	return apierr.New(apierr.InvalidValue, member+": "+format, a...).About(member)
}

// effectsOf are the effects that a site has.
func effectsOf(s Site) []Type {
	return map[Site][]Type{
		HTTP: {Error, Status, Reset, Lost, Expire, Delay}, Link: {Down, Latency, Bandwidth}, Job: {Fail, Delay},
	}[s]
}

// Validate refuses a rule that can never strike, with INVALID_VALUE. Names of
// arrays, kinds, jobs and paths are for the lab to know.
func (r Rule) Validate(now clock.Time) error {
	effects := effectsOf(r.Site)
	switch {
	case effects == nil:
		return refuse("site", "%q is none of http, link, job", r.Site)
	case !slices.Contains(effects, r.Effect.Type):
		return refuse("effect.type", "%q is no effect of the site %s, which has %v", r.Effect.Type, r.Site, effects)
	case r.Odds < 0 || r.Odds > 1:
		return refuse("odds", "%v is no probability", r.Odds)
	case r.Skip < 0 || r.Times < 0:
		return refuse("times", "a number of matches is not negative")
	case r.Until != 0 && (r.Until <= r.From || r.Until <= now.MS()):
		return refuse("until", "%d is not after from or now, %d", r.Until, max(r.From, now.MS()))
	}
	if err := r.siteMembers(); err != nil {
		return err
	}
	return r.Effect.validate()
}

// siteMembers refuses members that the rule's site does not have.
func (r Rule) siteMembers() error {
	has := map[string]bool{
		"peer": r.Peer != "", "method": r.Method != "", "path": r.Path != "", "kind": r.Kind != "", "object": r.Object != 0,
		"user": r.User != "", "fields": len(r.Fields) > 0, "job": r.Job != "", "class": r.Class != "",
		"skip": r.Skip != 0, "times": r.Times != 0, "odds": r.Odds != 0,
	}
	knows := map[Site][]string{
		HTTP: {"method", "path", "kind", "object", "user", "fields", "skip", "times", "odds"},
		Link: {"peer"},
		Job:  {"kind", "object", "job", "class", "skip", "times", "odds"},
	}[r.Site]
	for _, member := range []string{
		"peer", "method", "path", "kind", "object", "user", "fields", "job", "class", "skip", "times", "odds",
	} {
		if has[member] && !slices.Contains(knows, member) {
			return refuse(member, "the site %s has none", r.Site)
		}
	}
	switch {
	case r.Site == Link && (r.Array == "" || r.Peer == "" || r.Array == r.Peer):
		return refuse("peer", "a link needs array and peer, two arrays")
	case r.Method != "" && !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete}, r.Method):
		return refuse("method", "%q is none of GET, POST, PUT, DELETE", r.Method)
	case r.Method == http.MethodGet && len(r.Fields) > 0:
		return refuse("fields", "a GET has no body")
	case strings.HasPrefix(r.Path, "/"):
		return refuse("path", "%q: leave out /api/rest/ before it", r.Path)
	case r.Class != "" && !slices.Contains([]string{"settle", "deadline", "periodic"}, r.Class):
		return refuse("class", "%q is none of settle, deadline, periodic", r.Class)
	}
	return nil
}

func (e Effect) validate() error {
	switch {
	case e.Type == Error && e.Code == "":
		return refuse("effect.code", "an error needs the array's code")
	case e.Type == Status && (e.Status < 200 || e.Status > 599):
		return refuse("effect.status", "%d is no status of an answer", e.Status)
	case e.Type == Status && !slices.Contains([]string{"", "envelope", "empty", "truncated", "malformed"}, e.Body):
		return refuse("effect.body", "%q is none of envelope, empty, truncated, malformed", e.Body)
	case (e.Type == Delay || e.Type == Latency) && e.Delay+e.Spread <= 0 || e.Delay < 0 || e.Spread < 0 || e.Retry < 0:
		return refuse("effect.delay", "%v: a delay is longer than nothing", time.Duration(e.Delay))
	case !slices.Contains([]string{"", "lab", "real"}, e.Clock):
		return refuse("effect.clock", "%q is neither lab nor real", e.Clock)
	case e.Type == Bandwidth && e.Bandwidth <= 0:
		return refuse("effect.bandwidth", "%d is not above 0; to stop a link, take it down", e.Bandwidth)
	}
	return nil
}
