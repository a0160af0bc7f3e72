package replication

import (
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/data"
	"infinisim/sim/fabric"
	"infinisim/sim/job"
	"infinisim/sim/model"
	"infinisim/sim/store"
)

// The jobs of replication.
const (
	jobPhase  = "replica.phase"     // the running job's next step
	jobStart  = "replica.start"     // the next job is due
	jobExpire = "replica.link_loss" // the link has been lost too long
	jobRPO    = "replica.rpo"       // the RPO is breached
	jobSlots  = "replica.slots"     // a slot for a first copy is free
	jobRetry  = "replica.retry"     // a job that failed is tried again
	flowDone  = "replica.flow"      // all bytes are through
)

// continuous is the least time between two jobs of a replica without an
// interval.
//
// unsourced: that jobs of a replica with interval 0 start a second apart; with no
// floor an idle replica would run jobs without end at one instant. Those of a
// SYNC replica that its link is too slow for follow each other in the same way.
const continuous = time.Second

func (r *engine) handleJobs() {
	on := func(name string, do func(r *replica) error) {
		r.Jobs.Handle(name, func(tx *store.Tx, j job.Job) error {
			b := r.Box(tx, j.Owner.Array, model.Identity{})
			rep, err := openID(b, j.Owner.ID)
			if err != nil {
				return err
			}
			return do(rep)
		})
	}
	on(jobPhase, (*replica).nextPhase)
	on(jobStart, func(r *replica) error { return r.fire(evStart) })
	on(jobExpire, func(r *replica) error {
		ReplicaReason.Set(r.o, "LINK_LOST")
		return r.fire(evTrouble)
	})
	on(jobRPO, (*replica).rpoBreached)
	on(jobRetry, func(r *replica) error { return r.fire(evRetry) })
	on(jobMirror, (*replica).comeAlong)
	r.Jobs.OnFailure(jobPhase, func(tx *store.Tx, j job.Job) error {
		rep, err := openID(r.Box(tx, j.Owner.Array, model.Identity{}), j.Owner.ID)
		if err != nil {
			return err
		}
		return rep.fire(evFailed)
	})
	r.Jobs.Handle(jobSlots, func(tx *store.Tx, j job.Job) error {
		return startPending(r.Box(tx, j.Owner.Array, model.Identity{}))
	})
	r.Fabric.OnDone(flowDone, func(tx *store.Tx, fl fabric.Flow) error {
		rep, err := openID(r.Box(tx, fl.Owner.Array, model.Identity{}), fl.Owner.ID)
		if err != nil {
			return err
		}
		rep.job.Flow = 0
		rep.schedule(phaseCommit, rep.trip(1))
		return rep.save()
	})
}

// startJob takes an image of every member at this instant and begins to send
// what differs from the last one that both sides have.
func (r *replica) startJob() error {
	r.cancel(jobPhase, jobStart)
	initial := r.initial()
	j := &running{
		ID: r.b.Tx.Next(r.b.Key, "job"), Initial: initial, Started: r.b.Tx.Now(), GUID: r.b.UUID(),
		Asked: initial || r.mirrored() && !r.slow() && !r.outrun() || replicaWaiting.Get(r.o), // else it never ends
	}
	r.job = j
	replicaWaiting.Set(r.o, false)
	joining := r.mirrored() && initial && replicaDone.Get(r.o)
	for i := range r.pairs {
		p := &r.pairs[i]
		if joining && !p.Initial {
			continue // goes on being mirrored
		}
		o, err := r.dataset(p)
		if err != nil {
			return err
		}
		if err := r.drop(p, &p.Flight); err != nil {
			return err
		}
		if p.Flight, err = r.holdNow(p, r.b.UUID(), o); err != nil {
			return err
		}
		n, err := r.takeAlong(p, o)
		if err != nil {
			return err
		}
		j.Bytes += n
	}
	delay := r.trip(2)
	if initial {
		delay += r.b.Profile().InitialOverhead
	}
	if r.state() == outOfSyncRunning {
		delay = max(delay, clock.FromMS(ReplicaStarted.Get(r.o)).Add(continuous).Sub(j.Started))
	}
	ReplicaStarted.Set(r.o, j.Started.MS())
	ReplicaSnapTime.Set(r.o, j.Started.MS())
	ReplicaSnapGUID.Set(r.o, j.GUID)
	ReplicaNextStart.SetNull(r.o)
	r.schedule(phaseBegin, delay)
	return nil
}

