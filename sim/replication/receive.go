package replication

import (
	"slices"

	"infinisim/sim/fabric"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// handleReplicas are the messages about jobs and settings, as the other half
// takes them.
func (r *engine) handleReplicas() {
	r.handleRoles()
	r.handlePeers()
	handle(r, msgCreate, acceptReplica)
	handle(r, msgBegin, func(b *model.Box, _ fabric.Message, ask jobMessage) (any, error) {
		rep, err := receiver(b, ask.Replica)
		if err != nil {
			return nil, err
		}
		if err := rep.checkTarget(); err != nil {
			return nil, err
		}
		if err := rep.checkPool(); err != nil {
			return nil, err
		}
		for i := range rep.pairs {
			p := &rep.pairs[i]
			isBase := func(c content) bool { return c.Dataset == p.Local && c.Base == p.Previous.GUID }
			if slices.ContainsFunc(ask.Members, isBase) {
				continue // the source did not hear that the newer one arrived
			}
			if err := rep.drop(p, &p.Previous); err != nil {
				return nil, err
			}
		}
		return nil, rep.save()
	})
	handle(r, msgCommit, func(b *model.Box, _ fabric.Message, ask jobMessage) (any, error) {
		return nil, takeImages(b, ask)
	})
	handle(r, msgMirror, func(b *model.Box, _ fabric.Message, ask jobMessage) (any, error) {
		return nil, takeImages(b, ask)
	})
	handle(r, msgConfigure, takeSettings)
	handle(r, msgDelete, releaseReplica)
	handle(r, msgJoin, acceptMember)
	handle(r, msgLeave, releaseMember)
	handle(r, msgSplit, splitMember)
	handle(r, msgRoom, func(b *model.Box, _ fabric.Message, ask room) (any, error) {
		rep, err := receiver(b, ask.Replica)
		if err != nil {
			return nil, err
		}
		return nil, rep.checkRoom(ask.Bytes)
	})
	handle(r, msgTrouble, func(b *model.Box, _ fabric.Message, ask trouble) (any, error) {
		rep, err := receiver(b, ask.Replica)
		if err != nil {
			return nil, err
		}
		ReplicaReason.Set(rep.o, ask.Reason)
		return nil, rep.fire(evTrouble)
	})
}

// configure carries settings that the source changed.
type configure struct {
	Replica  int64    `json:"replica"`
	Settings settings `json:"settings"`
}

// room asks whether the target's pool could take more.
type room struct {
	Replica int64 `json:"replica"`
	Bytes   int64 `json:"bytes"`
}

// trouble tells the source that its target cannot go on.
type trouble struct {
	Replica int64  `json:"replica"`
	Reason  string `json:"reason"`
}

// receiver finds the replica that a message is about.
func receiver(b *model.Box, id int64) (*replica, error) { return openID(b, id) }

func (r *replica) configure(s settings) {
	setOrNull(ReplicaInterval, r.o, s.Interval)
	setOrNull(ReplicaRPO, r.o, s.RPO)
	ReplicaType.Set(r.o, s.Type)
	ReplicaSnapshots.Set(r.o, s.Snapshots)
	ReplicaSuffix.Set(r.o, s.Suffix)
	ReplicaConcurrent.Set(r.o, s.Concurrent)
	if s.Preferred != nil {
		ReplicaPreferred.Set(r.o, !*s.Preferred)
	}
}

func setOrNull(a schema.Attr[int64], o *schema.Object, v *int64) {
	if v == nil {
		a.SetNull(o)
		return
	}
	a.Set(o, *v)
}

// takeSettings makes the other half's settings those of this one, and has the
// members show a type that changed.
func takeSettings(b *model.Box, _ fabric.Message, ask configure) (any, error) {
	rep, err := receiver(b, ask.Replica)
	if err != nil {
		return nil, err
	}
	if rep.isSource() {
		return nil, nil // a rival's
	}
	was := ReplicaType.Get(rep.o)
	rep.configure(ask.Settings)
	if err := rep.save(); err != nil || was == ReplicaType.Get(rep.o) {
		return nil, err
	}
	if err := rep.unmarkType(was); err != nil {
		return nil, err
	}
	return nil, rep.mark(ReplicaRole.Get(rep.o))
}
