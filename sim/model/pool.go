package model

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/data"
	"infinisim/sim/schema"
)

// The states and types of a pool.
const (
	Normal   = "NORMAL"
	Limited  = "LIMITED"
	Standard = "STANDARD"
)

// poolUnit is what pool capacities are rounded up to: six sections of 64 KiB
// (published payloads of release 7.0; InfiniSDK tests, tag 225.1.0).
const poolUnit = 6 * 64 << 10

// reservedCapacity is what every pool of the published payloads keeps back:
// 100 GiB, rounded up.
const reservedCapacity = 107374313472

// The fields of a pool.
var (
	PoolName       = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	PoolPhysical   = schema.Int(schema.Field{Name: "physical_capacity", Flags: schema.Editable | schema.NotNull, Check: checkPoolSize, Least: minPool, Most: mostBytes})
	PoolVirtual    = schema.Int(schema.Field{Name: "virtual_capacity", Flags: schema.Editable | schema.NotNull, Check: checkPoolSize, Least: minPool, Most: mostBytes})
	PoolWarning    = schema.Int(schema.Field{Name: "physical_capacity_warning", Flags: schema.Editable, Check: percent, Most: 100, Default: 80})
	PoolCritical   = schema.Int(schema.Field{Name: "physical_capacity_critical", Flags: schema.Editable, Check: percent, Most: 100, Default: 90})
	PoolState      = schema.Enum(schema.Field{Name: "state", Enum: []string{Normal, Limited, Locked}, Default: Normal})
	PoolReserved   = schema.Int(schema.Field{Name: "reserved_capacity", Default: int64(reservedCapacity)})
	PoolMaxExtend  = schema.Int(schema.Field{Name: "max_extend", Flags: schema.Editable, Default: -1, Check: checkMaxExtend})
	PoolSSD        = schema.Bool(schema.Field{Name: "ssd_enabled", Flags: schema.Editable, Default: true})
	PoolCompress   = schema.Bool(schema.Field{Name: "compression_enabled", Flags: schema.Editable, Default: true, Gate: gateCompression})
	PoolKind       = schema.Enum(schema.Field{Name: "type", Flags: schema.Create, Enum: []string{Standard, "VVOL", "S3"}, Default: Standard, Gate: gateVVol})
	PoolOwners     = schema.List[int64](schema.Field{Name: "owners", Flags: schema.Update})
	PoolQoS        = schema.Compute(schema.Tree[[]any](schema.Field{Name: "qos_policies", Gate: gateQoS}))
	PoolFree       = schema.Compute(schema.Int(schema.Field{Name: "free_physical_space"}))
	PoolFreeVirt   = schema.Compute(schema.Int(schema.Field{Name: "free_virtual_space"}))
	PoolAllocated  = schema.Compute(schema.Int(schema.Field{Name: "allocated_physical_space"}))
	PoolSavings    = schema.Int(schema.Field{Name: "capacity_savings", Flags: schema.NotNull, Gate: gateCompression})
	PoolThickSave  = schema.Int(schema.Field{Name: "thick_capacity_savings", Flags: schema.NotNull, Gate: gateReduction})
	PoolThinSave   = schema.Int(schema.Field{Name: "thin_capacity_savings", Flags: schema.NotNull, Gate: gateReduction})
	PoolDiskUsage  = schema.Compute(schema.Int(schema.Field{Name: "total_disk_usage", Gate: gateReduction}))
	PoolReduction  = schema.Float(schema.Field{Name: "data_reduction_ratio", Default: 1.0, Gate: gateReduction})
	PoolInternal   = schema.Compute(schema.Int(schema.Field{Name: "allocated_internal_physical_space", Gate: gatePromote}))
	PoolInternals  = schema.Compute(schema.Int(schema.Field{Name: "internal_entities_count", Gate: gatePromote}))
	PoolFSWarning  = schema.Int(schema.Field{Name: "fs_used_default_warning", Flags: schema.Update, Check: percent, Most: 100, Default: 80, Gate: gateFSAlert()})
	PoolFSCritical = schema.Int(schema.Field{Name: "fs_used_default_critical", Flags: schema.Update, Check: percent, Most: 100, Default: 90, Gate: gateFSAlert()})
	// The next two are open in every version: InfiniSDK 289.1.4 has no gate on
	// them and reads them from any array.
	PoolS3Bound   = schema.Compute(schema.Bool(schema.Field{Name: "s3_bound"}))
	PoolS3Buckets = schema.Compute(schema.Int(schema.Field{Name: "s3_buckets_count"}))

	// What the pool's datasets take, kept up by the accounting.
	poolPhysical = schema.Int(schema.Field{Name: "_physical", Flags: schema.Private | schema.NotNull})
	poolVirtual  = schema.Int(schema.Field{Name: "_virtual", Flags: schema.Private | schema.NotNull})
)

