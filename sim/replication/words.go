package replication

// about says what a state is.
func (s state) about() string {
	//exhaustive:enforce
	switch s {
	case asyncPending, syncPending, peerPending:
		return "the first copy waits for a slot"
	case asyncInitial, syncInitial:
		return "the first copy, or that of a member that joined, is under way"
	case asyncInitialStalled, syncInitialStalled:
		return "the first copy waits for the link, or to be tried again"
	case asyncIdle:
		return "between two jobs"
	case asyncRunning:
		return "a job is under way"
	case asyncStalled:
		return "a job waits for the link, or to be tried again"
	case suspended:
		return "suspended by an administrator, by a detached link, or by a change of role"
	case autoSuspended:
		return "suspended by the array"
	case synchronized:
		return "each write is on both sides before it is answered"
	case outOfSync:
		return "waits for the link, or to be tried again; the target keeps what it had"
	case syncRunning:
		return "jobs follow each other until what is left is sent within a second"
	case outOfSyncRunning:
		return "the path is too slow for SYNC: jobs follow each other, as if it were ASYNC"
	case target:
		return "the half that is written to by its source; what goes on, the source says"
	case peerInitial, peerInitialStalled, peerSynchronized, peerRunning, peerLagging, peerStalled, peerRestServing, peerRestStopped, peerAutoServing, peerAutoStopped:
	}
	return s.aboutPeer()
}

// aboutPeer says what a state of ACTIVE_ACTIVE is.
func (s state) aboutPeer() string {
	switch s {
	case peerInitial:
		return "the first copy, or that of a member that joined, is under way, from the half that leads"
	case peerInitialStalled:
		return "the first copy waits for the link, or to be tried again"
	case peerSynchronized:
		return "both sides serve, and each write is on both before it is answered"
	case peerRunning:
		return "the half that leads brings the other one up to date"
	case peerLagging:
		return "without the link, this side goes on serving and the other is behind"
	case peerStalled:
		return "without the link, this side does not serve"
	case peerRestServing:
		return "suspended by an administrator; this side serves"
	case peerRestStopped:
		return "suspended by an administrator; this side does not serve"
	case peerAutoServing:
		return "suspended by the array; this side serves"
	case peerAutoStopped:
		return "suspended by the array; this side does not serve"
	}
	return ""
}

// about says what causes an event.
func (e event) about() string {
	//exhaustive:enforce
	switch e {
	case evStart:
		return "a replica is made or resumed, a job is due by its interval, `POST replicas/{id}/sync`, or a slot may be free"
	case evCopied:
		return "the target has committed the job's image, and the source knows"
	case evLost:
		return "the link is cut, the peer is gone, a link of SYNC or ACTIVE_ACTIVE is detached, or the side of a concurrent replica stops serving"
	case evBack:
		return "the link carries messages again"
	case evSuspend:
		return "`POST replicas/{id}/suspend`; a detached link, for ASYNC"
	case evResume:
		return "`POST replicas/{id}/resume`; for ACTIVE_ACTIVE also the other half's wish"
	case evTrouble:
		return "the peer refuses a job (its pool is locked or full, its half is gone or a source itself), a day has passed without a link, the other half became a source, or the pool of a SYNC target is locked"
	case evToSync:
		return "`POST replicas/{id}/change_type_to_sync`"
	case evToAsync:
		return "`POST replicas/{id}/change_type_to_async`"
	case evToTarget:
		return "`POST replicas/{id}/change_role` at a source"
	case evToSource:
		return "`POST replicas/{id}/change_role` at a target"
	case evHandOver:
		return "`POST replicas/{id}/switch_role`, at the source"
	case evTakeOver:
		return "`POST replicas/{id}/switch_role`, as the target hears of it"
	case evGiveBack:
		return "the source called the swap of roles off, after its process died in the middle of it"
	case evSlow:
		return "the path's latency changes, and a round trip takes longer than SYNC allows"
	case evFailed:
		return "a step of the job fails, by a rule of the faults"
	case evRetry:
		return "`temporary_failure_retry_interval` has passed since a failure, or `permanent_failure_wait_interval`"
	case evJoin:
		return "a dataset is added to the replicated group"
	case evLeaderWaits, evLeaderStarts, evLeaderRuns, evLeaderIsEqual, evLeaderStalls, evPeerRests, evPeerAutoRests, evPeerYields, evPeerStalled, evYield:
	}
	return e.aboutPeer()
}

// aboutPeer says what causes an event of ACTIVE_ACTIVE.
func (e event) aboutPeer() string {
	switch e {
	case evLeaderWaits:
		return "the other half leads, and waits with the first copy for a slot"
	case evLeaderStarts:
		return "the other half leads, and began the first copy"
	case evLeaderRuns:
		return "the other half leads, and began a job that catches up"
	case evLeaderIsEqual:
		return "the other half leads, and finds both equal"
	case evLeaderStalls:
		return "the other half leads, and its first copy failed"
	case evPeerRests:
		return "the other half was suspended by an administrator"
	case evPeerAutoRests:
		return "the other half was suspended by the array, and goes on serving"
	case evPeerYields:
		return "the other half was suspended by the array, and does not serve"
	case evPeerStalled:
		return "the other half lost the link and does not serve; this one, whose process died meanwhile, may not know of it"
	case evYield:
		return "the pool of this half's volumes is locked"
	}
	return ""
}
