package replication

import (
	"fmt"
	"slices"
	"sync"

	"infinisim/sim/journal"
)

// state is the one word of a replica's condition.
type state string

// The states. A replica that is a target has one alone: what it is doing is
// for its source to say.
const (
	asyncPending        state = "ASYNC_PENDING"
	asyncInitial        state = "ASYNC_INITIAL"
	asyncInitialStalled state = "ASYNC_INITIAL_STALLED"
	asyncIdle           state = "ASYNC_IDLE"
	asyncRunning        state = "ASYNC_RUNNING"
	asyncStalled        state = "ASYNC_STALLED"
	suspended           state = "SUSPENDED"
	autoSuspended       state = "AUTO_SUSPENDED"
	syncPending         state = "SYNC_PENDING"
	syncInitial         state = "SYNC_INITIAL"
	syncInitialStalled  state = "SYNC_INITIAL_STALLED"
	synchronized        state = "SYNCHRONIZED"
	outOfSync           state = "OUT_OF_SYNC"
	syncRunning         state = "SYNC_RUNNING"
	outOfSyncRunning    state = "OUT_OF_SYNC_RUNNING"
	target              state = "TARGET"
)

// event is what moves a replica.
type event string

// The events.
const (
	evStart   event = "start"   // a job is due, asked for, or a slot is free
	evCopied  event = "copied"  // the job's image is committed and acknowledged
	evLost    event = "lost"    // the link went down
	evBack    event = "back"    // the link is up again
	evSuspend event = "suspend" // an administrator suspends
	evResume  event = "resume"  // an administrator resumes
	evTrouble event = "trouble" // a pool is locked, the peer's half is gone, 24 hours without a link
	evToSync  event = "to_sync"
	evToAsync event = "to_async"

	evToTarget event = "to_target" // an administrator changes the role
	evToSource event = "to_source"
	evHandOver event = "hand_over" // both sides swap their roles
	evTakeOver event = "take_over"
	evGiveBack event = "give_back" // the other side called the swap off

	evSlow   event = "slow"   // a round trip takes too long for SYNC
	evFailed event = "failed" // a step of the job failed, and may be tried again
	evRetry  event = "retry"  // the time to try again has come
	evJoin   event = "join"   // a dataset joined the group
)

// rule is one line of the table: in one of the states, on the event, if the
// guard holds, the replica goes to the next state and the effects happen, in
// order. The first rule that fits counts.
type rule struct {
	in     []state
	on     event
	guard  guard
	to     state
	effect []effect
}

func states(s ...state) []state { return s }

// rules is the machine of all replicas.
func rules() []rule {
	return slices.Concat(jobRules(), lossRules(), adminRules(), peerRules(), peerRestRules())
}

// machine is rules, made once. A variable with a value would be one of the
// things that its own effects need to be initialized.
func machine() []rule {
	made.Do(func() { made.rules = rules() })
	return made.rules
}

var made struct {
	sync.Once
	rules []rule
}

// jobRules is how jobs of ASYNC and SYNC replicas start and end.
func jobRules() []rule {
	return []rule{
		// A job starts. One that becomes due while the link is down starts
		// stalled; an initial one needs a slot.
		{states(asyncPending, asyncIdle), evStart, both(isInitial, not(hasSlot)), asyncPending, nil},
		{states(asyncPending, asyncIdle), evStart, both(isInitial, isDown), asyncInitialStalled, effects(startJob, stall)},
		{states(asyncPending, asyncIdle), evStart, isInitial, asyncInitial, effects(startJob)},
		{states(asyncIdle), evStart, isDown, asyncStalled, effects(startJob, stall)},
		{states(asyncIdle), evStart, nil, asyncRunning, effects(startJob)},
		{states(syncPending), evStart, not(hasSlot), syncPending, nil},
		{states(syncPending), evStart, isDown, syncInitialStalled, effects(startJob, stall)},
		{states(syncPending), evStart, nil, syncInitial, effects(startJob)},

		// A job ended. What waits behind it starts at once. A SYNC replica is
		// synchronized once the rest is small enough to be sent in a second.
		{states(asyncRunning), evCopied, isBehind, asyncRunning, effects(endJob, startJob)},
		{states(asyncInitial, asyncRunning), evCopied, nil, asyncIdle, effects(endJob, planNext)},
		{states(syncInitial, syncRunning), evCopied, caughtUp, synchronized, effects(endJob, mirrorAll)},
		{states(syncInitial, syncRunning), evCopied, isSlow, outOfSyncRunning, effects(endJob, startJob, note("OUT_OF_SYNC"))},
		{states(syncInitial, syncRunning), evCopied, nil, syncRunning, effects(endJob, startJob)},
		{states(outOfSyncRunning), evCopied, isSlow, outOfSyncRunning, effects(endJob, startJob)},
		{states(outOfSyncRunning), evCopied, caughtUp, synchronized, effects(endJob, mirrorAll)},
		{states(outOfSyncRunning), evCopied, nil, syncRunning, effects(endJob, startJob)},
	}
}

