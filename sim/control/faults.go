package control

import (
	"github.com/go-chi/chi/v5"

	"infinisim/sim/fault"
)

func listFaults(_ *Server, r *request) (any, error) { return r.lab.Faults(), nil }

func addFault(_ *Server, r *request) (any, error) {
	var rule fault.Rule
	err := r.decode(&rule, "id", "site", "array", "peer", "method", "path", "kind", "object", "user", "fields", "job", "class",
		"skip", "times", "odds", "from", "until", "effect")
	if err != nil {
		return nil, err
	}
	return r.lab.AddFault(r.Context(), rule)
}

func removeFault(_ *Server, r *request) (any, error) {
	id := chi.URLParam(r.Request, "fault")
	return map[string]string{"removed": id}, r.lab.RemoveFault(r.Context(), id)
}

func clearFaults(_ *Server, r *request) (any, error) {
	n := len(r.lab.Faults())
	return map[string]int{"removed": n}, r.lab.ClearFaults(r.Context())
}
