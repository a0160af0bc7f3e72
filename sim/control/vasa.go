package control

import (
	"net/http"

	"infinisim/sim/apierr"
	"infinisim/sim/model"
)

// vasaRoutes are what a hypervisor does to an array over VASA.
func vasaRoutes() []route {
	return []route{
		{http.MethodPost, "/arrays/{key}/vms", addVM},
		{http.MethodPost, "/arrays/{key}/vvols", addVVol},
		{http.MethodPatch, "/arrays/{key}/vvols/{id}", changeVVol},
		{http.MethodPost, "/arrays/{key}/vvols/{id}/revert", revertVVol},
		{http.MethodPost, "/arrays/{key}/replication_groups/{id}/members", addToGroup},
	}
}

// addVM has a hypervisor make a virtual machine known.
func addVM(_ *Server, r *request) (any, error) {
	var ask model.VMSpec
	if err := r.decode(&ask, "name", "uuid"); err != nil {
		return nil, err
	}
	id, err := r.lab.AddVM(r.Context(), r.key(), ask)
	return map[string]int64{"id": id}, err
}

// addVVol has a hypervisor make a vvol, a snapshot or a clone of one.
func addVVol(_ *Server, r *request) (any, error) {
	var ask model.VVolSpec
	err := r.decode(&ask, "name", "pool_id", "size", "vvol_type", "prov_type", "vm_id", "guest_os", "parent_id", "source_id")
	if err != nil {
		return nil, err
	}
	id, err := r.lab.AddVVol(r.Context(), r.key(), ask)
	return map[string]int64{"id": id}, err
}

// changeVVol has a hypervisor bind, grow or rename a vvol.
func changeVVol(_ *Server, r *request) (any, error) {
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	var ask model.VVolChange
	if err := r.decode(&ask, "name", "size", "vm_id", "guest_os"); err != nil {
		return nil, err
	}
	return map[string]int64{"id": id}, r.lab.ChangeVVol(r.Context(), r.key(), id, ask)
}

// revertVVol has a hypervisor take a vvol back to one of its snapshots.
func revertVVol(_ *Server, r *request) (any, error) {
	return onNamed(r, "snapshot_id", func(id, snapshot int64) error {
		return r.lab.RevertVVol(r.Context(), r.key(), id, snapshot)
	})
}

// addToGroup has a hypervisor put a vvol in a replication group.
func addToGroup(_ *Server, r *request) (any, error) {
	return onNamed(r, "vvol_id", func(id, vvol int64) error {
		return r.lab.AddToGroup(r.Context(), r.key(), id, vvol)
	})
}

// onNamed reads a body that names one more object than the path does.
func onNamed(r *request, name string, do func(id, named int64) error) (any, error) {
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	ask := map[string]int64{}
	if err := r.decode(&ask, name); err != nil {
		return nil, err
	}
	if ask[name] == 0 {
		return nil, apierr.New(apierr.MissingField, "%s: required", name).About(name)
	}
	return map[string]int64{"id": id}, do(id, ask[name])
}
