package model

import (
	"strconv"

	"infinisim/sim/data"
	"infinisim/sim/schema"
)

// What the array itself, and replication, does to datasets.

// Resize grows a dataset on behalf of the array itself: a replication target
// follows its source.
func (b *Box) Resize(o *schema.Object, size int64) error {
	grown := size - DatasetSize.Get(o)
	DatasetSize.Set(o, size)
	if err := b.Save(o); err != nil {
		return err
	}
	if err := b.account(DatasetPool.Get(o), 0, grown); err != nil {
		return err
	}
	return b.Recount(o)
}

// MakeMaster creates a dataset on behalf of the array itself: a replication
// target.
func (b *Box) MakeMaster(t *schema.Type, in Body) (*schema.Object, error) {
	k := b.Eng.Catalog.Kind(t.Name())
	return b.Create(k, &Input{Body: b.Unscheduled(in)})
}

// SnapshotOf makes a snapshot of a dataset on behalf of the array itself,
// showing the given image.
func (b *Box) SnapshotOf(parent *schema.Object, name string, image int64) (*schema.Object, error) {
	o := b.New(b.Kind(parent))
	DatasetType.Set(o, DatasetType.Get(parent))
	DatasetName.Set(o, b.FreeName(parent.Type(), DatasetName.Field(), name))
	b.inherit(o, parent)
	DatasetWriteProtected.Set(o, true)
	datasetLocal.Set(o, true)
	if err := b.identify(o, parent); err != nil {
		return nil, err
	}
	if err := b.PointAt(o, image); err != nil {
		return nil, err
	}
	if err := b.Insert(o); err != nil {
		return nil, err
	}
	if err := b.Recount(o); err != nil {
		return nil, err
	}
	return o, b.EmitFor(o, "CREATED")
}

// StaysLocal reports whether replication leaves a snapshot out.
func StaysLocal(snap *schema.Object) bool { return datasetLocal.Get(snap) }

// KeepFor has a snapshot that the array made expire after so many seconds. The
// caller saves it.
func (b *Box) KeepFor(snap *schema.Object, seconds int64) {
	DatasetRetention.Set(snap, seconds)
	b.keepFor(snap)
	b.expireLater(snap)
}

// FreeName is a name that no object of the type has: the wanted one, or that
// with a number.
func (b *Box) FreeName(t *schema.Type, f *schema.Field, want string) string {
	name := want
	for i := 2; len(b.Tx.IDsBy(b.Key, t, f, schema.TextValue(name))) > 0; i++ {
		name = want + "-" + strconv.Itoa(i)
	}
	return name
}

// Copy makes a dataset show the content of an image as a restore does, and
// lets others follow.
func (b *Box) Copy(o *schema.Object, im data.Image) error {
	now, err := b.Content(o)
	if err != nil {
		return err
	}
	birth, err := b.Birth()
	if err != nil {
		return err
	}
	next := im.Restamp(now, birth)
	if err := b.SetContent(o, next); err != nil {
		return err
	}
	if err := b.Save(o); err != nil {
		return err
	}
	return b.written(o, next)
}
