package api

import (
	"net/http"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
)

// Done is a request that has ended, for who watches.
type Done struct {
	// Request is what was asked. It is not to be changed, and its body is gone.
	Request *http.Request
	// Path is the request's, without the secrets in it.
	Path string
	// Array is the key of the array that was asked.
	Array string
	// Route is the pattern that the path fits, such as volumes/{id}; empty for
	// what nothing answers.
	Route string
	// User is who asked, empty where the request did not get as far as its
	// session.
	User string
	// Status is 0 for a connection that was dropped before anything was applied;
	// Lost says that it was dropped instead of the answer.
	Status int
	Lost   bool
	// Code is the error's, empty for none.
	Code apierr.Code
	// Faults are the rules that struck.
	Faults []string
	// Bytes is how long the answer's body is.
	Bytes int
	// Time is the lab's at the answer.
	Time clock.Time
	// Begun and Took are when it came and how long it took, by the wall clock.
	Begun time.Time
	Took  time.Duration
}

// tell has who watches hear of the end of an exchange, however it ends.
func (s *Server) tell(x *exchange, watch clock.Stopwatch) {
	s.Done(Done{
		Request: x.r, Path: shownPath(x.r.URL.Path, x.op.route), Array: s.Key, Route: x.op.route, User: x.who, Status: x.status, Lost: x.struck.drop && x.status != 0, Code: x.code,
		Faults: x.struck.ids, Bytes: len(x.answer), Time: x.now, Begun: watch.Begun(), Took: watch.Took(),
	})
}
