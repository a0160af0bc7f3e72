package model

import (
	"encoding/binary"
	"fmt"

	"infinisim/sim/apierr"
	"infinisim/sim/data"
	"infinisim/sim/schema"
)

// spaceImage holds the images of an array: id -> references | image.
const spaceImage = "image"

func imageKey(id int64) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(id)) //nolint:gosec // ids count up from 1
}

// Image reads an image that KeepImage stored.
func (b *Box) Image(id int64) (data.Image, error) {
	_, im, err := b.loadImage(id)
	return im, err
}

func (b *Box) loadImage(id int64) (refs int64, im data.Image, err error) {
	raw := b.Tx.KV(b.Key, spaceImage).Get(imageKey(id))
	if len(raw) < 8 {
		return 0, data.Image{}, fmt.Errorf("image %d of %s is gone", id, b.Key)
	}
	refs = int64(binary.BigEndian.Uint64(raw)) //nolint:gosec // written by storeImage
	if err := im.UnmarshalBinary(raw[8:]); err != nil {
		return 0, data.Image{}, fmt.Errorf("image %d of %s: %w", id, b.Key, err)
	}
	return refs, im, nil
}

func (b *Box) storeImage(id, refs int64, im data.Image) error {
	content, err := im.MarshalBinary()
	if err != nil {
		return fmt.Errorf("image %d of %s: %w", id, b.Key, err)
	}
	row := binary.BigEndian.AppendUint64(nil, uint64(refs)) //nolint:gosec // references are counted from 1
	b.Tx.KV(b.Key, spaceImage).Put(imageKey(id), append(row, content...))
	return nil
}

// KeepImage stores an image with one reference and returns its id; an image
// without content is id 0.
func (b *Box) KeepImage(im data.Image) (int64, error) {
	if im.Used() == 0 {
		return 0, nil
	}
	id := b.Tx.Next(b.Key, "image")
	return id, b.storeImage(id, 1, im)
}

// HoldImage adds a reference to an image.
func (b *Box) HoldImage(id int64) error { return b.countImage(id, 1) }

// DropImage takes a reference away; the last one removes the image.
func (b *Box) DropImage(id int64) error { return b.countImage(id, -1) }

func (b *Box) countImage(id, by int64) error {
	if id == 0 {
		return nil
	}
	refs, im, err := b.loadImage(id)
	if err != nil {
		return err
	}
	if refs += by; refs > 0 {
		return b.storeImage(id, refs, im)
	}
	b.Tx.KV(b.Key, spaceImage).Delete(imageKey(id))
	return nil
}

// Content is what a dataset holds now.
func (b *Box) Content(o *schema.Object) (data.Image, error) { return b.contentAt(o, b.Tx.Moment()) }

// ImageAt reads an image at a size: 0 is all zeros.
func (b *Box) ImageAt(id, size int64) (data.Image, error) {
	if id == 0 {
		return data.New(size), nil
	}
	im, err := b.Image(id)
	if err != nil {
		return data.Image{}, err
	}
	return im.Resize(size), nil
}

// PointAt makes a dataset show the image, which it holds from now on. The
// caller saves the object.
func (b *Box) PointAt(o *schema.Object, id int64) error {
	if err := b.HoldImage(id); err != nil {
		return err
	}
	if err := b.DropImage(datasetImage.Get(o)); err != nil {
		return err
	}
	datasetImage.Set(o, id)
	b.goOver(o)
	return nil
}

// goOver has the streams of a dataset go on over what it shows from now on. The
// caller saves it.
func (b *Box) goOver(o *schema.Object) {
	all := b.streamsOf(o)
	if len(all.list()) == 0 {
		return
	}
	for _, s := range all.list() {
		s.stored(b.Tx.Now())
	}
	datasetStreams.Set(o, all)
}

// SetContent makes a dataset show a new image and saves both.
func (b *Box) SetContent(o *schema.Object, im data.Image) error {
	b.goOver(o)
	return b.show(o, im)
}

// show stores what a dataset shows, saves both and accounts for it.
func (b *Box) show(o *schema.Object, im data.Image) error {
	id, err := b.KeepImage(im)
	if err != nil {
		return err
	}
	before, err := b.ImageAt(datasetImage.Get(o), DatasetSize.Get(o))
	if err != nil {
		return err
	}
	if err := b.DropImage(datasetImage.Get(o)); err != nil {
		return err
	}
	datasetImage.Set(o, id)
	if err := b.Tx.Put(b.Key, o); err != nil {
		return err
	}
	b.hostWrites = true
	defer func() { b.hostWrites = false }()
	if err := b.Recount(o); err != nil {
		return err
	}
	return b.reportUsed(o, before.Used(), im.Used())
}

