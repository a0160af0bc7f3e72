package control

import (
	"bytes"
	"maps"
	"slices"
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/lab"
)

// mostImported is how long a text may be that a lab is made of.
const mostImported = 4 << 30

// exportLab writes the lab as text.
func exportLab(_ *Server, r *request) (any, error) {
	var out bytes.Buffer
	err := r.lab.Export(r.Context(), &out)
	return lines(out.Bytes()), err
}

// importLab makes a lab of the text in the body: its name and how its clock
// runs stand in the query.
func importLab(s *Server, r *request) (any, error) {
	q := r.URL.Query()
	for _, k := range sortedKeys(q) {
		if k != "name" && k != "clock" && k != "ports" {
			return nil, apierr.New(apierr.UnknownParameter, "%s: unknown, this takes name, clock, ports", k).About(k)
		}
	}
	ports := true
	if text := q.Get("ports"); text != "" {
		var err error
		if ports, err = strconv.ParseBool(text); err != nil {
			return nil, apierr.New(apierr.InvalidValue, "ports: %q is neither true nor false", text).About("ports")
		}
	}
	l, err := s.Labs.Import(r.Context(), lab.Plan{Name: q.Get("name"), Clock: q.Get("clock")}, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	return s.opened(r, l, ports)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
