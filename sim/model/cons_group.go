package model

import (
	"encoding/json"
	"net/http"
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The fields of a consistency group or snapshot group.
var (
	CGName        = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	CGPool        = schema.Ref(schema.Field{Name: "pool_id", Flags: schema.Create | schema.Index}, "pool")
	CGPoolName    = schema.Join(schema.Field{Name: "pool_name"}, CGPool, PoolName)
	CGParent      = schema.Ref(schema.Field{Name: "parent_id", Flags: schema.Create | schema.Index, NoneZero: true}, "cons_group")
	CGHasChildren = schema.Compute(schema.Bool(schema.Field{Name: "has_children"}))
	CGMembers     = schema.Compute(schema.Int(schema.Field{Name: "members_count"}))
	CGReplicated  = schema.Bool(schema.Field{Name: "is_replicated"})
	CGReplTypes   = schema.List[string](schema.Field{Name: "replication_types"})
	CGReplicas    = schema.List[int64](schema.Field{Name: "replica_ids", Gate: schema.Gate{From: "8.4.0"}})
	CGGUID        = schema.String(schema.Field{Name: "rmr_snapshot_guid"})

	// cgTarget marks a group that replication writes to.
	cgTarget = schema.Bool(schema.Field{Name: "_target", Flags: schema.Private})

	// ConsGroup is a set of datasets whose snapshots show one instant; a
	// snapshot group is one of type SNAPSHOT.
	ConsGroup = schema.NewType("cons_group", cgTarget, CGName, CreatedAt, UpdatedAt, CGPool, CGPoolName, DatasetKind, CGParent,
		CGHasChildren, CGMembers, CGReplicated, CGReplTypes, CGReplicas, CGGUID, DatasetLockState, DatasetLockExpires, DatasetPolicy,
		DatasetPolicyName, DatasetExpires, DatasetRetention, DatasetByPolicy, DatasetByPolicyName, DatasetBySchedule,
		DatasetByScheduleName, DatasetRemoteKeep, DatasetRemoteKeepLock, TenantID)
)

func consGroupKind() *Kind {
	k := &Kind{
		Least: RolePoolAdmin, InPool: inOwnPool(CGPool),
		Type: ConsGroup, Path: "cgs", NotFound: apierr.CGNotFound, Conflict: apierr.CGNameConflict, Gate: schema.Gate{Feature: "cons_groups"},
		Forms: []Form{{
			Name: "a snapshot group", When: func(in Body) bool { return in.Has("parent_id") },
			Required: []string{"name", "parent_id"}, Extra: []string{"snap_prefix", "snap_suffix"},
		}, {
			Name: "a consistency group", Required: []string{"name", "pool_id"}, Extra: []string{"snap_prefix", "snap_suffix"},
		}},
		CreateParams: []string{"replicate_to_async_target"},
		DeleteParams: []string{"delete_members", "force_if_snapshot_locked"},
		Hooks: Hooks{
			BeforeCreate: beforeCGCreate,
			AfterCreate:  afterCGCreate,
			BeforeUpdate: func(b *Box, old, o *schema.Object, _ *Input) error { return checkLock(b, old, o) },
			AfterUpdate:  lockMembers,
			BeforeDelete: beforeCGDelete,
		},
		Computed: map[*schema.Field]Compute{
			CGMembers.Field(): func(b *Box, o *schema.Object) (any, error) {
				return len(b.memberIDs(o, Volume)) + len(b.memberIDs(o, Filesystem)), nil
			},
			CGHasChildren.Field():    func(b *Box, o *schema.Object) (any, error) { return len(b.groupChildren(o)) > 0, nil },
			DatasetLockState.Field(): lockState,
		},
		Sample: func(w World) Body { return NewBody(map[string]any{"name": w.Name(), "pool_id": w.Make("pool")}) },
		Change: func(o *schema.Object) Body { return NewBody(map[string]any{"name": CGName.Get(o) + "-2"}) },
	}
	k.Routes = []Route{
		{Method: http.MethodGet, Path: "cgs/{id}/members", Reads: true, Filters: Volume, Do: listMembers},
		{Name: "add_member", Method: http.MethodPost, Path: "cgs/{id}/members", Do: addMember},
		{
			Name: "remove_member", Method: http.MethodDelete, Path: "cgs/{id}/members/{dataset}", Do: removeMember,
			Params: []string{
				"retain_staging_area", "create_replica", "replica_name", "force_if_no_remote_credentials",
				"force_if_remote_error", "force_on_target", "force_on_local", "keep_serial_on_local",
			},
		},
		Post(k, "move", moveGroup),
		Post(k, string(OnRestore), func(b *Box, o *schema.Object, in *Input) (any, error) { return b.copyGroup(o, in, OnRestore) }),
		Post(k, string(OnRefresh), func(b *Box, o *schema.Object, in *Input) (any, error) { return b.copyGroup(o, in, OnRefresh) }),
	}
	return k
}

func (b *Box) groupChildren(o *schema.Object) []int64 {
	return b.Tx.IDsBy(b.Key, ConsGroup, CGParent.Field(), schema.RefValue(o.ID()))
}

func (b *Box) memberIDs(o *schema.Object, t *schema.Type) []int64 {
	return b.Tx.IDsBy(b.Key, t, groupField(t).Field(), schema.RefValue(o.ID()))
}

// Members are the datasets of a group, volumes first, each by ascending id.
func (b *Box) Members(cg *schema.Object) ([]*schema.Object, error) {
	var out []*schema.Object
	for _, t := range memberTypes(cg) {
		for _, id := range b.memberIDs(cg, t) {
			o, err := b.Must(t, id)
			if err != nil {
				return nil, err
			}
			out = append(out, o)
		}
	}
	return out, nil
}

func beforeCGCreate(b *Box, o *schema.Object, in *Input) error {
	if !in.Body.Has("parent_id") {
		pool, err := b.Must(Pool, CGPool.Get(o))
		if err != nil {
			return err
		}
		if err := poolOfType(pool, Standard); err != nil {
			return err
		}
		if err := openPool(pool); err != nil {
			return err
		}
		return b.byDefault(o, in)
	}
	parent, err := b.Must(ConsGroup, CGParent.Get(o))
	if err != nil {
		return err
	}
	// A snapshot of an empty group is refused (InfiniSDK tests, tag 225.1.0).
	if len(b.memberIDs(parent, Volume))+len(b.memberIDs(parent, Filesystem)) == 0 {
		return apierr.New(apierr.CGIsEmpty, "parent_id: consistency group %d has no members", parent.ID()).About("parent_id")
	}
	DatasetKind.Set(o, Snapshot)
	CGPool.Set(o, CGPool.Get(parent))
	b.keepFor(o)
	return nil
}

// afterCGCreate makes the members of a snapshot group, all at one instant.
func afterCGCreate(b *Box, o *schema.Object, in *Input) error {
	if DatasetKind.Get(o) == Master {
		return b.EmitFor(o, "CREATED")
	}
	parent, err := b.Must(ConsGroup, CGParent.Get(o))
	if err != nil {
		return err
	}
	members, err := b.Members(parent)
	if err != nil {
		return err
	}
	prefix, suffix := text(in.Body["snap_prefix"]), text(in.Body["snap_suffix"])
	if prefix == "" && suffix == "" {
		suffix = "-" + CGName.Get(o)
	}
	guid := b.UUID()
	for _, m := range members {
		body := NewBody(map[string]any{"name": prefix + DatasetName.Get(m) + suffix, "parent_id": m.ID()})
		for _, key := range []string{"lock_expires_at", "snapshot_retention", "remote_snapshot_retention", "remote_snapshot_retention_lock"} {
			if in.Body.Has(key) {
				body[key] = in.Body[key]
			}
		}
		snap, err := b.Create(b.Kind(m), &Input{Request: in.Request, Body: body})
		if err != nil {
			return err
		}
		DatasetCG.Set(snap, o.ID())
		DatasetCGSnapGUID.Set(snap, guid)
		if err := b.Tx.Put(b.Key, snap); err != nil {
			return err
		}
	}
	b.expireLater(o)
	return b.EmitFor(o, "CREATED")
}

func text(raw json.RawMessage) string {
	var s string
	_ = json.Unmarshal(raw, &s) // null and absence are empty
	return s
}

// GroupSnapshotOf makes a snapshot group on behalf of the array itself, of
// members that exist already as snapshots.
func (b *Box) GroupSnapshotOf(cg *schema.Object, name string, snaps []*schema.Object) (*schema.Object, error) {
	o := b.New(b.Kind(cg))
	CGName.Set(o, b.FreeName(ConsGroup, CGName.Field(), name))
	DatasetKind.Set(o, Snapshot)
	CGParent.Set(o, cg.ID())
	CGPool.Set(o, CGPool.Get(cg))
	TenantID.Set(o, TenantID.Get(cg))
	if err := b.Insert(o); err != nil {
		return nil, err
	}
	for _, s := range snaps {
		DatasetCG.Set(s, o.ID())
		if err := b.Tx.Put(b.Key, s); err != nil {
			return nil, err
		}
	}
	return o, b.EmitFor(o, "CREATED")
}

// IsTargetGroup reports whether replication writes to the group.
func IsTargetGroup(cg *schema.Object) bool { return cgTarget.Get(cg) }

// SetTargetGroup marks a group that replication writes to, or no longer does.
func SetTargetGroup(cg *schema.Object, target bool) { cgTarget.Set(cg, target) }

// beforeCGDelete removes the members of a snapshot group with it, those of a
// consistency group only if asked; else they stay as they are.
func beforeCGDelete(b *Box, o *schema.Object, in *Input) error {
	if children := b.groupChildren(o); len(children) > 0 {
		return apierr.New(apierr.CGNotEmpty, "consistency group %d has %d snapshot groups", o.ID(), len(children))
	}
	if !in.Approved {
		message := "deleting consistency group " + strconv.FormatInt(o.ID(), 10) + " needs approval"
		return apierr.New(apierr.ApprovalRequired, "%s", message).WithReason(message, o.ID())
	}
	if err := b.Guard(OnDelete, nil, o); err != nil {
		return err
	}
	if err := b.checkUnlocked(o, in); err != nil {
		return err
	}
	drop, err := in.Flag("delete_members", DatasetKind.Get(o) == Snapshot)
	if err != nil {
		return err
	}
	members, err := b.Members(o)
	if err != nil {
		return err
	}
	for _, m := range members {
		DatasetCG.SetNull(m)
		if err := b.Tx.Put(b.Key, m); err != nil {
			return err
		}
		if drop {
			if _, err := b.Delete(b.Kind(m), m.ID(), in); err != nil {
				return err
			}
		}
	}
	return b.EmitFor(o, "DELETED")
}

// lockMembers locks the members of a snapshot group as long as the group.
func lockMembers(b *Box, old, o *schema.Object, _ *Input) error {
	if DatasetLockExpires.Get(old) == DatasetLockExpires.Get(o) {
		return nil
	}
	members, err := b.Members(o)
	if err != nil {
		return err
	}
	for _, m := range members {
		DatasetLockExpires.Set(m, DatasetLockExpires.Get(o))
		if err := b.Save(m); err != nil {
			return err
		}
	}
	return nil
}

func listMembers(b *Box, o *schema.Object, in *Input) (any, error) {
	t := Volume
	if len(b.memberIDs(o, Volume)) == 0 && len(b.memberIDs(o, Filesystem)) > 0 {
		t = Filesystem
	}
	in.Query.Del("cg_id")
	return b.List(b.Eng.Catalog.Kind(t.Name()), in, schema.Filter{Field: DatasetCG.Field(), Op: schema.EQ, Values: []schema.Value{schema.RefValue(o.ID())}})
}

// addMember puts a dataset in a group. What replication wants of it is asked
// of the guards, and done by those who listen to the change.
func addMember(b *Box, o *schema.Object, in *Input) (any, error) {
	var id int64
	if raw, ok := in.Body["dataset_id"]; !ok || json.Unmarshal(raw, &id) != nil {
		return nil, apierr.New(apierr.MissingField, "dataset_id: %s is no id", in.Body["dataset_id"]).About("dataset_id")
	}
	d, err := b.Dataset(id)
	if err != nil {
		return nil, err
	}
	switch {
	case d.Type() == VVol:
		return nil, apierr.New(apierr.VolumeNotFound, "dataset_id: %d is a vvol", id).About("dataset_id")
	case DatasetKind.Get(o) == Snapshot:
		return nil, apierr.New(apierr.CGIsSnapshot, "consistency group %d is a snapshot group", o.ID())
	case DatasetKind.Get(d) == Snapshot:
		return nil, apierr.New(apierr.ReplicaEntityNotMaster, "dataset_id: %d is a snapshot", id).About("dataset_id")
	case !DatasetCG.IsNull(d):
		return nil, apierr.New(apierr.DatasetInCG, "dataset_id: %d is a member of consistency group %d", id, DatasetCG.Get(d)).About("dataset_id")
	case DatasetPool.Get(d) != CGPool.Get(o):
		return nil, apierr.New(apierr.CGPoolMismatch, "dataset_id: %d is in pool %d, the group in %d", id, DatasetPool.Get(d), CGPool.Get(o)).About("dataset_id")
	}
	return o, b.join(o, d, in)
}

// join puts a dataset in a group.
func (b *Box) join(o, d *schema.Object, in *Input) error {
	for _, fn := range b.Eng.Catalog.joins {
		if err := fn(b, o, d, in); err != nil {
			return err
		}
	}
	SetGroup(d, o.ID())
	DatasetPolicy.SetNull(d) // the group's counts
	if err := b.Save(d); err != nil {
		return err
	}
	return b.Save(o)
}

// removeMember takes a dataset out of its group.
func removeMember(b *Box, o *schema.Object, in *Input) (any, error) {
	id, err := strconv.ParseInt(in.Vars["dataset"], 10, 64)
	if err != nil {
		return nil, apierr.New(apierr.VolumeNotFound, "dataset %q does not exist", in.Vars["dataset"])
	}
	d, err := b.Dataset(id)
	if err != nil {
		return nil, err
	}
	if DatasetCG.Get(d) != o.ID() {
		return nil, apierr.New(apierr.DatasetNotInCG, "dataset %d is no member of consistency group %d", id, o.ID())
	}
	return o, b.leave(o, d, in)
}

// leave takes a dataset out of a group.
func (b *Box) leave(o, d *schema.Object, in *Input) error {
	SetGroup(d, 0)
	for _, fn := range b.Eng.Catalog.leaves {
		if err := fn(b, o, d, in); err != nil {
			return err
		}
	}
	if err := b.Save(d); err != nil {
		return err
	}
	return b.Save(o)
}

// Membership is told of a dataset that is about to join or leave a group; its
// error refuses.
type Membership func(b *Box, cg, dataset *schema.Object, in *Input) error

// OnMembership has the two called before a dataset joins a group and before it
// leaves one.
func (c *Catalog) OnMembership(joins, leaves Membership) {
	c.joins, c.leaves = append(c.joins, joins), append(c.leaves, leaves)
}

// copyGroup restores a group from one of its snapshot groups, or refreshes a
// snapshot group from its group, member by member.
func (b *Box) copyGroup(o *schema.Object, in *Input, m Moment) (any, error) {
	id, err := sourceID(in)
	if err != nil {
		return nil, err
	}
	source, err := b.Load(b.Kind(o), id)
	if err != nil {
		return nil, err
	}
	snaps, origin := source, o
	if m == OnRefresh {
		snaps, origin = o, source
	}
	if CGParent.Get(snaps) != origin.ID() {
		return nil, apierr.New(apierr.DatasetNotInFamily, "source_id: %d does not belong to consistency group %d", id, o.ID()).About("source_id")
	}
	members, err := b.Members(snaps)
	if err != nil {
		return nil, err
	}
	for _, s := range members {
		parent, err := b.Must(s.Type(), DatasetParent.Get(s))
		if err != nil {
			return nil, err
		}
		to, from := parent, s
		if m == OnRefresh {
			to, from = s, parent
		}
		if err := b.Guard(m, nil, to); err != nil {
			return nil, err
		}
		if err := b.replaceContent(to, from); err != nil {
			return nil, err
		}
	}
	return o, nil
}
