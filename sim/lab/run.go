package lab

import (
	"context"
	"fmt"

	"infinisim/sim/clock"
	"infinisim/sim/fabric"
	"infinisim/sim/job"
	"infinisim/sim/model"
	"infinisim/sim/store"
)

// Ran is one job that an advance ran.
type Ran struct {
	Due   clock.Time `json:"due_ns"`
	Class job.Class  `json:"class"`
	Name  string     `json:"name"`
	Array string     `json:"array"`
	Kind  string     `json:"kind"`
	ID    int64      `json:"id"`
}

// mostRan is how many jobs an advance lists; it runs them all.
const mostRan = 10_000

// Report says what an advance did.
type Report struct {
	// Now is the lab's time after it.
	Now clock.Time
	// Ran lists the jobs, the first 10,000 of them; Count is all.
	Ran   []Ran
	Count int
	// Blocked names what waits behind a path that is down.
	Blocked []string
}

func (r *Report) add(j job.Job) {
	r.Count++
	if len(r.Ran) < mostRan {
		r.Ran = append(r.Ran, Ran{Due: j.Due, Class: j.Class, Name: j.Name, Array: j.Owner.Array, Kind: j.Owner.Kind, ID: j.Owner.ID})
	}
}

// AdvanceTo moves the lab to a time and runs everything that is due up to it.
func (l *Lab) AdvanceTo(ctx context.Context, to clock.Time) (*Report, error) {
	r := &Report{Ran: []Ran{}}
	err := l.runTo(ctx, to, r)
	return r, err
}

// runTo moves the lab to a time; requests that faults delay to a time on the
// way are answered then.
func (l *Lab) runTo(ctx context.Context, to clock.Time, r *Report) error {
	for w := l.nextWaiter(); w != nil && w.at <= to; w = l.nextWaiter() {
		if err := l.runJobs(ctx, max(w.at, l.Clock.Now()), r); err != nil {
			return err
		}
		if err := l.release(ctx, w); err != nil {
			return err
		}
	}
	return l.runJobs(ctx, to, r)
}

func (l *Lab) runJobs(ctx context.Context, to clock.Time, r *Report) error {
	for done := false; !done; {
		var err error
		if done, err = l.runner.RunJobs(ctx, to, r.add); err != nil {
			return err
		}
	}
	l.Clock.AdvanceTo(to)
	r.Now = l.Clock.Now()
	l.Changed()
	return nil
}

// Settle moves from due job to due job, running all that is due on the way,
// until nothing that somebody asked for is left; what waits behind a path that
// is down is named.
func (l *Lab) Settle(ctx context.Context) (*Report, error) {
	r := &Report{Ran: []Ran{}, Now: l.Clock.Now()}
	for range mostSteps {
		due, ok, err := l.nextSettle(ctx)
		if err != nil {
			return r, err
		}
		if !ok {
			r.Blocked, err = l.blocked(ctx)
			return r, err
		}
		if err := l.runTo(ctx, max(due, l.Clock.Now()), r); err != nil {
			return r, err
		}
	}
	return r, fmt.Errorf("settle: still something due after %d steps", mostSteps)
}

// mostSteps ends a settle that would never end.
const mostSteps = 1_000_000

func (l *Lab) nextSettle(ctx context.Context) (due clock.Time, ok bool, err error) {
	err = l.view(ctx, func(tx *store.Tx) { due, ok = job.NextSettle(tx) })
	if w := l.nextWaiter(); w != nil && (!ok || w.at < due) {
		due, ok = w.at, true
	}
	return due, ok, err
}

// NextDue tells when the next job is due, and the next of the class settle;
// clock.Never stands for none.
func (l *Lab) NextDue(ctx context.Context) (next, settle clock.Time, err error) {
	next, settle = clock.Never, clock.Never
	err = l.view(ctx, func(tx *store.Tx) {
		if t, ok := job.Next(tx); ok {
			next = t
		}
		if t, ok := job.NextSettle(tx); ok {
			settle = t
		}
	})
	if w := l.nextWaiter(); w != nil {
		next, settle = min(next, w.at), min(settle, w.at)
	}
	return next, settle, err
}

func (l *Lab) view(ctx context.Context, fn func(tx *store.Tx)) error {
	return l.db.View(ctx, max(l.Clock.Now(), l.db.Now()), func(tx *store.Tx) error {
		fn(tx)
		return nil
	})
}

func (l *Lab) blocked(ctx context.Context) ([]string, error) {
	out := []string{}
	err := l.view(ctx, func(tx *store.Tx) {
		for _, j := range job.Stalled(tx, "") {
			out = append(out, fmt.Sprintf("%s of %s %d on %s stalls: fault %s", j.Name, j.Owner.Kind, j.Owner.ID, j.Owner.Array, j.Stalled))
		}
	})
	if err != nil {
		return nil, err
	}
	for _, a := range l.Arrays() {
		err := l.View(ctx, a.Key, func(b *model.Box) error {
			some, err := b.Eng.Catalog.Blocked(b)
			out = append(out, some...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Run runs what is due while the clock moves by itself, until ctx ends. It is
// the only goroutine that changes state unasked.
func (l *Lab) Run(ctx context.Context) error {
	for {
		next, _, err := l.NextDue(ctx)
		if err != nil {
			return ended(ctx, err)
		}
		wait, cancel := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- l.Clock.Wait(wait, next) }()
		select {
		case <-l.kick:
			cancel()
			<-done //nolint:errcheck // it was told to end
			continue
		case err = <-done:
			cancel()
		}
		if err != nil {
			return ended(ctx, err)
		}
		if err := l.Update(ctx, func(*store.Tx) error { return nil }); err != nil {
			return ended(ctx, err)
		}
	}
}

// ended is nil if the lab was told to end.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the end was asked for
	}
	return err
}

// PathOf is how the path of a link behaves; SetPath changes it.
func (l *Lab) PathOf(ctx context.Context, ends fabric.Ends) (m fabric.Model, err error) {
	err = l.view(ctx, func(tx *store.Tx) { m = fabric.Nominal(tx, ends) })
	return m, err
}

// SetPath changes how the path between two arrays behaves from now on.
func (l *Lab) SetPath(ctx context.Context, ends fabric.Ends, change func(*fabric.Model)) error {
	return l.Update(ctx, func(tx *store.Tx) error {
		m := fabric.Nominal(tx, ends)
		change(&m)
		return l.engine.Fabric.SetModel(tx, ends, m)
	})
}

// SetSchedule has the path between two arrays change by the lab's clock.
func (l *Lab) SetSchedule(ctx context.Context, ends fabric.Ends, s fabric.Schedule) error {
	return l.Update(ctx, func(tx *store.Tx) error { return fabric.SetSchedule(tx, ends, s) })
}

// ScheduleOf is how the path between two arrays changes, and how many of the
// steps are done.
func (l *Lab) ScheduleOf(ctx context.Context, ends fabric.Ends) (s fabric.Schedule, done int, err error) {
	err = l.View(ctx, ends.From, func(b *model.Box) error {
		s, done, err = fabric.ScheduleOf(b.Tx, ends)
		return err
	})
	return s, done, err
}
