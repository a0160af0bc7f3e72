package model

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/data"
	"infinisim/sim/schema"
)

// Accounting: a family (a master and all below it) allocates the bytes that
// any of its images holds, each counted once, and a thick master its whole
// size. A pool's allocated space is the sum of its families.
//
// unsourced: how the array shares blocks between snapshots and replication's
// own images is not shown; counting each block once is what its
// documentation calls space efficient snapshots.
const (
	spaceFamily  = "family"
	spaceStaging = "staging"
)

func familyKey(t *schema.Type, family int64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte(t.Name()), 0), uint64(family)) //nolint:gosec // ids count up from 1
}

// Stage adds an image to what a dataset's family allocates without being any
// dataset's content: replication's own snapshots. It takes over the caller's
// reference.
func (b *Box) Stage(o *schema.Object, image int64) error {
	if image == 0 {
		return nil
	}
	kv := b.Tx.KV(b.Key, spaceStaging)
	key := append(familyKey(o.Type(), DatasetFamily.Get(o)), imageKey(image)...)
	n := int64(1)
	if raw := kv.Get(key); raw != nil {
		n += int64(binary.BigEndian.Uint64(raw)) //nolint:gosec // a count
	}
	kv.Put(key, imageKey(n))
	return b.Recount(o)
}

// Unstage takes an image that Stage added away, with its reference.
func (b *Box) Unstage(o *schema.Object, image int64) error {
	if image == 0 {
		return nil
	}
	kv := b.Tx.KV(b.Key, spaceStaging)
	key := append(familyKey(o.Type(), DatasetFamily.Get(o)), imageKey(image)...)
	raw := kv.Get(key)
	if raw == nil {
		return fmt.Errorf("image %d of %s is not staged", image, b.Key)
	}
	if n := int64(binary.BigEndian.Uint64(raw)); n > 1 { //nolint:gosec // a count
		kv.Put(key, imageKey(n-1))
	} else {
		kv.Delete(key)
	}
	if err := b.DropImage(image); err != nil {
		return err
	}
	return b.Recount(o)
}

// staged lists the images of a family that no dataset shows.
func (b *Box) staged(t *schema.Type, family int64) []int64 {
	var ids []int64
	prefix := familyKey(t, family)
	b.Tx.KV(b.Key, spaceStaging).Scan(prefix, func(k, _ []byte) bool {
		if !bytes.HasPrefix(k, prefix) {
			return false
		}
		ids = append(ids, int64(binary.BigEndian.Uint64(k[len(prefix):]))) //nolint:gosec // written by Stage
		return true
	})
	return ids
}

// images are those of a family's datasets at a time, or those that are stored
// if that is 0, and of its staging area, each once; thick is the size of a thick
// master. What a dataset that is written to shows has the key -id.
func (b *Box) images(t *schema.Type, family int64, at clock.Time) (all map[int64]data.Image, thick int64, err error) {
	all = map[int64]data.Image{}
	load := func(id int64) error {
		if _, seen := all[id]; id == 0 || seen {
			return nil
		}
		im, err := b.Image(id)
		all[id] = im
		return err
	}
	for _, id := range b.Tx.IDsBy(b.Key, t, DatasetFamily.Field(), schema.IntValue(family)) {
		o, err := b.Must(t, id)
		if err != nil {
			return nil, 0, err
		}
		if DatasetProvisioning.Get(o) == Thick {
			thick += DatasetSize.Get(o)
		}
		if at != 0 && len(b.streamsOf(o).list()) > 0 {
			if all[-id], err = b.contentAt(o, at); err != nil {
				return nil, 0, err
			}
			continue
		}
		if err := load(datasetImage.Get(o)); err != nil {
			return nil, 0, err
		}
	}
	for _, id := range b.staged(t, family) {
		if err := load(id); err != nil {
			return nil, 0, err
		}
	}
	return all, thick, nil
}

// measure is what the stored images of a family allocate.
func (b *Box) measure(t *schema.Type, family int64) (int64, error) { return b.measureAt(t, family, 0) }

// measureAt is what a family allocates at a time, or what its stored images do
// if that is 0.
func (b *Box) measureAt(t *schema.Type, family int64, at clock.Time) (int64, error) {
	all, thick, err := b.images(t, family, at)
	if err != nil {
		return 0, err
	}
	union := data.Union(values(all)...)
	if thick == 0 {
		return union, nil
	}
	root, err := b.Tx.Get(b.Key, t, family)
	if err != nil || root == nil {
		return max(thick, union), err
	}
	own, ok := all[-root.ID()]
	if !ok {
		own = all[datasetImage.Get(root)]
	}
	return thick + union - own.Used(), nil
}

func values(all map[int64]data.Image) []data.Image {
	ids := make([]int64, 0, len(all))
	for id := range all {
		ids = append(ids, id)
	}
	out := make([]data.Image, 0, len(ids))
	for _, id := range sorted(ids) {
		out = append(out, all[id])
	}
	return out
}

// Recount brings the accounts of a dataset's family and pool up to date.
func (b *Box) Recount(o *schema.Object) error {
	family := DatasetFamily.Get(o)
	after, err := b.measure(o.Type(), family)
	if err != nil {
		return err
	}
	key := familyKey(o.Type(), family)
	before := b.familyAllocated(o)
	if after == before {
		return nil
	}
	if after == 0 {
		b.Tx.KV(b.Key, spaceFamily).Delete(key)
	} else {
		b.Tx.KV(b.Key, spaceFamily).Put(key, imageKey(after))
	}
	return b.account(DatasetPool.Get(o), after-before, 0)
}

