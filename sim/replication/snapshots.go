package replication

import (
	"slices"
	"time"

	"infinisim/sim/clock"
	"infinisim/sim/data"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// Snapshots cross with the next job, in the order in which users made them, and
// appear below the target (InfiniSDK 289.1.4, doc/replication.rst). One that is
// deleted before its turn is left out, and so is one made with
// replicate_to_async_target=false.
//
// unsourced: that snapshots which are older than the replica do not cross, and
// that the snapshots of a job appear with its commit, not one by one.

// crossing is a snapshot on its way: what its name is made of, when it was
// made, and how long it is kept and locked there.
type crossing struct {
	Name  string `json:"name"`
	GUID  string `json:"guid"`
	Size  int64  `json:"size"`
	Image []byte `json:"image"`
	Made  int64  `json:"made"`
	Keep  int64  `json:"keep,omitempty"` // seconds
	Lock  int64  `json:"lock,omitempty"` // seconds
	// Group and GroupName are the snapshot group that it belongs to.
	Group     int64  `json:"group,omitempty"`
	GroupName string `json:"group_name,omitempty"`
}

// waiting are the snapshots of a pair's dataset that have not crossed yet,
// oldest first.
func (r *replica) waiting(p *pair, o *schema.Object) ([]*schema.Object, error) {
	if !ReplicaSnapshots.Get(r.o) || r.mirrored() {
		return nil, nil
	}
	ids := r.b.Children(o)
	slices.Sort(ids)
	var out []*schema.Object
	for _, id := range ids {
		if id <= max(p.Crossed, r.o.ID()) { // ids count up
			continue
		}
		snap, err := r.b.Must(o.Type(), id)
		if err != nil {
			return nil, err
		}
		if !model.StaysLocal(snap) {
			out = append(out, snap)
		}
	}
	return out, nil
}

// takeAlong notes which snapshots a job takes along, and gives the bytes that cross:
// from the base to the first, from one to the next, and from the last to the
// dataset itself.
func (r *replica) takeAlong(p *pair, o *schema.Object) (bytes int64, err error) {
	p.Snaps = nil
	snaps, err := r.waiting(p, o)
	if err != nil {
		return 0, err
	}
	last := p.Base
	for _, snap := range snaps {
		if model.DatasetRMRGUID.Get(snap) == "" {
			model.DatasetRMRGUID.Set(snap, r.b.UUID())
			if err := r.b.Save(snap); err != nil {
				return 0, err
			}
		}
		p.Snaps = append(p.Snaps, snap.ID())
		image, err := r.b.Freeze(snap)
		if err != nil {
			return 0, err
		}
		next := held{Image: image, Size: model.DatasetSize.Get(snap)}
		n, err := r.difference(last, next)
		if err != nil {
			return 0, err
		}
		bytes, last = bytes+n, next
	}
	n, err := r.difference(last, p.Flight)
	return bytes + n, err
}

// crossings packs the snapshots that a job took along and that are still there.
func (r *replica) crossings(p *pair) ([]crossing, error) {
	o, err := r.dataset(p)
	if err != nil {
		return nil, err
	}
	var out []crossing
	for _, id := range p.Snaps {
		snap, err := r.b.Tx.Get(r.b.Key, o.Type(), id)
		if err != nil {
			return nil, err
		}
		if snap == nil {
			continue
		}
		im, err := r.b.Content(snap)
		if err != nil {
			return nil, err
		}
		raw, err := im.MarshalBinary()
		if err != nil {
			return nil, err
		}
		c := crossing{
			Name: model.DatasetName.Get(snap), GUID: model.DatasetRMRGUID.Get(snap), Size: model.DatasetSize.Get(snap), Image: raw,
			Made: model.CreatedAt.Get(snap),
			Keep: either(model.DatasetRemoteKeep.Get(snap), ReplicaSnapKeep.Get(r.o)),
			Lock: either(model.DatasetRemoteKeepLock.Get(snap), ReplicaSnapLock.Get(r.o)),
		}
		if !model.DatasetCG.IsNull(snap) {
			group, err := r.b.Must(model.ConsGroup, model.DatasetCG.Get(snap))
			if err != nil {
				return nil, err
			}
			c.Group, c.GroupName = group.ID(), model.CGName.Get(group)
		}
		out = append(out, c)
	}
	return out, nil
}

func either(a, b int64) int64 {
	if a != 0 {
		return a
	}
	return b
}

// crossed forgets the snapshots of a job that is committed.
func (p *pair) crossed() {
	if n := len(p.Snaps); n > 0 {
		p.Crossed = p.Snaps[n-1]
	}
	p.Snaps = nil
}

// appear makes what crossed a snapshot of the target, and gives it with the
// group that it belongs to. Its lock counts from when the original was made.
func (r *replica) appear(o *schema.Object, c crossing) (*schema.Object, error) {
	var im data.Image
	if err := im.UnmarshalBinary(c.Image); err != nil {
		return nil, err
	}
	id, err := r.b.KeepImage(im)
	if err != nil {
		return nil, err
	}
	snap, err := r.b.SnapshotOf(o, c.Name+ReplicaSuffix.Get(r.o), id)
	if err != nil {
		return nil, err
	}
	if err := r.b.DropImage(id); err != nil { // the snapshot holds it now
		return nil, err
	}
	model.DatasetRMRGUID.Set(snap, c.GUID)
	if c.Lock > 0 {
		until := clock.FromMS(c.Made).Add(clock.Span(c.Lock, time.Second))
		model.DatasetLockExpires.Set(snap, until.MS())
	}
	if c.Keep > 0 {
		r.b.KeepFor(snap, c.Keep)
	}
	return snap, r.b.Save(snap)
}

// appearAll makes all that crossed with a job, and the groups that they belong
// to.
func (r *replica) appearAll(members []content) error {
	groups, names := map[int64][]*schema.Object{}, map[int64]string{}
	var order []int64
	for _, m := range members {
		o, err := r.b.Dataset(m.Dataset)
		if err != nil {
			return err
		}
		for _, c := range m.Snaps {
			snap, err := r.appear(o, c)
			if err != nil {
				return err
			}
			if c.Group == 0 {
				continue
			}
			if names[c.Group] == "" {
				order = append(order, c.Group)
			}
			names[c.Group] = c.GroupName
			groups[c.Group] = append(groups[c.Group], snap)
		}
	}
	if ReplicaLocalCG.IsNull(r.o) {
		return nil
	}
	cg, err := r.b.Must(model.ConsGroup, ReplicaLocalCG.Get(r.o))
	if err != nil {
		return err
	}
	for _, id := range order {
		if _, err := r.b.GroupSnapshotOf(cg, names[id]+ReplicaSuffix.Get(r.o), groups[id]); err != nil {
			return err
		}
	}
	return nil
}
