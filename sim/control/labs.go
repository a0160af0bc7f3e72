package control

import (
	"context"
	"encoding/json"
	"errors"

	"infinisim/sim/apierr"
	"infinisim/sim/document"
	"infinisim/sim/estate"
	"infinisim/sim/lab"
)

// labView is a lab as the control plane shows it.
type labView struct {
	Name    string      `json:"name"`
	Seed    uint64      `json:"seed"`
	Now     int64       `json:"now"`
	Mode    string      `json:"mode"`
	Durable bool        `json:"durable"`
	Arrays  []arrayView `json:"arrays"`
	Links   []lab.Link  `json:"links"`
}

// labAsk is a lab to be made. An estate is YAML in a text, or the same as an
// object.
type labAsk struct {
	lab.Plan
	Ports  bool            `json:"ports"`
	Estate json.RawMessage `json:"estate"`
}

// plan is what is asked for. An estate says itself what the arrays are.
func (a labAsk) plan() (lab.Plan, error) {
	p := a.Plan
	if len(a.Estate) == 0 || string(a.Estate) == "null" {
		return p, nil
	}
	if p.Arrays != nil || p.Links != "" || p.Profile != "" || p.First != 0 {
		return p, apierr.New(apierr.InvalidValue, "estate: says itself what arrays, links, profile and first are").About("estate")
	}
	raw := []byte(a.Estate)
	if text := ""; json.Unmarshal(raw, &text) == nil {
		raw = []byte(text)
	}
	e, err := estate.Parse("estate", raw)
	if err != nil {
		return p, wrong(err)
	}
	p.Set, p.Fill = e.Set, e.Fill
	return p, nil
}

// wrong is the refusal of an estate that is none.
func wrong(err error) error {
	if bad := document.As(err); bad != nil {
		return apierr.New(apierr.InvalidValue, "%v", bad).About("estate")
	}
	return err
}

// forkAsk is a copy to be made: of the lab as it is, or of a snapshot.
type forkAsk struct {
	Name     string `json:"name"`
	Ports    bool   `json:"ports"`
	Snapshot string `json:"snapshot"`
}

// labRemoved is the answer of a lab's end.
type labRemoved struct {
	Deleted string `json:"deleted"`
}

func (s *Server) labView(ctx context.Context, l *lab.Lab) (labView, error) {
	links, err := l.Links(ctx)
	v := labView{
		Name: l.Name(), Seed: l.Seed(), Now: l.Clock.Now().MS(), Mode: "system", Durable: l.Durable(), Arrays: s.arrays(l), Links: links,
	}
	if l.Clock.Manual() {
		v.Mode = "manual"
	}
	return v, err
}

func listLabs(s *Server, r *request) (any, error) {
	out := []labView{}
	for _, l := range s.Labs.List() {
		v, err := s.labView(r.Context(), l)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func readLab(s *Server, r *request) (any, error) { return s.labView(r.Context(), r.lab) }

// createLab makes a lab; its arrays get ports of their own unless ports is
// false, and are reached by their host names in any case.
func createLab(s *Server, r *request) (any, error) {
	ask := labAsk{Ports: true}
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	plan, err := ask.plan()
	if err != nil {
		return nil, err
	}
	l, err := s.Labs.Create(r.Context(), plan)
	if err != nil {
		return nil, wrong(err)
	}
	return s.opened(r, l, ask.Ports)
}

func forkLab(s *Server, r *request) (any, error) {
	ask := forkAsk{Ports: true}
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	l, err := s.Labs.Fork(r.lab.Name(), ask.Name, ask.Snapshot)
	if err != nil {
		return nil, err
	}
	return s.opened(r, l, ask.Ports)
}

// opened gives a new lab's arrays their ports.
func (s *Server) opened(r *request, l *lab.Lab, ports bool) (any, error) {
	if err := s.give(r, l, ports); err != nil {
		return nil, err
	}
	return s.labView(r.Context(), l)
}

// give opens the ports of a new lab's arrays; a lab that gets none is taken away
// again.
func (s *Server) give(r *request, l *lab.Lab, ports bool) error {
	if !ports || s.Added == nil {
		return nil
	}
	for _, a := range l.Arrays() {
		if err := s.Added(r.Context(), l, a); err != nil {
			return errors.Join(err, s.drop(l))
		}
	}
	return nil
}

func deleteLab(s *Server, r *request) (any, error) {
	return labRemoved{r.lab.Name()}, s.drop(r.lab)
}

func (s *Server) drop(l *lab.Lab) error {
	arrays := l.Arrays()
	if err := s.endOf(context.Background(), l); err != nil {
		return err
	}
	if err := s.Labs.Delete(l.Name()); err != nil {
		return err
	}
	if s.Removed != nil {
		for _, a := range arrays {
			s.Removed(a)
		}
	}
	return nil
}
