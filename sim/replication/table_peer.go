package replication

// The states of the halves of an ACTIVE_ACTIVE replica. While both sides are
// not synchronized one of them leads: it serves hosts, and jobs go out from it.
//
// unsourced: which side shows LAGGING and which SYNC_STALLED; the names are
// InfiniSDK 289.1.4's.
const (
	peerPending        state = "PEER_PENDING"
	peerInitial        state = "PEER_INITIAL"
	peerInitialStalled state = "PEER_INITIAL_STALLED"
	peerSynchronized   state = "PEER_SYNCHRONIZED"
	peerRunning        state = "PEER_RUNNING"
	peerLagging        state = "PEER_LAGGING" // serves, the other side is behind
	peerStalled        state = "PEER_STALLED" // does not serve
	peerRestServing    state = "PEER_SUSPENDED_SERVING"
	peerRestStopped    state = "PEER_SUSPENDED_STOPPED"
	peerAutoServing    state = "PEER_AUTO_SUSPENDED_SERVING"
	peerAutoStopped    state = "PEER_AUTO_SUSPENDED_STOPPED"
)

// What the halves of an ACTIVE_ACTIVE replica tell each other.
const (
	evLeaderWaits   event = "leader_waits"  // the first copy waits for a slot
	evLeaderStarts  event = "leader_starts" // the first copy begins
	evLeaderRuns    event = "leader_runs"   // a job catches up
	evLeaderIsEqual event = "leader_is_equal"
	evLeaderStalls  event = "leader_stalls"
	evPeerRests     event = "peer_rests" // it was suspended there
	evPeerAutoRests event = "peer_auto_rests"
	evPeerYields    event = "peer_yields"  // it was suspended there, and serves no more
	evPeerStalled   event = "peer_stalled" // it lost the link, and does not serve
	evYield         event = "yield"        // this side's pool is locked
)

// peerRules is the machine of ACTIVE_ACTIVE replicas while they are active.
func peerRules() []rule {
	return []rule{
		// The first copy goes from the side where the replica was made.
		{states(peerPending), evStart, not(isLeader), "", nil},
		{states(peerPending), evStart, not(hasSlot), "", nil},
		{states(peerPending), evStart, isDown, peerInitialStalled, effects(startJob, stall)},
		{states(peerPending), evStart, nil, peerInitial, effects(startJob, tell)},
		{states(peerRestStopped, peerAutoStopped), evLeaderWaits, nil, peerPending, effects(obey, awake)},
		{states(peerPending, peerInitialStalled), evLeaderStarts, nil, peerInitial, effects(noWait)},
		{states(peerSynchronized), evLeaderStarts, nil, peerInitial, effects(follow)},
		{states(peerStalled), evLeaderStarts, nil, peerInitial, effects(obey)},
		{states(peerInitial), evLeaderStalls, nil, peerInitialStalled, nil},

		{states(peerInitial, peerRunning), evCopied, caughtUp, peerSynchronized, effects(endJob, mirrorAll, tell)},
		{states(peerInitial, peerRunning), evCopied, nil, peerRunning, effects(endJob, startJob, tell)},
		{states(peerSynchronized, peerInitial, peerInitialStalled, peerStalled, peerRestStopped, peerAutoStopped), evLeaderRuns, nil, peerRunning, effects(obey, awake)},
		{states(peerInitial, peerRunning, peerInitialStalled, peerStalled), evLeaderIsEqual, nil, peerSynchronized, effects(noWait, serve, note("SYNCHRONIZED"))},

		// The link is lost. One side alone goes on: which of them follows from
		// the witness, from who is preferred, and from who has the newest data.
		{states(peerInitial), evLost, isLeader, peerInitialStalled, effects(stall, awaitLink)},
		{states(peerInitial), evLost, nil, peerInitialStalled, effects(stopServing, awaitLink)},
		{states(peerPending, peerInitialStalled), evLost, nil, "", effects(awaitLink)},
		{states(peerSynchronized), evLost, neitherWins, peerStalled, effects(setNobody, yield, awaitLink, note("OUT_OF_SYNC"))},
		{states(peerSynchronized), evLost, wins, peerLagging, effects(lead, awaitLink, note("OUT_OF_SYNC"))},
		{states(peerSynchronized), evLost, nil, peerStalled, effects(yield, awaitLink, note("OUT_OF_SYNC"))},
		{states(peerRunning), evLost, isLeader, peerLagging, effects(stopJob, awaitLink)},
		{states(peerRunning), evLost, nil, peerStalled, effects(awaitLink)},

		// The link is back: the side that served brings the other up to date.
		{states(peerPending), evBack, nil, "", effects(noWait)},
		{states(peerInitialStalled), evBack, isLeader, peerInitial, effects(unstall, tell)},
		{states(peerLagging), evBack, nil, peerRunning, effects(noWait, reuniteOrRest)},
		{states(peerStalled), evBack, nobodyServes, peerRunning, effects(noWait, lead, reuniteOrRest)},
		{states(peerStalled), evBack, nil, "", effects(noWait, tellStalled)},
		{states(peerSynchronized), evPeerStalled, nil, peerRunning, effects(lead, reunite)}, // it ended and came back before it missed the link
		{states(peerRestStopped), evBack, nobodyServes, peerRestServing, effects(lead, tell)},
		{states(peerAutoStopped), evBack, nobodyServes, peerAutoServing, effects(lead, tell)},
		{states(peerRestServing, peerRestStopped), evBack, suspendedHere, "", effects(tell)},

		{states(peerSynchronized), evJoin, nil, peerInitial, effects(lead, startJob, tell)},

		// A job that failed is tried again after a while.
		{states(peerInitial), evFailed, nil, peerInitialStalled, effects(stall, tryLater, tell)},
		{states(peerInitialStalled), evRetry, both(isLeader, isUp), peerInitial, effects(unstall, tell)},
		{states(peerRunning), evFailed, nil, "", effects(stall, tryLater)},
		{states(peerRunning), evRetry, both(isLeader, isUp), "", effects(unstall)},
	}
}

