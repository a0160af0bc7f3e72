package replication

import (
	"encoding/json"

	"infinisim/sim/apierr"
	"infinisim/sim/fabric"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// joinMember asks the peer to take one more dataset into its half.
type joinMember struct {
	Replica int64       `json:"replica"`
	Member  memberOffer `json:"member"`
}

// leaveMember asks the peer to let a dataset go.
type leaveMember struct {
	Replica int64 `json:"replica"`
	Dataset int64 `json:"dataset"`
	Retain  bool  `json:"retain"`
}

// replicaParted are the members that left and the peer does not know of.
var replicaParted = schema.Tree[[]leaveMember](schema.Field{Name: "_parted", Flags: schema.Private, Default: []leaveMember{}})

// joinGroup replicates a dataset that joins a replicated group: its target is
// made or taken at once, its first copy goes with the next job.
func joinGroup(b *model.Box, cg, o *schema.Object, in *model.Input) error {
	ids := idsOfGroup(b, cg.Type(), cg.ID())
	switch {
	case model.IsTargetGroup(cg):
		return isTarget(cg)
	case len(model.DatasetReplicas.Get(o)) > 0 || model.DatasetRMRSource.Get(o) || model.DatasetRMRTarget.Get(o):
		return apierr.New(apierr.CGMemberIsReplicated, "dataset_id: %d is replicated by itself", o.ID()).About("dataset_id")
	}
	asks, err := memberAsks(cg, in, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		r, err := openID(b, id)
		if err != nil {
			return err
		}
		if err := r.join(o, asks[id]); err != nil {
			return err
		}
	}
	return nil
}

// memberAsks reads how a new member is replicated: in one of the forms that
// InfiniSDK 289.1.4 sends, or not at all.
func memberAsks(cg *schema.Object, in *model.Input, ids []int64) (map[int64]pairAsk, error) {
	var body struct {
		Name string   `json:"remote_entity_name"`
		One  *pairAsk `json:"replication_pair_info"`
		Peer *struct {
			Action string `json:"base_action"`
			Name   string `json:"remote_entity_name"`
			Remote int64  `json:"remote_entity_id"`
		} `json:"active_active_info"`
		Pairs []struct {
			pairAsk
			Replica int64 `json:"replica_id"`
		} `json:"replication_pairs_info"`
	}
	if err := json.Unmarshal(in.Raw, &body); err != nil {
		return nil, apierr.New(apierr.Malformed, "body: %v", err)
	}
	if p := body.Peer; p != nil {
		body.One = &pairAsk{RemoteName: p.Name, RemoteAction: baseCreate}
		switch p.Action {
		case "EXISTING":
			body.One.Remote, body.One.RemoteAction = p.Remote, baseNone
		case "NEW", "":
		default:
			return nil, apierr.New(apierr.ReplicaBaseNotSupported, "active_active_info: base_action: %q is none of NEW, EXISTING", p.Action).About("active_active_info")
		}
	}
	out := map[int64]pairAsk{}
	if len(body.Pairs) == 0 && len(ids) > 1 && cg.Type() == model.ConsGroup {
		return nil, apierr.New(apierr.CGReplicationInfoRequired, "replication_pairs_info: required for a group with %d replicas", len(ids)).About("replication_pairs_info")
	}
	for _, p := range body.Pairs {
		out[p.Replica] = p.pairAsk
	}
	for _, id := range ids {
		a, ok := out[id]
		if !ok && len(body.Pairs) > 0 {
			return nil, apierr.New(apierr.CGReplicationInfoRequired, "replication_pairs_info: replica %d is missing", id).About("replication_pairs_info")
		}
		if !ok && body.One != nil {
			a = *body.One
		}
		if a.RemoteAction == "" {
			a.RemoteAction = baseCreate
		}
		if a.RemoteName == "" {
			a.RemoteName = body.Name
		}
		out[id] = a
	}
	return out, nil
}

// join takes a dataset into the replica of its group.
//
// unsourced: that no member joins at a half that the other one has to bring up to
// date.
func (r *replica) join(o *schema.Object, ask pairAsk) error {
	if !r.connected() {
		return apierr.New(apierr.LinkNotConnected, "link %d is not connected", r.link.ID())
	}
	if r.isPeer() && !r.leads() && r.state() != peerSynchronized {
		return apierr.New(apierr.ReplicaNotSynchronized, "replica %d: the other half brings this one up to date", r.o.ID())
	}
	ask.Local = o.ID()
	m, err := r.prepareMember(ask, o)
	if err != nil {
		return err
	}
	var made memberAccepted
	if err := r.message(msgJoin, joinMember{Replica: ReplicaRemoteID.Get(r.o), Member: m}, &made); err != nil {
		return err
	}
	p := &r.pairs[len(r.pairs)-1]
	p.RemoteID, p.Remote, p.RemoteName, p.Mismatch = made.Pair, made.Dataset, made.Name, made.Mismatch
	if err := r.save(); err != nil {
		return err
	}
	return r.refreshed(o, func() error {
		if err := r.markPair(p, ReplicaRole.Get(r.o)); err != nil {
			return err
		}
		return r.fire(evJoin)
	})
}

// refreshed runs a change of a dataset that somebody else holds in memory, and
// brings that object up to date.
func (r *replica) refreshed(o *schema.Object, change func() error) error {
	if err := change(); err != nil {
		return err
	}
	now, err := r.b.Must(o.Type(), o.ID())
	if err != nil {
		return err
	}
	for _, f := range o.Type().StoredFields() {
		if f != model.DatasetCG.Field() && f != model.VVolGroup.Field() {
			o.SetRaw(f, now.Raw(f))
		}
	}
	return nil
}

// acceptMember takes one more dataset into the target's half.
func acceptMember(b *model.Box, _ fabric.Message, ask joinMember) (any, error) {
	r, err := receiver(b, ask.Replica)
	if err != nil {
		return nil, err
	}
	if r.isSource() {
		return nil, apierr.New(apierr.ReplicaRoleConflict, "replica %d is a source itself", r.o.ID())
	}
	made, err := r.acceptDataset(ask.Member, ReplicaPool.Get(r.o), true)
	if err != nil {
		return nil, err
	}
	if err := r.save(); err != nil {
		return nil, err
	}
	return made, r.markPair(&r.pairs[len(r.pairs)-1], ReplicaRole.Get(r.o))
}

// leaveGroup ends the replication of a dataset that leaves its group.
func leaveGroup(b *model.Box, cg, o *schema.Object, in *model.Input) error {
	ids := idsOfGroup(b, cg.Type(), cg.ID())
	if len(ids) == 0 {
		return nil
	}
	if model.IsTargetGroup(cg) {
		return isTarget(cg)
	}
	keep, err := in.Flag("create_replica", false)
	if err != nil {
		return err
	}
	retain, err := in.Flag("retain_staging_area", false)
	if err != nil {
		return err
	}
	for _, id := range ids {
		r, err := openID(b, id)
		if err != nil {
			return err
		}
		if keep {
			if err := r.refreshed(o, func() error { return r.split(o) }); err != nil {
				return err
			}
			continue
		}
		if err := r.leave(o, retain, in); err != nil {
			return err
		}
	}
	return nil
}

func (r *replica) leave(o *schema.Object, retain bool, in *model.Input) error {
	i := r.indexOf(o.ID())
	if i < 0 {
		return nil
	}
	if r.alongWith(&r.pairs[i], o) {
		if err := r.partPairs([]*pair{&r.pairs[i]}); err != nil {
			return err
		}
	}
	if err := r.land(&r.pairs[i]); err != nil {
		return err
	}
	ask := leaveMember{Replica: ReplicaRemoteID.Get(r.o), Dataset: r.pairs[i].Remote, Retain: retain}
	err := r.message(msgLeave, ask, nil)
	if forgive(in, err) != nil {
		return err
	}
	if err != nil { // the peer hears of it when the link is back
		replicaParted.Set(r.o, append(replicaParted.Get(r.o), ask))
	}
	return r.refreshed(o, func() error { return r.remove(i, retain) })
}

func (r *replica) indexOf(dataset int64) int {
	for i := range r.pairs {
		if r.pairs[i].Local == dataset {
			return i
		}
	}
	return -1
}

// remove takes a pair out of the replica and reclaims what is asked for.
func (r *replica) remove(i int, retain bool) error {
	if _, err := r.givePair(&r.pairs[i], retain); err != nil {
		return err
	}
	o, err := r.dataset(&r.pairs[i])
	if err != nil {
		return err
	}
	model.DatasetReplTypes.Set(o, []string{})
	model.DatasetRMRSource.Set(o, false)
	if err := r.b.Save(o); err != nil {
		return err
	}
	r.pairs = append(r.pairs[:i], r.pairs[i+1:]...)
	return r.save()
}

// catchUp tells the peer, which can be reached again, what it may have missed:
// who left, and the settings.
func (r *replica) catchUp() error {
	if err := r.nameParted(); err != nil {
		return err
	}
	if !r.isSource() || replicaTurned.Get(r.o) {
		return nil
	}
	err := r.message(msgConfigure, configure{Replica: ReplicaRemoteID.Get(r.o), Settings: r.settings()}, nil)
	if apierr.CodeOf(err) == apierr.ReplicaNotFound {
		return nil // removed by force
	}
	return err
}

// nameParted tells the peer which members left while it could not be reached.
func (r *replica) nameParted() error {
	if len(replicaParted.Get(r.o)) == 0 {
		return nil
	}
	for _, ask := range replicaParted.Get(r.o) {
		if err := r.message(msgLeave, ask, nil); err != nil && apierr.CodeOf(err) != apierr.ReplicaNotFound {
			return err
		}
	}
	replicaParted.Set(r.o, nil)
	return r.save()
}

// releaseMember lets a dataset of the target's half go.
func releaseMember(b *model.Box, _ fabric.Message, ask leaveMember) (any, error) {
	r, err := receiver(b, ask.Replica)
	if err != nil {
		return nil, err
	}
	i := r.indexOf(ask.Dataset)
	if i < 0 {
		return nil, nil // it was told before
	}
	o, err := r.dataset(&r.pairs[i])
	if err != nil {
		return nil, err
	}
	if err := r.leaveOthers(o, ask.Retain); err != nil {
		return nil, err
	}
	model.SetGroup(o, 0)
	if err := b.Save(o); err != nil {
		return nil, err
	}
	return nil, r.remove(i, ask.Retain)
}

// leaveOthers takes a dataset out of the group's other replicas: that beside an
// ACTIVE_ACTIVE one, whose other half was asked.
//
// unsourced: that a third array which cannot be reached hears of it later.
func (r *replica) leaveOthers(o *schema.Object, retain bool) error {
	if ReplicaLocalCG.IsNull(r.o) {
		return nil
	}
	for _, id := range r.b.Tx.IDsBy(r.b.Key, Replica, ReplicaLocalCG.Field(), schema.RefValue(ReplicaLocalCG.Get(r.o))) {
		if id == r.o.ID() {
			continue
		}
		other, err := openID(r.b, id)
		if err != nil {
			return err
		}
		if err := other.leave(o, retain, forcing()); err != nil {
			return err
		}
	}
	return nil
}