func count(name string) schema.Attr[int64] {
	return schema.Compute(schema.Int(schema.Field{Name: name}))
}

// The counts of a pool's entities.
var (
	PoolVolumes        = count("volumes_count")
	PoolFilesystems    = count("filesystems_count")
	PoolSnapshots      = count("snapshots_count")
	PoolFSSnapshots    = count("filesystem_snapshots_count")
	PoolEntities       = count("entities_count")
	PoolStdVolumes     = count("standard_volumes_count")
	PoolStdFilesystems = count("standard_filesystems_count")
	PoolStdSnapshots   = count("standard_snapshots_count")
	PoolStdFSSnapshots = count("standard_filesystem_snapshots_count")
	PoolStdEntities    = count("standard_entities_count")
	PoolVVolVolumes    = schema.Compute(schema.Int(schema.Field{Name: "vvol_volumes_count", Gate: gateVVolCounts}))
	PoolVVolSnapshots  = schema.Compute(schema.Int(schema.Field{Name: "vvol_snapshots_count", Gate: gateVVolCounts}))
	PoolVVolEntities   = schema.Compute(schema.Int(schema.Field{Name: "vvol_entities_count", Gate: gateVVolCounts}))

	// Pool is a share of the array's capacity that datasets are carved from.
	Pool = schema.NewType("pool", append([]schema.Holder{
		poolExtended, poolHeld, poolFull, poolFaults,
		poolPhysical, poolVirtual, PoolName, CreatedAt, UpdatedAt, PoolPhysical, PoolVirtual, PoolWarning, PoolCritical,
		PoolState, PoolFree, PoolReserved, PoolMaxExtend, PoolSSD, PoolCompress, PoolKind, PoolAllocated, PoolSavings,
		PoolThickSave, PoolThinSave, PoolDiskUsage, PoolReduction, PoolOwners, PoolQoS, PoolVolumes, PoolFilesystems,
		PoolSnapshots, PoolFSSnapshots, PoolStdVolumes, PoolStdFilesystems, PoolStdSnapshots, PoolStdFSSnapshots,
		PoolStdEntities, PoolVVolVolumes, PoolVVolSnapshots, PoolVVolEntities, TenantID, PoolEntities, PoolFreeVirt,
		PoolInternal, PoolInternals, PoolFSWarning, PoolFSCritical, PoolS3Bound, PoolS3Buckets,
	}, effectiveFields()...)...)
)

func checkPoolSize(v schema.Value) error {
	if v.Int() < minPool {
		return errors.New("is below the smallest pool, 1000000000000 bytes")
	}
	if v.Int() > mostBytes {
		return errTooManyBytes
	}
	return nil
}

// minPool is the smallest pool that published payloads and tests show.
//
// unsourced: that the array refuses a pool below 10^12 bytes.
const minPool = 1_000_000_000_000

func checkMaxExtend(v schema.Value) error {
	if v.Int() < -1 {
		return errors.New("is neither -1 (no limit) nor a number of bytes")
	}
	if v.Int() > mostBytes {
		return errTooManyBytes
	}
	return nil
}

func poolKind() *Kind {
	k := &Kind{
		Least: RoleAdmin,
		Type:  Pool, Path: "pools", NotFound: apierr.PoolNotFound, Conflict: apierr.PoolNameConflict, ApproveDelete: true,
		Forms: []Form{{
			Name: "an S3 pool", Required: []string{"name", "physical_capacity"},
			When: func(in Body) bool { return strings.EqualFold(text(in["type"]), ofS3) },
		}, {
			Name: "a pool", Required: []string{"name", "physical_capacity", "virtual_capacity"},
		}},
		Hooks: Hooks{
			BeforeCreate: beforePoolCreate,
			BeforeUpdate: beforePoolUpdate,
			AfterUpdate: func(b *Box, old, o *schema.Object, _ *Input) error {
				if err := b.settlePool(old, o); err != nil {
					return err
				}
				return b.reportDefaults(old, o)
			},
			BeforeDelete: beforePoolDelete,
		},
		Computed: poolComputed(),
		Sample: func(w World) Body {
			return NewBody(map[string]any{"name": w.Name(), "physical_capacity": 1_000_000_000_000, "virtual_capacity": 1_000_000_000_000})
		},
		Change: func(*schema.Object) Body { return NewBody(map[string]any{"physical_capacity_warning": 70}) },
	}
	k.Routes = []Route{
		Post(k, "lock", func(b *Box, o *schema.Object, _ *Input) (any, error) { return b.holdPool(o, true) }),
		Post(k, "unlock", func(b *Box, o *schema.Object, _ *Input) (any, error) { return b.holdPool(o, false) }),
		{
			Method: http.MethodGet, Path: "pools/administered_pools", Reads: true, Filters: Pool,
			Do: administeredPools,
		},
	}
	return k
}

