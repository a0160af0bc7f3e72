package replication

import (
	"infinisim/sim/apierr"
	"infinisim/sim/fabric"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// guardDataset refuses what would break a replica: a replicated dataset is
// neither deleted nor restored, a target is not written to, enabled for
// writing or resized (vendor KB 6211346151837).
func guardDataset(b *model.Box, m model.Moment, old, o *schema.Object) error {
	source, isTarget := model.DatasetRMRSource.Get(o), model.DatasetRMRTarget.Get(o)
	if model.DatasetRMRPeer.Get(o) {
		return guardPeer(b, m, old, o)
	}
	if !source && !isTarget {
		return nil
	}
	switch m {
	case model.OnDelete, model.OnRestore, "move":
		return apierr.New(apierr.DatasetIsReplicated, "dataset %d is replicated", o.ID())
	case model.OnWrite:
		if isTarget {
			return apierr.New(apierr.DatasetWriteProtected, "dataset %d is a replication target", o.ID())
		}
	case model.OnUpdate:
		return guardUpdate(b, old, o, isTarget)
	}
	return nil
}

func guardUpdate(b *model.Box, old, o *schema.Object, isTarget bool) error {
	grown := model.DatasetSize.Get(o) - model.DatasetSize.Get(old)
	if isTarget {
		if grown != 0 || !model.DatasetWriteProtected.Get(o) {
			return apierr.New(apierr.DatasetIsTarget, "dataset %d is a replication target", o.ID())
		}
		return nil
	}
	if grown == 0 {
		return nil
	}
	reps, err := replicasOf(b, o)
	if err != nil {
		return err
	}
	for _, r := range reps {
		if !r.connected() {
			continue // its next job will find out
		}
		if err := r.message(msgRoom, room{Replica: ReplicaRemoteID.Get(r.o), Bytes: grown}, nil); err != nil && apierr.CodeOf(err) != apierr.ReplicaNotFound {
			return err
		}
	}
	return nil
}

// guardPeer refuses what would make the sides of an ACTIVE_ACTIVE volume differ.
func guardPeer(b *model.Box, m model.Moment, old, o *schema.Object) error {
	switch m {
	case model.OnDelete, model.OnRestore, "move":
		return apierr.New(apierr.DatasetIsReplicated, "dataset %d is replicated", o.ID())
	case model.OnWrite:
		if !model.VolumePaths.Get(o) {
			return apierr.New(apierr.DatasetWriteProtected, "dataset %d: this side of its replica does not serve hosts", o.ID())
		}
	case model.OnUpdate:
		if grown := model.DatasetSize.Get(o) - model.DatasetSize.Get(old); grown != 0 {
			return growPeer(b, o)
		}
	}
	return nil
}

// growPeer lets both sides grow together: where the release can, and while
// they are synchronized (InfiniSDK 289.1.4, change 13713).
func growPeer(b *model.Box, o *schema.Object) error {
	gate := schema.Gate{Feature: "active_active", AtLeast: 4}
	reps, err := replicasOf(b, o)
	if err != nil {
		return err
	}
	for _, r := range reps {
		if !r.isPeer() {
			continue
		}
		if r.state() != peerSynchronized || !gate.Open(b.Release()) {
			return apierr.New(apierr.DatasetIsReplicated, "size: dataset %d is replicated ACTIVE_ACTIVE, and its replica is %s", o.ID(), viewOf(r.state()).sync).About("size")
		}
		ask := resize{Replica: ReplicaRemoteID.Get(r.o), Dataset: r.pairOf(o.ID()).Remote, Size: model.DatasetSize.Get(o)}
		if err := r.message(msgResize, ask, nil); err != nil {
			return err
		}
	}
	return nil
}

// resize has the other side's volume grow.
type resize struct {
	Replica int64 `json:"replica"`
	Dataset int64 `json:"dataset"`
	Size    int64 `json:"size"`
}

func takeSize(b *model.Box, _ fabric.Message, ask resize) (any, error) {
	r, err := receiver(b, ask.Replica)
	if err != nil {
		return nil, err
	}
	p := r.pairOf(ask.Dataset)
	if p == nil {
		return nil, apierr.New(apierr.ReplicaNoCommonImage, "replica %d has no dataset %d", r.o.ID(), ask.Dataset)
	}
	o, err := r.dataset(p)
	if err != nil {
		return nil, err
	}
	if err := r.checkRoom(ask.Size - model.DatasetSize.Get(o)); err != nil {
		return nil, err
	}
	return nil, b.Resize(o, ask.Size)
}

// guardGroup refuses to delete or restore a replicated group.
func guardGroup(_ *model.Box, m model.Moment, _, o *schema.Object) error {
	if !model.CGReplicated.Get(o) {
		return nil
	}
	switch m {
	case model.OnDelete:
		return apierr.New(apierr.CGIsReplicated, "consistency group %d is replicated", o.ID())
	case model.OnRestore:
		return apierr.New(apierr.DatasetIsReplicated, "consistency group %d is replicated", o.ID())
	}
	return nil
}

// guardSpace keeps the addresses of a space that an attached link uses (vendor
// documentation).
func guardSpace(b *model.Box, m model.Moment, _, o *schema.Object) error {
	if m != "ips" && m != model.OnDelete {
		return nil
	}
	if ids := b.Tx.IDsBy(b.Key, Link, LinkSpace.Field(), schema.RefValue(o.ID())); len(ids) > 0 {
		return apierr.New(apierr.NetworkSpaceInUseLink, "network space %d is used by link %d", o.ID(), ids[0])
	}
	return nil
}

// guardPool suspends the replicas whose target lies in a pool that is locked
// (seen on hardware for SYNC); ASYNC ones find out with their next job.
func guardPool(b *model.Box, m model.Moment, _, o *schema.Object) error {
	if m != "state" || model.PoolState.Get(o) != model.Locked {
		return nil
	}
	return b.Tx.Each(b.Key, Replica, func(rep *schema.Object) (bool, error) {
		if ReplicaRole.Get(rep) == roleSource || ReplicaType.Get(rep) == async || ReplicaPool.Get(rep) != o.ID() {
			return true, nil
		}
		r, err := open(b, rep)
		if err == nil && r.isPeer() {
			ReplicaReason.Set(rep, string(apierr.PoolIsLocked))
			return true, r.fire(evYield)
		}
		if err != nil || !r.connected() {
			return true, err
		}
		return true, r.message(msgTrouble, trouble{Replica: ReplicaRemoteID.Get(rep), Reason: string(apierr.PoolIsLocked)}, nil)
	})
}