// Birth is the number of the array's next local write: unique in a lab, so
// that an image that crossed over keeps its births apart from local ones.
func (b *Box) Birth() (int64, error) {
	system, err := b.System()
	if err != nil {
		return 0, err
	}
	return b.Tx.Next(b.Key, "birth")<<16 | SystemSerial.Get(system)&0xffff, nil
}

// Dataset finds a volume, filesystem or vvol by id; one that is none is
// VOLUME_NOT_FOUND.
//
// unsourced: the code for an id that is no dataset.
func (b *Box) Dataset(id int64) (*schema.Object, error) {
	for _, t := range stores() {
		o, err := b.Tx.Get(b.Key, t, id)
		if err != nil || o != nil {
			return o, err
		}
	}
	return nil, apierr.New(apierr.VolumeNotFound, "dataset %d does not exist", id)
}

// WriteData is a host's write of length bytes at off; the seed stands for the
// content, 0 for zeros. It returns DATASET_IS_WRITE_PROTECTED for a protected
// dataset or a replication target, POOL_IS_LOCKED, and
// POOL_NOT_ENOUGH_PHYSICAL_CAPACITY.
func (b *Box) WriteData(id, off, length int64, seed uint64) error {
	o, err := b.Dataset(id)
	if err != nil {
		return err
	}
	if err := b.mayWrite(o); err != nil {
		return err
	}
	im, err := b.Content(o)
	if err != nil {
		return err
	}
	birth, err := b.Birth()
	if err != nil {
		return err
	}
	next, err := im.Write(off, length, data.TokenOf(seed), birth)
	if err != nil {
		return apierr.New(apierr.InvalidValue, "write of %d bytes at %d: %v", length, off, err)
	}
	if err := b.commitWorm(o, im, next, length); err != nil {
		return err
	}
	if err := b.SetContent(o, next); err != nil {
		return err
	}
	return b.written(o, next)
}

// WriteTreeQ is a host's write to a filesystem, of which what is new counts as
// that of a tree queue, as do the files.
func (b *Box) WriteTreeQ(filesystem, queue, inodes int64, write func() error) error {
	used := func() (int64, error) {
		o, err := b.Load(b.Eng.Catalog.Kind(Filesystem.Name()), filesystem)
		if err != nil {
			return 0, err
		}
		im, err := b.Content(o)
		return im.Used(), err
	}
	before, err := used()
	if err != nil {
		return err
	}
	if err := write(); err != nil {
		return err
	}
	after, err := used()
	if err != nil {
		return err
	}
	return b.UseTreeQ(filesystem, queue, after-before, inodes)
}

// mayWrite refuses a host's write to a dataset that takes none.
func (b *Box) mayWrite(o *schema.Object) error {
	if DatasetWriteProtected.Get(o) {
		return apierr.New(apierr.DatasetWriteProtected, "%s %d is write protected", words(o.Type()), o.ID())
	}
	if err := b.checkWritable(); err != nil {
		return err
	}
	if err := b.Guard(OnWrite, nil, o); err != nil {
		return err
	}
	pool, err := b.Must(Pool, DatasetPool.Get(o))
	if err != nil {
		return err
	}
	if PoolState.Get(pool) == Locked {
		return apierr.New(apierr.PoolIsLocked, "pool %d is locked", pool.ID())
	}
	return nil
}

// written lets others follow a write, and refuses one that the pool cannot
// hold.
func (b *Box) written(o *schema.Object, im data.Image) error {
	if err := b.checkPhysical(DatasetPool.Get(o)); err != nil {
		return err
	}
	return b.changed(o, im)
}

// changed lets others follow a change of a dataset's content or size.
func (b *Box) changed(o *schema.Object, im data.Image) error {
	for _, fn := range b.Eng.Catalog.writes {
		if err := fn(b, o, im); err != nil {
			return err
		}
	}
	return nil
}

// OnContent has fn called after every change of a dataset's content by a
// host, a restore or a refresh, and of its size by an administrator.
func (c *Catalog) OnContent(fn func(b *Box, o *schema.Object, im data.Image) error) {
	c.writes = append(c.writes, fn)
}

// streamed lets others follow a change of what hosts go on writing.
func (b *Box) streamed(o *schema.Object) error {
	for _, fn := range b.Eng.Catalog.streams {
		if err := fn(b, o); err != nil {
			return err
		}
	}
	return nil
}

// OnStream has fn called after every change of what hosts go on writing to a
// dataset. It is called amid what changed it: fn may not change the dataset.
func (c *Catalog) OnStream(fn func(b *Box, o *schema.Object) error) {
	c.streams = append(c.streams, fn)
}

// DigestOf is the digest of a dataset's content and the bytes it uses. Equal
// content has an equal digest on any array.
func (b *Box) DigestOf(id int64) (digest string, used int64, err error) {
	o, err := b.Dataset(id)
	if err != nil {
		return "", 0, err
	}
	im, err := b.Content(o)
	if err != nil {
		return "", 0, err
	}
	return im.Digest(), im.Used(), nil
}
