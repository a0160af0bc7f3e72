package replication

import (
	"slices"

	"infinisim/sim/apierr"
	"infinisim/sim/fabric"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// ACTIVE_ACTIVE. Both sides take writes while they are synchronized; each write
// is on both before it is answered. Both halves are equal, and each knows
// whether it leads: the one that was made first at the beginning, the one that
// went on serving after a loss. A half tells the other of what it does in
// messages that are events of the other's table.

// private fields of a peer's half.
var (
	replicaLeads  = schema.Bool(schema.Field{Name: "_leads", Flags: schema.Private})
	replicaNobody = schema.Bool(schema.Field{Name: "_nobody_serves", Flags: schema.Private})
)

// rolePeer is the role of both halves of an ACTIVE_ACTIVE replica.
//
// unsourced: the word; InfiniSDK does not read the role of such a replica, but
// for SOURCE and TARGET.
const rolePeer = "ACTIVE_ACTIVE"

// bePeer makes a new half one of two equal ones.
func (r *replica) bePeer(preferred, leads bool) {
	ReplicaRole.Set(r.o, rolePeer)
	ReplicaPreferred.Set(r.o, preferred)
	replicaLeads.Set(r.o, leads)
}

// peerMessage is an event of one half that moves the other.
type peerMessage struct {
	Replica int64 `json:"replica"`
	On      event `json:"on"`
	// Hello is what the sender has, for a peer that is asked to resume.
	Hello *helloAnswer `json:"hello,omitempty"`
}

// peerAnswer is the state that the receiver came to.
type peerAnswer struct {
	State state `json:"state"`
}

// telling says what the other half hears when this one comes to a state.
func telling(r *replica) event {
	switch r.state() {
	case peerPending:
		return evLeaderWaits
	case peerInitial:
		return evLeaderStarts
	case peerInitialStalled:
		return evLeaderStalls
	case peerRunning:
		return evLeaderRuns
	case peerSynchronized:
		return evLeaderIsEqual
	case peerRestServing, peerRestStopped:
		return evPeerRests
	case peerAutoServing:
		return evPeerAutoRests
	case peerAutoStopped:
		return evPeerYields
	}
	return ""
}

// tell has the other half follow. One that cannot be reached finds out when the
// link is back.
func (r *replica) tell() error {
	if r.quiet || !r.connected() {
		return nil
	}
	err := r.message(msgPeer, peerMessage{Replica: ReplicaRemoteID.Get(r.o), On: telling(r)}, nil)
	if apierr.CodeOf(err) == apierr.ReplicaNotFound {
		return nil // its half was removed by force
	}
	return err
}

// askResume has the half that serves resume, and follows it.
func (r *replica) askResume() error {
	has := r.greeting()
	var answer peerAnswer
	ask := peerMessage{Replica: ReplicaRemoteID.Get(r.o), On: evResume, Hello: &has}
	if err := r.message(msgPeer, ask, &answer); err != nil {
		return err
	}
	replicaState.Set(r.o, string(answer.State))
	if err := r.obey(); err != nil {
		return err
	}
	return r.awake()
}

// tellStalled tells the half that serves, which may have missed that the link
// was lost, and follows it.
func (r *replica) tellStalled() error {
	has := r.greeting()
	var answer peerAnswer
	err := r.message(msgPeer, peerMessage{Replica: ReplicaRemoteID.Get(r.o), On: evPeerStalled, Hello: &has}, &answer)
	switch {
	case apierr.CodeOf(err) == apierr.ReplicaNotFound:
		return nil // its half was removed by force
	case err != nil || answer.State != peerRunning:
		return err
	}
	replicaState.Set(r.o, string(peerRunning))
	return r.obey()
}

func (r *engine) handlePeers() {
	handle(r, msgPeer, func(b *model.Box, _ fabric.Message, ask peerMessage) (any, error) {
		rep, err := receiver(b, ask.Replica)
		if err != nil {
			return nil, err
		}
		rep.quiet, rep.heard = ask.Hello != nil, ask.Hello
		if ask.On == evResume && slices.Contains(states(peerRestStopped, peerAutoStopped), rep.state()) && !rep.nobodyServes() {
			return nil, apierr.New(apierr.ReplicaRoleConflict, "replica %d: neither half serves", rep.o.ID())
		}
		if err := rep.fire(ask.On); err != nil {
			return nil, err
		}
		return peerAnswer{State: rep.state()}, nil
	})
	handle(r, msgResize, takeSize)
	r.handleWitness()
}

// setNobody marks a half of a replica that neither half serves.
func (r *replica) setNobody() error {
	replicaNobody.Set(r.o, true)
	return nil
}

// nobodyServes reports whether both halves stopped, and this one is to lead
// them out of it.
func (r *replica) nobodyServes() bool {
	return replicaNobody.Get(r.o) && ReplicaPreferred.Get(r.o)
}

func (r *replica) suspendedHere() bool { return ReplicaFromLocal.Get(r.o) }

// lead makes this half the one that serves, and from which jobs go out.
func (r *replica) lead() error {
	replicaLeads.Set(r.o, true)
	replicaNobody.Set(r.o, false)
	return r.serve()
}

// yield makes this half the one that is brought up to date.
func (r *replica) yield() error {
	replicaLeads.Set(r.o, false)
	return r.stopServing()
}

// follow is a half whose other one copies a member that joined: both go on
// serving the others.
func (r *replica) follow() error {
	replicaLeads.Set(r.o, false)
	return nil
}

// obey is a half that the leader brings up to date.
func (r *replica) obey() error {
	replicaNobody.Set(r.o, false)
	r.cancel(jobExpire, jobRetry)
	return r.yield()
}

func (r *replica) serve() error       { return r.paths(true) }
func (r *replica) stopServing() error { return r.paths(false) }

// paths says whether hosts reach the half's volumes.
func (r *replica) paths(available bool) error {
	for i := range r.pairs {
		o, err := r.dataset(&r.pairs[i])
		if err != nil {
			return err
		}
		if model.VolumePaths.Get(o) == available {
			continue
		}
		model.VolumePaths.Set(o, available)
		if err := r.b.Save(o); err != nil {
			return err
		}
		if err := r.carryOn(o, available); err != nil {
			return err
		}
	}
	return nil
}

// carryOn moves the ASYNC replicas of a dataset that is served no more, or
// again: they wait as for a link.
//
// unsourced: what a concurrent replica does while its side does not serve.
func (r *replica) carryOn(o *schema.Object, served bool) error {
	all, err := replicasOf(r.b, o)
	if err != nil {
		return err
	}
	on := evLost
	if served {
		on = evBack
	}
	for _, other := range all {
		if other.mirrored() || !other.isSource() || served && !other.connected() {
			continue
		}
		if err := other.fire(on); err != nil {
			return err
		}
	}
	return nil
}

// served reports whether hosts reach all of the half's volumes.
func (r *replica) served() bool {
	for i := range r.pairs {
		o, err := r.dataset(&r.pairs[i])
		if err == nil && model.DatasetRMRPeer.Get(o) && !model.VolumePaths.Get(o) {
			return false
		}
	}
	return true
}

func (r *replica) fromHere() error {
	ReplicaFromLocal.Set(r.o, true)
	return nil
}

func (r *replica) fromThere() error {
	ReplicaFromLocal.Set(r.o, false)
	return r.noWait()
}

func (r *replica) awake() error {
	ReplicaFromLocal.SetNull(r.o)
	ReplicaReason.SetNull(r.o)
	ReplicaStateText.SetNull(r.o)
	return nil
}

// rests reports whether the half is suspended, by whomever.
func (r *replica) rests() bool {
	return viewOf(r.state()).state != "ACTIVE" && viewOf(r.state()).state != ""
}

// reunite brings the other half up to date from this one. The other one may
// have been suspended while it could not be reached; then this one rests too.
func (r *replica) reunite() error {
	answer := r.heard
	if answer == nil {
		answer = &helloAnswer{}
		if err := r.message(msgHello, jobMessage{Replica: ReplicaRemoteID.Get(r.o)}, answer); err != nil {
			return err
		}
		if answer.Rests && answer.FromLocal {
			replicaState.Set(r.o, string(peerRestServing))
			return r.fromThere()
		}
	}
	replicaNobody.Set(r.o, false)
	if err := r.agree(*answer); err != nil {
		return err
	}
	if err := r.startJob(); err != nil {
		return err
	}
	return r.tell()
}

// reuniteOrRest does so where the link is back: a half whose other one is gone,
// or refuses, suspends itself.
func (r *replica) reuniteOrRest() error {
	if err := r.reunite(); err != nil {
		return r.troubled(err)
	}
	return nil
}
