package control

import "infinisim/sim/lab"

// checkView is what is not as it must be, and the first change after which
// something was not, for a lab that looks after each.
type checkView struct {
	Violations []string    `json:"violations"`
	Checks     bool        `json:"checks"`
	First      *lab.Broken `json:"first"`
}

// brokenView is whether a lab looks after each change, and what it found.
type brokenView struct {
	Checks bool        `json:"checks"`
	First  *lab.Broken `json:"first"`
}

// check names everything that is not as it must be now.
func check(_ *Server, r *request) (any, error) {
	bad, err := r.lab.Check(r.Context())
	if bad == nil {
		bad = []string{}
	}
	return checkView{bad, r.lab.Checks(), r.lab.Broken()}, err
}

func readBroken(_ *Server, r *request) (any, error) {
	return brokenView{r.lab.Checks(), r.lab.Broken()}, nil
}
