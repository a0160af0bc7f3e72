// Package fault is the one vocabulary for everything that a tester makes go
// wrong: a rule says where it looks (a request, a link between arrays, a job of
// the timetable, a part of an array), what it matches, how often it strikes, and what happens
// then.
package fault

import (
	"encoding/json"
	"time"

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
	// Array is the state that a part of an array is in.
	Array Site = "array"
)

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
	// Object is an object's id: for Full the pool's.
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
	// no limit; at Until itself the rule does not strike. What a rule of a link
	// or an array does begins and ends with it.
	From  int64 `json:"from,omitempty"`
	Until int64 `json:"until,omitempty"`
	// Every has the window come again, that long after it began; 0 is once.
	Every Duration `json:"every,omitempty"`
	// Effect is what happens.
	Effect Effect `json:"effect"`
}

// Lasting reports whether the rule is a state that begins and ends, rather than
// something that strikes what comes along.
func (r Rule) Lasting() bool { return r.Site == Link || r.Site == Array }

// At is the rule with the window that holds at a time, or the next one after
// it; only of a window that comes again is there more than one.
func (r Rule) At(now clock.Time) Rule {
	every := time.Duration(r.Every).Milliseconds()
	if every <= 0 || now.MS() < r.Until {
		return r
	}
	by := (now.MS() - r.Until + every) / every * every
	r.From, r.Until = r.From+by, r.Until+by
	return r
}
