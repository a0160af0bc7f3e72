package model

import (
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// GateVVolReplication opens what InfiniSDK 289.1.4 calls
// has_vvol_replication.
func GateVVolReplication() schema.Gate { return schema.Gate{Feature: "vvol_replication"} }

// The fields of a replication group. It has those of a consistency group that
// replication keeps up; clients see what InfiniSDK 289.1.4 declares
// (replication_group.py).
var (
	GroupUUID = schema.String(schema.Field{Name: "uuid", Flags: schema.NotNull})

	// ReplicationGroup is a set of vvols that are replicated together. A
	// hypervisor puts vvols in it, over VASA.
	ReplicationGroup = schema.NewType("replication_group", cgTarget, schema.Hide(DatasetKind), schema.Hide(CGReplTypes), schema.Hide(CGReplicas),
		CGName, GroupUUID, CGPool, CGReplicated, CGMembers, CreatedAt, UpdatedAt)
)

// replicationGroupKind makes groups in pools of vvols.
//
// unsourced: that the members of a group that is deleted stay, as those of a
// consistency group do, and that it needs no approval.
func replicationGroupKind() *Kind {
	return &Kind{
		Least: RolePoolAdmin, InPool: inOwnPool(CGPool),
		Type: ReplicationGroup, Path: "replication_groups", NotFound: apierr.ReplicationGroupNotFound,
		Conflict: apierr.ReplicationGroupNameConflict, Gate: GateVVolReplication(),
		Forms: []Form{{Name: "a replication group", Required: []string{"name", "pool_id"}}},
		Hooks: Hooks{
			BeforeCreate: func(b *Box, o *schema.Object, _ *Input) error {
				pool, err := b.Must(Pool, CGPool.Get(o))
				if err != nil {
					return err
				}
				if err := openPool(pool); err != nil {
					return err
				}
				GroupUUID.Set(o, b.UUID())
				return poolOfType(pool, VVolPool)
			},
			AfterCreate:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "CREATED") },
			BeforeDelete: beforeReplicationGroupDelete,
			AfterDelete:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "DELETED") },
		},
		Computed: map[*schema.Field]Compute{
			CGMembers.Field(): func(b *Box, o *schema.Object) (any, error) { return len(b.memberIDs(o, VVol)), nil },
		},
		Sample: func(w World) Body { return NewBody(map[string]any{"name": w.Name(), "pool_id": w.VVolPool()}) },
		Change: func(o *schema.Object) Body { return NewBody(map[string]any{"name": CGName.Get(o) + "-2"}) },
	}
}

func beforeReplicationGroupDelete(b *Box, o *schema.Object, _ *Input) error {
	if err := b.Guard(OnDelete, nil, o); err != nil {
		return err
	}
	members, err := b.Members(o)
	if err != nil {
		return err
	}
	for _, m := range members {
		VVolGroup.SetNull(m)
		if err := b.Save(m); err != nil {
			return err
		}
	}
	return nil
}

// groupField is the field by which objects of a type are members of a group.
func groupField(t *schema.Type) schema.Attr[int64] {
	if t == VVol {
		return VVolGroup
	}
	return DatasetCG
}

// GroupOf is the consistency group that a dataset is in, or a vvol's
// replication group; 0 is none.
func GroupOf(o *schema.Object) int64 { return groupField(o.Type()).Get(o) }

// SetGroup puts a dataset in a group, 0 in none.
func SetGroup(o *schema.Object, id int64) { groupField(o.Type()).Set(o, id) }

// memberTypes are the types of a group's members.
func memberTypes(group *schema.Object) []*schema.Type {
	if group.Type() == ReplicationGroup {
		return []*schema.Type{VVol}
	}
	return []*schema.Type{Volume, Filesystem}
}

func checkUngrouped(o *schema.Object) error {
	if id := VVolGroup.Get(o); id != 0 {
		return apierr.New(apierr.VVolInGroup, "vvol %d is a member of replication group %d", o.ID(), id)
	}
	return nil
}

// AddToGroup puts a vvol in a replication group, as a hypervisor does. It
// returns REPLICATION_GROUP_NOT_FOUND, VVOL_NOT_FOUND, and the refusals of
// replication.
//
// unsourced: that a group takes vvols of its own pool alone, and no snapshots.
func (b *Box) AddToGroup(group, vvol int64) error {
	g, err := b.Load(b.Eng.Catalog.Kind(ReplicationGroup.Name()), group)
	if err != nil {
		return err
	}
	v, err := b.Load(b.Eng.Catalog.Kind(VVol.Name()), vvol)
	if err != nil {
		return err
	}
	if err := checkUngrouped(v); err != nil {
		return err
	}
	switch {
	case DatasetKind.Get(v) == Snapshot:
		return apierr.New(apierr.ReplicaEntityNotMaster, "vvol_id: %d is a snapshot", vvol).About("vvol_id")
	case DatasetPool.Get(v) != CGPool.Get(g):
		return apierr.New(apierr.ReplicationGroupPool, "vvol_id: %d is in pool %d, the group in %d", vvol, DatasetPool.Get(v), CGPool.Get(g)).About("vvol_id")
	}
	return b.join(g, v, &Input{Request: Request{Raw: []byte("{}")}})
}

// removeVVol takes a vvol out of its replication group.
func removeVVol(b *Box, o *schema.Object, in *Input) (any, error) {
	k := b.Eng.Catalog.Kind(VVol.Name())
	id, err := strconv.ParseInt(in.Vars["vvol"], 10, 64)
	if err != nil {
		return nil, apierr.New(apierr.VVolNotFound, "vvol %q does not exist", in.Vars["vvol"])
	}
	v, err := b.Load(k, id)
	if err != nil {
		return nil, err
	}
	if VVolGroup.Get(v) != o.ID() {
		return nil, apierr.New(apierr.VVolNotInGroup, "vvol %d is no member of replication group %d", id, o.ID())
	}
	return o, b.leave(o, v, in)
}
