package replication

import (
	"infinisim/sim/apierr"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// prepare checks the source's side and writes the offer to the peer.
func (r *replica) prepare(asks []pairAsk, cg *schema.Object) (offer, error) {
	out := offer{
		Credentials: credentials(r.b), Replica: r.o.ID(), Link: LinkRemoteID.Get(r.link), EntityType: ReplicaEntityType.Get(r.o),
		Type: ReplicaType.Get(r.o), Pool: ReplicaRemotePool.Get(r.o), GUID: r.b.UUID(), Settings: r.settings(),
	}
	ReplicaConfigGUID.Set(r.o, out.GUID)
	ReplicaLinkGUID.Set(r.o, LinkGUID.Get(r.link))
	if n := int(r.b.Tx.Count(r.b.Key, Replica) + r.b.Tx.Count(r.b.Key, RGReplica)); n >= r.b.Profile().Replicas && !r.b.Eng.NoLimits {
		return out, apierr.New(apierr.ReplicaLimitExceeded, "the array has %d replicas", n)
	}
	if cg != nil {
		if err := r.checkGroup(cg); err != nil {
			return out, err
		}
		out.IsGroup, out.SourceGroup, out.SourceName = true, cg.ID(), model.CGName.Get(cg)
		out.GroupName = out.SourceName
		if name := ReplicaRemoteName.Get(r.o); name != "" {
			out.GroupName = name
		}
		r.setGroup(cg.ID())
		ReplicaLocal.Set(r.o, cg.ID())
		ReplicaPool.Set(r.o, model.CGPool.Get(cg))
	}
	for _, a := range asks {
		m, err := r.prepareMember(a, cg)
		if err != nil {
			return out, err
		}
		out.Members = append(out.Members, m)
	}
	pool, err := r.b.Must(model.Pool, ReplicaPool.Get(r.o))
	if err != nil {
		return out, err
	}
	out.SourcePool, out.PoolName = pool.ID(), model.PoolName.Get(pool)
	out.Settings.Concurrent = ReplicaConcurrent.Get(r.o)
	return out, nil
}

func (r *replica) settings() settings {
	s := settings{Type: ReplicaType.Get(r.o), Snapshots: ReplicaSnapshots.Get(r.o), Suffix: ReplicaSuffix.Get(r.o), Concurrent: ReplicaConcurrent.Get(r.o)}
	if !ReplicaInterval.IsNull(r.o) {
		s.Interval = new(ReplicaInterval.Get(r.o))
	}
	if !ReplicaRPO.IsNull(r.o) {
		s.RPO = new(ReplicaRPO.Get(r.o))
	}
	if r.isPeer() {
		s.Preferred = new(ReplicaPreferred.Get(r.o))
	}
	return s
}

func (r *replica) checkGroup(cg *schema.Object) error {
	switch {
	case model.DatasetKind.Get(cg) == model.Snapshot:
		return apierr.New(apierr.ReplicaEntityNotMaster, "local_cg_id: %d is a snapshot group", cg.ID()).About("local_cg_id")
	case model.IsTargetGroup(cg):
		return apierr.New(apierr.ReplicaEntityIsTarget, "local_cg_id: %d is a replication target", cg.ID()).About("local_cg_id")
	}
	return r.checkFree(idsOfGroup(r.b, cg.Type(), cg.ID()), cg.ID())
}

// checkFree refuses a second replica over the same link, a second one of SYNC,
// and a second one at all before several targets were possible (release 8.4).
func (r *replica) checkFree(ids []int64, entity int64) error {
	for _, id := range ids {
		other, err := must(r.b, id)
		if err != nil {
			return err
		}
		multi := schema.CompareVersions(r.b.Release().Version, "8.4") >= 0
		if ReplicaType.Get(other) == activeActive && !r.mirrored() && ReplicaLink.Get(other) != r.link.ID() {
			if err := r.concur(other); err != nil {
				return err
			}
			continue
		}
		if ReplicaLink.Get(other) == r.link.ID() || r.mirrored() || ReplicaType.Get(other) != async || !multi {
			return apierr.New(apierr.ReplicaAlreadyExists, "entity %d is replicated by replica %d", entity, id).About("local_entity_id")
		}
	}
	return nil
}

// concur lets an ASYNC replica go to a third array beside an ACTIVE_ACTIVE one,
// which a group alone can have (vendor KB 6211364465821).
func (r *replica) concur(other *schema.Object) error {
	gate := schema.Gate{Feature: "active_active", AtLeast: 3}
	if ReplicaEntityType.Get(r.o) != ofGroup || !gate.Open(r.b.Release()) {
		return apierr.New(apierr.ReplicaConcurrentCG, "replica %d is ACTIVE_ACTIVE: a group alone has another one beside it", other.ID()).About("entity_type")
	}
	ReplicaConcurrent.Set(r.o, true)
	return r.checkRPO()
}

// prepareMember checks one dataset of the source's side.
func (r *replica) prepareMember(a pairAsk, cg *schema.Object) (memberOffer, error) {
	o, err := r.b.Dataset(a.Local)
	if err != nil {
		return memberOffer{}, err
	}
	if err := r.checkMember(o, cg); err != nil {
		return memberOffer{}, err
	}
	im, err := r.b.Content(o)
	if err != nil {
		return memberOffer{}, err
	}
	m := memberOffer{
		Pair: r.b.Tx.Next(r.b.Key, "id"), Dataset: o.ID(), Name: model.DatasetName.Get(o), Kind: o.Type().Name(), Size: model.DatasetSize.Get(o),
		Prov: model.DatasetProvisioning.Get(o), Digest: im.Digest(), Ask: a,
	}
	if o.Type() == model.VVol {
		m.VVolKind, m.GuestOS = model.VVolKind.Get(o), model.VVolGuestOS.Get(o)
	}
	if r.isPeer() {
		m.Serial, m.NGUID = model.VolumeSerial.Get(o), model.VolumeNGUID.Get(o)
	}
	p := pair{
		ID: m.Pair, Local: o.ID(), LocalAction: a.LocalAction, RemoteAction: a.RemoteAction, LocalBase: a.LocalBase,
		RemoteBase: a.RemoteBase, Initial: true,
	}
	if p.Base, m.BaseGUID, err = r.localBase(&p, o, a); err != nil {
		return memberOffer{}, err
	}
	r.pairs = append(r.pairs, p)
	ReplicaPool.Set(r.o, model.DatasetPool.Get(o))
	if cg == nil {
		ReplicaLocal.Set(r.o, o.ID())
	}
	return m, nil
}

func (r *replica) checkMember(o, cg *schema.Object) error {
	id := o.ID()
	switch {
	case model.DatasetKind.Get(o) != model.Master:
		return apierr.New(apierr.ReplicaEntityNotMaster, "local_entity_id: %d is a snapshot", id).About("local_entity_id")
	case model.DatasetRMRTarget.Get(o):
		return apierr.New(apierr.ReplicaEntityIsTarget, "local_entity_id: %d is a replication target", id).About("local_entity_id")
	case cg == nil && !model.DatasetCG.IsNull(o):
		return apierr.New(apierr.ReplicaEntityIsCGMember, "local_entity_id: %d is a member of group %d", id, model.DatasetCG.Get(o)).About("local_entity_id")
	case cg == nil && o.Type() != r.datasetType():
		return apierr.New(apierr.ReplicaTypeNotForEntity, "entity_type: %d is no %s", id, ReplicaEntityType.Get(r.o)).About("entity_type")
	case o.Type() == model.Filesystem && r.mirrored():
		return apierr.New(apierr.ReplicaTypeNotForEntity, "replication_type: filesystems cannot be replicated SYNC").About("replication_type")
	}
	return r.checkFree(model.DatasetReplicas.Get(o), id)
}

// localBase is the image that the first job starts from, for the forms that
// have one: a snapshot of the dataset, or the dataset as it is.
func (r *replica) localBase(p *pair, o *schema.Object, a pairAsk) (held, string, error) {
	switch a.RemoteAction {
	case baseCreate, baseNone:
		return held{}, "", nil
	case baseTakeSnap:
		guid := r.b.UUID()
		h, err := r.holdNow(p, guid, o)
		return h, guid, err
	case baseSnapshot:
	default:
		return held{}, "", apierr.New(apierr.ReplicaBaseNotSupported, "remote_base_action: %q is none of CREATE, NO_BASE_DATA, BASE, TAKE_SNAP", a.RemoteAction).About("remote_base_action")
	}
	if a.LocalBase == 0 || a.RemoteBase == 0 {
		return held{}, "", apierr.New(apierr.ReplicaBaseNotSupported, "local_base_entity_id, remote_base_entity_id: BASE needs both").About("local_base_entity_id")
	}
	snap, err := baseOf(r.b, o, a.LocalBase)
	if err != nil {
		return held{}, "", err
	}
	h, err := r.holdNow(p, model.DatasetRMRGUID.Get(snap), snap)
	return h, h.GUID, err
}

// baseOf finds a base snapshot, which must be one of the dataset's own.
func baseOf(b *model.Box, o *schema.Object, id int64) (*schema.Object, error) {
	snap, err := b.Tx.Get(b.Key, o.Type(), id)
	if err != nil {
		return nil, err
	}
	if snap == nil || model.DatasetFamily.Get(snap) != model.DatasetFamily.Get(o) || model.DatasetKind.Get(snap) != model.Snapshot {
		return nil, apierr.New(apierr.ReplicaBaseNotInFamily, "base snapshot %d is none of dataset %d", id, o.ID())
	}
	return snap, nil
}
