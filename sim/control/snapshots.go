package control

import (
	"errors"

	"github.com/go-chi/chi/v5"

	"infinisim/sim/lab"
)

// snapshotView is a kept state of a lab as the control plane shows it.
type snapshotView struct {
	Name    string `json:"name"`
	Now     int64  `json:"now"`
	Durable bool   `json:"durable"`
}

// snapshotAsk is a state to be kept.
type snapshotAsk struct {
	Name string `json:"name"`
}

// restoreAsk is the state that a lab goes back to.
type restoreAsk struct {
	Snapshot string `json:"snapshot"`
}

// snapshotRemoved is the answer of a snapshot's end.
type snapshotRemoved struct {
	Deleted string `json:"deleted"`
}

func snapshotViewOf(s lab.Snapshot) snapshotView {
	return snapshotView{Name: s.Name, Now: s.Now.MS(), Durable: s.Durable}
}

func listSnapshots(_ *Server, r *request) (any, error) {
	out := []snapshotView{}
	for _, s := range r.lab.Snapshots() {
		out = append(out, snapshotViewOf(s))
	}
	return out, nil
}

func takeSnapshot(_ *Server, r *request) (any, error) {
	var ask snapshotAsk
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	s, err := r.lab.TakeSnapshot(r.Context(), ask.Name)
	return snapshotViewOf(s), err
}

func deleteSnapshot(_ *Server, r *request) (any, error) {
	name := chi.URLParam(r.Request, "snapshot")
	return snapshotRemoved{name}, r.lab.DeleteSnapshot(name)
}

// restoreLab takes the ports of arrays away that the snapshot does not have,
// and opens those of arrays that it brings back.
func restoreLab(s *Server, r *request) (any, error) {
	var ask restoreAsk
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	changed, err := r.lab.RestoreSnapshot(r.Context(), ask.Snapshot)
	if err != nil {
		return nil, err
	}
	for _, a := range changed.Removed {
		if s.Removed != nil {
			s.Removed(a)
		}
	}
	for _, a := range changed.Added {
		if s.Added != nil {
			err = errors.Join(err, s.Added(r.Context(), r.lab, a))
		}
	}
	if err != nil {
		return nil, err
	}
	return s.labView(r.Context(), r.lab)
}
