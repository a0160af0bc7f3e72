package model

import (
	"slices"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/data"
	"infinisim/sim/schema"
)

// What a workload writes changes its dataset's content as a function of the
// lab's time: nothing happens at a write, and reading stores nothing, so when
// somebody looks changes nothing. The stored image is brought up to date
// (Freeze) only where an image is taken or the function itself changes.

// Stream is hosts' writes that go on. Its members are for the rows and messages
// that carry it.
type Stream struct {
	// Rate is bytes a second; 0 while hosts cannot write.
	Rate int64 `json:"rate"`
	// Since is when the rate began.
	Since clock.Time `json:"since"`
	// Parts are the regions that it goes over.
	Parts []Part `json:"parts"`
}

// Part is one region of a stream.
type Part struct {
	data.Cycle
	// Share of the stream's rate that goes here, in parts of a million.
	Share int64 `json:"share"`
	// Start is the bytes written when the rate began, Done those that the stored
	// image has.
	Start int64 `json:"start"`
	Done  int64 `json:"done"`
}

// streams are those of a dataset: of its own workload, and of the dataset that
// it mirrors.
type streams struct {
	Own    *Stream `json:"own,omitempty"`
	Theirs *Stream `json:"theirs,omitempty"`
}

func (all streams) list() []*Stream {
	var out []*Stream
	for _, s := range []*Stream{all.Own, all.Theirs} {
		if s != nil {
			out = append(out, s)
		}
	}
	return out
}

// Same reports whether two streams write the same at every time; nil writes
// nothing.
func (s *Stream) Same(t *Stream) bool {
	if s == nil || t == nil {
		return s == t
	}
	return s.Rate == t.Rate && s.Since == t.Since && slices.EqualFunc(s.Parts, t.Parts, func(a, b Part) bool {
		return a.Cycle == b.Cycle && a.Share == b.Share && a.Start == b.Start
	})
}

var datasetStreams = schema.Tree[streams](schema.Field{Name: "_streams", Flags: schema.Private})

func (s *Stream) written(p *Part, t clock.Time) int64 {
	return p.Start + data.Bytes(s.Rate, p.Share, BlockBytes, t.Sub(s.Since))
}

// over is a stored image with what the stream wrote over it up to t.
func (s *Stream) over(im data.Image, t clock.Time) data.Image {
	for i := range s.Parts {
		p := &s.Parts[i]
		im = im.Play(p.Cycle, p.Done, s.written(p, t))
	}
	return im
}

// stored marks all up to t as being in the stored image.
func (s *Stream) stored(t clock.Time) {
	for i := range s.Parts {
		p := &s.Parts[i]
		p.Done = max(p.Done, s.written(p, t))
	}
}

// restart goes on at another rate from t on.
func (s *Stream) restart(rate int64, t clock.Time) {
	for i := range s.Parts {
		s.Parts[i].Start = s.written(&s.Parts[i], t)
	}
	s.Rate, s.Since = rate, t
}

// filling is what the streams can do to what a dataset holds.
func (all streams) filling() (f filling) {
	for _, s := range all.list() {
		if s.Rate == 0 {
			continue
		}
		f.Rate += s.Rate
		for _, p := range s.Parts {
			f.Span += p.Len
		}
	}
	return f
}

func (b *Box) streamsOf(o *schema.Object) streams {
	if datasetStreams.IsNull(o) {
		return streams{}
	}
	return datasetStreams.Get(o)
}

// contentAt is what a dataset holds at a time that is not before its stored
// image's.
func (b *Box) contentAt(o *schema.Object, t clock.Time) (data.Image, error) {
	im, err := b.ImageAt(datasetImage.Get(o), DatasetSize.Get(o))
	if err != nil {
		return im, err
	}
	for _, s := range b.streamsOf(o).list() {
		b.Tx.DependsOnTime()
		im = s.over(im, t)
	}
	return im, nil
}

// Freeze stores what a dataset shows now and returns the image's id, 0 for all
// zeros.
func (b *Box) Freeze(o *schema.Object) (int64, error) {
	err := b.freezeAt(o, b.Tx.Now())
	return datasetImage.Get(o), err
}

func (b *Box) freezeAt(o *schema.Object, t clock.Time) error {
	all := b.streamsOf(o)
	if len(all.list()) == 0 {
		return nil
	}
	moved := false
	for _, s := range all.list() {
		for i := range s.Parts {
			moved = moved || s.written(&s.Parts[i], t) > s.Parts[i].Done
		}
	}
	if !moved {
		return nil
	}
	im, err := b.contentAt(o, t)
	if err != nil {
		return err
	}
	for _, s := range all.list() {
		s.stored(t)
	}
	datasetStreams.Set(o, all)
	return b.show(o, im)
}

// setStreams changes the streams of a dataset whose content is stored up to
// now, and saves both.
func (b *Box) setStreams(o *schema.Object, all streams) error {
	if len(all.list()) == 0 {
		datasetStreams.SetNull(o)
	} else {
		datasetStreams.Set(o, all)
	}
	if err := b.Tx.Put(b.Key, o); err != nil {
		return err
	}
	return b.enlist(o, all)
}

