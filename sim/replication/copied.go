package replication

import "infinisim/sim/clock"

// Copied is a job of a replica that has ended, for who watches.
type Copied struct {
	// Array is the key of the array that sent, RemoteArray of that which
	// received.
	Array, RemoteArray string
	// Replica and Link are ids there, Job is the job's number.
	Replica, Link, Job int64
	// Type is the replica's, Entity what it copies.
	Type   string
	Entity Entity
	// Initial says that it is the first copy, Stopped that it was given up.
	Initial, Stopped bool
	// Bytes is what differed when it began.
	Bytes int64
	// Started and Ended are in the lab's time.
	Started, Ended clock.Time
	// State and SyncState are the replica's after it, in the words of the wire.
	State, SyncState string
}

// tellJob has who watches hear of the end of a job once it is kept.
func (r *replica) tellJob(j *running, stopped bool) {
	owner, ok := r.b.Tx.Owner().(interface {
		Observed() bool
		Copied(c Copied)
	})
	if !ok || !owner.Observed() || j.Phase == phaseHold {
		return
	}
	local, _, err := r.entities()
	if err != nil {
		local = Entity{} // it is on its way out
	}
	c := Copied{
		Array: r.b.Key, RemoteArray: Peer(r.link), Replica: r.o.ID(), Link: r.link.ID(), Job: j.ID, Type: ReplicaType.Get(r.o), Entity: local,
		Initial: j.Initial, Stopped: stopped, Bytes: j.Bytes, Started: j.Started, Ended: r.b.Tx.Now(),
	}
	r.o.Detach() // its state is asked for after the transaction
	r.b.Tx.OnCommit(func() {
		v := viewOf(r.state())
		c.State = v.state
		if r.mirrored() {
			c.SyncState = v.sync
		}
		owner.Copied(c)
	})
}
