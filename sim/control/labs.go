package control

import (
	"context"
	"errors"

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

// labAsk is a lab to be made.
type labAsk struct {
	lab.Plan
	Ports bool `json:"ports"`
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
	l, err := s.Labs.Create(r.Context(), ask.Plan)
	if err != nil {
		return nil, err
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

// opened gives a new lab's arrays their ports; a lab that gets none is taken
// away again.
func (s *Server) opened(r *request, l *lab.Lab, ports bool) (any, error) {
	if ports && s.Added != nil {
		for _, a := range l.Arrays() {
			if err := s.Added(r.Context(), l, a); err != nil {
				return nil, errors.Join(err, s.drop(l))
			}
		}
	}
	return s.labView(r.Context(), l)
}

func deleteLab(s *Server, r *request) (any, error) {
	return labRemoved{r.lab.Name()}, s.drop(r.lab)
}

func (s *Server) drop(l *lab.Lab) error {
	arrays := l.Arrays()
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
