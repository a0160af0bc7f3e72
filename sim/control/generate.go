package control

import (
	"infinisim/sim/generate"
)

// generateLab fills an array of the lab.
func generateLab(_ *Server, r *request) (any, error) {
	var ask generate.Plan
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	return generate.Run(r.Context(), r.lab, ask, nil)
}