// administeredPools lists the pools that the caller may change: those that a
// pool's administrator owns, or all.
func administeredPools(b *Box, _ *schema.Object, in *Input) (any, error) {
	k := b.Eng.Catalog.Kind(Pool.Name())
	q, err := b.Query(k, in)
	if err != nil {
		return nil, err
	}
	all := q
	all.PageSize = 0
	found, _, err := b.Find(k, all)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(p *schema.Object) bool {
		return b.Who.Role == RolePoolAdmin && !slices.Contains(PoolOwners.Get(p), b.Who.ID)
	})
	return b.page(k, q, idsOf(cut(found, q)), len(found))
}

// checkOwners refuses owners that are no users.
func checkOwners(b *Box, o *schema.Object) error {
	for _, id := range PoolOwners.Get(o) {
		if _, err := b.Load(b.Eng.Catalog.Kind(User.Name()), id); err != nil {
			if e, ok := apierr.As(err); ok {
				return e.About(PoolOwners.Name())
			}
			return err
		}
	}
	return nil
}

func beforePoolCreate(b *Box, o *schema.Object, _ *Input) error {
	if err := b.checkS3Pool(o); err != nil {
		return err
	}
	PoolPhysical.Set(o, roundUp(PoolPhysical.Get(o), poolUnit))
	PoolVirtual.Set(o, roundUp(PoolVirtual.Get(o), poolUnit))
	return checkSystemSpace(b, o, PoolPhysical.Get(o), PoolVirtual.Get(o))
}

// checkSystemSpace refuses a pool that the array has no capacity for.
func checkSystemSpace(b *Box, o *schema.Object, physical, virtual int64) error {
	if b.Eng.NoLimits {
		return nil
	}
	total, totalVirtual, err := b.systemSpace()
	if err != nil {
		return err
	}
	_, taken, err := b.spares()
	if err != nil {
		return err
	}
	total -= taken
	err = b.Tx.Each(b.Key, Pool, func(p *schema.Object) (bool, error) {
		if p.ID() != o.ID() {
			physical += PoolPhysical.Get(p)
			virtual += PoolVirtual.Get(p)
		}
		return true, nil
	})
	switch {
	case err != nil:
		return err
	case physical > total:
		return apierr.New(apierr.SystemNoCapacity, "physical_capacity: %d bytes are missing on the array", physical-total).About("physical_capacity")
	case virtual > totalVirtual:
		return apierr.New(apierr.SystemNoCapacity, "virtual_capacity: %d bytes are missing on the array", virtual-totalVirtual).About("virtual_capacity")
	}
	return nil
}

func beforePoolUpdate(b *Box, old, o *schema.Object, _ *Input) error {
	if err := checkOwners(b, o); err != nil {
		return err
	}
	if err := b.checkS3Pool(o); err != nil {
		return err
	}
	PoolPhysical.Set(o, roundUp(PoolPhysical.Get(o), poolUnit))
	PoolVirtual.Set(o, roundUp(PoolVirtual.Get(o), poolUnit))
	if PoolPhysical.Get(o) != PoolPhysical.Get(old) {
		poolExtended.Set(o, 0) // the new capacity is the pool's own
	}
	allocated, err := b.physicalOf(o)
	if err != nil {
		return err
	}
	if PoolPhysical.Get(o) < allocated {
		return apierr.New(apierr.PoolNoPhysicalSpace, "physical_capacity: %d is below the %d bytes allocated", PoolPhysical.Get(o), allocated).About("physical_capacity")
	}
	if PoolVirtual.Get(o) < poolVirtual.Get(o) {
		return apierr.New(apierr.PoolNoVirtualSpace, "virtual_capacity: %d is below the %d bytes allocated", PoolVirtual.Get(o), poolVirtual.Get(o)).About("virtual_capacity")
	}
	if PoolPhysical.Get(o) == PoolPhysical.Get(old) && PoolVirtual.Get(o) == PoolVirtual.Get(old) {
		return nil
	}
	return checkSystemSpace(b, o, PoolPhysical.Get(o), PoolVirtual.Get(o))
}

func beforePoolDelete(b *Box, o *schema.Object, _ *Input) error {
	var n int64
	for _, sort := range []string{OfVolume, OfFS, OfVVol} {
		n += b.census(o.ID(), sort, Master) + b.census(o.ID(), sort, Snapshot)
	}
	internal, err := b.internalCount(o.ID())
	if err != nil {
		return err
	}
	n += internal
	for _, t := range []*schema.Type{ConsGroup, ReplicationGroup} {
		n += b.Tx.CountBy(b.Key, CGPool.Field(), t, schema.RefValue(o.ID()))
	}
	n += b.s3AccountsOf(o)
	if n > 0 {
		return apierr.New(apierr.PoolNotEmpty, "pool %d holds %d entities", o.ID(), n)
	}
	return nil
}

