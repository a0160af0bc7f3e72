package model

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"infinisim/sim/clock"
	"infinisim/sim/job"
	"infinisim/sim/schema"
)

// A pool fills while workloads write to its datasets, though nothing happens at
// a write. When it crosses a threshold, its capacity or the end of its
// emergency buffer is worked out and put on the timetable.

// jobFill is a pool that comes to the next mark while it fills.
const jobFill = "pool.fill"

// spaceStream lists the datasets that are written to: pool | dataset -> type;
// spaceFilling sums them up: pool -> filling.
const (
	spaceStream  = "stream"
	spaceFilling = "filling"
)

// filling is what the streams of a pool can do to it.
type filling struct {
	Span  int64 `json:"span"` // bytes that they can add at most
	Rate  int64 `json:"rate"` // bytes a second
	Files int64 `json:"files"`
}

// streamRow is a dataset's share of it.
type streamRow struct {
	Type string `json:"type"`
	filling
}

func streamKey(pool, dataset int64) []byte { return append(imageKey(pool), imageKey(dataset)...) }

// enlist keeps up the list of the datasets that are written to.
func (b *Box) enlist(o *schema.Object, all streams) error {
	pool := DatasetPool.Get(o)
	now := streamRow{Type: o.Type().Name()}
	for _, s := range all.list() {
		now.Span += s.span()
		now.Rate += s.Rate
	}
	if o.Type() == Filesystem && now.Rate > 0 {
		now.Files = 1
	}
	rows, sums := b.Tx.KV(b.Key, spaceStream), b.Tx.KV(b.Key, spaceFilling)
	var was streamRow
	key := streamKey(pool, o.ID())
	if raw := rows.Get(key); raw != nil {
		if err := json.Unmarshal(raw, &was); err != nil {
			return fmt.Errorf("streams of %d: %w", o.ID(), err)
		}
	}
	if now.filling == was.filling {
		return nil
	}
	sum := b.fillingOf(pool)
	sum.Span += now.Span - was.Span
	sum.Rate += now.Rate - was.Rate
	sum.Files += now.Files - was.Files
	if now.Rate == 0 {
		rows.Delete(key)
	} else if err := putJSON(rows.Put, key, now); err != nil {
		return err
	}
	if sum == (filling{}) {
		sums.Delete(imageKey(pool))
	} else if err := putJSON(sums.Put, imageKey(pool), sum); err != nil {
		return err
	}
	p, err := b.Must(Pool, pool)
	if err != nil {
		return err
	}
	return b.planFill(p)
}

func putJSON(put func(key, value []byte), key []byte, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("streams: %w", err)
	}
	put(key, raw)
	return nil
}

func (b *Box) fillingOf(pool int64) (f filling) {
	if raw := b.Tx.KV(b.Key, spaceFilling).Get(imageKey(pool)); raw != nil {
		if err := json.Unmarshal(raw, &f); err != nil {
			panic(fmt.Sprintf("model: streams of pool %d: %v", pool, err)) // a row of our own
		}
	}
	return f
}

// written are the datasets of a pool that are written to now.
func (b *Box) writtenIn(pool int64) ([]*schema.Object, error) {
	var out []*schema.Object
	var err error
	prefix := string(imageKey(pool))
	b.Tx.KV(b.Key, spaceStream).Scan([]byte(prefix), func(key, value []byte) bool {
		if string(key[:8]) != prefix {
			return false
		}
		var row streamRow
		if err = json.Unmarshal(value, &row); err != nil {
			return false
		}
		var o *schema.Object
		o, err = b.Must(b.Eng.Catalog.Kind(row.Type).Type, int64(binary.BigEndian.Uint64(key[8:]))) //nolint:gosec // written by streamKey
		out = append(out, o)
		return err == nil
	})
	return out, err
}

// growth is what a pool's datasets hold at a time beyond what is accounted for.
func (b *Box) growth(pool int64, t clock.Time) (n int64, err error) {
	if b.fillingOf(pool).Rate == 0 {
		return 0, nil
	}
	all, err := b.writtenIn(pool)
	if err != nil {
		return 0, err
	}
	type family struct {
		t  *schema.Type
		id int64
	}
	seen := map[family]bool{}
	for _, o := range all {
		f := family{o.Type(), DatasetFamily.Get(o)}
		if seen[f] {
			continue
		}
		seen[f] = true
		size, err := b.measureAt(f.t, f.id, t)
		if err != nil {
			return 0, err
		}
		n += size - b.familyAllocated(o)
	}
	return n, nil
}