// peerRestRules say how ACTIVE_ACTIVE replicas are suspended, and resumed.
func peerRestRules() []rule {
	copying := states(peerPending, peerInitial, peerInitialStalled, peerRunning)
	serving := states(peerRestServing, peerAutoServing)
	return []rule{
		// Suspended by an administrator: from a synchronized replica the side
		// where it was asked for goes on serving, else the one that serves.
		{states(peerSynchronized), evSuspend, nil, peerRestServing, effects(lead, fromHere, tell, note("SUSPENDED"))},
		{states(peerLagging), evSuspend, nil, peerRestServing, effects(stopJob, fromHere, tell, note("SUSPENDED"))},
		{copying, evSuspend, isLeader, peerRestServing, effects(stopJob, fromHere, tell, note("SUSPENDED"))},
		{copying, evSuspend, nil, peerRestStopped, effects(stopServing, fromHere, tell, note("SUSPENDED"))},
		{states(peerStalled), evSuspend, nil, peerRestStopped, effects(noWait, fromHere, tell, note("SUSPENDED"))},
		{copying, evPeerRests, isLeader, peerRestServing, effects(stopJob, fromThere, note("SUSPENDED"))},
		{states(peerLagging), evPeerRests, nil, peerRestServing, effects(stopJob, fromThere, note("SUSPENDED"))},
		{copying, evPeerRests, nil, peerRestStopped, effects(stopServing, fromThere, note("SUSPENDED"))},
		{states(peerSynchronized, peerStalled), evPeerRests, nil, peerRestStopped, effects(yield, fromThere, note("SUSPENDED"))},

		// Suspended by the array: after a day without a link, or because the
		// pool of the side that is behind is locked.
		{states(peerSynchronized), evTrouble, nil, peerAutoServing, effects(lead, tell, note("AUTO_SUSPENDED"))},
		{states(peerLagging), evTrouble, nil, peerAutoServing, effects(stopJob, note("AUTO_SUSPENDED"))},
		{states(peerStalled), evTrouble, nil, peerAutoStopped, effects(noWait, note("AUTO_SUSPENDED"))},
		{copying, evTrouble, isLeader, peerAutoServing, effects(stopJob, tell, note("AUTO_SUSPENDED"))},
		{states(peerPending, peerInitialStalled), evTrouble, nil, peerAutoStopped, effects(stopServing, note("AUTO_SUSPENDED"))},
		// unsourced: that the side that serves goes on doing so, suspended, if its
		// own pool is locked while the other one is behind.
		{states(peerRunning, peerInitial), evYield, isLeader, peerAutoServing, effects(stopJob, tell, note("AUTO_SUSPENDED"))},
		{states(peerSynchronized, peerRunning, peerInitial), evYield, nil, peerAutoStopped, effects(yield, stopJob, tell, note("AUTO_SUSPENDED"))},
		{states(peerInitial, peerRunning), evPeerYields, nil, peerAutoServing, effects(lead, stopJob, note("AUTO_SUSPENDED"))},
		{states(peerSynchronized), evPeerYields, nil, peerAutoServing, effects(lead, note("AUTO_SUSPENDED"))},
		{states(peerInitial, peerRunning), evPeerAutoRests, nil, peerAutoStopped, effects(stopServing, note("AUTO_SUSPENDED"))},
		{states(peerSynchronized), evPeerAutoRests, nil, peerAutoStopped, effects(yield, note("AUTO_SUSPENDED"))},

		{serving, evResume, isInitial, peerPending, effects(awake, note("RESUMED"), tell, again)},
		{serving, evResume, nil, peerRunning, effects(awake, reunite, note("RESUMED"))},
		{states(peerRestStopped, peerAutoStopped), evResume, nil, "", effects(askResume)},
	}
}