// censusOf is a dataset's place in the counts of its pool.
func censusOf(pool int64, dataset, kind string) string {
	return strconv.FormatInt(pool, 10) + "/" + dataset + "/" + kind
}

// census counts a pool's datasets of one sort by the store's own counters.
func (b *Box) census(pool int64, dataset, kind string) int64 {
	t := Volume
	switch dataset {
	case OfFS:
		t = Filesystem
	case OfVVol:
		t = VVol
	}
	return b.Tx.CountBy(b.Key, datasetCensus.Field(), t, schema.TextValue(censusOf(pool, dataset, kind)))
}

func poolComputed() map[*schema.Field]Compute {
	all := map[*schema.Field]Compute{
		PoolQoS.Field():       poolQoS,
		PoolS3Bound.Field():   func(b *Box, o *schema.Object) (any, error) { return b.s3AccountsOf(o) > 0, nil },
		PoolS3Buckets.Field(): func(b *Box, o *schema.Object) (any, error) { return countIn(b, S3Bucket, S3BucketPool, o), nil },
		PoolInternal.Field():  func(b *Box, o *schema.Object) (any, error) { return b.internalSpace(o.ID()) },
		PoolInternals.Field(): func(b *Box, o *schema.Object) (any, error) {
			n, err := b.internalCount(o.ID())
			if n == 0 {
				return nil, err // null where there is none (InfiniSDK tests, 8.6 era)
			}
			return n, err
		},
	}
	sum := func(a schema.Attr[int64], sorts ...[2]string) {
		all[a.Field()] = func(b *Box, o *schema.Object) (any, error) {
			var n int64
			for _, s := range sorts {
				n += b.census(o.ID(), s[0], s[1])
			}
			return n, nil
		}
	}
	volumes, snapshots := [2]string{OfVolume, Master}, [2]string{OfVolume, Snapshot}
	filesystems, fsSnapshots := [2]string{OfFS, Master}, [2]string{OfFS, Snapshot}
	vvols, vvolSnapshots := [2]string{OfVVol, Master}, [2]string{OfVVol, Snapshot}
	// unsourced: that the counts without a word before them add up standard
	// entities and vvols.
	sum(PoolVolumes, volumes, vvols)
	sum(PoolStdVolumes, volumes)
	sum(PoolVVolVolumes, vvols)
	sum(PoolSnapshots, snapshots, vvolSnapshots)
	sum(PoolStdSnapshots, snapshots)
	sum(PoolVVolSnapshots, vvolSnapshots)
	for _, a := range []schema.Attr[int64]{PoolFilesystems, PoolStdFilesystems} {
		sum(a, filesystems)
	}
	for _, a := range []schema.Attr[int64]{PoolFSSnapshots, PoolStdFSSnapshots} {
		sum(a, fsSnapshots)
	}
	sum(PoolEntities, volumes, snapshots, filesystems, fsSnapshots, vvols, vvolSnapshots)
	sum(PoolStdEntities, volumes, snapshots, filesystems, fsSnapshots)
	sum(PoolVVolEntities, vvols, vvolSnapshots)
	all[PoolAllocated.Field()] = func(b *Box, o *schema.Object) (any, error) { return b.physicalOf(o) }
	all[PoolFree.Field()] = func(b *Box, o *schema.Object) (any, error) {
		n, err := b.physicalOf(o)
		return PoolPhysical.Get(o) - n, err
	}
	all[PoolFreeVirt.Field()] = func(_ *Box, o *schema.Object) (any, error) { return PoolVirtual.Get(o) - poolVirtual.Get(o), nil }
	for _, a := range []schema.Attr[int64]{PoolDiskUsage, HostWritten, ReducibleWritten, ReducibleUsage} {
		all[a.Field()] = func(b *Box, o *schema.Object) (any, error) { return b.poolWritten(o) }
	}
	return all
}

// poolWritten is the bytes that the pool's datasets hold, however they are
// provisioned.
func (b *Box) poolWritten(o *schema.Object) (n int64, err error) {
	for _, t := range stores() {
		for _, id := range b.Tx.IDsBy(b.Key, t, DatasetPool.Field(), schema.RefValue(o.ID())) {
			d, err := b.Must(t, id)
			if err != nil {
				return 0, err
			}
			if DatasetFamily.Get(d) != id {
				continue
			}
			all, _, err := b.images(t, id, b.Tx.Moment())
			if err != nil {
				return 0, err
			}
			n += data.Union(values(all)...)
		}
	}
	objects, err := b.s3Consumed(S3BucketPool, o)
	return n + objects, err
}

func sorted(ids []int64) []int64 {
	slices.Sort(ids)
	return ids
}
