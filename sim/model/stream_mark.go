package model

import (
	"fmt"
	"time"

	"infinisim/sim/clock"
	"infinisim/sim/data"
	"infinisim/sim/job"
	"infinisim/sim/schema"
)

// The marks that a pool comes to while workloads fill it: when it crosses the
// next one.

// marks is everything about a pool that a mark decides, at a time.
func (b *Box) marks(p *schema.Object, t clock.Time) (string, error) {
	n, err := b.growth(p.ID(), t)
	if err != nil {
		return "", err
	}
	n += poolPhysical.Get(p)
	need, fits, err := b.extension(p, n)
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
	one, least := b.streamsOf(o).filling(), never
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
				if speed := float64(s.Rate) * float64(part.Share) / data.Million; speed > 0 {
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