func (r *replica) difference(base, next held) (int64, error) {
	a, err := r.image(base)
	if err != nil {
		return 0, err
	}
	b, err := r.image(next)
	if err != nil {
		return 0, err
	}
	return data.Diff(a, b), nil
}

// schedule puts the running job's next step on the timetable.
func (r *replica) schedule(p phase, after time.Duration) {
	r.job.Phase = p
	job.Add(r.b.Tx, job.Job{Due: r.b.Tx.Now().Add(after), Class: r.class(), Name: jobPhase, Owner: r.b.Owner(r.o)})
}

// trip is how long so many messages take over the path, one after the other.
func (r *replica) trip(messages int) (all time.Duration) {
	m := r.path()
	for range messages {
		part := 0.0
		if m.Jitter > 0 {
			n := r.b.Tx.Next(r.b.Key, "jitter")
			part = float64(r.b.Chance().Uint64("jitter/"+r.b.Key, uint64(n))>>11) / (1 << 53) //nolint:gosec // sequences count up from 1
		}
		all += m.Delay(part)
	}
	return all
}

func (r *replica) class() job.Class {
	if r.job.Asked {
		return job.Settle
	}
	return job.Periodic
}

func (r *replica) cancel(names ...string) []job.Job {
	return job.Cancel(r.b.Tx, r.b.Owner(r.o), names...)
}

// nextPhase does the step that is due. What the peer refuses ends in
// AUTO_SUSPENDED.
func (r *replica) nextPhase() error {
	if r.job == nil || r.job.Stalled {
		return nil
	}
	switch r.job.Phase {
	case phaseBegin:
		if err := r.begin(); err != nil {
			return r.troubled(err)
		}
		fl := fabric.Start(r.b.Tx, fabric.Flow{Ends: r.ends(), Bytes: r.job.Bytes, Class: r.class(), Done: flowDone, Owner: r.b.Owner(r.o)})
		r.job.Phase, r.job.Flow = phaseSend, fl.ID
		return r.save()
	case phaseCommit:
		if err := r.commit(); err != nil {
			return r.troubled(err)
		}
		r.schedule(phaseAck, r.trip(1))
		return r.save()
	case phaseAck:
		if err := r.fire(evCopied); err != nil {
			return r.troubled(err)
		}
	case phaseSend, phaseHold:
	}
	return nil
}

// troubled suspends a replica whose peer refuses the job; any other error is
// our own.
func (r *replica) troubled(err error) error {
	e, ok := apierr.As(err)
	if !ok {
		return err
	}
	ReplicaReason.Set(r.o, string(e.Code))
	ReplicaStateText.Set(r.o, e.Message)
	return r.fire(evTrouble)
}

// endJob makes the image that was sent the one that both sides have.
func (r *replica) endJob() error {
	j := r.job
	if err := r.adopt(); err != nil {
		return err
	}
	r.job = nil
	r.tellJob(j, false)
	if replicaFails.Get(r.o) > 0 {
		replicaFails.Set(r.o, 0)
		ReplicaReason.SetNull(r.o)
	}
	ReplicaDuration.Set(r.o, r.b.Tx.Now().Sub(j.Started).Milliseconds())
	for i := range r.pairs {
		r.pairs[i].Duration = ReplicaDuration.Get(r.o)
	}
	if err := r.watchRPO(); err != nil {
		return err
	}
	if !j.Initial {
		return nil
	}
	r.wake()
	return emitReplica(r.b, r.o, "INITIALIZED", "INFO")
}

// adopt drops the old base images for those in flight.
func (r *replica) adopt() error {
	now := r.b.Tx.Now().MS()
	for i := range r.pairs {
		p := &r.pairs[i]
		if p.Flight.GUID == "" {
			continue // joined after the job began
		}
		for _, h := range []*held{&p.Base, &p.Previous} {
			if err := r.drop(p, h); err != nil {
				return err
			}
		}
		p.Base, p.Flight = p.Flight, held{}
		p.crossed()
		p.Initial = false
		p.LastSync, p.Restore = now, r.job.Started.MS()
	}
	replicaDone.Set(r.o, true)
	ReplicaRestore.Set(r.o, r.job.Started.MS())
	ReplicaLastSync.Set(r.o, now)
	ReplicaGUID.Set(r.o, r.job.GUID)
	return nil
}

