package model

import (
	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// A hypervisor makes and binds vvols over VASA, which no client of the array's
// REST interface speaks: a tester does it here.

// VVolSpec is a vvol that a hypervisor makes: a new one, a snapshot of a
// parent, or a clone of a source.
type VVolSpec struct {
	Name string `json:"name"`
	// Pool and Size are those of a new one; a snapshot and a clone have their
	// origin's.
	Pool int64 `json:"pool_id"`
	Size int64 `json:"size"`
	// Kind is the vvol_type, DATA unless set; Prov is THIN unless set.
	Kind string `json:"vvol_type"`
	Prov string `json:"prov_type"`
	// VM is the virtual machine that it is bound to, 0 for none.
	VM      int64  `json:"vm_id"`
	GuestOS string `json:"guest_os"`
	// Parent and Source are the origins of a snapshot and of a clone.
	Parent int64 `json:"parent_id"`
	Source int64 `json:"source_id"`
}

// AddVVol makes a vvol and returns its id. It returns the refusals of a
// volume's creation, POOL_TYPE_MISMATCH for a pool of another type,
// VVOL_NOT_FOUND, VM_NOT_FOUND, and PATH_NOT_FOUND on an array without vvols.
func (b *Box) AddVVol(s VVolSpec) (int64, error) {
	o, err := b.MakeVVol(s)
	if err != nil {
		return 0, err
	}
	return o.ID(), nil
}

// MakeVVol is AddVVol on behalf of the array itself: a replication target.
func (b *Box) MakeVVol(s VVolSpec) (*schema.Object, error) {
	if err := b.checkGate(gateVVol); err != nil {
		return nil, err
	}
	o := b.New(b.Eng.Catalog.Kind(VVol.Name()))
	DatasetType.Set(o, OfVVol)
	DatasetFamily.Set(o, o.ID())
	VVolUUID.Set(o, b.UUID())
	if err := accept(o, DatasetName.Field(), s.Name); err != nil {
		return nil, err
	}
	var err error
	switch {
	case s.Parent != 0 && s.Source != 0:
		err = apierr.New(apierr.InvalidValue, "source_id: %d: a snapshot, of %d, is no clone", s.Source, s.Parent).About("source_id")
	case (s.Parent != 0 || s.Source != 0) && (s.Size != 0 || s.Pool != 0):
		err = apierr.New(apierr.InvalidValue, "size, pool_id: a snapshot and a clone have those of what they are made of").About("size")
	case s.Parent != 0:
		err = b.snapVVol(o, s)
	case s.Source != 0:
		err = b.cloneVVol(o, s)
	default:
		err = b.newVVol(o, s)
	}
	if err != nil {
		return nil, err
	}
	if err := b.bind(o, s.VM); err != nil {
		return nil, err
	}
	if err := b.checkVVolPool(o); err != nil {
		return nil, err
	}
	setCensus(o)
	if err := b.Insert(o); err != nil {
		return nil, err
	}
	if err := afterDatasetCreate(b, o, nil); err != nil {
		return nil, err
	}
	return b.Must(VVol, o.ID())
}

// newVVol fills in a vvol that is made of nothing.
func (b *Box) newVVol(o *schema.Object, s VVolSpec) error {
	if s.Kind != "" {
		if err := accept(o, VVolKind.Field(), s.Kind); err != nil {
			return err
		}
	}
	if s.Prov != "" {
		if err := accept(o, DatasetProvisioning.Field(), s.Prov); err != nil {
			return err
		}
	}
	if err := accept(o, DatasetSize.Field(), s.Size); err != nil {
		return err
	}
	pool, err := b.Load(b.Eng.Catalog.Kind(Pool.Name()), s.Pool)
	if err != nil {
		return err
	}
	DatasetPool.Set(o, pool.ID())
	DatasetCompression.Set(o, PoolCompress.Get(pool))
	DatasetSSD.Set(o, PoolSSD.Get(pool))
	if s.GuestOS != "" {
		VVolGuestOS.Set(o, s.GuestOS)
	}
	return nil
}

// snapVVol fills in a snapshot, which is bound to its parent's virtual machine.
//
// unsourced: that the array lists a vvol's snapshots with the virtual machine
// and the vvol_type of their parent.
func (b *Box) snapVVol(o *schema.Object, s VVolSpec) error {
	parent, err := b.Load(b.Kind(o), s.Parent)
	if err != nil {
		return err
	}
	if err := b.checkSnapshots(parent); err != nil {
		return err
	}
	b.inherit(o, parent)
	inheritVVol(o, parent)
	DatasetWriteProtected.Set(o, true)
	image, err := b.Freeze(parent)
	if err != nil {
		return err
	}
	return b.PointAt(o, image)
}

// cloneVVol fills in a vvol of its own with another one's content.
//
// unsourced: that a clone has no parent and counts the blocks that it shares
// with its source.
func (b *Box) cloneVVol(o *schema.Object, s VVolSpec) error {
	source, err := b.Load(b.Kind(o), s.Source)
	if err != nil {
		return err
	}
	DatasetSize.Set(o, DatasetSize.Get(source))
	DatasetPool.Set(o, DatasetPool.Get(source))
	DatasetProvisioning.Set(o, DatasetProvisioning.Get(source))
	DatasetCompression.Set(o, DatasetCompression.Get(source))
	DatasetSSD.Set(o, DatasetSSD.Get(source))
	inheritVVol(o, source)
	VVolVM.SetNull(o)
	image, err := b.Freeze(source)
	if err != nil {
		return err
	}
	return b.PointAt(o, image)
}

// identify gives a snapshot that the array makes an identity of its own.
func (b *Box) identify(o, parent *schema.Object) error {
	switch o.Type() {
	case Volume:
		return b.Identify(o)
	case VVol:
		VVolUUID.Set(o, b.UUID())
		inheritVVol(o, parent)
	}
	return nil
}

func inheritVVol(o, from *schema.Object) {
	VVolVM.Set(o, VVolVM.Get(from))
	VVolKind.Set(o, VVolKind.Get(from))
	o.SetRaw(VVolGuestOS.Field(), from.Raw(VVolGuestOS.Field()))
}

// checkVVolPool refuses a pool that takes nothing new, or no vvols.
func (b *Box) checkVVolPool(o *schema.Object) error {
	pool, err := b.Must(Pool, DatasetPool.Get(o))
	if err != nil {
		return err
	}
	if err := openPool(pool); err != nil {
		return err
	}
	return poolOfType(pool, VVolPool)
}

// bind ties a vvol to a virtual machine; 0 changes nothing.
func (b *Box) bind(o *schema.Object, vm int64) error {
	if vm == 0 {
		return nil
	}
	if _, err := b.Load(b.Eng.Catalog.Kind(VM.Name()), vm); err != nil {
		return err
	}
	VVolVM.Set(o, vm)
	return nil
}

// VVolChange is what a hypervisor changes of a vvol; what is nil stays.
type VVolChange struct {
	Name *string `json:"name"`
	Size *int64  `json:"size"`
	// VM is the virtual machine that it is bound to from now on, 0 for none.
	VM      *int64  `json:"vm_id"`
	GuestOS *string `json:"guest_os"`
}

// ChangeVVol changes a vvol. It returns VVOL_NOT_FOUND, VM_NOT_FOUND and the
// refusals of a volume's change.
func (b *Box) ChangeVVol(id int64, c VVolChange) error {
	k := b.Eng.Catalog.Kind(VVol.Name())
	old, err := b.Load(k, id)
	if err != nil {
		return err
	}
	o := old.Clone()
	if err := acceptSome(o, DatasetName.Field(), c.Name); err != nil {
		return err
	}
	if err := acceptSome(o, DatasetSize.Field(), c.Size); err != nil {
		return err
	}
	if err := acceptSome(o, VVolGuestOS.Field(), c.GuestOS); err != nil {
		return err
	}
	if c.VM != nil {
		VVolVM.SetNull(o)
		if err := b.bind(o, *c.VM); err != nil {
			return err
		}
	}
	if err := beforeDatasetUpdate(b, old, o, nil); err != nil {
		return err
	}
	if err := b.Guard(OnUpdate, old, o); err != nil {
		return err
	}
	if err := b.Save(o); err != nil {
		return err
	}
	if err := b.bindBelow(o); err != nil {
		return err
	}
	return afterDatasetUpdate(b, old, o, nil)
}

// bindBelow ties a vvol's snapshots to its virtual machine.
func (b *Box) bindBelow(o *schema.Object) error {
	for _, id := range b.Children(o) {
		snap, err := b.Must(VVol, id)
		if err != nil {
			return err
		}
		if VVolVM.Get(snap) == VVolVM.Get(o) {
			continue
		}
		VVolVM.Set(snap, VVolVM.Get(o))
		if err := b.Save(snap); err != nil {
			return err
		}
		if err := b.bindBelow(snap); err != nil {
			return err
		}
	}
	return nil
}

// acceptSome is accept for a value that may be missing.
func acceptSome[T any](o *schema.Object, f *schema.Field, v *T) error {
	if v == nil {
		return nil
	}
	return accept(o, f, *v)
}

// RevertVVol makes a vvol what a snapshot below it holds. It returns the
// refusals of a volume's restore.
func (b *Box) RevertVVol(id, snapshot int64) error {
	k := b.Eng.Catalog.Kind(VVol.Name())
	o, err := b.Load(k, id)
	if err != nil {
		return err
	}
	source, err := b.Load(k, snapshot)
	if err != nil {
		return err
	}
	if !b.below(source, id) {
		return apierr.New(apierr.DatasetNotInFamily, "snapshot_id: %d is no snapshot of vvol %d", snapshot, id).About("snapshot_id")
	}
	if err := b.Guard(OnRestore, nil, o); err != nil {
		return err
	}
	if err := b.replaceContent(o, source); err != nil {
		return err
	}
	return b.EmitFor(o, "RESTORED")
}