func (b *Box) familyAllocated(o *schema.Object) int64 {
	raw := b.Tx.KV(b.Key, spaceFamily).Get(familyKey(o.Type(), DatasetFamily.Get(o)))
	if raw == nil {
		return 0
	}
	return int64(binary.BigEndian.Uint64(raw)) //nolint:gosec // written by Recount
}

// account adds to a pool's allocated physical and virtual space.
func (b *Box) account(pool, physical, virtual int64) error {
	p, err := b.Must(Pool, pool)
	if err != nil {
		return err
	}
	old := p.Clone()
	poolPhysical.Set(p, poolPhysical.Get(p)+physical)
	poolVirtual.Set(p, poolVirtual.Get(p)+virtual)
	return b.settlePool(old, p)
}

// checkPhysical refuses what left a pool with less than no free space.
func (b *Box) checkPhysical(pool int64) error {
	p, err := b.Must(Pool, pool)
	if err != nil {
		return err
	}
	allocated, err := b.physicalOf(p)
	if err != nil {
		return err
	}
	if free := PoolPhysical.Get(p) - allocated; free < 0 {
		return apierr.New(apierr.PoolNoPhysicalSpace, "pool %d: %d bytes of physical capacity are missing", pool, -free).About(strconv.FormatInt(pool, 10))
	}
	return nil
}

// checkVirtual refuses what left a pool with less than no free virtual space.
func (b *Box) checkVirtual(pool int64) error {
	p, err := b.Must(Pool, pool)
	if err != nil {
		return err
	}
	if free := PoolVirtual.Get(p) - poolVirtual.Get(p); free < 0 {
		return apierr.New(apierr.PoolNoVirtualSpace, "pool %d: %d bytes of virtual capacity are missing", pool, -free).About(strconv.FormatInt(pool, 10))
	}
	return nil
}

// allocated is what a dataset alone allocates: a thick master its size, any
// other the bytes that none of its family shares.
func (b *Box) allocated(o *schema.Object) (int64, error) {
	if DatasetProvisioning.Get(o) == Thick {
		return DatasetSize.Get(o), nil
	}
	im, err := b.Content(o)
	if err != nil || DatasetKind.Get(o) == Master || im.Used() == 0 {
		return im.Used(), err
	}
	filling := b.fillingOf(DatasetPool.Get(o)).Rate > 0
	if !filling {
		refs, _, err := b.loadImage(datasetImage.Get(o))
		if err != nil || refs > 1 {
			return 0, err // somebody else shows or keeps the whole of it
		}
	}
	all, shown, err := b.imagesBeside(o)
	if err != nil || filling && shown > 1 {
		return 0, err
	}
	return data.Exclusive(im, values(all)...), nil
}

// imagesBeside are the images of a dataset's family without its own; shown is
// how many datasets show that now.
func (b *Box) imagesBeside(o *schema.Object) (all map[int64]data.Image, shown int, err error) {
	if all, _, err = b.images(o.Type(), DatasetFamily.Get(o), b.Tx.Moment()); err != nil {
		return nil, 0, err
	}
	own := datasetImage.Get(o)
	for _, id := range b.Tx.IDsBy(b.Key, o.Type(), DatasetFamily.Field(), schema.IntValue(DatasetFamily.Get(o))) {
		d, err := b.Must(o.Type(), id)
		if err != nil {
			return nil, 0, err
		}
		if datasetImage.Get(d) == own && all[-id].Size() == 0 {
			shown++
		}
	}
	if all[-o.ID()].Size() > 0 {
		own = -o.ID()
	}
	delete(all, own)
	return all, shown, nil
}

// CheckAccounts recomputes every account of the array and names what differs.
func CheckAccounts(b *Box) ([]string, error) {
	physical, virtual := map[int64]int64{}, map[int64]int64{}
	var bad []string
	for _, t := range stores() {
		seen := map[int64]bool{}
		err := b.Tx.Each(b.Key, t, func(o *schema.Object) (bool, error) {
			virtual[DatasetPool.Get(o)] += ownVirtual(o)
			family := DatasetFamily.Get(o)
			if seen[family] {
				return true, nil
			}
			seen[family] = true
			want, err := b.measure(t, family)
			physical[DatasetPool.Get(o)] += want
			if got := b.familyAllocated(o); got != want {
				bad = append(bad, fmt.Sprintf("%s: %s family %d accounts %d bytes, holds %d", b.Key, t.Name(), family, got, want))
			}
			return true, err
		})
		if err != nil {
			return nil, err
		}
	}
	err := b.Tx.Each(b.Key, Pool, func(p *schema.Object) (bool, error) {
		objects, err := b.s3Consumed(S3BucketPool, p)
		if err != nil {
			return false, err
		}
		physical[p.ID()] += objects
		if got, want := poolPhysical.Get(p), physical[p.ID()]; got != want {
			bad = append(bad, fmt.Sprintf("%s: pool %d accounts %d bytes allocated, its datasets %d", b.Key, p.ID(), got, want))
		}
		if got, want := poolVirtual.Get(p), virtual[p.ID()]; got != want {
			bad = append(bad, fmt.Sprintf("%s: pool %d accounts %d virtual bytes, its datasets %d", b.Key, p.ID(), got, want))
		}
		return true, nil
	})
	return bad, err
}

// FreeVirtual is the virtual space that a pool has left.
func (b *Box) FreeVirtual(pool *schema.Object) int64 {
	return PoolVirtual.Get(pool) - poolVirtual.Get(pool)
}
