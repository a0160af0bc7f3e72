package model

import (
	"encoding/json"
	"net/http"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The words of vvols.
const (
	// OfVVol is what a vvol is among datasets.
	OfVVol = "VVOL"
	// VVolPool is the type of a pool of vvols.
	VVolPool = "VVOL"
)

// The fields that vvols alone have.
//
// unsourced: the words of vvol_type and type; VASA tells configuration, data,
// swap, memory and other virtual volumes apart.
var (
	VVolUUID       = schema.String(schema.Field{Name: "uuid", Flags: schema.NotNull})
	VVolKind       = schema.Enum(schema.Field{Name: "vvol_type", Enum: []string{"CONFIG", "DATA", "SWAP", "MEMORY", "OTHER"}, Default: "DATA"})
	VVolProv       = schema.Compute(schema.Enum(schema.Field{Name: "prov_type", Enum: []string{Thin, Thick}}))
	VVolVM         = schema.Ref(schema.Field{Name: "vm_id", Flags: schema.Index, NoneZero: true}, "vm")
	VVolVMUUID     = schema.Join(schema.Field{Name: "vm_uuid"}, VVolVM, VMUUID)
	VVolGuestOS    = schema.String(schema.Field{Name: "guest_os"})
	VVolReplicated = schema.Compute(schema.Bool(schema.Field{Name: "is_replicated"}))
	VVolGroup      = schema.Ref(schema.Field{Name: "replication_group_id", Flags: schema.Index, NoneZero: true}, "replication_group")

	// VVol is a virtual volume: a dataset that a hypervisor makes over VASA, or
	// a snapshot of one.
	VVol = schema.NewType("vvol", vvolFields()...)
)

// vvolFields are a vvol's own and, of those that all datasets have, what
// clients see of a vvol (InfiniSDK 289.1.4, vvol.py); the others are hidden.
func vvolFields() []schema.Holder {
	shown := []schema.Holder{
		VVolUUID, VVolKind, DatasetKind, schema.Less(DatasetSize, schema.Editable), VVolProv, schema.Less(DatasetPool, schema.Editable),
		VVolVM, VVolVMUUID, schema.Less(DatasetParent, schema.Editable), schema.Less(DatasetName, schema.Editable|schema.Unique),
		VVolGuestOS, DatasetTreeAllocated, DatasetSuppressed, DatasetCompression, DatasetSSD, DatasetSavings, DatasetUsed,
		DatasetAllocated, VVolReplicated, VVolGroup,
	}
	seen := map[*schema.Field]bool{}
	for _, h := range shown {
		seen[h.Field()] = true
	}
	var hidden []schema.Holder
	for _, h := range datasetFields() {
		if f := h.Field(); !seen[f] && f.Mode() == schema.Stored {
			hidden = append(hidden, schema.Hide(h))
		}
	}
	return append(hidden, shown...)
}

// vvolKind lists, changes and deletes vvols.
//
// unsourced: that a client deletes one, as it does a volume, and that the
// figures of its space are there whether include_space_stats asks for them or
// not.
func vvolKind() *Kind {
	k := &Kind{
		Least: RolePoolAdmin, InPool: inOwnPool(DatasetPool),
		Type: VVol, Path: "vvols", NotFound: apierr.VVolNotFound, Gate: gateVVol,
		ListParams: []string{"include_space_stats"},
		Hooks: Hooks{
			BeforeUpdate: beforeDatasetUpdate, AfterUpdate: afterDatasetUpdate,
			BeforeDelete: beforeVVolDelete, AfterDelete: afterDatasetDelete,
		},
		Computed: map[*schema.Field]Compute{
			VVolProv.Field(): func(_ *Box, o *schema.Object) (any, error) { return DatasetProvisioning.Get(o), nil },
			VVolReplicated.Field(): func(_ *Box, o *schema.Object) (any, error) {
				return DatasetRMRSource.Get(o) || DatasetRMRTarget.Get(o), nil
			},
		},
		Change: func(o *schema.Object) Body {
			return NewBody(map[string]any{"compression_enabled": !DatasetCompression.Get(o)})
		},
	}
	for f, compute := range datasetComputed() {
		if VVol.Has(f) {
			k.Computed[f] = compute
		}
	}
	return k
}

func beforeVVolDelete(b *Box, o *schema.Object, in *Input) error {
	if err := checkUngrouped(o); err != nil {
		return err
	}
	return beforeDatasetDelete(b, o, in)
}

// addVVols adds what hypervisors keep on the array.
func addVVols(c *Catalog) {
	groups := replicationGroupKind()
	groups.Routes = []Route{
		{Name: "remove_member", Method: http.MethodDelete, Path: "replication_groups/{id}/members/{vvol}", Do: removeVVol},
	}
	c.Add(vmKind(), vvolKind(), groups)
}

// stores are the types whose objects take space from a pool.
func stores() []*schema.Type { return []*schema.Type{Volume, Filesystem, VVol} }

// accept puts a value in a field, checked as one that a client sent.
func accept(o *schema.Object, f *schema.Field, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if raw, err = f.Accept(raw); err != nil {
		return Wire(err)
	}
	o.SetRaw(f, raw)
	return nil
}

// checkGate refuses what the array does not have, as its routes do.
func (b *Box) checkGate(g schema.Gate) error {
	if !g.Open(b.Release()) {
		return apierr.New(apierr.PathNotFound, "this array has no %s", g.Feature)
	}
	return nil
}
