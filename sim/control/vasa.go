package control

import (
	"infinisim/sim/apierr"
	"infinisim/sim/model"
)

// vasaRoutes are what a hypervisor does to an array over VASA.
func vasaRoutes() []route {
	return []route{
		{method: post, path: "/arrays/{key}/vms", do: addVM, summary: "Makes a virtual machine known.", body: model.VMSpec{}, answer: idView{}},
		{method: post, path: "/arrays/{key}/vvols", do: addVVol, summary: "Makes a vvol, or a snapshot or clone of one.", body: model.VVolSpec{}, answer: idView{}},
		{method: patch, path: "/arrays/{key}/vvols/{id}", do: changeVVol, summary: "Binds, grows or renames a vvol.", body: model.VVolChange{}, answer: idView{}},
		{method: post, path: "/arrays/{key}/vvols/{id}/revert", do: revertVVol, summary: "Takes a vvol back to one of its snapshots.", body: revertAsk{}, answer: idView{}},
		{method: post, path: "/arrays/{key}/replication_groups/{id}/members", do: addToGroup, summary: "Puts a vvol in a replication group.", body: memberAsk{}, answer: idView{}},
	}
}

// revertAsk is the snapshot that a vvol goes back to.
type revertAsk struct {
	Snapshot int64 `json:"snapshot_id"`
}

// memberAsk is the vvol that joins a group.
type memberAsk struct {
	VVol int64 `json:"vvol_id"`
}

// idView is an object by its id.
type idView struct {
	ID int64 `json:"id"`
}

// addVM has a hypervisor make a virtual machine known.
func addVM(_ *Server, r *request) (any, error) {
	var ask model.VMSpec
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	id, err := r.lab.AddVM(r.Context(), r.key(), ask)
	return idView{id}, err
}

// addVVol has a hypervisor make a vvol, a snapshot or a clone of one.
func addVVol(_ *Server, r *request) (any, error) {
	var ask model.VVolSpec
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	id, err := r.lab.AddVVol(r.Context(), r.key(), ask)
	return idView{id}, err
}

// changeVVol has a hypervisor bind, grow or rename a vvol.
func changeVVol(_ *Server, r *request) (any, error) {
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	var ask model.VVolChange
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	return idView{id}, r.lab.ChangeVVol(r.Context(), r.key(), id, ask)
}

// revertVVol has a hypervisor take a vvol back to one of its snapshots.
func revertVVol(_ *Server, r *request) (any, error) {
	var ask revertAsk
	return onNamed(r, &ask, "snapshot_id", func(id int64) (int64, func() error) {
		return ask.Snapshot, func() error { return r.lab.RevertVVol(r.Context(), r.key(), id, ask.Snapshot) }
	})
}

// addToGroup has a hypervisor put a vvol in a replication group.
func addToGroup(_ *Server, r *request) (any, error) {
	var ask memberAsk
	return onNamed(r, &ask, "vvol_id", func(id int64) (int64, func() error) {
		return ask.VVol, func() error { return r.lab.AddToGroup(r.Context(), r.key(), id, ask.VVol) }
	})
}

// onNamed reads a body that names one more object than the path does; plan
// tells that object's id and what to do.
func onNamed(r *request, ask any, name string, plan func(id int64) (int64, func() error)) (any, error) {
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	if err := r.decode(ask, name); err != nil {
		return nil, err
	}
	named, do := plan(id)
	if named == 0 {
		return nil, apierr.New(apierr.MissingField, "%s: required", name).About(name)
	}
	return idView{id}, do()
}