// lossRules say what a lost link, a slow one and a failing job do.
func lossRules() []rule {
	return []rule{
		// The link is lost: a running job keeps what it has sent and waits.
		{states(asyncInitial), evLost, nil, asyncInitialStalled, effects(stall, awaitLink)},
		{states(asyncRunning), evLost, nil, asyncStalled, effects(stall, awaitLink)},
		{states(syncInitial), evLost, nil, syncInitialStalled, effects(stall, awaitLink)},
		{states(synchronized), evLost, nil, outOfSync, effects(holdJob, awaitLink, note("OUT_OF_SYNC"))},
		{states(syncRunning, outOfSyncRunning), evLost, nil, outOfSync, effects(stall, awaitLink)},
		{states(asyncPending, asyncIdle, syncPending), evLost, nil, "", effects(awaitLink)},
		{states(asyncInitialStalled, asyncStalled, syncInitialStalled, outOfSync), evLost, nil, "", effects(awaitLink)},

		// The link is back: the remaining bytes alone are sent.
		{states(asyncInitialStalled), evBack, nil, asyncInitial, effects(unstall)},
		{states(asyncStalled), evBack, nil, asyncRunning, effects(unstall)},
		{states(syncInitialStalled), evBack, nil, syncInitial, effects(unstall)},
		{states(outOfSync), evBack, isHeld, syncRunning, effects(startJob, noWait)},
		{states(outOfSync), evBack, nil, syncRunning, effects(unstall)},
		{states(asyncPending, asyncIdle, syncPending), evBack, nil, "", effects(noWait)},

		// A round trip that takes too long, or writes that the link cannot
		// carry: the replica goes on as if it were ASYNC.
		{states(synchronized), evSlow, nil, outOfSyncRunning, effects(startJob, note("OUT_OF_SYNC"))},
		{states(syncRunning), evSlow, nil, outOfSyncRunning, nil},

		// A job that failed is tried again after a while.
		{states(asyncInitial), evFailed, nil, asyncInitialStalled, effects(stall, tryLater)},
		{states(asyncRunning), evFailed, nil, asyncStalled, effects(stall, tryLater)},
		{states(syncInitial), evFailed, nil, syncInitialStalled, effects(stall, tryLater)},
		{states(syncRunning, outOfSyncRunning), evFailed, nil, outOfSync, effects(stall, tryLater)},
		{states(asyncInitialStalled), evRetry, isUp, asyncInitial, effects(unstall)},
		{states(asyncStalled), evRetry, isUp, asyncRunning, effects(unstall)},
		{states(syncInitialStalled), evRetry, isUp, syncInitial, effects(unstall)},
		{states(outOfSync), evRetry, isUp, syncRunning, effects(unstall)},
	}
}

