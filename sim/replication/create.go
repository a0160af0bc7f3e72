package replication

import (
	"encoding/json"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// The base actions of a pair.
const (
	baseCreate   = "CREATE"
	baseNone     = "NO_BASE_DATA"
	baseSnapshot = "BASE"
	baseTakeSnap = "TAKE_SNAP"
)

// pairAsk is one of entity_pairs as a client sends it.
type pairAsk struct {
	Local        int64  `json:"local_entity_id"`
	Remote       int64  `json:"remote_entity_id"`
	RemoteName   string `json:"remote_entity_name"`
	LocalAction  string `json:"local_base_action"`
	RemoteAction string `json:"remote_base_action"`
	LocalBase    int64  `json:"local_base_entity_id"`
	RemoteBase   int64  `json:"remote_base_entity_id"`
}

// offer asks the peer to make its half of a replica.
type offer struct {
	Credentials []model.Credentials `json:"credentials"`
	Replica     int64               `json:"replica"`
	Link        int64               `json:"link"`
	EntityType  string              `json:"entity_type"`
	Type        string              `json:"type"`
	Pool        int64               `json:"pool"`
	Group       int64               `json:"group"`
	GroupName   string              `json:"group_name"`
	IsGroup     bool                `json:"is_group"`
	SourceGroup int64               `json:"source_group,omitempty"`
	SourceName  string              `json:"source_group_name,omitempty"`
	SourcePool  int64               `json:"source_pool"`
	PoolName    string              `json:"pool_name"`
	GUID        string              `json:"guid"`
	Members     []memberOffer       `json:"members"`
	Settings    settings            `json:"settings"`
}

// memberOffer is one dataset of an offer.
type memberOffer struct {
	Pair     int64   `json:"pair"`
	Dataset  int64   `json:"dataset"`
	Name     string  `json:"name"`
	Kind     string  `json:"kind"`
	Size     int64   `json:"size"`
	Prov     string  `json:"provtype"`
	Digest   string  `json:"digest"`
	Ask      pairAsk `json:"ask"`
	BaseGUID string  `json:"base_guid"`
	// Serial and NGUID are the identity that ACTIVE_ACTIVE volumes share.
	Serial string `json:"serial,omitempty"`
	NGUID  string `json:"nguid,omitempty"`
	// VVolKind and GuestOS are what a vvol is for.
	VVolKind string `json:"vvol_type,omitempty"`
	GuestOS  string `json:"guest_os,omitempty"`
}

// settings are those that both halves show.
type settings struct {
	Interval  *int64 `json:"interval"`
	RPO       *int64 `json:"rpo"`
	Type      string `json:"type"`
	Snapshots bool   `json:"snapshots"`
	Suffix    string `json:"suffix"`
	// Concurrent replicas run beside an ACTIVE_ACTIVE one.
	Concurrent bool `json:"concurrent,omitempty"`
	// Preferred is about the sender's half of an ACTIVE_ACTIVE replica.
	Preferred *bool `json:"preferred,omitempty"`
}

// accepted is the peer's half of a new replica.
type accepted struct {
	Replica   int64            `json:"replica"`
	Group     int64            `json:"group"`
	GroupName string           `json:"group_name"`
	Pool      int64            `json:"pool"`
	PoolName  string           `json:"pool_name"`
	Members   []memberAccepted `json:"members"`
}

// memberAccepted is one dataset of the peer's half.
type memberAccepted struct {
	Pair     int64  `json:"pair"`
	Dataset  int64  `json:"dataset"`
	Name     string `json:"name"`
	Mismatch bool   `json:"mismatch"`
}

func replicaKind() *model.Kind {
	k := &model.Kind{
		Least: model.RoleAdmin,
		Type:  Replica, Path: "replicas", NotFound: apierr.ReplicaNotFound, Conflict: apierr.ReplicaAlreadyExists,
		Gate: schema.Gate{Feature: "async_replication"},
		Forms: []model.Form{{
			Name: "a replica", Required: []string{"link_id", "entity_type"},
			Extra: []string{"entity_pairs", "local_cg_id", "remote_cg_id", "local_entity_name"},
		}},
		DeleteParams: []string{
			"retain_staging_area", "force_if_remote_error", "force_on_target", "force_if_no_remote_credentials", "force_on_local",
			"keep_serial_on_local",
		},
		Hooks: model.Hooks{
			BeforeCreate: beforeReplicaCreate, AfterCreate: afterReplicaCreate,
			BeforeUpdate: beforeReplicaUpdate, AfterUpdate: afterReplicaUpdate,
		},
		Answer:   deleteReplica,
		Computed: replicaComputed(),
		Sample: func(w model.World) model.Body {
			link := w.Make("link")
			return model.NewBody(map[string]any{
				"link_id": link, "entity_type": "VOLUME", "remote_pool_id": w.PeerPool(link),
				"entity_pairs": []map[string]any{{"local_entity_id": w.Make("volume"), "remote_base_action": baseCreate, "remote_entity_id": nil}},
			})
		},
		Change: func(*schema.Object) model.Body { return model.NewBody(map[string]any{"sync_interval": 60000}) },
	}
	k.Routes = actions(k)
	return k
}

// beforeReplicaCreate checks what is asked on this side, has the peer make its
// half, and fills in this one.
func beforeReplicaCreate(b *model.Box, o *schema.Object, in *model.Input) error {
	link, err := b.Must(Link, ReplicaLink.Get(o))
	if err != nil {
		return err
	}
	if !connected(b, link) {
		return apierr.New(apierr.LinkNotConnected, "link_id: link %d is not connected", link.ID()).About("link_id")
	}
	r := &replica{b: b, o: o, link: link}
	if err := r.checkType(in); err != nil {
		return err
	}
	if r.isPeer() {
		r.bePeer(!in.Body.Has("is_preferred") || ReplicaPreferred.Get(o), true)
	}
	asks, cg, err := r.readPairs(in)
	if err != nil {
		return err
	}
	out, err := r.prepare(asks, cg)
	if err != nil {
		return err
	}
	if err := readInt(in.Body, "remote_cg_id", &out.Group); err != nil {
		return err
	}
	var answer accepted
	if err := r.message(msgCreate, out, &answer); err != nil {
		return err
	}
	r.accept(answer, cg)
	replicaPairs.Set(o, r.pairs)
	state := map[string]state{async: asyncPending, syncType: syncPending, activeActive: peerPending}[ReplicaType.Get(o)]
	begin(b, o, state)
	return nil
}

// checkType refuses what a type of replication does not have, and fills in
// what a client left out.
func (r *replica) checkType(in *model.Input) error {
	path, kind := r.path(), ReplicaType.Get(r.o)
	switch {
	case kind == activeActive && !r.offersPeers():
		return apierr.New(apierr.ReplicationTypeNotOffered, "replication_type: %s is not offered by release %s", kind, r.b.Release().Version).About("replication_type")
	case r.mirrored() && ReplicaEntityType.Get(r.o) == model.OfFS:
		return apierr.New(apierr.ReplicaTypeNotForEntity, "replication_type: filesystems cannot be replicated %s", kind).About("replication_type")
	case r.mirrored() && LinkAsyncOnly.Get(r.link):
		return apierr.New(apierr.LinkIsAsyncOnly, "link_id: link %d is for ASYNC alone", r.link.ID()).About("link_id")
	case r.mirrored() && path.RTT() > r.b.Profile().SyncRTT:
		return apierr.New(apierr.LinkLatencyTooHigh, "link_id: a round trip over link %d takes %v, %s needs %v", r.link.ID(), path.RTT(), kind, r.b.Profile().SyncRTT).About("link_id")
	}
	return r.checkIntervals(in)
}

// checkIntervals refuses an RPO below the interval or below four seconds, and
// both for SYNC.
func (r *replica) checkIntervals(in *model.Input) error {
	if err := r.checkParameters(in.Body); err != nil {
		return err
	}
	if r.mirrored() {
		ReplicaInterval.SetNull(r.o)
		ReplicaRPO.SetNull(r.o)
		return nil
	}
	if ReplicaInterval.IsNull(r.o) {
		ReplicaInterval.Set(r.o, defaultInterval)
	}
	if ReplicaRPO.IsNull(r.o) {
		ReplicaRPO.Set(r.o, max(defaultRPO, ReplicaInterval.Get(r.o)))
	}
	return r.checkRPO()
}

// offersPeers reports whether the release has ACTIVE_ACTIVE at all, and for
// groups.
func (r *replica) offersPeers() bool {
	level := 0
	if ReplicaEntityType.Get(r.o) == ofGroup {
		level = 2
	}
	return schema.Gate{Feature: "active_active", AtLeast: level}.Open(r.b.Release())
}

// checkParameters refuses what a type of replication does not have.
func (r *replica) checkParameters(body model.Body) error {
	refused := []string{"is_preferred"}
	switch ReplicaType.Get(r.o) {
	case syncType:
		refused = []string{"sync_interval", "rpo_value", "is_preferred"}
	case activeActive:
		refused = []string{"sync_interval", "rpo_value", "including_snapshots"}
	}
	for _, name := range refused {
		if body.Has(name) && string(body[name]) != "false" {
			return apierr.New(apierr.ReplicaParameterForType, "%s: %s: %s has none", name, body[name], ReplicaType.Get(r.o)).About(name)
		}
	}
	return nil
}

func (r *replica) checkRPO() error {
	rpo, interval := ReplicaRPO.Get(r.o), ReplicaInterval.Get(r.o)
	least := r.b.Profile().MinRPO
	if ReplicaConcurrent.Get(r.o) {
		least += time.Second // vendor KB 35002100395933: five seconds for a concurrent replica
	}
	if least := least.Milliseconds(); rpo < least && !r.b.Eng.NoLimits {
		return apierr.New(apierr.ReplicaRPOTooLow, "rpo_value: %d is below the least, %d", rpo, least).About("rpo_value")
	}
	if rpo < interval {
		return apierr.New(apierr.ReplicaRPOTooLow, "rpo_value: %d is below the interval, %d", rpo, interval).About("rpo_value")
	}
	return nil
}

func readInt(body model.Body, key string, to *int64) error {
	if !body.Has(key) {
		return nil
	}
	if err := json.Unmarshal(body[key], to); err != nil {
		return apierr.New(apierr.InvalidValue, "%s: %s is no id", key, body[key]).About(key)
	}
	return nil
}

// readPairs finds the pairs that a client asks for, in any of the forms:
// entity_pairs, or one entity by itself (feature replica_auto_create).
func (r *replica) readPairs(in *model.Input) (asks []pairAsk, cg *schema.Object, err error) {
	if raw, ok := in.Body["entity_pairs"]; ok {
		if err := json.Unmarshal(raw, &asks); err != nil {
			return nil, nil, apierr.New(apierr.InvalidValue, "entity_pairs: %.200s: %v", raw, err).About("entity_pairs")
		}
	}
	if kind := ReplicaEntityType.Get(r.o); kind != ofGroup && kind != ofReplicationGroup {
		if len(asks) == 0 && !ReplicaLocal.IsNull(r.o) {
			asks = []pairAsk{r.ownPair(ReplicaLocal.Get(r.o))}
		}
		if len(asks) != 1 {
			return nil, nil, apierr.New(apierr.ReplicaPairsMismatch, "entity_pairs: %d pairs for one %s", len(asks), ReplicaEntityType.Get(r.o)).About("entity_pairs")
		}
		return asks, nil, nil
	}
	cg, err = r.findGroup(in, asks)
	if err != nil {
		return nil, nil, err
	}
	members, err := r.b.Members(cg)
	if err != nil {
		return nil, nil, err
	}
	if _, named := in.Body["entity_pairs"]; !named {
		for _, m := range members {
			asks = append(asks, pairAsk{Local: m.ID(), RemoteAction: baseCreate})
		}
	}
	return asks, cg, matchMembers(asks, members)
}

// ownPair is the pair of the form that names one entity.
func (r *replica) ownPair(local int64) pairAsk {
	p := pairAsk{Local: local, RemoteAction: baseCreate, RemoteName: ReplicaRemoteName.Get(r.o)}
	if !ReplicaRemote.IsNull(r.o) {
		p.Remote, p.RemoteAction = ReplicaRemote.Get(r.o), baseNone
	}
	return p
}

// findGroup is the group that a request names, or that of its members.
func (r *replica) findGroup(in *model.Input, asks []pairAsk) (*schema.Object, error) {
	if id := r.groupID(); id != 0 {
		return r.b.Load(r.b.Eng.Catalog.Kind(r.groupType().Name()), id)
	}
	id := ReplicaLocal.Get(r.o)
	if err := readInt(in.Body, "local_cg_id", &id); err != nil {
		return nil, err
	}
	if id == 0 && len(asks) > 0 {
		o, err := r.b.Dataset(asks[0].Local)
		if err != nil {
			return nil, err
		}
		id = model.DatasetCG.Get(o)
	}
	if id == 0 {
		return nil, apierr.New(apierr.MissingField, "local_cg_id: required to replicate a group").About("local_cg_id")
	}
	return r.b.Load(r.b.Eng.Catalog.Kind(model.ConsGroup.Name()), id)
}

// matchMembers refuses pairs that are not one for each member.
func matchMembers(asks []pairAsk, members []*schema.Object) error {
	left := map[int64]bool{}
	for _, m := range members {
		left[m.ID()] = true
	}
	for _, a := range asks {
		if !left[a.Local] {
			return apierr.New(apierr.ReplicaPairsMismatch, "entity_pairs: dataset %d is no member of the group, or named twice", a.Local).About("entity_pairs")
		}
		delete(left, a.Local)
	}
	if len(left) > 0 {
		return apierr.New(apierr.ReplicaPairsMismatch, "entity_pairs: %d members of the group are missing", len(left)).About("entity_pairs")
	}
	return nil
}

// accept fills in what the peer made.
func (r *replica) accept(a accepted, cg *schema.Object) {
	ReplicaRemoteID.Set(r.o, a.Replica)
	ReplicaRemotePool.Set(r.o, a.Pool)
	ReplicaRemotePoolN.Set(r.o, a.PoolName)
	for i := range r.pairs {
		p, m := &r.pairs[i], a.Members[i]
		p.RemoteID, p.Remote, p.RemoteName, p.Mismatch = m.Pair, m.Dataset, m.Name, m.Mismatch
	}
	if cg != nil {
		ReplicaRemoteCG.Set(r.o, a.Group)
		ReplicaRemoteCGN.Set(r.o, a.GroupName)
		ReplicaRemote.Set(r.o, a.Group)
		ReplicaRemoteName.Set(r.o, a.GroupName)
		return
	}
	ReplicaRemote.Set(r.o, a.Members[0].Dataset)
	ReplicaRemoteName.Set(r.o, a.Members[0].Name)
}

// afterReplicaCreate marks the source and starts the first job, in the
// request's own transaction: InfiniSDK takes PENDING for idle.
func afterReplicaCreate(b *model.Box, o *schema.Object, _ *model.Input) error {
	r, err := open(b, o)
	if err != nil {
		return err
	}
	if err := r.mark(ReplicaRole.Get(o)); err != nil {
		return err
	}
	if err := emitReplica(b, o, "CREATED", "INFO"); err != nil {
		return err
	}
	return r.fire(evStart)
}
