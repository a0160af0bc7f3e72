package replication

import (
	"infinisim/sim/data"
	"infinisim/sim/fabric"
	"infinisim/sim/job"
	"infinisim/sim/model"
)

// running says that a job under way has one thing to wait for: a flow while it
// sends, else a due time, or neither while it is stalled.
func (c *checker) running(r *replica) {
	if r.job == nil {
		return
	}
	due := len(job.Of(r.b.Tx, r.b.Owner(r.o), jobPhase))
	_, flows := fabric.FlowByID(r.b.Tx, r.job.Flow)
	switch stalled := r.job.Stalled || r.job.Phase == phaseHold; {
	case stalled && due > 0:
		c.say(r, "its job is stalled in phase %s, and due", r.job.Phase)
	case !stalled && r.job.Phase == phaseSend && (!flows || due > 0), !stalled && r.job.Phase != phaseSend && (flows || due != 1):
		c.say(r, "its job is in phase %s, due %d times, and sends: %v", r.job.Phase, due, flows)
	}
}

// flows says that what is sent belongs to a job.
func (c *checker) flows(boxes []*model.Box) error {
	if len(boxes) == 0 {
		return nil
	}
	for _, fl := range fabric.Flows(boxes[0].Tx) {
		b := c.boxes[fl.Owner.Array]
		if fl.Done != flowDone || b == nil {
			continue
		}
		r, err := openID(b, fl.Owner.ID)
		if err != nil {
			return err
		}
		if r.job == nil || r.job.Flow != fl.ID || r.job.Phase != phaseSend {
			c.say(r, "flow %d is no job's", fl.ID)
		}
	}
	return nil
}

// instants says that the members of a group, but for those that wait for their
// first copy, show one instant. Members that are mirrored show the present.
func (c *checker) instants(r *replica) {
	if r.isPeer() || ReplicaType.Get(r.o) == syncType {
		return
	}
	seen := int64(-1)
	for _, p := range r.pairs {
		if p.Initial {
			continue
		}
		if seen >= 0 && p.Restore != seen {
			c.say(r, "its members are images of %d and %d", seen, p.Restore)
		}
		seen = p.Restore
	}
}

// staging says that a source that is idle and was not written to since its last
// image stages nothing.
func (c *checker) staging(r *replica) error {
	if s := r.state(); s != asyncIdle && s != synchronized {
		return nil
	}
	for i := range r.pairs {
		if r.pairs[i].Previous.GUID != "" {
			return nil // it was the target: the new one has not said yet that it has the newer image
		}
		o, err := r.dataset(&r.pairs[i])
		if err != nil {
			return err
		}
		now, err := r.b.Content(o)
		if err != nil {
			return err
		}
		last, err := r.image(r.pairs[i].Base)
		if err != nil {
			return err
		}
		if data.Diff(last, now) != 0 {
			return nil
		}
	}
	n, err := r.staged()
	if err == nil && n != 0 {
		c.say(r, "stages %d bytes, and is idle", n)
	}
	return err
}