// OwnStream is what hosts write to a dataset now, nil where they write
// nothing.
func (b *Box) OwnStream(o *schema.Object) *Stream {
	if s := b.streamsOf(o).Own; s != nil && s.Rate > 0 {
		return s
	}
	return nil
}

// WriteRate is how many bytes a second hosts write to a dataset.
func (b *Box) WriteRate(o *schema.Object) int64 { return b.streamsOf(o).filling().Rate }

// Follows reports whether a dataset goes along with the writes to the one that
// it mirrors.
func (b *Box) Follows(o *schema.Object) bool { return b.streamsOf(o).Theirs != nil }

// Follow has a dataset, which shows what the mirrored one does, go along with
// the writes to that one from now on; nil ends it. Its own workload does not
// write meanwhile.
func (b *Box) Follow(o *schema.Object, s *Stream) error {
	if s == nil && !b.Follows(o) {
		return nil
	}
	if _, err := b.Freeze(o); err != nil {
		return err
	}
	all := b.streamsOf(o)
	all.Theirs = s
	if all.Own != nil {
		datasetStreams.Set(o, all)
		rate, err := b.allowedRate(o)
		if err != nil {
			return err
		}
		all.Own.restart(rate, b.Tx.Now())
	}
	return b.setStreams(o, all)
}

// pace brings a workload's writes in line with what hosts can write now: none to
// a dataset that takes none, no more than its QoS policies allow.
func (b *Box) pace(o *schema.Object) error {
	all := b.streamsOf(o)
	if all.Own == nil {
		return nil
	}
	want, err := b.allowedRate(o)
	if err != nil || want == all.Own.Rate {
		return err
	}
	return b.restream(o, func(all *streams) { all.Own.restart(want, b.Tx.Now()) })
}

// restream changes the streams of a dataset from now on, and lets others
// follow.
func (b *Box) restream(o *schema.Object, change func(all *streams)) error {
	if _, err := b.Freeze(o); err != nil {
		return err
	}
	all := b.streamsOf(o)
	change(&all)
	if err := b.setStreams(o, all); err != nil {
		return err
	}
	return b.streamed(o)
}

// allowedRate is how many bytes a second hosts write of what a workload asks.
//
// unsourced: that of the workloads on the two sides of an ACTIVE_ACTIVE replica
// one alone writes, the other one's when it ends or the sides part.
func (b *Box) allowedRate(o *schema.Object) (int64, error) {
	if b.Follows(o) {
		return 0, nil
	}
	if err := b.mayWrite(o); err != nil {
		if _, refused := apierr.As(err); refused {
			return 0, nil
		}
		return 0, err
	}
	w, err := b.WorkloadOf(o.ID())
	if err != nil {
		return 0, err
	}
	part, err := b.letThrough(o, w)
	return int64(part * float64(w.Writes*w.BlockSize)), err
}

// letThrough is the part of a workload that QoS policies let through.
func (b *Box) letThrough(o *schema.Object, w Workload) (float64, error) {
	kind := qosKind(o)
	own, err := b.limitAt(o.ID(), kind)
	if err != nil {
		return 0, err
	}
	ops := float64(w.Reads + w.Writes)
	part := own.share(ops, ops*float64(w.BlockSize))
	shared, err := b.limitAt(DatasetPool.Get(o), "POOL_"+kind)
	if err != nil || shared == (limit{}) {
		return part, err
	}
	all, err := b.loads()
	if err != nil {
		return 0, err
	}
	var sum tally
	for _, l := range all {
		if l.pool != DatasetPool.Get(o) || l.kind != kind {
			continue
		}
		for _, f := range l.during(l.phases[len(l.phases)-1], 1) {
			sum.add(f.tally)
		}
	}
	return part * shared.share(sum.ops, sum.bytes), nil
}

// paceIn brings the workloads of a pool's datasets in line, or all of the array's
// if the pool is 0: after a change of the pool's state, or of QoS.
func (b *Box) paceIn(pool int64) error {
	for _, id := range b.worked() {
		o, err := b.Dataset(id)
		if err != nil {
			return err
		}
		if pool != 0 && DatasetPool.Get(o) != pool {
			continue
		}
		if err := b.pace(o); err != nil {
			return err
		}
	}
	return nil
}

// checkStreams names the workloads that write where hosts cannot, or do not
// where they can.
func (b *Box) checkStreams() ([]string, error) {
	var bad []string
	for _, id := range b.worked() {
		o, err := b.Dataset(id)
		if err != nil {
			return nil, err
		}
		s := b.streamsOf(o).Own
		if s == nil {
			continue
		}
		want, err := b.allowedRate(o)
		if err != nil {
			return nil, err
		}
		if want != s.Rate {
			bad = append(bad, b.Key+": the workload of "+DatasetName.Get(o)+" does not write as fast as it can")
		}
	}
	return bad, nil
}
