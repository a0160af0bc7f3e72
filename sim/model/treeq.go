package model

import (
	"errors"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The states of a tree queue's use against its limits.
const (
	BelowSoft = "BELOW_SOFT"
	AboveSoft = "ABOVE_SOFT"
	AboveHard = "ABOVE_HARD"
)

// The fields of a tree queue.
var (
	TreeQName       = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.NotNull, Check: checkName, Pattern: namePattern})
	TreeQPath       = schema.String(schema.Field{Name: "path", Flags: schema.Create, Check: treeQPath})
	TreeQFilesystem = schema.Ref(schema.Field{Name: "filesystem_id", Flags: schema.Index}, "filesystem")
	TreeQSoftBytes  = schema.Int(schema.Field{Name: "soft_capacity", Flags: schema.Editable, Check: notNegative})
	TreeQSoftNodes  = schema.Int(schema.Field{Name: "soft_inodes", Flags: schema.Editable, Check: notNegative})
	TreeQHardBytes  = schema.Int(schema.Field{Name: "hard_capacity", Flags: schema.Editable, Check: notNegative})
	TreeQHardNodes  = schema.Int(schema.Field{Name: "hard_inodes", Flags: schema.Editable, Check: notNegative})
	TreeQUsedBytes  = schema.Int(schema.Field{Name: "used_capacity", Default: 0})
	TreeQUsedNodes  = schema.Int(schema.Field{Name: "used_inodes", Default: 0})
	TreeQByteState  = schema.Compute(schema.Enum(schema.Field{Name: "capacity_state", Enum: []string{BelowSoft, AboveSoft, AboveHard}}))
	TreeQNodeState  = schema.Compute(schema.Enum(schema.Field{Name: "inodes_state", Enum: []string{BelowSoft, AboveSoft, AboveHard}}))
	treeQMode       = schema.String(schema.Field{Name: "mode", Flags: schema.Create | schema.Private, Check: fileMode})

	// TreeQ is a folder of a filesystem with limits of its own.
	TreeQ = schema.NewType("treeq", treeQMode, TreeQName, TreeQPath, TreeQFilesystem, TreeQSoftBytes, TreeQSoftNodes, TreeQHardBytes,
		TreeQHardNodes, TreeQUsedBytes, TreeQUsedNodes, TreeQByteState, TreeQNodeState)
)

// treeQPath is a folder right under the root: there is no nesting (vendor KB
// 6211275193757).
func treeQPath(v schema.Value) error {
	path := v.Text()
	if !strings.HasPrefix(path, "/") || len(path) < 2 || strings.Contains(path[1:], "/") {
		return errors.New("is no folder right under the root, like /name")
	}
	return nil
}

func notNegative(v schema.Value) error {
	if v.Int() < 0 {
		return errors.New("is negative")
	}
	return nil
}

// useState is how a use stands against a soft and a hard limit.
func useState(used, soft, hard schema.Attr[int64]) Compute {
	return func(_ *Box, o *schema.Object) (any, error) {
		switch n := used.Get(o); {
		case !hard.IsNull(o) && n >= hard.Get(o) && hard.Get(o) > 0:
			return AboveHard, nil
		case !soft.IsNull(o) && n > soft.Get(o):
			return AboveSoft, nil
		}
		return BelowSoft, nil
	}
}

func treeQKind() *Kind {
	return &Kind{
		Least: RolePoolAdmin, InPool: inPoolOf(Filesystem, TreeQFilesystem),
		Type: TreeQ, Path: "filesystems/{filesystem_id}/treeqs", NotFound: apierr.TreeQNotFound, Conflict: apierr.TreeQConflict, Single: true,
		Gate:  schema.Gate{Feature: "treeq"},
		Forms: []Form{{Name: "a tree queue", Required: []string{"path"}}},
		Hooks: Hooks{
			BeforeCreate: beforeTreeQCreate,
			AfterCreate:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "CREATED") },
			BeforeUpdate: beforeTreeQUpdate,
			AfterUpdate:  func(b *Box, old, o *schema.Object, _ *Input) error { return b.reportQuotas(old, o) },
			AfterDelete:  func(b *Box, o *schema.Object, _ *Input) error { return b.EmitFor(o, "DELETED") },
		},
		Computed: map[*schema.Field]Compute{
			TreeQByteState.Field(): useState(TreeQUsedBytes, TreeQSoftBytes, TreeQHardBytes),
			TreeQNodeState.Field(): useState(TreeQUsedNodes, TreeQSoftNodes, TreeQHardNodes),
		},
	}
}

