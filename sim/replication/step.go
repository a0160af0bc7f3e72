package replication

import (
	"slices"

	"infinisim/sim/apierr"
	"infinisim/sim/data"
	"infinisim/sim/job"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// Pairs in step. While hosts' writes go to both sides at once, the side that
// mirrors has no content of its own: it goes along with the writes of the other
// side's workload, as the same function of time. When the two part, both fix
// what they show at that instant: it is the image that they have in common.

// jobMirror brings the other side along with a workload that began to write.
const jobMirror = "replica.mirror"

// stepping reports whether pairs can be in step in a state.
func stepping(s state) bool {
	return slices.Contains(states(synchronized, syncInitial, syncInitialStalled, peerSynchronized, peerInitial, peerInitialStalled), s)
}

// inStep reports whether a member's writes go to both sides. While a new member
// joins, the old ones go on doing so.
func (r *replica) inStep(p *pair) bool {
	switch r.state() {
	case synchronized, peerSynchronized:
		return true
	case syncInitial, syncInitialStalled, peerInitial, peerInitialStalled:
		return !p.Initial && r.connected()
	}
	return false
}

// enter puts the replica in a state. Where that is the end of being in step, it
// is so before anything else happens.
func (r *replica) enter(s state) error {
	ends := stepping(r.state()) && !stepping(s)
	if ends {
		if err := r.part(); err != nil {
			return err
		}
	}
	replicaState.Set(r.o, string(s))
	if ends {
		return r.save()
	}
	return nil
}

// together lists the pairs of which one side goes along with the other.
func (r *replica) together() ([]*pair, error) {
	var out []*pair
	for i := range r.pairs {
		p := &r.pairs[i]
		o, err := r.dataset(p)
		if err != nil {
			return nil, err
		}
		if r.alongWith(p, o) {
			out = append(out, p)
		}
	}
	return out, nil
}

// alongWith reports whether one side of a pair goes along with the other by this
// replica: a dataset that does so by another one can be in it too.
func (r *replica) alongWith(p *pair, o *schema.Object) bool {
	return r.mirrored() && (p.Told != nil || r.b.Follows(o))
}

// part ends the pairs' going along with each other, at this instant, and saves
// the replica if there were any.
func (r *replica) part() error {
	pairs, err := r.together()
	if err != nil || len(pairs) == 0 {
		return err
	}
	if err := r.partPairs(pairs); err != nil {
		return err
	}
	return r.save()
}

// partPairs ends it for some of the pairs. Where the link is lost each side does
// so by itself.
func (r *replica) partPairs(pairs []*pair) error {
	if r.connected() && ReplicaRole.Get(r.o) != roleTarget {
		err := r.sendPairs(pairs, true)
		if apierr.CodeOf(err) == apierr.ReplicaNotFound {
			return nil // its half was removed by force
		}
		return err
	}
	for _, p := range pairs {
		if err := r.partHere(p); err != nil {
			return err
		}
	}
	return nil
}

// partHere fixes what this side of a pair shows; the other one does the same.
func (r *replica) partHere(p *pair) error {
	o, err := r.dataset(p)
	if err != nil {
		return err
	}
	if err := r.b.Follow(o, nil); err != nil {
		return err
	}
	next, err := r.holdNow(p, p.Base.GUID, o)
	if err != nil {
		return err
	}
	if err := r.drop(p, &p.Base); err != nil {
		return err
	}
	p.Base, p.Told = next, nil
	return nil
}

// mirrorAll makes the target equal to the source as it is now; from here on
// every write goes to both.
func (r *replica) mirrorAll() error {
	if err := r.sendPairs(r.everyPair(), false); err != nil {
		return err
	}
	return emitReplica(r.b, r.o, "SYNCHRONIZED", "INFO")
}

// fixAll makes what both sides of a synchronized replica show now the image of
// one instant that they have in common.
func (r *replica) fixAll() error { return r.sendPairs(r.everyPair(), true) }

func (r *replica) everyPair() []*pair {
	all := make([]*pair, 0, len(r.pairs))
	for i := range r.pairs {
		all = append(all, &r.pairs[i])
	}
	return all
}

// sendPairs sends the present content of some members and, once the other side
// has it, makes it the common image on both. The receiver goes along with what
// hosts write on, unless this is the last that it hears.
func (r *replica) sendPairs(pairs []*pair, last bool) error {
	ask := jobMessage{Replica: ReplicaRemoteID.Get(r.o), GUID: r.b.UUID(), Time: r.b.Tx.Now().MS(), Last: last}
	next := make([]held, len(pairs))
	for i, p := range pairs {
		o, err := r.dataset(p)
		if err != nil {
			return err
		}
		if last {
			if err := r.b.Follow(o, nil); err != nil {
				return err
			}
		}
		if next[i], err = r.holdNow(p, r.b.UUID(), o); err != nil {
			return err
		}
		c, err := r.pack(p, next[i])
		if err != nil {
			return err
		}
		if !last {
			c.Streams = r.b.OwnStream(o)
		}
		ask.Members = append(ask.Members, c)
	}
	failed := r.message(msgMirror, ask, nil)
	for i, p := range pairs {
		old := &p.Base
		if failed != nil {
			old = &next[i]
		}
		if err := r.drop(p, old); err != nil {
			return err
		}
		if failed == nil {
			if err := r.drop(p, &p.Previous); err != nil { // the other side has a newer one
				return err
			}
			p.Base, p.Restore, p.LastSync, p.Told = next[i], ask.Time, ask.Time, ask.Members[i].Streams
		}
	}
	if failed == nil {
		ReplicaRestore.Set(r.o, ask.Time)
		ReplicaLastSync.Set(r.o, ask.Time)
	}
	return failed
}

// unaware lists the pairs in step whose other side does not know yet of what
// hosts write.
func (r *replica) unaware() ([]*pair, error) {
	var out []*pair
	for i := range r.pairs {
		p := &r.pairs[i]
		if !r.inStep(p) {
			continue
		}
		o, err := r.dataset(p)
		if err != nil {
			return nil, err
		}
		if !p.Told.Same(r.b.OwnStream(o)) {
			out = append(out, p)
		}
	}
	return out, nil
}

// moved follows a change of what hosts go on writing, once what happens now is
// over.
func moved(b *model.Box, o *schema.Object) error {
	reps, err := sentFrom(b, o)
	for _, r := range reps {
		if r.mirrored() {
			r.comeSoon()
		}
	}
	return err
}

// sentFrom are the replicas by which a dataset's content goes to another side.
func sentFrom(b *model.Box, o *schema.Object) ([]*replica, error) {
	if !model.DatasetRMRSource.Get(o) && !model.DatasetRMRPeer.Get(o) {
		return nil, nil
	}
	return replicasOf(b, o)
}

// comeSoon has comeAlong run once what happens now is over.
func (r *replica) comeSoon() {
	if len(job.Of(r.b.Tx, r.b.Owner(r.o), jobMirror)) == 0 {
		r.b.After(0, job.Settle, jobMirror, r.o)
	}
}

// comeAlong has the other side go along with the workloads that it does not know
// of yet.
func (r *replica) comeAlong() error {
	if !stepping(r.state()) {
		return r.awaited()
	}
	pairs, err := r.unaware()
	if err != nil || len(pairs) == 0 || !r.connected() {
		return err
	}
	if r.slow() {
		return r.fire(evSlow)
	}
	if err := r.sendPairs(pairs, false); err != nil {
		return r.troubled(err) // the other half is gone, or refuses
	}
	return r.save()
}

// lookAlong has comeAlong run once what happens now is over, if there is
// anything for it to do.
func (r *replica) lookAlong() error {
	if !stepping(r.state()) {
		return nil
	}
	pairs, err := r.unaware()
	if err == nil && len(pairs) > 0 {
		r.comeSoon()
	}
	return err
}

// written is how many bytes a second hosts write to the members.
func (r *replica) written() (n int64) {
	for i := range r.pairs {
		if o, err := r.dataset(&r.pairs[i]); err == nil {
			n += r.b.WriteRate(o)
		}
	}
	return n
}

// mirror follows a host's write on the source of a synchronized replica: both
// sides have it before the write is answered. One that writes more than the
// link carries falls out of step.
func mirror(b *model.Box, o *schema.Object, _ data.Image) error {
	reps, err := sentFrom(b, o)
	if err != nil {
		return err
	}
	for _, r := range reps {
		p := r.pairOf(o.ID())
		if !r.inStep(p) {
			if err := r.awaited(); err != nil {
				return err
			}
			continue
		}
		if r.state() == synchronized && r.slow() {
			if err := r.fire(evSlow); err != nil {
				return err
			}
			continue
		}
		if err := r.sendPairs([]*pair{p}, false); err != nil {
			if r.isPeer() && apierr.CodeOf(err) == apierr.ReplicaRoleConflict {
				return err // the other side serves
			}
			// The host's write stands; the other half is gone, or refuses.
			if err := r.troubled(err); err != nil {
				return err
			}
		}
		if err := r.save(); err != nil {
			return err
		}
	}
	return nil
}
