package journal

import (
	"slices"
	"strings"

	"infinisim/sim/clock"
	"infinisim/sim/store"
)

// Kind says what an entry tells of.
type Kind string

// The kinds of entries.
const (
	// Request is a request and its answer.
	Request Kind = "request"
	// Job is work of the timetable that ran.
	Job Kind = "job"
	// Move is a replica that a rule of the replication table moved.
	Move Kind = "move"
)

// Entry is one request and its answer, a job that ran, or a replica that moved.
type Entry struct {
	Seq int64 `json:"seq"`
	// Time is the lab's at the answer, and Received at the receipt where a
	// fault delayed the request, else 0.
	Time     clock.Time `json:"time_ns"`
	Received clock.Time `json:"received_ns,omitempty"`
	// Kind is Request if it is empty when the entry is recorded.
	Kind   Kind   `json:"entry"`
	Array  string `json:"array"`
	Method string `json:"method"`
	Path   string `json:"path"`
	// Route is the pattern that the path fits, such as volumes/{id}; empty for
	// what nothing answers.
	Route string `json:"route,omitempty"`
	Query string `json:"query,omitempty"`
	// User is who asked, empty where the request did not get as far as its
	// session.
	User    string            `json:"user,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
	// Status 0 is a connection that was dropped before anything was applied.
	Status int `json:"status"`
	// Code is the error's, empty for none.
	Code   string `json:"code,omitempty"`
	Answer string `json:"answer,omitempty"`
	// Plain says that no member of the answer has the name of a secret, as
	// NamesSecret has it: nobody needs to look.
	Plain bool `json:"-"`
	// Lost says that the connection was dropped instead of the answer.
	Lost bool `json:"lost,omitempty"`
	// Faults are the rules that struck.
	Faults []string `json:"faults,omitempty"`
	// Objects are those that it created, changed or deleted, the first hundred
	// of them; MoreObjects counts the rest.
	Objects     []Object `json:"objects,omitempty"`
	MoreObjects int      `json:"more_objects,omitempty"`
	// Before is the state just before it, nil if nothing leads back there. It is
	// no part of the journal's text.
	Before *Before `json:"-"`
	// Ran and Moved are what entries of the kinds Job and Move tell.
	Ran   *Ran   `json:"job,omitempty"`
	Moved *Moved `json:"move,omitempty"`
}

// Before is the state of a lab just before an entry, and who made the request.
type Before struct {
	// Position is that of the store, Time the lab's.
	Position store.Position
	Time     clock.Time
	// Faults are the rules with their counts, nil for none; Who is the one who
	// asked, nil where the request did not get as far as its session, and Session
	// the name of that session, empty for none.
	Faults, Who any
	Session     string
}

// Object is an object that was created, changed or deleted.
type Object struct {
	Did store.Did `json:"did"`
	// Array is left out where it is the entry's own.
	Array string `json:"array,omitempty"`
	Kind  string `json:"kind"`
	ID    int64  `json:"id"`
}

// Ran is a job that ran.
type Ran struct {
	Name  string `json:"name"`
	Class string `json:"class"`
	// Kind and ID are the object that it belongs to.
	Kind string `json:"kind,omitempty"`
	ID   int64  `json:"id,omitempty"`
	// Later says that a fault put it off: it did not run.
	Later bool `json:"later,omitempty"`
	// Error is why it failed, which is our own bug.
	Error string `json:"error,omitempty"`
}

// outcome is what became of the job.
func (r *Ran) outcome() string {
	switch {
	case r.Error != "":
		return "failed"
	case r.Later:
		return "later"
	}
	return "done"
}

// Moved is what a rule of the replication table did to a replica.
type Moved struct {
	Replica int64  `json:"replica"`
	From    string `json:"from"`
	On      string `json:"on"`
	// Rule is the rule's place in the table.
	Rule int    `json:"rule"`
	To   string `json:"to"`
}

// mostObjects is how many objects an entry lists.
const mostObjects = 100

// Touch lists what a transaction did to objects as the entry's.
func (e *Entry) Touch(all []store.Touch) {
	e.MoreObjects = max(0, len(all)-mostObjects)
	for _, t := range all[:len(all)-e.MoreObjects] {
		o := Object{Did: t.Did, Array: t.Array, Kind: t.Kind, ID: t.ID}
		if o.Array == e.Array {
			o.Array = ""
		}
		e.Objects = append(e.Objects, o)
	}
}

// size is about how many bytes an entry takes.
func (e *Entry) size() int {
	n := entryBytes + len(e.Path) + len(e.Query) + len(e.Body) + len(e.Answer) + objectBytes*len(e.Objects)
	for name, value := range e.Headers {
		n += len(name) + len(value)
	}
	return n
}

const (
	entryBytes  = 400
	objectBytes = 64
)

// Filter picks entries; zero members pick all, but for Entry.
type Filter struct {
	// Array, Method, User, Code and Status must be equal, Path a prefix, with or
	// without /api/rest/, or a pattern with stars; two stars at the end stand
	// for all that follows. Dropped as Status picks connections that were
	// dropped with nothing applied.
	Array, Method, Path, User, Code string
	Status                          int
	// Since leaves out entries up to that number, Until those from it on.
	Since, Until int64
	// From leaves out what was before that lab time, To what was at it or
	// after.
	From, To clock.Time
	// Kind and Object are a type and an id of an object that was touched, or to
	// which a job or a move belongs.
	Kind   string
	Object int64
	// Entry is a kind of entry; empty picks requests, All all.
	Entry Kind
}

// Dropped is the status that picks entries without one.
const Dropped = -1

// All picks entries of every kind.
const All Kind = "all"

func (f Filter) match(e *Entry) bool {
	kind := f.Entry
	if kind == "" {
		kind = Request
	}
	return (kind == All || e.Kind == kind) && e.Seq > f.Since && (f.Until == 0 || e.Seq < f.Until) &&
		e.Time >= f.From && (f.To == 0 || e.Time < f.To) &&
		(f.Array == "" || f.Array == e.Array) && (f.Method == "" || f.Method == e.Method) &&
		(f.User == "" || f.User == e.User) && (f.Code == "" || f.Code == e.Code) && (f.Status == 0 || f.Status == e.Status || f.Status == Dropped && e.Status == 0 && e.Kind == Request) &&
		f.matchPath(e) && f.matchObject(e)
}

const root = "/api/rest/"

func (f Filter) matchPath(e *Entry) bool {
	if f.Path == "" {
		return true
	}
	short := strings.TrimPrefix(e.Path, root)
	if strings.Contains(f.Path, "*") {
		return fits(strings.TrimPrefix(f.Path, root), short)
	}
	return strings.HasPrefix(e.Path, f.Path) || strings.HasPrefix(short, f.Path)
}

func (f Filter) matchObject(e *Entry) bool {
	if f.Kind == "" && f.Object == 0 {
		return true
	}
	fit := func(kind string, id int64) bool {
		return (f.Kind == "" || f.Kind == kind) && (f.Object == 0 || f.Object == id)
	}
	return e.Ran != nil && fit(e.Ran.Kind, e.Ran.ID) || e.Moved != nil && fit("replica", e.Moved.Replica) ||
		slices.ContainsFunc(e.Objects, func(o Object) bool { return fit(o.Kind, o.ID) })
}

// fits reports whether a path has the form of a pattern: a star stands for one
// part, two at the end for all that follow, or nothing.
func fits(pattern, path string) bool {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	for i, w := range want {
		if w == "**" && i == len(want)-1 {
			return true
		}
		if i >= len(have) || w != "*" && w != have[i] {
			return false
		}
	}
	return len(want) == len(have)
}
