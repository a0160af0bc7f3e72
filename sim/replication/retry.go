package replication

import (
	"time"

	"infinisim/sim/clock"
	"infinisim/sim/job"
	"infinisim/sim/schema"
)

// A step of a job that fails, other than by a lost link, is tried again after
// temporary_failure_retry_interval milliseconds, as often in a row as
// temporary_failure_retry_count says; after that the failure counts as
// permanent, and it is tried again every permanent_failure_wait_interval
// milliseconds.
//
// unsourced: what the three fields do; the names are InfiniSDK 289.1.4's.

// replicaFails counts the failures in a row of the running job.
var replicaFails = schema.Int(schema.Field{Name: "_fails", Flags: schema.Private, Default: 0})

// The reasons that a failing replica shows.
//
// unsourced: the words.
const (
	reasonTemporary = "TEMPORARY_FAILURE"
	reasonPermanent = "PERMANENT_FAILURE"
)

func (r *replica) tryLater() error {
	fails := replicaFails.Get(r.o) + 1
	replicaFails.Set(r.o, fails)
	wait, reason := ReplicaRetryWait.Get(r.o), reasonTemporary
	if fails > ReplicaRetryCount.Get(r.o) {
		wait, reason = ReplicaFailWait.Get(r.o), reasonPermanent
	}
	ReplicaReason.Set(r.o, reason)
	due := r.b.Tx.Now().Add(clock.Span(wait, time.Millisecond))
	job.Add(r.b.Tx, job.Job{Due: due, Class: r.class(), Name: jobRetry, Owner: r.b.Owner(r.o)})
	if fails == ReplicaRetryCount.Get(r.o)+1 {
		return emitReplica(r.b, r.o, "JOB_FAILED", "ERROR")
	}
	return nil
}