// physicalOf is what a pool has allocated now.
func (b *Box) physicalOf(p *schema.Object) (int64, error) {
	n, err := b.growth(p.ID(), b.Tx.Now())
	return poolPhysical.Get(p) + n, err
}

// treeOf is what a dataset's family has allocated now.
func (b *Box) treeOf(o *schema.Object) (int64, error) {
	if b.fillingOf(DatasetPool.Get(o)).Rate == 0 {
		return b.familyAllocated(o), nil
	}
	return b.measureAt(o.Type(), DatasetFamily.Get(o), b.Tx.Now())
}

// marks is everything about a pool that a mark decides, at a time.
func (b *Box) marks(p *schema.Object, t clock.Time) (string, error) {
	n, err := b.growth(p.ID(), t)
	if err != nil {
		return "", err
	}
	n += poolPhysical.Get(p)
	need, fits, err := b.extension(p, n-(PoolPhysical.Get(p)-poolExtended.Get(p)))
	if err != nil {
		return "", err
	}
	out := fmt.Sprint(over(n, PoolPhysical.Get(p), PoolWarning, p), over(n, PoolPhysical.Get(p), PoolCritical, p), need, fits)
	if b.fillingOf(p.ID()).Files == 0 {
		return out, nil
	}
	all, err := b.writtenIn(p.ID())
	if err != nil {
		return "", err
	}
	for _, o := range all {
		if o.Type() != Filesystem {
			continue
		}
		im, err := b.contentAt(o, t)
		if err != nil {
			return "", err
		}
		f := fillIn(o, p, im.Used())
		out += fmt.Sprint(f.over(f.warning), f.over(f.critical))
	}
	return out, nil
}

// near is how far ahead the next mark is looked for to the nanosecond; what is
// further away is looked at again on the way.
const near = 10 * time.Second

// planFill puts the next mark that a pool comes to on the timetable.
func (b *Box) planFill(p *schema.Object) error {
	f := b.fillingOf(p.ID())
	if f.Rate == 0 {
		job.Cancel(b.Tx, b.Owner(p), jobFill)
		return nil
	}
	wait, err := b.leastWait(p, f)
	if err != nil {
		return err
	}
	due, ok := clock.Time(0), wait >= 0
	switch {
	case wait > near:
		due = b.Tx.Now().Add(wait - near/2)
	case ok:
		if due, ok, err = b.nextMark(p); err != nil {
			return err
		}
	}
	job.Cancel(b.Tx, b.Owner(p), jobFill)
	if ok {
		job.Add(b.Tx, job.Job{Due: due, Class: job.Deadline, Name: jobFill, Owner: b.Owner(p)})
	}
	return nil
}

// never is the wait for a mark that is not reached.
const never = time.Duration(-1)

// waitFor is the least time in which streams can add so many bytes.
func (f filling) waitFor(left int64) time.Duration {
	if f.Rate == 0 || f.Span < left {
		return never
	}
	return time.Duration(min(float64(max(left, 0))/float64(f.Rate), 1e9) * float64(time.Second))
}

// leastWait is a time in which a pool, filling as it does, crosses no mark:
// neither its own nor one of its filesystems'.
func (b *Box) leastWait(p *schema.Object, f filling) (time.Duration, error) {
	n := poolPhysical.Get(p)
	least := f.waitFor(b.nextLevel(p, n) - n - f.Span) // what was written since is at most the span
	if least >= 0 {
		var err error
		if n, err = b.physicalOf(p); err != nil {
			return never, err
		}
		least = f.waitFor(b.nextLevel(p, n) - n)
	}
	if f.Files == 0 {
		return least, nil
	}
	all, err := b.writtenIn(p.ID())
	if err != nil {
		return never, err
	}
	for _, o := range all {
		if o.Type() != Filesystem {
			continue
		}
		wait, err := b.fileWait(o, p)
		if err != nil {
			return never, err
		}
		if wait >= 0 && (least < 0 || wait < least) {
			least = wait
		}
	}
	return least, nil
}

