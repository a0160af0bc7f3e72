package replication

import (
	"infinisim/sim/apierr"
	"infinisim/sim/data"
	"infinisim/sim/fabric"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// checkPool refuses to go on where the target's pool is locked (seen on
// hardware: the replica is suspended).
func (r *replica) checkPool() error {
	pool, err := r.b.Must(model.Pool, ReplicaPool.Get(r.o))
	if err != nil {
		return err
	}
	if model.PoolState.Get(pool) == model.Locked {
		return apierr.New(apierr.PoolIsLocked, "pool %d is locked", pool.ID())
	}
	return nil
}

func (r *replica) checkRoom(bytes int64) error {
	pool, err := r.b.Must(model.Pool, ReplicaPool.Get(r.o))
	if err != nil {
		return err
	}
	if free := r.b.FreeVirtual(pool); free < bytes {
		return apierr.New(apierr.PoolNoVirtualSpace, "pool %d: %d bytes of virtual capacity are missing", pool.ID(), bytes-free)
	}
	return nil
}

// acceptReplica makes the target's half: the datasets too, where they are
// asked for.
func acceptReplica(b *model.Box, m fabric.Message, ask offer) (any, error) {
	if err := admit(b, ask.Credentials); err != nil {
		return nil, err
	}
	link, err := b.Must(Link, ask.Link)
	if err != nil {
		return nil, err
	}
	if LinkSpace.IsNull(link) || linkPeer.Get(link) != m.From {
		return nil, apierr.New(apierr.LinkNotConnected, "link %d is not connected", link.ID())
	}
	k, err := halfKind(b, ask.EntityType)
	if err != nil {
		return nil, err
	}
	o := b.New(k)
	r := &replica{b: b, o: o, link: link}
	ReplicaLink.Set(o, link.ID())
	ReplicaRole.Set(o, roleTarget)
	begin(b, o, target)
	if ask.Settings.Type == activeActive {
		r.bePeer(ask.Settings.Preferred == nil || !*ask.Settings.Preferred, false)
		replicaState.Set(o, string(peerPending))
	}
	ReplicaEntityType.Set(o, ask.EntityType)
	ReplicaRemoteID.Set(o, ask.Replica)
	ReplicaRemotePool.Set(o, ask.SourcePool)
	ReplicaRemotePoolN.Set(o, ask.PoolName)
	ReplicaConfigGUID.Set(o, ask.GUID)
	ReplicaLinkGUID.Set(o, LinkGUID.Get(link))
	r.configure(ask.Settings)
	out := accepted{Replica: o.ID()}
	if ask.IsGroup {
		if err := r.acceptGroup(ask, &out); err != nil {
			return nil, err
		}
	}
	for _, member := range ask.Members {
		made, err := r.acceptDataset(member, ask.Pool, ask.IsGroup)
		if err != nil {
			return nil, err
		}
		out.Members = append(out.Members, made)
	}
	if err := r.settlePool(&out); err != nil {
		return nil, err
	}
	replicaPairs.Set(o, r.pairs)
	if err := b.Insert(o); err != nil {
		return nil, err
	}
	if err := r.mark(ReplicaRole.Get(o)); err != nil {
		return nil, err
	}
	if r.isPeer() {
		if err := r.stopServing(); err != nil {
			return nil, err
		}
	}
	return out, emitReplica(b, o, "CREATED", "INFO")
}

func (r *replica) settlePool(out *accepted) error {
	pool, err := r.b.Must(model.Pool, ReplicaPool.Get(r.o))
	if err != nil {
		return err
	}
	out.Pool, out.PoolName = pool.ID(), model.PoolName.Get(pool)
	return nil
}

// acceptGroup finds or makes the target's group.
func (r *replica) acceptGroup(ask offer, out *accepted) error {
	id := ask.Group
	if id == 0 && len(ask.Members) > 0 && ask.Members[0].Ask.Remote != 0 {
		if o, err := r.b.Dataset(ask.Members[0].Ask.Remote); err == nil {
			id = model.DatasetCG.Get(o)
		}
	}
	t := r.groupType()
	k := r.b.Eng.Catalog.Kind(t.Name())
	var cg *schema.Object
	var err error
	if id != 0 {
		if cg, err = r.b.Load(k, id); err != nil {
			return apierr.New(apierr.ReplicaTargetNotFound, "remote_cg_id: %d does not exist", id).About("remote_cg_id")
		}
		if model.CGReplicated.Get(cg) {
			return apierr.New(apierr.ReplicaTargetReplicated, "remote_cg_id: %d is replicated already", id).About("remote_cg_id")
		}
	} else {
		if ask.Pool == 0 {
			return apierr.New(apierr.MissingField, "remote_pool_id: required to create the target").About("remote_pool_id")
		}
		body := model.NewBody(map[string]any{"name": r.b.FreeName(t, model.CGName.Field(), ask.GroupName), "pool_id": ask.Pool})
		if t == model.ConsGroup {
			body = r.b.Unscheduled(body)
		}
		if cg, err = r.b.Create(k, &model.Input{Body: body}); err != nil {
			return err
		}
	}
	r.setGroup(cg.ID())
	ReplicaRemoteCG.Set(r.o, ask.SourceGroup)
	ReplicaRemoteCGN.Set(r.o, ask.SourceName)
	ReplicaLocal.Set(r.o, cg.ID())
	ReplicaPool.Set(r.o, model.CGPool.Get(cg))
	out.Group, out.GroupName = cg.ID(), model.CGName.Get(cg)
	return nil
}

// acceptDataset takes or makes one dataset of the target.
func (r *replica) acceptDataset(m memberOffer, pool int64, group bool) (memberAccepted, error) {
	o, err := r.targetDataset(m, pool)
	if err != nil {
		return memberAccepted{}, err
	}
	p := pair{
		ID: r.b.Tx.Next(r.b.Key, "id"), RemoteID: m.Pair, Local: o.ID(), Remote: m.Dataset, RemoteName: m.Name, Initial: true,
		WasProtected: model.DatasetWriteProtected.Get(o),
	}
	out := memberAccepted{Pair: p.ID, Dataset: o.ID(), Name: model.DatasetName.Get(o)}
	if err := r.targetBase(&p, o, m, &out); err != nil {
		return out, err
	}
	ReplicaPool.Set(r.o, model.DatasetPool.Get(o))
	if group {
		model.SetGroup(o, r.groupID())
	} else {
		ReplicaLocal.Set(r.o, o.ID())
		ReplicaRemote.Set(r.o, m.Dataset)
		ReplicaRemoteName.Set(r.o, m.Name)
	}
	if r.isPeer() {
		// One volume has one identity, on whichever side.
		model.VolumeSerial.Set(o, m.Serial)
		model.VolumeNGUID.Set(o, m.NGUID)
		model.VolumePaths.Set(o, false)
	}
	r.pairs = append(r.pairs, p)
	return out, r.b.Save(o)
}

// targetDataset makes the target, or takes one that exists: of the same kind
// and size, in no replica, and empty unless there is a base (vendor KB
// 4412222603537).
func (r *replica) targetDataset(m memberOffer, pool int64) (*schema.Object, error) {
	t := r.datasetType()
	if m.Kind == model.Filesystem.Name() {
		t = model.Filesystem
	}
	if m.Ask.RemoteAction == baseCreate {
		return r.makeTarget(t, m, pool)
	}
	o, err := r.b.Dataset(m.Ask.Remote)
	if err != nil {
		return nil, apierr.New(apierr.ReplicaTargetNotFound, "remote_entity_id: %d does not exist", m.Ask.Remote).About("remote_entity_id")
	}
	im, err := r.b.Content(o)
	if err != nil {
		return nil, err
	}
	id := o.ID()
	switch {
	case o.Type() != t || model.DatasetKind.Get(o) != model.Master:
		return nil, apierr.New(apierr.ReplicaTargetType, "remote_entity_id: %d is no master %s", id, t.Name()).About("remote_entity_id")
	case model.DatasetSize.Get(o) != m.Size:
		return nil, apierr.New(apierr.ReplicaTargetSize, "remote_entity_id: %d has %d bytes, the source %d", id, model.DatasetSize.Get(o), m.Size).About("remote_entity_id")
	case r.pairOf(id) != nil || len(model.DatasetReplicas.Get(o)) > 0 || model.DatasetRMRSource.Get(o) || model.DatasetRMRTarget.Get(o):
		return nil, apierr.New(apierr.ReplicaTargetReplicated, "remote_entity_id: %d is replicated already", id).About("remote_entity_id")
	case m.Ask.RemoteAction == baseNone && (im.Used() != 0 || len(r.b.Children(o)) > 0):
		return nil, apierr.New(apierr.ReplicaTargetNotEmpty, "remote_entity_id: %d is not formatted", id).About("remote_entity_id")
	}
	return o, r.checkSnapshots(o)
}

func (r *replica) checkSnapshots(o *schema.Object) error {
	for _, id := range r.b.Children(o) {
		snap, err := r.b.Must(o.Type(), id)
		if err != nil {
			return err
		}
		if model.DatasetLockExpires.Get(snap) > r.b.Tx.Now().MS() {
			return apierr.New(apierr.ReplicaTargetLockedSnap, "remote_entity_id: %d has the locked snapshot %d", o.ID(), id).About("remote_entity_id")
		}
	}
	return nil
}

func (r *replica) makeTarget(t *schema.Type, m memberOffer, pool int64) (*schema.Object, error) {
	if pool == 0 {
		return nil, apierr.New(apierr.MissingField, "remote_pool_id: required to create the target").About("remote_pool_id")
	}
	name := m.Ask.RemoteName
	if name == "" {
		// unsourced: that a target has its source's name.
		name = r.b.FreeName(t, model.DatasetName.Field(), m.Name)
	}
	if t == model.VVol {
		return r.b.MakeVVol(model.VVolSpec{Name: name, Pool: pool, Size: m.Size, Prov: m.Prov, Kind: m.VVolKind, GuestOS: m.GuestOS})
	}
	body := model.NewBody(map[string]any{"name": name, "size": m.Size, "pool_id": pool, "provtype": m.Prov})
	return r.b.MakeMaster(t, body)
}

// targetBase is the image that the target starts from.
func (r *replica) targetBase(p *pair, o *schema.Object, m memberOffer, out *memberAccepted) error {
	switch m.Ask.RemoteAction {
	case baseTakeSnap:
		im, err := r.b.Content(o)
		if err != nil {
			return err
		}
		out.Mismatch = im.Digest() != m.Digest
		p.Mismatch = out.Mismatch
		p.Base, err = r.holdNow(p, m.BaseGUID, o)
		return err
	case baseSnapshot:
		snap, err := baseOf(r.b, o, m.Ask.RemoteBase)
		if err != nil {
			return err
		}
		if guid := model.DatasetRMRGUID.Get(snap); guid == "" || guid != m.BaseGUID {
			return apierr.New(apierr.ReplicaBaseMismatch, "remote_base_entity_id: snapshot %d is of another image", snap.ID()).About("remote_base_entity_id")
		}
		im, err := r.b.Content(snap)
		if err != nil {
			return err
		}
		if err := r.b.SetContent(o, im); err != nil {
			return err
		}
		p.Base, err = r.holdNow(p, m.BaseGUID, snap)
		return err
	}
	return nil
}

// takeImages makes the members show the images that a message brings, all in
// one step. The image before is kept until the sender is known to have the new
// one: its answer can be lost.
func takeImages(b *model.Box, ask jobMessage) error {
	r, err := receiver(b, ask.Replica)
	if err != nil {
		return err
	}
	if err := r.checkTarget(); err != nil {
		return err
	}
	if err := r.checkPool(); err != nil && !ask.Last {
		return err
	}
	var fresh []content
	for _, c := range ask.Members {
		p := r.pairOf(c.Dataset)
		if p == nil {
			return apierr.New(apierr.ReplicaNoCommonImage, "replica %d has no dataset %d", r.o.ID(), c.Dataset)
		}
		if p.Base.GUID != c.GUID || c.GUID == "" {
			fresh = append(fresh, c) // else it is sent again: the answer was lost
		}
		if err := r.take(p, c); err != nil {
			return err
		}
		if ask.Last || c.Streams != nil {
			p.Told = nil
		}
		p.Base.Time = ask.Time
		p.Initial, p.LastSync, p.Restore = false, b.Tx.Now().MS(), ask.Time
	}
	if err := r.appearAll(fresh); err != nil {
		return err
	}
	replicaDone.Set(r.o, true)
	ReplicaGUID.Set(r.o, ask.GUID)
	ReplicaLastSync.Set(r.o, b.Tx.Now().MS())
	if err := r.save(); err != nil {
		return err
	}
	return r.lookAlong() // a workload here can write where the sender's ended
}

func (r *replica) take(p *pair, c content) error {
	if p.Base.GUID == c.GUID && c.GUID != "" {
		return nil // sent again: the answer was lost
	}
	var im data.Image
	if err := im.UnmarshalBinary(c.Image); err != nil {
		return err
	}
	o, err := r.dataset(p)
	if err != nil {
		return err
	}
	if grown := c.Size - model.DatasetSize.Get(o); grown != 0 {
		if err := r.b.Resize(o, c.Size); err != nil {
			return err
		}
	}
	if err := r.b.SetContent(o, im); err != nil {
		return err
	}
	old := &p.Previous
	if p.Previous.GUID != "" && p.Previous.GUID == c.Base {
		old = &p.Base // the sender did not hear that it arrived
	}
	if err := r.drop(p, old); err != nil {
		return err
	}
	if p.Base.GUID != "" {
		p.Previous = p.Base
	}
	if err := r.b.Follow(o, c.Streams); err != nil {
		return err
	}
	p.Base, err = r.holdNow(p, c.GUID, o)
	return err
}
