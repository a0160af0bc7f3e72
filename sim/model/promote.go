package model

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/job"
	"infinisim/sim/schema"
)

// OnPromote is the moment of a promotion.
const OnPromote Moment = "promote"

// Promotion makes a snapshot a dataset of its own, with the id that it has. A
// dataset that no client may change, an internal one, takes its place under its
// parent; when the parent goes, the internal one is a master (InfiniSDK
// 289.1.4, doc/snapshots.rst, and its tests, 8.6 era).

// internalSort is the sort of an internal dataset in the census, which counts
// those of all pools together.
const (
	internalSort = "INTERNAL"
	anyPool      = 0
)

// collectAfter is when the array removes an internal dataset that nothing
// stands above.
//
// unsourced: when the array collects internal datasets, which its
// documentation says it does at some point.
const collectAfter = 24 * time.Hour

const jobCollect = "dataset.collect"

func addPromotion(c *Catalog, volume *Kind) {
	promote := Post(volume, string(OnPromote), func(b *Box, o *schema.Object, _ *Input) (any, error) {
		if !DatasetCG.IsNull(o) {
			return nil, apierr.New(apierr.DatasetInCG, "volume %d is a member of snapshot group %d", o.ID(), DatasetCG.Get(o))
		}
		return b.promote(o)
	})
	promote.Needs = gatePromote
	group := Post(c.Kind(ConsGroup.Name()), string(OnPromote), promoteGroup)
	group.Needs, group.Least = gatePromote, RolePoolAdmin
	volume.Routes = append(volume.Routes, promote)
	c.AddRoutes(group)
	list := func(path string, shown *schema.Type, types ...*schema.Type) {
		do := func(b *Box, o *schema.Object, in *Input) (any, error) { return b.listInternals(shown, types, o, in) }
		for _, p := range []string{path, path + "/{type}"} {
			c.AddRoutes(Route{Method: http.MethodGet, Path: p, Reads: true, Filters: shown, Needs: gatePromote, Do: do})
		}
	}
	list("datasets/internal_datasets", anyDataset(), Volume, Filesystem)
	list("volumes/internal_volumes", Volume, Volume)
	volume.Routes = append(volume.Routes, Route{
		Method: http.MethodGet, Path: "volumes/{id}/internal_volumes", Reads: true, Filters: Volume, Needs: gatePromote,
		Do: func(b *Box, o *schema.Object, in *Input) (any, error) {
			return b.listInternals(Volume, []*schema.Type{Volume}, o, in)
		},
	})
	c.OnDue(jobCollect, collect)
}

// promote makes a snapshot a master.
//
// unsourced: the name of the internal dataset that it leaves, that what hangs
// below the snapshot goes with it, and that both count the blocks that they
// share.
func (b *Box) promote(o *schema.Object) (*schema.Object, error) {
	if DatasetKind.Get(o) != Snapshot {
		return nil, apierr.New(apierr.DatasetNotSnapshot, "%s %d is no snapshot", words(o.Type()), o.ID())
	}
	if b.lockedNow(o) {
		return nil, apierr.New(apierr.DatasetIsLocked, "%s %d is locked until %d", words(o.Type()), o.ID(), DatasetLockExpires.Get(o))
	}
	pool, err := b.Must(Pool, DatasetPool.Get(o))
	if err != nil {
		return nil, err
	}
	if err := openPool(pool); err != nil {
		return nil, err
	}
	parent, err := b.Must(o.Type(), DatasetParent.Get(o))
	if err != nil {
		return nil, err
	}
	if err := b.leaveInternal(o, parent); err != nil {
		return nil, err
	}
	job.Cancel(b.Tx, b.Owner(o), jobExpire)
	for _, f := range []schema.Attr[int64]{DatasetParent, DatasetRetention, DatasetExpires, DatasetByPolicy, DatasetBySchedule} {
		f.SetNull(o)
	}
	DatasetByPolicyName.SetNull(o)
	DatasetByScheduleName.SetNull(o)
	DatasetKind.Set(o, Master)
	DatasetPromoteSource.Set(o, parent.ID())
	setCensus(o)
	if err := b.account(pool.ID(), 0, ownVirtual(o)); err != nil {
		return nil, err
	}
	if err := b.refound(o, o.ID(), 0); err != nil {
		return nil, err
	}
	for _, d := range []*schema.Object{o, parent} {
		if err := b.Recount(d); err != nil {
			return nil, err
		}
	}
	if err := b.checkVirtual(pool.ID()); err != nil {
		return nil, err
	}
	if err := b.checkPhysical(pool.ID()); err != nil {
		return nil, err
	}
	return o, b.EmitFor(o, "PROMOTED")
}

// leaveInternal puts an internal dataset with a snapshot's content in its
// place.
func (b *Box) leaveInternal(o, parent *schema.Object) error {
	in := b.New(b.Kind(o))
	DatasetType.Set(in, DatasetType.Get(o))
	DatasetName.Set(in, b.FreeName(o.Type(), DatasetName.Field(), "internal-"+strconv.FormatInt(in.ID(), 10)))
	DatasetIsInternal.Set(in, true)
	b.inherit(in, parent)
	DatasetSize.Set(in, DatasetSize.Get(o))
	DatasetWriteProtected.Set(in, true)
	DatasetPromoteSource.Set(in, o.ID())
	if o.Type() == Volume {
		if err := b.Identify(in); err != nil {
			return err
		}
	}
	image, err := b.Freeze(o)
	if err != nil {
		return err
	}
	if err := b.PointAt(in, image); err != nil {
		return err
	}
	return b.Insert(in)
}

