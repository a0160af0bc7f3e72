package replication

import (
	"fmt"

	"infinisim/sim/job"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// Check names everything about the links and replicas of a lab's arrays that
// is not as it must be. It alone looks at both sides at once.
func Check(boxes []*model.Box) ([]string, error) {
	c := checker{boxes: map[string]*model.Box{}}
	for _, b := range boxes {
		c.boxes[b.Key] = b
	}
	for _, b := range boxes {
		err := each(b, func(o *schema.Object) (bool, error) {
			r, err := open(b, o)
			if err != nil {
				return false, err
			}
			return true, c.replica(r)
		})
		if err != nil {
			return c.bad, err
		}
	}
	return c.bad, c.flows(boxes)
}

type checker struct {
	boxes map[string]*model.Box
	bad   []string
}

func (c *checker) say(r *replica, format string, args ...any) {
	c.bad = append(c.bad, fmt.Sprintf("%s: replica %d: ", r.b.Key, r.o.ID())+fmt.Sprintf(format, args...))
}

func (c *checker) replica(r *replica) error {
	if r.isSuspended() && (r.job != nil || len(job.Of(r.b.Tx, r.b.Owner(r.o), jobPhase, jobStart)) > 0) {
		c.say(r, "is suspended and has a job")
	}
	c.running(r)
	c.instants(r)
	if err := c.staging(r); err != nil {
		return err
	}
	for i := range r.pairs {
		o, err := r.dataset(&r.pairs[i])
		if err != nil {
			return err
		}
		if ReplicaRole.Get(r.o) == roleTarget && !model.DatasetWriteProtected.Get(o) {
			c.say(r, "target %d can be written to", o.ID())
		}
	}
	if !r.leads() {
		return nil
	}
	return c.peers(r)
}

// peers compares the halves of a replica.
func (c *checker) peers(r *replica) error {
	b := c.boxes[linkPeer.Get(r.link)]
	if b == nil {
		return nil
	}
	o, err := find(b, ReplicaRemoteID.Get(r.o))
	if err != nil || o == nil {
		return err // removed by force: an orphan
	}
	there, err := open(b, o)
	if err != nil {
		return err
	}
	if there.isSource() || replicaTurned.Get(o) || replicaTurned.Get(r.o) {
		return nil // the halves have not met since a role changed
	}
	more := len(there.pairs) - len(r.pairs)
	whole := more <= len(replicaParted.Get(r.o)) && -more <= len(replicaParted.Get(o))
	if o.Type() != r.o.Type() || ReplicaType.Get(o) != ReplicaType.Get(r.o) || ReplicaRemoteID.Get(o) != r.o.ID() || !whole {
		c.say(r, "its peer %d is of another shape", o.ID())
		return nil
	}
	if ReplicaConfigGUID.Get(o) != ReplicaConfigGUID.Get(r.o) || LinkRemoteID.Get(r.link) != there.link.ID() {
		c.say(r, "its peer %d has another guid or link", o.ID())
	}
	if r.isPeer() && (r.state() == peerSynchronized) != (there.state() == peerSynchronized) && r.connected() {
		c.say(r, "is %s and its peer %s", r.state(), there.state())
	}
	if r.isPeer() && !r.allInStep() && len(r.pairs) > 0 && len(there.pairs) > 0 && r.served() && there.served() {
		c.say(r, "both sides serve")
	}
	for i := range r.pairs {
		if err := c.pair(r, there, &r.pairs[i]); err != nil {
			return err
		}
	}
	return nil
}

// allInStep reports whether the writes to every member go to both sides.
func (r *replica) allInStep() bool {
	for i := range r.pairs {
		if !r.inStep(&r.pairs[i]) {
			return false
		}
	}
	return true
}

// pair proves by content that a target is what the source believes.
func (c *checker) pair(r, there *replica, p *pair) error {
	q := there.pairOf(p.Remote)
	if q == nil && len(replicaParted.Get(there.o)) > 0 {
		return nil // it left, and nobody knows of it here
	}
	if q == nil || q.Remote != p.Local {
		c.say(r, "pair %d has no counterpart", p.ID)
		return nil
	}
	if q.Initial {
		return nil
	}
	o, err := there.dataset(q)
	if err != nil {
		return err
	}
	shown, err := there.b.Content(o)
	if err != nil {
		return err
	}
	committed, err := there.image(q.Base)
	if err != nil {
		return err
	}
	if shown.Digest() != committed.Digest() && !there.b.Follows(o) && q.Told == nil {
		c.say(r, "target %d shows something else than its last image", o.ID())
	}
	return c.common(r, p, q, [2]string{committed.Digest(), shown.Digest()})
}

// common finds the target's image among those that the source has. The digests
// are those of that image and of what the target shows.
func (c *checker) common(r *replica, p, q *pair, digests [2]string) error {
	for _, h := range []held{p.Base, p.Flight} {
		if h.GUID != q.Base.GUID {
			continue
		}
		im, err := r.image(h)
		if err != nil {
			return err
		}
		if h.GUID == p.Base.GUID && p.Restore != q.Restore {
			c.say(r, "dataset %d is restored to %d, its target to %d", p.Local, p.Restore, q.Restore)
		}
		if im.Digest() != digests[0] && !p.Mismatch {
			c.say(r, "image %s differs from the target's", h.GUID)
		}
		if r.state() != synchronized && r.state() != peerSynchronized || p.Mismatch {
			return nil
		}
		o, err := r.dataset(p)
		if err != nil {
			return err
		}
		now, err := r.b.Content(o)
		if err == nil && now.Digest() != digests[1] {
			c.say(r, "is synchronized, and dataset %d differs from its target", o.ID())
		}
		return err
	}
	c.say(r, "the source has no image %s of the target", q.Base.GUID)
	return nil
}
