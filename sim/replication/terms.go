package replication

// condition is what a rule asks before it counts: a name, a line of
// description, and the question.
type condition struct {
	name, about string
	holds       func(r *replica) bool
}

// act is what a rule has happen.
type act struct {
	name, about string
	do          func(r *replica) error
}

// guard and effect are the words of the table that stand for them.
type (
	guard  func() condition
	effect func() act
)

func effects(all ...effect) []effect { return all }

func both(a, b guard) guard {
	return func() condition {
		x, y := a(), b()
		return condition{x.name + " and " + y.name, x.about + "; " + y.about, func(r *replica) bool { return x.holds(r) && y.holds(r) }}
	}
}

func not(a guard) guard {
	return func() condition {
		x := a()
		return condition{"not " + x.name, "not: " + x.about, func(r *replica) bool { return !x.holds(r) }}
	}
}

func isInitial() condition {
	return condition{"initial", "a member has no image on the target yet", (*replica).initial}
}

func isUp() condition {
	return condition{"up", "the link carries messages and, for a concurrent replica, its side of ACTIVE_ACTIVE serves", (*replica).up}
}

func isDown() condition {
	return condition{"down", "the link is cut or detached, or the side of ACTIVE_ACTIVE that a concurrent replica stands on does not serve", func(r *replica) bool { return !r.up() }}
}

func hasSlot() condition {
	return condition{"slot", "fewer first copies run than the array and the path allow", (*replica).hasSlot}
}

func isMirrored() condition {
	return condition{"mirrored", "the type is SYNC", (*replica).mirrored}
}

func isSlow() condition {
	return condition{"slow", "a round trip takes longer than SYNC allows", (*replica).slow}
}

func isBehind() condition {
	return condition{"behind", "a job was asked for, or became due, while this one ran", (*replica).behind}
}

func isHeld() condition {
	return condition{"held", "the replica was synchronized when the link went: there is nothing to go on with", (*replica).held}
}

func caughtUp() condition {
	return condition{"caught up", "what is left would be sent within a second", (*replica).caughtUp}
}

func isLeader() condition {
	return condition{"leads", "jobs go out from this half", (*replica).leads}
}

func wins() condition {
	return condition{"wins", "preference and witness let this half go on alone", (*replica).wins}
}

func neitherWins() condition {
	return condition{"neither wins", "both halves lost the witness together with the link", (*replica).neitherWins}
}

func nobodyServes() condition {
	return condition{"nobody serves", "both halves stopped, and this one is preferred", (*replica).nobodyServes}
}

func suspendedHere() condition {
	return condition{"suspended here", "an administrator suspended this half, not the other", (*replica).suspendedHere}
}

func startJob() act {
	return act{"start job", "takes an image of every member at this instant and begins to send what differs", (*replica).startJob}
}

func endJob() act {
	return act{"end job", "what was sent is the image that both sides have; restore point and durations are set", (*replica).endJob}
}

func mirrorAll() act {
	return act{"mirror", "the target becomes equal; from here on each write goes to both sides", (*replica).mirrorAll}
}

func stall() act {
	return act{"stall", "the job keeps what it has sent, and waits", (*replica).stall}
}

func unstall() act {
	return act{"go on", "the job sends the rest", (*replica).unstall}
}

func awaitLink() act {
	return act{"await link", "24 hours from now the replica is suspended", (*replica).awaitLink}
}

func noWait() act {
	return act{"link is here", "the 24 hours are off", (*replica).noWait}
}

func holdJob() act {
	return act{"hold job", "shows a stalled job, which has no image yet", (*replica).holdJob}
}

func planNext() act {
	return act{"plan next", "the next job is due an interval after the start of the last one", (*replica).planNext}
}

func noPlan() act {
	return act{"no plan", "no next job is due", (*replica).noPlan}
}

func ask() act {
	return act{"ask", "somebody waits for the running job", (*replica).ask}
}

func stopJob() act {
	return act{"stop job", "the running job and what waits behind it are gone; an image that the target has committed is kept", (*replica).stopJob}
}

func hello() act {
	return act{"hello", "both halves agree on their newest common image; the target is rolled back to it", (*replica).hello}
}

func again() act {
	return act{"start", "the event `start`, at once", (*replica).again}
}

func tryLater() act {
	return act{"try later", "the job is tried again after the time for retries", (*replica).tryLater}
}

func turnTarget() act {
	return act{"turn target", "the role is TARGET, and the datasets are write-protected", (*replica).turnTarget}
}

func turnSource() act {
	return act{"turn source", "the role is SOURCE, and the datasets are protected as before they became targets", (*replica).turnSource}
}

func tell() act {
	return act{"tell", "the other half hears of this, as an event of its own", (*replica).tell}
}

func lead() act {
	return act{"lead", "this half serves hosts, and jobs go out from it", (*replica).lead}
}

func yield() act {
	return act{"yield", "this half does not serve, and is brought up to date", (*replica).yield}
}

func obey() act {
	return act{"obey", "yields, and waits for nothing of its own", (*replica).obey}
}

func serve() act {
	return act{"serve", "hosts reach this half's volumes", (*replica).serve}
}

func fixAll() act {
	return act{"fix all", "what both sides show now is the image that they have in common", (*replica).fixAll}
}

func follow() act {
	return act{"follow", "the other half copies a member that joined; both serve the others", (*replica).follow}
}

func stopServing() act {
	return act{"stop serving", "hosts do not reach this half's volumes", (*replica).stopServing}
}

func setNobody() act {
	return act{"nobody serves", "remembers that neither half goes on", (*replica).setNobody}
}

func fromHere() act {
	return act{"from here", "suspended_from_local is true", (*replica).fromHere}
}

func fromThere() act {
	return act{"from there", "suspended_from_local is false, and the 24 hours are off", (*replica).fromThere}
}

func awake() act {
	return act{"awake", "suspended_from_local, state_reason and state_description are null", (*replica).awake}
}

func reunite() act {
	return act{"reunite", "agrees with the other half on a common image and starts the job that brings it up to date", (*replica).reunite}
}

func tellStalled() act {
	return act{"tell it stalled", "the half that serves hears that this one lost the link, and brings it up to date", (*replica).tellStalled}
}

func reuniteOrRest() act {
	return act{"reunite or rest", "the same; a half whose other one is gone, or refuses, suspends itself", (*replica).reuniteOrRest}
}

func askResume() act {
	return act{"ask to resume", "the half that serves resumes, and this one follows it", (*replica).askResume}
}

func note(what string) effect {
	return func() act {
		return act{"event " + what, "the array's event REPLICA_" + what, func(r *replica) error { return emitReplica(r.b, r.o, what, "INFO") }}
	}
}
