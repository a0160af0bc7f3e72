package replication

import (
	"strings"

	"infinisim/sim/job"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// watchRPO reports a replica that is in time again, and puts the next breach
// on the timetable.
func (r *replica) watchRPO() error {
	r.cancel(jobRPO)
	if r.mirrored() || ReplicaRPO.IsNull(r.o) || ReplicaRestore.IsNull(r.o) {
		return nil
	}
	if replicaLate.Get(r.o) && r.b.Tx.Now() <= r.breach() {
		replicaLate.Set(r.o, false)
		if err := emitReplica(r.b, r.o, "RPO_OK", "INFO"); err != nil {
			return err
		}
	}
	job.Add(r.b.Tx, job.Job{Due: r.breach() + 1, Class: job.Deadline, Name: jobRPO, Owner: r.b.Owner(r.o)})
	return nil
}

func (r *replica) rpoBreached() error {
	if replicaLate.Get(r.o) {
		return nil
	}
	replicaLate.Set(r.o, true)
	if err := r.save(); err != nil {
		return err
	}
	return emitReplica(r.b, r.o, "RPO_LAGGING", "WARNING")
}

// hasSlot reports whether a first copy may start: an array runs six at a time
// (seen on hardware), and a path may allow fewer.
func (r *replica) hasSlot() bool {
	var under int64
	for _, s := range states(asyncInitial, asyncInitialStalled, syncInitial, syncInitialStalled) {
		for _, t := range halfTypes() {
			under += r.b.Tx.CountBy(r.b.Key, replicaState.Field(), t, schema.TextValue(string(s)))
		}
	}
	for _, s := range states(peerInitial, peerInitialStalled) {
		for _, id := range r.b.Tx.IDsBy(r.b.Key, Replica, replicaState.Field(), schema.TextValue(string(s))) {
			if o, err := r.b.Must(Replica, id); err == nil && replicaLeads.Get(o) {
				under++
			}
		}
	}
	if limit := r.path().Slots; limit >= 0 && under >= int64(limit) {
		return false
	}
	return r.b.Eng.NoLimits || under < int64(r.b.Profile().Slots)
}

// wake lets a replica that waits for a slot start, if there is one now.
func (r *replica) wake() { wake(r.b) }

// wakeWaiting does so where a path changed, if any replica of the array waits.
func wakeWaiting(b *model.Box) {
	for _, s := range waitingForSlot() {
		if len(idsBy(b, replicaState.Field(), schema.TextValue(string(s)))) > 0 {
			wake(b)
			return
		}
	}
}

func waitingForSlot() []state { return states(asyncPending, syncPending, peerPending) }

func wake(b *model.Box) {
	job.Add(b.Tx, job.Job{Due: b.Tx.Now(), Class: job.Settle, Name: jobSlots, Owner: job.Owner{Array: b.Key, Kind: "array"}})
}

// startPending starts those that wait, in the order of their ids.
func startPending(b *model.Box) error {
	for _, s := range waitingForSlot() {
		for _, id := range idsBy(b, replicaState.Field(), schema.TextValue(string(s))) {
			r, err := openID(b, id)
			if err != nil {
				return err
			}
			if err := r.fire(evStart); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *replica) again() error { return r.fire(evStart) }

// emitReplica reports what happened to a replica.
//
// unsourced: the codes of replicas' events.
func emitReplica(b *model.Box, o *schema.Object, what, level string) error {
	return b.Emit(model.Event{
		Code: strings.ToUpper(o.Type().Name()) + "_" + what, Level: level, Entity: o.ID(), Template: "replica {id}: {what}",
		Data: []model.Datum{{Name: "id", Type: "Long", Value: o.ID()}, {Name: "what", Type: "String", Value: what}},
	})
}
