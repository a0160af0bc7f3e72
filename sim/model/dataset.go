package model

import (
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// datasetKind is what volumes and filesystems have in common.
func datasetKind(t *schema.Type, path string, notFound, conflict apierr.Code) *Kind {
	k := &Kind{
		Least: RolePoolAdmin, InPool: inOwnPool(DatasetPool),
		Type: t, Path: path, NotFound: notFound, Conflict: conflict,
		Forms: []Form{{
			Name: "a snapshot", When: func(in Body) bool { return in.Has("parent_id") },
			Required: []string{"name"}, Refused: []string{"size", "provtype"},
		}, {
			Name: "a " + t.Name(), Required: []string{"name", "size", "pool_id"},
			Refused: []string{"snapshot_retention", "remote_snapshot_retention", "remote_snapshot_retention_lock", "lock_expires_at"},
		}},
		CreateParams: []string{"replicate_to_async_target"},
		UpdateParams: []string{"force_resize"},
		DeleteParams: []string{"force_if_snapshot_locked"},
		Hidden:       DatasetIsInternal.Field(),
		Hides:        func(b *Box) bool { return len(b.allInternals(t)) > 0 },
		Hooks: Hooks{
			AfterCreate:  afterDatasetCreate,
			BeforeUpdate: beforeDatasetUpdate,
			AfterUpdate:  afterDatasetUpdate,
			BeforeDelete: beforeDatasetDelete,
			AfterDelete:  afterDatasetDelete,
		},
		Computed: datasetComputed(),
		Sample: func(w World) Body {
			return NewBody(map[string]any{"name": w.Name(), "size": 2_000_000_000 / 512 * 512, "pool_id": w.Make("pool")})
		},
		Change: func(o *schema.Object) Body { return NewBody(map[string]any{"name": DatasetName.Get(o) + "-2"}) },
	}
	k.Routes = snapshotRoutes(k)
	return k
}

func datasetComputed() map[*schema.Field]Compute {
	used := func(b *Box, o *schema.Object) (any, error) {
		im, err := b.Content(o)
		return im.Used(), err
	}
	return map[*schema.Field]Compute{
		DatasetUsed.Field():      used,
		DatasetDiskUsage.Field(): used,
		HostWritten.Field():      used,
		ReducibleWritten.Field(): used,
		ReducibleUsage.Field():   used,
		DatasetBlocks.Field(): func(_ *Box, o *schema.Object) (any, error) {
			return DatasetSize.Get(o) / BlockBytes, nil
		},
		DatasetAllocated.Field(): func(b *Box, o *schema.Object) (any, error) { return b.allocated(o) },
		DatasetTreeAllocated.Field(): func(b *Box, o *schema.Object) (any, error) {
			return b.treeOf(o)
		},
		DatasetQoS.Field():           qosShown(false, func(p *schema.Object) any { return p.ID() }),
		DatasetQoSName.Field():       qosShown(false, func(p *schema.Object) any { return QoSName.Get(p) }),
		DatasetSharedQoS.Field():     qosShown(true, func(p *schema.Object) any { return p.ID() }),
		DatasetSharedQoSName.Field(): qosShown(true, func(p *schema.Object) any { return QoSName.Get(p) }),
		DatasetMapped.Field(): func(b *Box, o *schema.Object) (any, error) {
			return len(b.lunIDs(LUNVolume, o.ID())) > 0, nil
		},
		DatasetHasChildren.Field(): func(b *Box, o *schema.Object) (any, error) {
			return len(b.Children(o)) > 0, nil
		},
		DatasetHasInternal.Field(): func(b *Box, o *schema.Object) (any, error) {
			return len(b.internals(o)) > 0, nil
		},
		DatasetLockState.Field(): lockState,
	}
}

// lockState is whether a snapshot or a group of them is locked now.
func lockState(b *Box, o *schema.Object) (any, error) {
	if b.lockedNow(o) {
		return Locked, nil
	}
	return Unlocked, nil
}

func (b *Box) lockedNow(o *schema.Object) bool {
	return !DatasetLockExpires.IsNull(o) && DatasetLockExpires.Get(o) > b.Tx.Now().MS()
}

func beforeDatasetCreate(b *Box, o *schema.Object, in *Input) error {
	DatasetFamily.Set(o, o.ID())
	if in.Body.Has("parent_id") {
		if err := b.beforeSnapshot(o, in); err != nil {
			return err
		}
	}
	pool, err := b.Must(Pool, DatasetPool.Get(o))
	if err != nil {
		return err
	}
	if err := openPool(pool); err != nil {
		return err
	}
	if err := poolOfType(pool, Standard); err != nil {
		return err
	}
	if _, asked := in.Body["compression_enabled"]; !asked {
		DatasetCompression.Set(o, PoolCompress.Get(pool))
	}
	if _, asked := in.Body["ssd_enabled"]; !asked && DatasetParent.IsNull(o) {
		DatasetSSD.Set(o, PoolSSD.Get(pool))
	}
	setCensus(o)
	if DatasetKind.Get(o) == Snapshot {
		return nil
	}
	return b.byDefault(o, in)
}

// openPool refuses new entities in a pool that is depleted: LIMITED takes no
// new ones, LOCKED takes nothing (vendor KB 6211384767517).
func openPool(pool *schema.Object) error {
	switch PoolState.Get(pool) {
	case Locked:
		return apierr.New(apierr.PoolIsLocked, "pool_id: pool %d is locked", pool.ID()).About("pool_id")
	case Limited:
		return apierr.New(apierr.PoolIsLimited, "pool_id: pool %d is limited", pool.ID()).About("pool_id")
	}
	return nil
}

// setCensus puts a dataset in its place in the counts of its pool.
func setCensus(o *schema.Object) {
	if DatasetIsInternal.Get(o) {
		datasetCensus.Set(o, censusOf(anyPool, DatasetType.Get(o), internalSort))
		return
	}
	datasetCensus.Set(o, censusOf(DatasetPool.Get(o), DatasetType.Get(o), DatasetKind.Get(o)))
}

// beforeSnapshot gives a snapshot what it has from its parent. It is write
// protected unless asked otherwise (vendor documentation; Ansible collection
// 1.4.0) and thin.
func (b *Box) beforeSnapshot(o *schema.Object, in *Input) error {
	k := b.Kind(o)
	parent, err := b.Load(k, DatasetParent.Get(o))
	if err != nil {
		return err
	}
	if err := checkOwn(parent); err != nil {
		return err
	}
	if err := b.checkSnapshots(parent); err != nil {
		return err
	}
	if err := b.checkLockEnd(o); err != nil {
		return err
	}
	if in.Body.Has("lock_expires_at") && !in.Approved {
		return apierr.New(apierr.ApprovalRequired, "lock_expires_at: creating a locked snapshot needs approval").About("lock_expires_at")
	}
	if in.Body.Has("pool_id") && DatasetPool.Get(o) != DatasetPool.Get(parent) {
		return apierr.New(apierr.InvalidValue, "pool_id: %d: a snapshot stays in the pool of its parent, %d", DatasetPool.Get(o), DatasetPool.Get(parent)).About("pool_id")
	}
	_, protect := in.Body["write_protected"]
	_, ssd := in.Body["ssd_enabled"]
	b.inherit(o, parent)
	if !protect {
		DatasetWriteProtected.Set(o, true)
	}
	if !ssd {
		DatasetSSD.Set(o, DatasetSSD.Get(parent))
	}
	b.keepFor(o)
	cross, err := in.Flag("replicate_to_async_target", true)
	if err != nil {
		return err
	}
	datasetLocal.Set(o, !cross)
	image, err := b.Freeze(parent)
	if err != nil {
		return err
	}
	return b.PointAt(o, image)
}

// mostSnapshots is how many snapshots a dataset has in all (vendor
// documentation), longestLock for how long one is locked (Commvault's
// documentation of the array).
const (
	mostSnapshots = 999
	longestLock   = 365 * 24 * time.Hour
)

func (b *Box) checkSnapshots(parent *schema.Object) error {
	family := DatasetFamily.Get(parent)
	n := b.Tx.CountBy(b.Key, DatasetFamily.Field(), parent.Type(), schema.IntValue(family)) - 1
	if n >= mostSnapshots && !b.Eng.NoLimits {
		return apierr.New(apierr.SnapshotLimitExceeded, "parent_id: %s %d has %d snapshots, as many as there can be", words(parent.Type()), family, n).About("parent_id")
	}
	return nil
}

func (b *Box) checkLockEnd(o *schema.Object) error {
	if end := b.Tx.Now().Add(longestLock).MS(); DatasetLockExpires.Get(o) > end && !b.Eng.NoLimits {
		return apierr.New(apierr.InvalidValue, "lock_expires_at: %d is more than 365 days away, after %d", DatasetLockExpires.Get(o), end).About("lock_expires_at")
	}
	return nil
}

// inherit copies what a snapshot shares with its parent.
func (b *Box) inherit(o, parent *schema.Object) {
	DatasetKind.Set(o, Snapshot)
	DatasetParent.Set(o, parent.ID())
	DatasetDepth.Set(o, DatasetDepth.Get(parent)+1)
	DatasetFamily.Set(o, DatasetFamily.Get(parent))
	DatasetSize.Set(o, DatasetSize.Get(parent))
	DatasetPool.Set(o, DatasetPool.Get(parent))
	TenantID.Set(o, TenantID.Get(parent))
	DatasetProvisioning.Set(o, Thin)
	DatasetSSD.Set(o, DatasetSSD.Get(parent))
	DatasetCompression.Set(o, DatasetCompression.Get(parent))
	DatasetDataGUID.Set(o, b.UUID())
	inheritFiles(o, parent)
	setCensus(o)
}

func afterDatasetCreate(b *Box, o *schema.Object, _ *Input) error {
	if err := b.account(DatasetPool.Get(o), 0, ownVirtual(o)); err != nil {
		return err
	}
	if DatasetKind.Get(o) == Master { // a snapshot shows what its parent holds, and adds nothing
		if err := b.Recount(o); err != nil {
			return err
		}
	}
	if err := b.checkVirtual(DatasetPool.Get(o)); err != nil {
		return err
	}
	if err := b.checkPhysical(DatasetPool.Get(o)); err != nil {
		return err
	}
	if o.Type() == Filesystem && DatasetKind.Get(o) == Snapshot {
		parent, err := b.Must(Filesystem, DatasetParent.Get(o))
		if err == nil {
			err = b.copyTreeQs(parent, o)
		}
		if err != nil {
			return err
		}
	}
	b.expireLater(o)
	return b.EmitFor(o, "CREATED")
}

func beforeDatasetUpdate(b *Box, old, o *schema.Object, _ *Input) error {
	if err := checkOwn(o); err != nil {
		return err
	}
	if DatasetKind.Get(o) == Snapshot && DatasetSize.Get(o) != DatasetSize.Get(old) {
		return apierr.New(apierr.ImmutableField, "size: %d: a snapshot has the size of its parent", DatasetSize.Get(o)).About("size")
	}
	if DatasetSize.Get(o) < DatasetSize.Get(old) {
		return apierr.New(apierr.DatasetShrink, "size: %d is below the present %d: %s size cannot be reduced", // the Ansible collection's playbooks look for it
			DatasetSize.Get(o), DatasetSize.Get(old), words(o.Type())).About("size")
	}
	return checkLock(b, old, o)
}

// checkLock refuses to shorten a lock, and to lock what is no snapshot
// (Ansible collection, snapshot lock test).
func checkLock(b *Box, old, o *schema.Object) error {
	if DatasetLockExpires.Get(o) == DatasetLockExpires.Get(old) {
		return nil
	}
	if DatasetKind.Get(o) != Snapshot {
		return apierr.New(apierr.DatasetNotSnapshot, "lock_expires_at: %s %d is no snapshot", words(o.Type()), o.ID()).About("lock_expires_at")
	}
	if err := b.checkLockEnd(o); err != nil {
		return err
	}
	if b.lockedNow(old) && DatasetLockExpires.Get(o) < DatasetLockExpires.Get(old) {
		return apierr.New(apierr.DatasetIsLocked, "lock_expires_at: %d: a lock can only be extended", DatasetLockExpires.Get(o)).About("lock_expires_at")
	}
	return nil
}

func afterDatasetUpdate(b *Box, old, o *schema.Object, _ *Input) error {
	if grown := DatasetSize.Get(o) - DatasetSize.Get(old); grown > 0 {
		if err := b.account(DatasetPool.Get(o), 0, grown); err != nil {
			return err
		}
	}
	if err := b.Recount(o); err != nil {
		return err
	}
	if err := b.pace(o); err != nil {
		return err
	}
	if err := b.switchExpress(old, o); err != nil {
		return err
	}
	if err := b.checkVirtual(DatasetPool.Get(o)); err != nil {
		return err
	}
	if err := b.checkPhysical(DatasetPool.Get(o)); err != nil || DatasetSize.Get(o) == DatasetSize.Get(old) {
		return err
	}
	im, err := b.Content(o)
	if err != nil {
		return err
	}
	return b.changed(o, im)
}
