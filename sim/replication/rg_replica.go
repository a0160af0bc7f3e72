package replication

import (
	"slices"

	"infinisim/sim/apierr"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// Replicas of replication groups are the same machine as those of datasets, with
// vvols as members: ASYNC alone, and with fewer verbs and fields (InfiniSDK
// 289.1.4, rg_replica.py).

// ofReplicationGroup is the sort of entity in a replica of a replication group;
// no client sees it.
const ofReplicationGroup = "REPLICATION_GROUP"

// The fields by which clients know a replica of a replication group; most are
// those of a replica under another name.
var (
	RGConfigGUID      = schema.Compute(schema.String(schema.Field{Name: "replica_configuration_guid"}))
	RGLinkGUID        = schema.Compute(schema.String(schema.Field{Name: "local_link_guid"}))
	RGPool            = schema.Compute(schema.Ref(schema.Field{Name: "pool_id"}, "pool"))
	RGGroup           = schema.Ref(schema.Field{Name: "replication_group_id", Flags: schema.Create | schema.Index}, "replication_group")
	RGRemoteGroup     = schema.Compute(schema.Int(schema.Field{Name: "remote_replication_group_id"}))
	RGRemoteGroupName = schema.Compute(schema.String(schema.Field{Name: "remote_replication_group_name"}))
	RGBaseAction      = schema.String(schema.Field{Name: "base_action", Flags: schema.Create})

	// RGReplica is a replication group that is copied to another array; each
	// array has its half.
	RGReplica = schema.NewType("rg_replica", rgReplicaFields()...)
)

// rgReplicaFields are those that clients see, and the replica's others hidden.
func rgReplicaFields() []schema.Holder {
	shown := []schema.Holder{
		RGConfigGUID, ReplicaLink, RGLinkGUID, RGPool, ReplicaRemotePool, RGGroup, RGRemoteGroup, RGRemoteGroupName, ReplicaRemoteID,
		ReplicaRPO, ReplicaInterval, ReplicaRole, schema.Less(ReplicaType, schema.Editable), RGBaseAction, model.CreatedAt,
		model.UpdatedAt, ReplicaState, ReplicaStateText, ReplicaReason,
	}
	seen := map[string]bool{}
	for _, h := range shown {
		seen[h.Field().Name] = true
	}
	var hidden []schema.Holder
	for _, h := range replicaFields() {
		if f := h.Field(); !seen[f.Name] && f.Mode() == schema.Stored {
			hidden = append(hidden, schema.Hide(h))
		}
	}
	return append(hidden, shown...)
}

func rgReplicaKind() *model.Kind {
	k := &model.Kind{
		Least: model.RoleAdmin,
		Type:  RGReplica, Path: "rg_replicas", NotFound: apierr.RGReplicaNotFound, Gate: model.GateVVolReplication(),
		Forms: []model.Form{{Name: "a replica of a replication group", Required: []string{"link_id", "remote_pool_id", "replication_group_id"}}},
		// unsourced: that the deletion knows the switches of a replica's.
		DeleteParams: []string{"retain_staging_area", "force_if_remote_error", "force_on_target", "force_if_no_remote_credentials", "force_on_local"},
		Hooks: model.Hooks{
			BeforeCreate: beforeRGReplicaCreate, AfterCreate: afterReplicaCreate,
			BeforeUpdate: beforeReplicaUpdate, AfterUpdate: afterReplicaUpdate,
		},
		Answer: deleteReplica,
		Computed: map[*schema.Field]model.Compute{
			RGConfigGUID.Field():      shows(ReplicaConfigGUID),
			RGLinkGUID.Field():        shows(ReplicaLinkGUID),
			RGPool.Field():            shows(ReplicaPool),
			RGRemoteGroup.Field():     shows(ReplicaRemoteCG),
			RGRemoteGroupName.Field(): shows(ReplicaRemoteCGN),
			ReplicaState.Field():      replicaComputed()[ReplicaState.Field()],
		},
		Sample: func(w model.World) model.Body {
			link := w.Make("link")
			return model.NewBody(map[string]any{
				"link_id": link, "replication_group_id": w.Make("replication_group"), "remote_pool_id": w.PeerVVolPool(link),
			})
		},
		Change: func(*schema.Object) model.Body { return model.NewBody(map[string]any{"sync_interval": 60000}) },
	}
	k.Routes = slices.DeleteFunc(actions(k), func(r model.Route) bool {
		return !slices.Contains([]model.Moment{"sync", "suspend", "resume"}, r.Name)
	})
	return k
}

// shows is a computed field that is another one under its own name.
func shows[T any](a schema.Attr[T]) model.Compute {
	return func(_ *model.Box, o *schema.Object) (any, error) { return o.Raw(a.Field()), nil }
}

// beforeRGReplicaCreate is beforeReplicaCreate for a replication group, whose
// target is always made anew.
//
// unsourced: the words of base_action.
func beforeRGReplicaCreate(b *model.Box, o *schema.Object, in *model.Input) error {
	if action := RGBaseAction.Get(o); !slices.Contains([]string{"", "NEW", baseCreate}, action) {
		return apierr.New(apierr.ReplicaBaseNotSupported, "base_action: %q is none of NEW, CREATE", action).About("base_action")
	}
	ReplicaEntityType.Set(o, ofReplicationGroup)
	return beforeReplicaCreate(b, o, in)
}

// guardReplicationGroup refuses to delete a replicated group.
func guardReplicationGroup(_ *model.Box, m model.Moment, _, o *schema.Object) error {
	if m == model.OnDelete && model.CGReplicated.Get(o) {
		return apierr.New(apierr.ReplicationGroupReplicated, "replication group %d is replicated", o.ID())
	}
	return nil
}

// isTarget refuses what only the source of a replicated group takes.
func isTarget(group *schema.Object) error {
	if group.Type() == model.ReplicationGroup {
		return apierr.New(apierr.ReplicationGroupIsTarget, "replication group %d is a replication target", group.ID())
	}
	return apierr.New(apierr.CGIsTarget, "consistency group %d is a replication target", group.ID())
}

// halfTypes are the types of the halves.
func halfTypes() []*schema.Type { return []*schema.Type{Replica, RGReplica} }

// halfKind is the kind of the half for a sort of entity; an array without
// replication of vvols has none for them.
func halfKind(b *model.Box, entity string) (*model.Kind, error) {
	if entity != ofReplicationGroup {
		return b.Eng.Catalog.Kind(Replica.Name()), nil
	}
	k := b.Eng.Catalog.Kind(RGReplica.Name())
	if !k.Gate.Open(b.Release()) {
		return nil, apierr.New(apierr.FeatureNotSupported, "this array does not replicate vvols")
	}
	return k, nil
}

// find gives a half by its id, nil if there is none.
func find(b *model.Box, id int64) (*schema.Object, error) {
	for _, t := range halfTypes() {
		if o, err := b.Tx.Get(b.Key, t, id); err != nil || o != nil {
			return o, err
		}
	}
	return nil, nil //nolint:nilnil // as store.Tx.Get
}

// must is find for a half whose absence is our bug.
func must(b *model.Box, id int64) (*schema.Object, error) {
	o, err := find(b, id)
	if err == nil && o == nil {
		return b.Must(Replica, id)
	}
	return o, err
}

// each visits all halves of the array.
func each(b *model.Box, fn func(o *schema.Object) (bool, error)) error {
	for _, t := range halfTypes() {
		if err := b.Tx.Each(b.Key, t, fn); err != nil {
			return err
		}
	}
	return nil
}

// idsBy lists the halves with a value of an indexed field.
func idsBy(b *model.Box, f *schema.Field, v schema.Value) []int64 {
	var out []int64
	for _, t := range halfTypes() {
		out = append(out, b.Tx.IDsBy(b.Key, t, f, v)...)
	}
	return out
}

// idsOfGroup lists the halves of a group of either type.
func idsOfGroup(b *model.Box, t *schema.Type, group int64) []int64 {
	if t == model.ReplicationGroup {
		return b.Tx.IDsBy(b.Key, RGReplica, RGGroup.Field(), schema.RefValue(group))
	}
	return b.Tx.IDsBy(b.Key, Replica, ReplicaLocalCG.Field(), schema.RefValue(group))
}

// groupType is the type of the groups of a sort of entity.
func groupType(entity string) *schema.Type {
	if entity == ofReplicationGroup {
		return model.ReplicationGroup
	}
	return model.ConsGroup
}

func (r *replica) groupType() *schema.Type { return groupType(ReplicaEntityType.Get(r.o)) }

// groupID is the half's group, 0 for a dataset by itself.
func (r *replica) groupID() int64 {
	if r.o.Type() == RGReplica {
		return RGGroup.Get(r.o)
	}
	return ReplicaLocalCG.Get(r.o)
}

func (r *replica) setGroup(id int64) {
	if r.o.Type() == RGReplica {
		RGGroup.Set(r.o, id)
		return
	}
	ReplicaLocalCG.Set(r.o, id)
}

func (r *replica) group() (*schema.Object, error) { return r.b.Must(r.groupType(), r.groupID()) }