// refound gives a dataset and all below it a family and a depth.
func (b *Box) refound(o *schema.Object, family, depth int64) error {
	DatasetFamily.Set(o, family)
	DatasetDepth.Set(o, depth)
	if err := b.Save(o); err != nil {
		return err
	}
	for _, id := range b.allChildren(o) {
		child, err := b.Must(o.Type(), id)
		if err != nil {
			return err
		}
		if err := b.refound(child, family, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// promoteGroup makes a snapshot group a consistency group, and its members
// masters.
func promoteGroup(b *Box, o *schema.Object, _ *Input) (any, error) {
	if DatasetKind.Get(o) != Snapshot {
		return nil, apierr.New(apierr.DatasetNotSnapshot, "consistency group %d is no snapshot group", o.ID())
	}
	members, err := b.Members(o)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		if m.Type() != Volume { // the SDK's documentation: volumes alone
			return nil, apierr.New(apierr.DatasetNotVolume, "%s %d cannot be promoted", words(m.Type()), m.ID())
		}
		if err := b.Guard(OnPromote, nil, m); err != nil {
			return nil, err
		}
		if _, err := b.promote(m); err != nil {
			return nil, err
		}
	}
	job.Cancel(b.Tx, b.Owner(o), jobExpire)
	DatasetKind.Set(o, Master)
	CGParent.SetNull(o)
	DatasetRetention.SetNull(o)
	DatasetExpires.SetNull(o)
	if err := b.Save(o); err != nil {
		return nil, err
	}
	return o, b.EmitFor(o, "PROMOTED")
}

// freeInternals makes masters of the internal datasets under one that goes.
func (b *Box) freeInternals(o *schema.Object) error {
	for _, id := range b.internals(o) {
		in, err := b.Must(o.Type(), id)
		if err != nil {
			return err
		}
		DatasetKind.Set(in, Master)
		DatasetParent.SetNull(in)
		if err := b.refound(in, id, 0); err != nil {
			return err
		}
		if err := b.Recount(in); err != nil {
			return err
		}
		b.After(collectAfter, job.Periodic, jobCollect, in)
	}
	return nil
}

// collect removes an internal dataset.
func collect(b *Box, o *schema.Object, _ job.Job) error {
	if err := b.DropImage(datasetImage.Get(o)); err != nil {
		return err
	}
	if err := b.Remove(o); err != nil {
		return err
	}
	return b.Recount(o)
}

// Children lists the ids of a dataset's own snapshots.
func (b *Box) Children(o *schema.Object) []int64 {
	all := b.allChildren(o)
	hidden := b.internals(o)
	if len(hidden) == 0 {
		return all
	}
	var out []int64
	for _, id := range all {
		if !slices.Contains(hidden, id) {
			out = append(out, id)
		}
	}
	return out
}

func (b *Box) allChildren(o *schema.Object) []int64 {
	return b.Tx.IDsBy(b.Key, o.Type(), DatasetParent.Field(), schema.RefValue(o.ID()))
}

// internals lists the internal datasets right under one.
func (b *Box) internals(o *schema.Object) []int64 {
	all := b.allInternals(o.Type())
	if len(all) == 0 {
		return nil
	}
	var out []int64
	for _, id := range b.allChildren(o) {
		if slices.Contains(all, id) {
			out = append(out, id)
		}
	}
	return out
}

func (b *Box) allInternals(t *schema.Type) []int64 {
	sort := OfVolume
	if t == Filesystem {
		sort = OfFS
	}
	return b.Tx.IDsBy(b.Key, t, datasetCensus.Field(), schema.TextValue(censusOf(anyPool, sort, internalSort)))
}

// internalCount is the number of internal datasets in a pool.
func (b *Box) internalCount(pool int64) (n int64, err error) {
	for _, t := range []*schema.Type{Volume, Filesystem} {
		for _, id := range b.allInternals(t) {
			o, err := b.Must(t, id)
			if err != nil {
				return 0, err
			}
			if DatasetPool.Get(o) == pool {
				n++
			}
		}
	}
	return n, nil
}

// internalSpace is what the internal datasets of a pool alone allocate.
func (b *Box) internalSpace(pool int64) (n int64, err error) {
	for _, t := range []*schema.Type{Volume, Filesystem} {
		for _, id := range b.allInternals(t) {
			o, err := b.Must(t, id)
			if err != nil {
				return 0, err
			}
			if DatasetPool.Get(o) != pool {
				continue
			}
			own, err := b.allocated(o)
			if err != nil {
				return 0, err
			}
			n += own
		}
	}
	return n, nil
}

// listInternals lists the internal datasets, those of a type if the path names
// one, and those below a dataset if it names that.
func (b *Box) listInternals(shown *schema.Type, types []*schema.Type, under *schema.Object, in *Input) (any, error) {
	kind := strings.ToUpper(in.Vars["type"])
	if kind != "" && kind != Master && kind != Snapshot {
		return nil, apierr.New(apierr.InvalidValue, "type: %q is neither master nor snapshot", in.Vars["type"]).About("type")
	}
	return b.listAcross(shown, types, in, func(o *schema.Object) bool {
		return DatasetIsInternal.Get(o) && (kind == "" || DatasetKind.Get(o) == kind) && (under == nil || b.below(o, under.ID()))
	})
}
