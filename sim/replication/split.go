package replication

import (
	"infinisim/sim/apierr"
	"infinisim/sim/fabric"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// A member that leaves its group can go on being replicated by itself, from
// the image that both sides have: nothing is copied again (InfiniSDK 289.1.4,
// create_replica).
//
// unsourced: that its replica has the group's settings, and that replica_name
// is without effect.

// split asks the peer to give a member a replica of its own.
type splitAsk struct {
	Replica int64 `json:"replica"`
	Dataset int64 `json:"dataset"`
	// New is the sender's half of the new replica.
	New  int64  `json:"new"`
	GUID string `json:"guid"`
}

// splitAnswer is the receiver's half of it.
type splitAnswer struct {
	Replica int64 `json:"replica"`
}

// split gives a member that leaves a replica of its own.
func (r *replica) split(o *schema.Object) error {
	i := r.indexOf(o.ID())
	switch {
	case i < 0:
		return nil
	case !r.connected():
		return apierr.New(apierr.LinkNotConnected, "link %d is not connected", r.link.ID())
	case r.pairs[i].Initial:
		return apierr.New(apierr.ReplicaIsInitializing, "dataset %d is initializing", o.ID())
	}
	there := r.pairs[i].Remote
	made, err := r.spawn(i, r.b.UUID())
	if err != nil {
		return err
	}
	var answer splitAnswer
	ask := splitAsk{Replica: ReplicaRemoteID.Get(r.o), Dataset: there, New: made.o.ID(), GUID: ReplicaConfigGUID.Get(made.o)}
	if err := r.message(msgSplit, ask, &answer); err != nil {
		return err
	}
	ReplicaRemoteID.Set(made.o, answer.Replica)
	if err := r.b.Insert(made.o); err != nil {
		return err
	}
	if err := made.markPair(&made.pairs[0], ReplicaRole.Get(made.o)); err != nil {
		return err
	}
	if err := r.save(); err != nil {
		return err
	}
	if err := emitReplica(r.b, made.o, "CREATED", "INFO"); err != nil {
		return err
	}
	if err := made.watchRPO(); err != nil {
		return err
	}
	return made.goOn(r.state())
}

// goOn puts a replica that was split off in the state of the one that it comes
// from; a job that was running starts again.
func (r *replica) goOn(was state) error {
	switch was {
	case synchronized, peerSynchronized, suspended, autoSuspended, peerRestServing, peerRestStopped, peerAutoServing, peerAutoStopped:
		return r.save()
	case syncPending, syncInitial, syncInitialStalled, syncRunning, outOfSync, outOfSyncRunning:
		replicaState.Set(r.o, string(syncRunning))
		if err := r.startJob(); err != nil {
			return err
		}
		return r.save()
	case peerPending, peerInitial, peerInitialStalled, peerRunning, peerLagging, peerStalled:
		return r.startIfLeading()
	}
	replicaWaiting.Set(r.o, true)
	return r.fire(evStart)
}

// startIfLeading begins the job of a half of an ACTIVE_ACTIVE replica from
// which jobs go out; the other half does not serve meanwhile.
func (r *replica) startIfLeading() error {
	do := (*replica).stopServing
	if r.leads() {
		do = (*replica).startJob
	}
	if err := do(r); err != nil {
		return err
	}
	return r.save()
}

// spawn takes a pair out of a group's replica and makes it one of its own,
// which is not inserted yet.
func (r *replica) spawn(i int, guid string) (*replica, error) {
	p := r.pairs[i]
	o, err := r.dataset(&p)
	if err != nil {
		return nil, err
	}
	if err := r.land(&p); err != nil {
		return nil, err
	}
	n := r.b.New(r.b.Eng.Catalog.Kind(Replica.Name()))
	for _, f := range Replica.StoredFields() {
		if f.Name == "id" {
			continue
		}
		switch f {
		case ReplicaLocalCG.Field(), ReplicaRemoteCG.Field(), ReplicaRemoteCGN.Field(), replicaJob.Field(), ReplicaVersion.Field(),
			ReplicaNextStart.Field(), replicaPairs.Field(), model.CreatedAt.Field(), model.UpdatedAt.Field():
		default:
			n.SetRaw(f, r.o.Raw(f))
		}
	}
	ReplicaEntityType.Set(n, model.OfVolume)
	if o.Type() == model.Filesystem {
		ReplicaEntityType.Set(n, model.OfFS)
	}
	ReplicaConfigGUID.Set(n, guid)
	ReplicaLocal.Set(n, p.Local)
	ReplicaRemote.Set(n, p.Remote)
	ReplicaRemoteName.Set(n, p.RemoteName)
	made := &replica{b: r.b, o: n, link: r.link, pairs: []pair{p}}
	if made.state() != target && !made.rests() && made.state() != synchronized && made.state() != peerSynchronized {
		replicaState.Set(n, string(asyncIdle))
		if made.isPeer() {
			replicaState.Set(n, string(peerRunning))
		}
	}
	replicaPairs.Set(n, made.pairs)
	r.pairs = append(r.pairs[:i], r.pairs[i+1:]...)
	return made, nil
}

// land ends what is under way of a pair that leaves: what was committed there and
// not acknowledged here is the image that both have.
func (r *replica) land(p *pair) error {
	if r.job == nil || r.job.Phase != phaseAck || p.Flight.GUID == "" {
		return r.drop(p, &p.Flight)
	}
	if err := r.drop(p, &p.Base); err != nil {
		return err
	}
	p.Base, p.Flight, p.Initial = p.Flight, held{}, false
	p.crossed()
	p.LastSync, p.Restore = r.b.Tx.Now().MS(), r.job.Started.MS()
	return nil
}

// splitMember is the receiver's part.
func splitMember(b *model.Box, _ fabric.Message, ask splitAsk) (any, error) {
	r, err := receiver(b, ask.Replica)
	if err != nil {
		return nil, err
	}
	i := r.indexOf(ask.Dataset)
	if i < 0 {
		return nil, apierr.New(apierr.ReplicaNoCommonImage, "replica %d has no dataset %d", r.o.ID(), ask.Dataset)
	}
	o, err := r.dataset(&r.pairs[i])
	if err != nil {
		return nil, err
	}
	model.SetGroup(o, 0)
	if err := b.Save(o); err != nil {
		return nil, err
	}
	made, err := r.spawn(i, ask.GUID)
	if err != nil {
		return nil, err
	}
	ReplicaRemoteID.Set(made.o, ask.New)
	if err := b.Insert(made.o); err != nil {
		return nil, err
	}
	if err := made.markPair(&made.pairs[0], ReplicaRole.Get(made.o)); err != nil {
		return nil, err
	}
	if made.state() == peerRunning {
		if err := made.startIfLeading(); err != nil {
			return nil, err
		}
	}
	if err := r.save(); err != nil {
		return nil, err
	}
	return splitAnswer{Replica: made.o.ID()}, emitReplica(b, made.o, "CREATED", "INFO")
}