// fileWait is the same for a filesystem.
func (b *Box) fileWait(o, p *schema.Object) (time.Duration, error) {
	im, err := b.Content(o)
	if err != nil {
		return never, err
	}
	one := filling{Rate: b.WriteRate(o)}
	for _, s := range b.streamsOf(o).list() {
		one.Span += s.span()
	}
	least := never
	f := fillIn(o, p, im.Used())
	for _, percent := range []*int64{f.warning, f.critical} {
		if percent == nil || f.over(percent) {
			continue
		}
		if wait := one.waitFor(f.size/100**percent - f.used); wait >= 0 && (least < 0 || wait < least) {
			least = wait
		}
	}
	return least, nil
}

// nextLevel is the least physical space above n at which something happens.
func (b *Box) nextLevel(p *schema.Object, n int64) int64 {
	capacity := PoolPhysical.Get(p)
	next := capacity + 1
	for _, percent := range []schema.Attr[int64]{PoolWarning, PoolCritical} {
		if percent.IsNull(p) {
			continue
		}
		if level := capacity / 100 * percent.Get(p); level > n {
			next = min(next, level)
		}
	}
	return max(next, n)
}

// nextMark finds the first instant at which a mark is crossed; what a pool
// holds only grows until somebody asks something.
func (b *Box) nextMark(p *schema.Object) (clock.Time, bool, error) {
	all, err := b.writtenIn(p.ID())
	if err != nil {
		return 0, false, err
	}
	from := b.Tx.Now()
	until := from
	for _, o := range all {
		for _, s := range b.streamsOf(o).list() {
			for _, part := range s.Parts {
				if speed := float64(s.Rate) * float64(part.Share) / million; speed > 0 {
					lap := time.Duration(min(float64(part.Len)/speed, 1e9) * float64(time.Second))
					until = max(until, from.Add(lap+time.Second))
				}
			}
		}
	}
	was, err := b.marks(p, from)
	if err != nil {
		return 0, false, err
	}
	end, err := b.marks(p, until)
	if err != nil || end == was {
		return 0, false, err
	}
	for from+1 < until {
		mid := from + (until-from)/2
		m, err := b.marks(p, mid)
		if err != nil {
			return 0, false, err
		}
		if m == was {
			from = mid
		} else {
			until = mid
		}
	}
	return until, true, nil
}

// fillPool is a pool that came to a mark. A write that does not fit locks it.
func fillPool(b *Box, p *schema.Object, _ job.Job) error {
	n, err := b.physicalOf(p)
	if err != nil {
		return err
	}
	_, fits, err := b.extension(p, n-(PoolPhysical.Get(p)-poolExtended.Get(p)))
	if err != nil {
		return err
	}
	all, err := b.writtenIn(p.ID())
	if err != nil {
		return err
	}
	for _, o := range all {
		if fits {
			_, err = b.Freeze(o)
		} else {
			err = b.stopBefore(o)
		}
		if err != nil {
			return err
		}
	}
	if p, err = b.Must(Pool, p.ID()); err != nil {
		return err
	}
	if !fits {
		old := p.Clone()
		poolFull.Set(p, true)
		return b.settlePool(old, p)
	}
	return b.planFill(p)
}

// stopBefore stores what a dataset held just before now, and stops the writes
// to it.
func (b *Box) stopBefore(o *schema.Object) error {
	if err := b.freezeAt(o, b.Tx.Now()-1); err != nil {
		return err
	}
	all := b.streamsOf(o)
	for _, s := range all.list() {
		s.restart(0, b.Tx.Now()-1)
	}
	return b.setStreams(o, all)
}

// pacePool brings the workloads of a pool's datasets in line with its state.
func (b *Box) pacePool(pool int64) error {
	all, err := b.loads()
	if err != nil {
		return err
	}
	for _, l := range all {
		if l.pool != pool {
			continue
		}
		o, err := b.Dataset(l.dataset)
		if err != nil {
			return err
		}
		if err := b.pace(o); err != nil {
			return err
		}
	}
	return nil
}