// planNext puts the next job on the timetable: an interval after the start of
// the last one, at once if that is past.
func (r *replica) planNext() error {
	now := r.b.Tx.Now()
	interval := clock.Span(ReplicaInterval.Get(r.o), time.Millisecond)
	if interval == 0 {
		interval = continuous
	}
	start := now
	if last := ReplicaStarted.Get(r.o); !r.mirrored() && ReplicaLastSync.Get(r.o) == now.MS() {
		start = clock.FromMS(last)
	}
	due := max(start.Add(interval), now)
	r.plan(due)
	return nil
}

func (r *replica) plan(due clock.Time) {
	r.cancel(jobStart)
	ReplicaNextStart.Set(r.o, due.MS())
	job.Add(r.b.Tx, job.Job{Due: due, Class: job.Periodic, Name: jobStart, Owner: r.b.Owner(r.o)})
}

func (r *replica) noPlan() error {
	r.cancel(jobStart)
	ReplicaNextStart.SetNull(r.o)
	return nil
}

// ask makes somebody wait for the running job.
func (r *replica) ask() error {
	r.job.Asked = true
	if r.job.Phase == phaseSend && r.job.Flow != 0 {
		left := fabric.Stop(r.b.Tx, r.job.Flow)
		fl := fabric.Start(r.b.Tx, fabric.Flow{Ends: r.ends(), Bytes: left, Class: r.class(), Done: flowDone, Owner: r.b.Owner(r.o)})
		r.job.Flow = fl.ID
	}
	for _, j := range r.cancel(jobPhase) {
		j.Class = job.Settle
		job.Add(r.b.Tx, j)
	}
	return nil
}

// stall keeps what the running job has done until the link is back.
func (r *replica) stall() error {
	j := r.job
	j.Stalled = true
	for _, due := range r.cancel(jobPhase) {
		j.Left = due.Due.Sub(r.b.Tx.Now())
	}
	if j.Phase == phaseSend && fabric.Up(r.b.Tx, r.ends()) {
		// The link is detached while the path is up: the lane goes on without
		// this flow.
		j.Bytes = fabric.Stop(r.b.Tx, j.Flow)
		j.Flow = 0
	}
	return nil
}

// unstall goes on where stall stopped.
func (r *replica) unstall() error {
	j := r.job
	j.Stalled = false
	r.cancel(jobExpire, jobRetry)
	if j.Phase != phaseSend {
		r.schedule(j.Phase, j.Left)
	} else if j.Flow == 0 {
		fl := fabric.Start(r.b.Tx, fabric.Flow{Ends: r.ends(), Bytes: j.Bytes, Class: r.class(), Done: flowDone, Owner: r.b.Owner(r.o)})
		j.Flow = fl.ID
	}
	j.Left = 0
	return nil
}

// holdJob shows a job that waits for the link and has nothing to send yet.
func (r *replica) holdJob() error {
	r.job = &running{ID: r.b.Tx.Next(r.b.Key, "job"), Phase: phaseHold, Started: r.b.Tx.Now(), Stalled: true}
	ReplicaStarted.Set(r.o, r.b.Tx.Now().MS())
	return nil
}

// awaitLink suspends the replica once the link has been lost for a day
// (vendor KB 115000246965). A day that has begun goes on.
func (r *replica) awaitLink() error {
	if len(job.Of(r.b.Tx, r.b.Owner(r.o), jobExpire)) > 0 {
		return nil
	}
	r.b.After(r.b.Profile().LinkLoss, job.Deadline, jobExpire, r.o)
	return nil
}

func (r *replica) noWait() error {
	r.cancel(jobExpire)
	return nil
}

// stopJob ends the running job and what waits behind it. A commit that the
// peer has not confirmed is asked for, or kept until it can be.
func (r *replica) stopJob() error {
	r.cancel(jobPhase, jobStart, jobExpire, jobRetry)
	ReplicaNextStart.SetNull(r.o)
	replicaWaiting.Set(r.o, false)
	j := r.job
	if j == nil {
		return nil
	}
	fabric.Stop(r.b.Tx, j.Flow)
	if j.Phase == phaseAck && r.connected() {
		if err := r.adopt(); err != nil {
			return err
		}
	}
	r.job = nil
	r.tellJob(j, true)
	sent := j.Phase == phaseAck || j.Phase == phaseCommit && j.Stalled
	for i := range r.pairs {
		if sent {
			break // the image in flight may be there: the halves tell each other when they meet
		}
		if err := r.drop(&r.pairs[i], &r.pairs[i].Flight); err != nil {
			return err
		}
	}
	if j.Initial {
		r.wake()
	}
	return nil
}
