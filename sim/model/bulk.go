package model

import (
	"encoding/json"
	"fmt"

	"infinisim/sim/apierr"
	"infinisim/sim/data"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// Bulk makes datasets, snapshots and mappings by the thousand. What a client's
// request would make and check one by one, it makes and checks once for all
// that are alike: a draft goes through the kind's own hooks, and each object is
// a copy of it with what is its own. Accounts, numbers and images are kept at
// the end. No events are written.
type Bulk struct {
	b    *Box
	into *store.Loader

	drafts   map[draftOf]*schema.Object
	accounts map[int64]*poolAccount
	pools    []int64 // in the order of their first dataset
	images   []*bulkImage
	shown    map[int64]*bulkImage // by dataset
	numbers  map[string]int64     // sequences: the next number
	luns     map[int64]int64      // host to its last number
	serial   int64

	snapshots map[int64]int // by parent
}

type draftOf struct {
	t    *schema.Type
	pool int64
}

type poolAccount struct{ physical, virtual int64 }

type bulkImage struct {
	id, refs int64
	data     data.Image
}

// Bulk begins to make many objects. Until Close nothing else may be made in
// the transaction.
func (b *Box) Bulk(into *store.Loader) (*Bulk, error) {
	system, err := b.System()
	if err != nil {
		return nil, err
	}
	return &Bulk{
		b: b, into: into, drafts: map[draftOf]*schema.Object{}, accounts: map[int64]*poolAccount{}, shown: map[int64]*bulkImage{},
		numbers: map[string]int64{}, luns: map[int64]int64{}, snapshots: map[int64]int{}, serial: SystemSerial.Get(system) & 0xffff,
	}, nil
}

// next draws from one of the array's sequences.
func (k *Bulk) next(sequence string) int64 {
	n, ok := k.numbers[sequence]
	if !ok {
		n = k.b.Tx.Peek(k.b.Key, sequence)
	}
	k.numbers[sequence] = n + 1
	return n
}

// draft is a new dataset of a pool that nothing sets apart from others.
func (k *Bulk) draft(t *schema.Type, pool int64) (*schema.Object, error) {
	if o := k.drafts[draftOf{t, pool}]; o != nil {
		return o, nil
	}
	kind := k.b.Eng.Catalog.Kind(t.Name())
	in := &Input{Body: NewBody(map[string]any{DatasetName.Name(): "draft", DatasetSize.Name(): minDataset, DatasetPool.Name(): pool})}
	o := schema.New(t, 0)
	if err := k.b.assign(kind, o, in.Body, nil); err != nil {
		return nil, err
	}
	if err := kind.Hooks.BeforeCreate(k.b, o, in); err != nil {
		return nil, err
	}
	if err := k.b.setTenant(o); err != nil {
		return nil, err
	}
	if err := k.b.Own(o); err != nil {
		return nil, err
	}
	if err := k.b.Guard(OnCreate, nil, o); err != nil {
		return nil, err
	}
	k.stamp(o)
	k.drafts[draftOf{t, pool}] = o
	return o, nil
}

func (k *Bulk) stamp(o *schema.Object) {
	now := k.b.Tx.Now().MS()
	if o.Type().Has(CreatedAt.Field()) {
		CreatedAt.Set(o, now)
	}
	if o.Type().Has(UpdatedAt.Field()) {
		UpdatedAt.Set(o, now)
	}
}

// free refuses a name that is taken. Names made in one bulk are the caller's.
func (k *Bulk) free(o *schema.Object) error {
	f := DatasetName.Field()
	if k.b.Tx.CountBy(k.b.Key, f, o.Type(), o.Value(f)) > 0 {
		return k.b.nameConflict(o, f)
	}
	return nil
}

// Dataset makes a volume or a filesystem, thin, of which the first used bytes
// are written. It returns what creating one returns, but that a pool is too
// small is told by Close.
func (k *Bulk) Dataset(t *schema.Type, pool int64, s BulkDataset) (*schema.Object, error) {
	draft, err := k.draft(t, pool)
	if err != nil {
		return nil, err
	}
	o := draft.As(k.next("id"))
	DatasetName.Set(o, s.Name)
	DatasetSize.Set(o, roundUp(s.Size, sectionBytes))
	DatasetFamily.Set(o, o.ID())
	k.identify(o)
	if err := k.free(o); err != nil {
		return nil, err
	}
	account := k.accounts[pool]
	if account == nil {
		account = &poolAccount{}
		k.accounts[pool] = account
		k.pools = append(k.pools, pool)
	}
	account.virtual += ownVirtual(o)
	if s.Used > 0 {
		im, err := data.New(DatasetSize.Get(o)).Write(0, s.Used, data.TokenOf(s.Seed), k.next("birth")<<16|k.serial)
		if err != nil {
			return nil, apierr.New(apierr.InvalidValue, "used: %v", err).About("used")
		}
		kept := &bulkImage{id: k.next("image"), refs: 1, data: im}
		k.images = append(k.images, kept)
		k.shown[o.ID()] = kept
		datasetImage.Set(o, kept.id)
		account.physical += im.Used()
		k.into.Set(k.b.Key, spaceFamily, t.Name(), familyKey(t, o.ID()), imageKey(im.Used()))
	}
	k.into.Put(k.b.Key, o)
	return o, nil
}

// BulkDataset says what a dataset of a bulk has of its own.
type BulkDataset struct {
	// Name is its name.
	Name string
	// Size and Used are in bytes.
	Size, Used int64
	// Seed stands for what is written.
	Seed uint64
}

// identify is Identify for many.
func (k *Bulk) identify(o *schema.Object) {
	if o.Type() == Volume {
		VolumeSerial.Set(o, fmt.Sprintf("742b0f00000%04x%016x", k.serial, o.ID()))
		VolumeNGUID.Set(o, fmt.Sprintf("%016x742b0f%06x%04x", o.ID(), 0, k.serial))
	}
}

// Snapshot makes a snapshot of a dataset of this bulk. It returns
// SNAPSHOT_LIMIT_EXCEEDED where a client's request would.
func (k *Bulk) Snapshot(parent *schema.Object, name string) error {
	t := parent.Type()
	if k.snapshots[parent.ID()]++; k.snapshots[parent.ID()] > mostSnapshots && !k.b.Eng.NoLimits {
		return apierr.New(apierr.SnapshotLimitExceeded, "parent_id: %s %d has %d snapshots, as many as there can be", words(t), parent.ID(), mostSnapshots).About("parent_id")
	}
	o := schema.New(t, k.next("id"))
	DatasetType.Set(o, DatasetType.Get(parent))
	DatasetName.Set(o, name)
	k.b.inherit(o, parent)
	DatasetWriteProtected.Set(o, true)
	datasetLocal.Set(o, false)
	if t == Filesystem {
		showSnapshot(o)
	}
	k.identify(o)
	k.stamp(o)
	if err := k.free(o); err != nil {
		return err
	}
	if im := k.shown[parent.ID()]; im != nil {
		im.refs++
		datasetImage.Set(o, im.id)
	}
	k.into.Put(k.b.Key, o)
	return nil
}

// Map maps a volume to a host of this bulk's array that had no mappings, at
// the next number. It returns LUN_IN_USE when the host has no number left.
func (k *Bulk) Map(host, volume int64) error {
	n := k.luns[host] + 1
	if n > lastLUN {
		return apierr.New(apierr.LUNInUse, "lun: host %d has none that is free", host).About("lun")
	}
	k.luns[host] = n
	l := schema.New(LUN, k.next("id"))
	LUNNumber.Set(l, n)
	LUNVolume.Set(l, volume)
	LUNHost.Set(l, host)
	k.stamp(l)
	k.into.Put(k.b.Key, l)
	return nil
}

// Close keeps images, numbers and the accounts of the pools. It returns
// POOL_NOT_ENOUGH_PHYSICAL_CAPACITY or POOL_NOT_ENOUGH_VIRTUAL_CAPACITY for a
// pool that cannot hold what was made.
func (k *Bulk) Close() error {
	for _, im := range k.images {
		content, err := im.data.MarshalBinary()
		if err != nil {
			return fmt.Errorf("image %d of %s: %w", im.id, k.b.Key, err)
		}
		k.into.Set(k.b.Key, spaceImage, "", imageKey(im.id), append(imageKey(im.refs), content...))
	}
	for _, name := range []string{"id", "birth", "image"} {
		if n, ok := k.numbers[name]; ok {
			k.b.Tx.SetNext(k.b.Key, name, n)
		}
	}
	for _, pool := range k.pools {
		a := k.accounts[pool]
		if err := k.b.account(pool, a.physical, a.virtual); err != nil {
			return err
		}
		if err := k.b.checkVirtual(pool); err != nil {
			return err
		}
		if err := k.b.checkPhysical(pool); err != nil {
			return err
		}
	}
	return nil
}

// AddPort gives a host a port, as a client's request does.
func (b *Box) AddPort(host *schema.Object, kind, address string) error {
	raw, err := json.Marshal(map[string]string{"type": kind, "address": address})
	if err == nil {
		_, err = addHostPort(b, host, &Input{Request: Request{Raw: raw}})
	}
	return err
}

// FreeCapacity is what new pools of the array can have.
func (b *Box) FreeCapacity() (physical, virtual int64, err error) {
	physical, virtual, err = b.systemSpace()
	if err != nil {
		return 0, 0, err
	}
	_, taken, err := b.spares()
	if err != nil {
		return 0, 0, err
	}
	physical -= taken
	err = b.Tx.Each(b.Key, Pool, func(p *schema.Object) (bool, error) {
		physical -= PoolPhysical.Get(p)
		virtual -= PoolVirtual.Get(p)
		return true, nil
	})
	return max(0, physical), max(0, virtual), err
}
