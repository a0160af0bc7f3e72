package control

import (
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/fault"
	"infinisim/sim/journal"
)

// mostWithin is how long a verification may wait by the wall clock.
const mostWithin = 10 * time.Minute

// verifyAsk is what was expected, and how long to wait for it.
type verifyAsk struct {
	journal.Verification
	Within fault.Duration `json:"within"`
}

// verify holds the journal against what a test expects; with within, it answers
// once the journal satisfies it, or when that much of the wall clock's time is
// over.
func verify(_ *Server, r *request) (any, error) {
	var ask verifyAsk
	if err := r.decode(&ask, "since", "expect", "in_order", "nothing_else", "ignoring", "within"); err != nil {
		return nil, err
	}
	within := time.Duration(ask.Within)
	if within < 0 || within > mostWithin {
		return nil, apierr.New(apierr.InvalidValue, "within: %v is negative or more than %v", within, mostWithin).About("within")
	}
	return r.lab.WaitVerified(r.Context(), ask.Verification, within)
}
