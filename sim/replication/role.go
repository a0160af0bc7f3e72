package replication

import (
	"fmt"
	"slices"

	"infinisim/sim/apierr"
	"infinisim/sim/data"
	"infinisim/sim/fabric"
	"infinisim/sim/job"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// Roles. change_role is a decision of one side alone: it can be taken while the
// other cannot be reached, and both sides can end as sources, or both as
// targets. What a former source wrote and did not replicate is discarded when
// the replica is resumed from the new one, not before: until then nobody knows
// which image the other side stands on (vendor KB 6211331028381; InfiniSDK
// tests). switch_role is taken by both together and loses nothing.

// replicaTurned marks a half whose role changed, until the two have met.
var replicaTurned = schema.Bool(schema.Field{Name: "_turned", Flags: schema.Private})

// changeRole turns a half around.
//
// unsourced: that a source has to be suspended before it becomes a target, and
// a target whose source can be reached before it becomes a source; the public
// test suspends first.
func changeRole(b *model.Box, o *schema.Object, _ *model.Input) (any, error) {
	r, err := open(b, o)
	if err != nil {
		return nil, err
	}
	if r.initial() || slices.ContainsFunc(r.pairs, func(p pair) bool { return p.Base.GUID == "" }) {
		return nil, apierr.New(apierr.ReplicaNeverSynchronized, "replica %d has committed nothing yet", o.ID())
	}
	if r.isPeer() || ReplicaConcurrent.Get(o) {
		return nil, apierr.New(apierr.ReplicaRoleNotForType, "replica %d is %s: its role does not change", o.ID(), kindOf(r))
	}
	on := evToSource
	if r.isSource() {
		on = evToTarget
		if !r.isSuspended() {
			return nil, apierr.New(apierr.ReplicaNotSuspended, "replica %d is not suspended", o.ID())
		}
	} else if err := r.sourceRests(); err != nil {
		return nil, err
	}
	replicaTurned.Set(o, true)
	if err := r.fire(on); err != nil {
		return nil, err
	}
	return o, emitReplica(b, o, "ROLE_CHANGED", "INFO")
}

func kindOf(r *replica) string {
	if ReplicaConcurrent.Get(r.o) {
		return "concurrent " + ReplicaType.Get(r.o)
	}
	return ReplicaType.Get(r.o)
}

// sourceRests refuses to go on while the other half is an active source.
func (r *replica) sourceRests() error {
	if !r.connected() {
		return nil
	}
	var answer helloAnswer
	err := r.message(msgHello, jobMessage{Replica: ReplicaRemoteID.Get(r.o)}, &answer)
	switch {
	case apierr.CodeOf(err) == apierr.ReplicaNotFound:
		return nil // removed by force
	case err != nil:
		return err
	case answer.Role == roleSource && !answer.Rests:
		return apierr.New(apierr.ReplicaNotSuspended, "replica %d: its source is active: suspend it first", r.o.ID())
	}
	return nil
}

// turnTarget makes the half a target. It keeps its content until the new source
// resumes.
func (r *replica) turnTarget() error {
	job.Cancel(r.b.Tx, r.b.Owner(r.o))
	ReplicaRole.Set(r.o, roleTarget)
	return r.turn(func(p *pair, o *schema.Object) {
		p.WasProtected = model.DatasetWriteProtected.Get(o)
		model.DatasetRMRSource.Set(o, false)
	})
}

// turnSource makes the half a source, which shows the last committed image and
// can be written to as before it became a target.
func (r *replica) turnSource() error {
	ReplicaRole.Set(r.o, roleSource)
	err := r.turn(func(p *pair, o *schema.Object) {
		model.DatasetRMRTarget.Set(o, false)
		model.DatasetWriteProtected.Set(o, p.WasProtected)
	})
	if err != nil {
		return err
	}
	return r.watchRPO()
}

// turn changes the datasets' marks and then sets those of the role.
func (r *replica) turn(change func(p *pair, o *schema.Object)) error {
	for i := range r.pairs {
		o, err := r.dataset(&r.pairs[i])
		if err != nil {
			return err
		}
		change(&r.pairs[i], o)
		if err := r.b.Save(o); err != nil {
			return err
		}
	}
	return r.mark(ReplicaRole.Get(r.o))
}

// warnRival tells the other half, now that it can be reached, that there is
// another source: an old source suspends itself (vendor KB 6211331028381).
func (r *replica) warnRival() error {
	if !r.isSource() || !replicaTurned.Get(r.o) {
		return nil
	}
	err := r.message(msgTrouble, trouble{Replica: ReplicaRemoteID.Get(r.o), Reason: "ROLE_CONFLICT"}, nil)
	if apierr.CodeOf(err) == apierr.ReplicaNotFound {
		return nil
	}
	return err
}

// switchRole swaps the roles of a synchronized replica (InfiniSDK 289.1.4: it
// must be SYNCHRONIZED, and the link up).
func switchRole(r *replica, _ *model.Input) error {
	switch {
	case ReplicaType.Get(r.o) != syncType:
		return apierr.New(apierr.ReplicaTypeMismatch, "replica %d is %s", r.o.ID(), ReplicaType.Get(r.o))
	case !r.connected():
		return apierr.New(apierr.LinkNotConnected, "link %d is not connected", r.link.ID())
	case r.state() != synchronized:
		return apierr.New(apierr.ReplicaNotSynchronized, "replica %d is %s", r.o.ID(), viewOf(r.state()).sync)
	}
	if err := r.part(); err != nil {
		return err
	}
	if err := r.message(msgSwitch, jobMessage{Replica: ReplicaRemoteID.Get(r.o)}, nil); err != nil {
		return err
	}
	if err := r.fire(evHandOver); err != nil {
		return err
	}
	return emitReplica(r.b, r.o, "ROLE_CHANGED", "INFO")
}

// meet finds, for each member, the newest image that both halves have, and
// rolls the other half back to it: what was written there and not replicated
// is gone.
func (r *replica) meet(answer helloAnswer) error {
	ask := jobMessage{Replica: ReplicaRemoteID.Get(r.o)}
	for i := range r.pairs {
		p := &r.pairs[i]
		there := answer.Held[fmt.Sprint(p.Remote)]
		var common held
		for _, h := range []held{p.Flight, p.Base, p.Previous} { // newest first
			if h.GUID != "" && slices.Contains(there, h.GUID) {
				common = h
				break
			}
		}
		if common.GUID == "" && p.Initial {
			continue // it joined since
		}
		if common.GUID == "" && p.Initial {
			if err := r.drop(p, &p.Flight); err != nil { // its first copy did not arrive
				return err
			}
			continue
		}
		if common.GUID == "" {
			return apierr.New(apierr.ReplicaNoCommonImage, "replica %d: no common image of dataset %d", r.o.ID(), p.Local)
		}
		if common.GUID == p.Flight.GUID {
			p.crossed() // the commit was applied there; its answer was lost
		}
		if err := r.keepOnly(p, common.GUID); err != nil {
			return err
		}
		ask.Members = append(ask.Members, content{Dataset: p.Remote, GUID: common.GUID})
	}
	replicaTurned.Set(r.o, false)
	return r.message(msgRoll, ask, nil)
}

// keepOnly makes one of the images that a pair holds its base and lets go of
// the others.
func (r *replica) keepOnly(p *pair, guid string) error {
	all := []*held{&p.Base, &p.Flight, &p.Previous}
	i := slices.IndexFunc(all, func(h *held) bool { return h.GUID == guid })
	if i < 0 {
		return apierr.New(apierr.ReplicaNoCommonImage, "replica %d: dataset %d has no image %s", r.o.ID(), p.Local, guid)
	}
	kept := *all[i]
	*all[i] = held{}
	for _, h := range all {
		if err := r.drop(p, h); err != nil {
			return err
		}
	}
	p.Base, p.Initial = kept, false
	r.restoredTo(p)
	return nil
}

// restoredTo has a pair show the time of its base.
func (r *replica) restoredTo(p *pair) {
	p.Restore = p.Base.Time
	ReplicaRestore.Set(r.o, p.Base.Time)
}

// handleRoles are the messages about roles, as the other half takes them.
func (r *engine) handleRoles() {
	handle(r, msgHello, func(b *model.Box, _ fabric.Message, ask jobMessage) (any, error) {
		rep, err := receiver(b, ask.Replica)
		if err != nil {
			return nil, err
		}
		return rep.greeting(), nil
	})
	handle(r, msgSwitch, func(b *model.Box, _ fabric.Message, ask jobMessage) (any, error) {
		rep, err := receiver(b, ask.Replica)
		if err != nil {
			return nil, err
		}
		if err := rep.fire(evTakeOver); err != nil {
			return nil, err
		}
		return nil, emitReplica(b, rep.o, "ROLE_CHANGED", "INFO")
	})
	handle(r, msgRoll, func(b *model.Box, _ fabric.Message, ask jobMessage) (any, error) {
		rep, err := receiver(b, ask.Replica)
		if err != nil {
			return nil, err
		}
		for _, c := range ask.Members {
			if err := rep.rollTo(c); err != nil {
				return nil, err
			}
		}
		replicaTurned.Set(rep.o, false)
		return nil, rep.save()
	})
}

// greeting is what a half tells of itself.
func (r *replica) greeting() helloAnswer {
	answer := helloAnswer{
		Role: ReplicaRole.Get(r.o), Rests: r.rests(), FromLocal: ReplicaFromLocal.Get(r.o), Turned: replicaTurned.Get(r.o),
		Images: map[string]string{}, Held: map[string][]string{},
	}
	for _, p := range r.pairs {
		key := fmt.Sprint(p.Local)
		answer.Images[key] = p.Base.GUID
		for _, h := range []held{p.Base, p.Flight, p.Previous} {
			if h.GUID != "" {
				answer.Held[key] = append(answer.Held[key], h.GUID)
			}
		}
	}
	return answer
}

// checkTarget refuses a job where the half is no target any more.
func (r *replica) checkTarget() error {
	if r.isSource() || r.leads() && r.state() != peerSynchronized && r.state() != peerInitial && r.state() != peerInitialStalled {
		return apierr.New(apierr.ReplicaRoleConflict, "replica %d is a source itself", r.o.ID())
	}
	return nil
}

// rollTo makes a target's dataset show an image that the pair holds.
func (r *replica) rollTo(c content) error {
	p := r.pairOf(c.Dataset)
	if p == nil {
		return apierr.New(apierr.ReplicaNoCommonImage, "replica %d has no dataset %d", r.o.ID(), c.Dataset)
	}
	if err := r.keepOnly(p, c.GUID); err != nil {
		return err
	}
	o, err := r.dataset(p)
	if err != nil {
		return err
	}
	var im data.Image
	if im, err = r.image(p.Base); err != nil {
		return err
	}
	if p.Base.Size != model.DatasetSize.Get(o) {
		if err := r.b.Resize(o, p.Base.Size); err != nil {
			return err
		}
	}
	return r.b.SetContent(o, im)
}
