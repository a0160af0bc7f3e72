package control

import (
	"encoding/json"

	"github.com/go-chi/chi/v5"

	"infinisim/sim/fault"
)

// removed is the answer of what takes something away by its name.
type removed struct {
	Removed string `json:"removed"`
}

// removedMany is the answer of what takes several things away.
type removedMany struct {
	Removed int `json:"removed"`
}

func listFaults(_ *Server, r *request) (any, error) { return r.lab.Faults(), nil }

func listPresets(_ *Server, _ *request) (any, error) { return fault.Presets(), nil }

// addFault puts a rule in force, or what a preset comes to.
func addFault(_ *Server, r *request) (any, error) {
	var named struct {
		Preset json.RawMessage `json:"preset"`
	}
	if json.Unmarshal(r.body, &named) == nil && named.Preset != nil {
		var ask fault.Ask
		if err := r.decode(&ask, keysOf(fault.Ask{})...); err != nil {
			return nil, err
		}
		return r.lab.AddPreset(r.Context(), ask)
	}
	var rule fault.Rule
	if err := r.decode(&rule, keysOf(fault.Rule{})...); err != nil {
		return nil, err
	}
	return r.lab.AddFault(r.Context(), rule)
}

func removeFault(_ *Server, r *request) (any, error) {
	id := chi.URLParam(r.Request, "fault")
	return removed{id}, r.lab.RemoveFault(r.Context(), id)
}

func clearFaults(_ *Server, r *request) (any, error) {
	n := len(r.lab.Faults())
	return removedMany{n}, r.lab.ClearFaults(r.Context())
}