func beforeTreeQCreate(b *Box, o *schema.Object, in *Input) error {
	fs, err := b.Load(b.Eng.Catalog.Kind(Filesystem.Name()), parentOf(in))
	if err != nil {
		return err
	}
	TreeQFilesystem.Set(o, fs.ID())
	if TreeQName.Get(o) == "" {
		TreeQName.Set(o, TreeQPath.Get(o)[1:])
	}
	n := b.Tx.CountBy(b.Key, TreeQFilesystem.Field(), TreeQ, schema.RefValue(fs.ID()))
	if n >= mostTreeQs && !b.Eng.NoLimits {
		return apierr.New(apierr.TreeQLimitExceeded, "filesystem %d has %d tree queues, as many as there can be", fs.ID(), n)
	}
	if err := b.checkQuotas(o); err != nil {
		return err
	}
	return b.freeTreeQ(o)
}

// freeTreeQ refuses a name or a path that another tree queue of the filesystem
// has.
func (b *Box) freeTreeQ(o *schema.Object) error {
	all, err := b.treeQs(TreeQFilesystem.Get(o))
	if err != nil {
		return err
	}
	for _, other := range all {
		switch {
		case other.ID() == o.ID():
		case TreeQName.Get(other) == TreeQName.Get(o):
			return apierr.New(apierr.TreeQConflict, "name: %q is taken by another tree queue", TreeQName.Get(o)).About("name")
		case TreeQPath.Get(other) == TreeQPath.Get(o):
			return apierr.New(apierr.TreeQConflict, "path: %q is taken by another tree queue", TreeQPath.Get(o)).About("path")
		}
	}
	return nil
}

// beforeTreeQUpdate lets a request change the name or the limits, not both
// (vendor KB 6211275193757).
func beforeTreeQUpdate(b *Box, _, o *schema.Object, in *Input) error {
	if _, named := in.Body["name"]; named && len(in.Body) > 1 {
		return apierr.New(apierr.NotSupportedMultipleUpdate, "name: a request changes the name or the limits").About("name")
	}
	if err := b.checkQuotas(o); err != nil {
		return err
	}
	return b.freeTreeQ(o)
}

func (b *Box) treeQs(filesystem int64) ([]*schema.Object, error) {
	var out []*schema.Object
	for _, id := range b.Tx.IDsBy(b.Key, TreeQ, TreeQFilesystem.Field(), schema.RefValue(filesystem)) {
		o, err := b.Must(TreeQ, id)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// copyTreeQs gives a filesystem the tree queues of another, as objects of
// their own, in place of those it had: a snapshot has them from its parent, a
// restored filesystem from the snapshot (InfiniSDK 289.1.4,
// doc/filesystems.rst).
func (b *Box) copyTreeQs(from, to *schema.Object) error {
	if from.Type() != Filesystem {
		return nil
	}
	if err := b.dropTreeQs(to); err != nil {
		return err
	}
	all, err := b.treeQs(from.ID())
	if err != nil {
		return err
	}
	for _, q := range all {
		o := b.New(b.Eng.Catalog.Kind(TreeQ.Name()))
		for _, f := range TreeQ.StoredFields() {
			if f.Name != "id" {
				o.SetRaw(f, q.Raw(f))
			}
		}
		TreeQFilesystem.Set(o, to.ID())
		if err := b.Insert(o); err != nil {
			return err
		}
	}
	return nil
}

func (b *Box) dropTreeQs(filesystem *schema.Object) error {
	all, err := b.treeQs(filesystem.ID())
	for _, q := range all {
		if err == nil {
			err = b.Remove(q)
		}
	}
	return err
}