// adminRules say what administrators and full pools do.
func adminRules() []rule {
	active := states(asyncPending, asyncInitial, asyncInitialStalled, asyncIdle, asyncRunning, asyncStalled,
		syncPending, syncInitial, syncInitialStalled, synchronized, outOfSync, outOfSyncRunning, syncRunning)
	return []rule{
		{active, evSuspend, nil, suspended, effects(stopJob, note("SUSPENDED"))},
		{active, evTrouble, nil, autoSuspended, effects(stopJob, note("AUTO_SUSPENDED"))},

		{states(suspended, autoSuspended), evResume, both(isMirrored, isInitial), syncPending, effects(hello, note("RESUMED"), again)},
		{states(suspended, autoSuspended), evResume, isMirrored, syncRunning, effects(hello, note("RESUMED"), startJob)},
		{states(suspended, autoSuspended), evResume, isInitial, asyncPending, effects(hello, note("RESUMED"), again)},
		{states(suspended, autoSuspended), evResume, nil, asyncRunning, effects(hello, note("RESUMED"), startJob)},

		// A change of type never goes through INITIALIZING again: clients
		// convert back at once.
		{states(asyncIdle), evToSync, nil, syncRunning, effects(noPlan, startJob)},
		{states(asyncRunning), evToSync, nil, syncRunning, effects(noPlan, ask)},
		{states(asyncStalled), evToSync, nil, syncRunning, effects(noPlan, unstall)},
		{states(synchronized), evToAsync, nil, asyncIdle, effects(fixAll, planNext)},
		{states(syncRunning, outOfSyncRunning), evToAsync, nil, asyncRunning, effects(ask)},
		{states(outOfSync), evToAsync, nil, asyncRunning, effects(unstall)},

		// What joins a synchronized group is copied at once; the others go on
		// being mirrored.
		// unsourced: that it does not wait.
		{states(synchronized), evJoin, nil, syncInitial, effects(startJob)},

		// A changed role rests until somebody resumes; a swapped one goes on.
		{states(suspended, autoSuspended), evToTarget, nil, target, effects(turnTarget)},
		{states(target), evToSource, nil, suspended, effects(turnSource)},
		{states(synchronized), evHandOver, nil, target, effects(turnTarget)},
		{states(target), evTakeOver, nil, synchronized, effects(turnSource)},
		{states(synchronized, outOfSync, syncRunning, outOfSyncRunning, suspended, autoSuspended), evGiveBack, nil, target, effects(stopJob, turnTarget)},
	}
}

func (r *replica) up() bool { return r.connected() && (r.isPeer() || r.served()) }

func (r *replica) held() bool { return r.job != nil && r.job.Phase == phaseHold }

// fire moves a replica by an event and saves it. An event that the table does
// not know for the replica's state changes nothing.
func (r *replica) fire(on event) error {
	for i, rule := range machine() {
		if rule.on != on || !slices.Contains(rule.in, r.state()) || rule.guard != nil && !rule.guard().holds(r) {
			continue
		}
		from := r.state()
		if rule.to != "" {
			if err := r.enter(rule.to); err != nil {
				return fmt.Errorf("replica %d of %s: %s: %w", r.o.ID(), r.b.Key, on, err)
			}
		}
		for _, e := range rule.effect {
			if err := e().do(r); err != nil {
				return fmt.Errorf("replica %d of %s: %s: %w", r.o.ID(), r.b.Key, on, err)
			}
		}
		r.trace(i, on, from)
		if err := r.save(); err != nil {
			return err
		}
		return r.lookAlong()
	}
	return nil
}

// trace logs which rule moved the replica, and tells the journal, once what it
// did is kept.
func (r *replica) trace(rule int, on event, from state) {
	array, id, to, now := r.b.Key, r.o.ID(), r.state(), r.b.Tx.Now()
	log, kept := r.b.Eng.Log, journal.Of(r.b.Tx)
	r.b.Tx.OnCommit(func() {
		log.Debug("replica moved", "array", array, "replica", id, "from", string(from), "on", string(on), "rule", rule, "to", string(to))
		kept.Record(journal.Entry{
			Kind: journal.Move, Time: now, Array: array,
			Moved: &journal.Moved{Replica: id, From: string(from), On: string(on), Rule: rule, To: string(to)},
		})
	})
}
