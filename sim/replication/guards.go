package replication

import (
	"infinisim/sim/apierr"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// guardDataset refuses what would break a replica: a replicated dataset is
// neither deleted nor restored, a target is not written to, enabled for
// writing or resized (vendor KB 6211346151837).
func guardDataset(b *model.Box, m model.Moment, old, o *schema.Object) error {
	source, isTarget := model.DatasetRMRSource.Get(o), model.DatasetRMRTarget.Get(o)
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
		if ReplicaRole.Get(rep) != roleTarget || ReplicaType.Get(rep) != syncType || ReplicaPool.Get(rep) != o.ID() {
			return true, nil
		}
		r, err := open(b, rep)
		if err != nil || !r.connected() {
			return true, err
		}
		return true, r.message(msgTrouble, trouble{Replica: ReplicaRemoteID.Get(rep), Reason: string(apierr.PoolIsLocked)}, nil)
	})
}
