package model

import (
	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The fields of a virtual machine.
//
// unsourced: the counts of what is bound to a virtual machine; InfiniSDK
// 289.1.4 knows its id, uuid and name alone.
var (
	VMUUID      = schema.String(schema.Field{Name: "uuid", Flags: schema.NotNull})
	VMName      = schema.String(schema.Field{Name: "name", Flags: schema.Update | schema.NotNull, Check: checkName, Pattern: namePattern})
	VMVVols     = schema.Compute(schema.Int(schema.Field{Name: "vvols_count"}))
	VMSnapshots = schema.Compute(schema.Int(schema.Field{Name: "snapshots_count"}))

	// VM is a virtual machine whose disks are vvols. The hypervisor makes it,
	// over VASA; a client renames it.
	VM = schema.NewType("vm", VMUUID, VMName, VMVVols, VMSnapshots)
)

// vmKind lists virtual machines (InfiniSDK 289.1.4, vm.py).
//
// unsourced: that one is not deleted while vvols are bound to it.
func vmKind() *Kind {
	count := func(kind string) Compute {
		return func(b *Box, o *schema.Object) (any, error) {
			n := 0
			err := b.eachBound(o, func(v *schema.Object) error {
				if DatasetKind.Get(v) == kind {
					n++
				}
				return nil
			})
			return n, err
		}
	}
	return &Kind{
		Least: RoleAdmin,
		Type:  VM, Path: "vms", NotFound: apierr.VMNotFound, Gate: gateVVol,
		Hooks: Hooks{
			BeforeDelete: func(b *Box, o *schema.Object, _ *Input) error {
				if ids := b.bound(o); len(ids) > 0 {
					return apierr.New(apierr.VMHasVVols, "vm %d has %d vvols", o.ID(), len(ids))
				}
				return nil
			},
			AfterDelete: func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "DELETED") },
		},
		Computed: map[*schema.Field]Compute{VMVVols.Field(): count(Master), VMSnapshots.Field(): count(Snapshot)},
		Change:   func(o *schema.Object) Body { return NewBody(map[string]any{"name": VMName.Get(o) + "-2"}) },
	}
}

// bound lists the vvols of a virtual machine.
func (b *Box) bound(vm *schema.Object) []int64 {
	return b.Tx.IDsBy(b.Key, VVol, VVolVM.Field(), schema.RefValue(vm.ID()))
}

func (b *Box) eachBound(vm *schema.Object, fn func(v *schema.Object) error) error {
	for _, id := range b.bound(vm) {
		v, err := b.Must(VVol, id)
		if err != nil {
			return err
		}
		if err := fn(v); err != nil {
			return err
		}
	}
	return nil
}

// VMSpec is a virtual machine that a hypervisor makes known.
type VMSpec struct {
	Name string `json:"name"`
	// UUID is the hypervisor's, empty for one of the lab's own.
	UUID string `json:"uuid"`
}

// AddVM makes a virtual machine known to the array and returns its id. It
// returns INVALID_FIELD_VALUE for a name that is none, and PATH_NOT_FOUND on an
// array without vvols.
func (b *Box) AddVM(s VMSpec) (int64, error) {
	if err := b.checkGate(gateVVol); err != nil {
		return 0, err
	}
	if s.UUID == "" {
		s.UUID = b.UUID()
	}
	o := b.New(b.Eng.Catalog.Kind(VM.Name()))
	VMUUID.Set(o, s.UUID)
	if err := accept(o, VMName.Field(), s.Name); err != nil {
		return 0, err
	}
	if err := b.Insert(o); err != nil {
		return 0, err
	}
	return o.ID(), b.EmitFor(o, "CREATED")
}
