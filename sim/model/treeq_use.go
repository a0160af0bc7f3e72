package model

import (
	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// UseTreeQ counts bytes and files of a filesystem as those of one of its tree
// queues; negative numbers take them away. The first hard limit that is
// reached blocks what would go beyond it (vendor KB 6211275193757). It returns
// TREEQ_ID_DOES_NOT_EXIST for an id that none of the filesystem's has.
func (b *Box) UseTreeQ(filesystem, queue, bytes, inodes int64) error {
	q, err := b.Load(b.Eng.Catalog.Kind(TreeQ.Name()), queue)
	if err != nil {
		return err
	}
	if TreeQFilesystem.Get(q) != filesystem {
		return apierr.New(apierr.TreeQNotFound, "filesystem %d has no tree queue %d", filesystem, queue)
	}
	old := q.Clone()
	for _, l := range []struct {
		used, hard schema.Attr[int64]
		more       int64
	}{{TreeQUsedBytes, TreeQHardBytes, bytes}, {TreeQUsedNodes, TreeQHardNodes, inodes}} {
		now := max(l.used.Get(q)+l.more, 0)
		if limit := l.hard.Get(q); l.more > 0 && limit > 0 && now > limit {
			return apierr.New(apierr.TreeQFull, "tree queue %d: %d is above its %s, %d", q.ID(), now, l.hard.Name(), limit).About(l.hard.Name())
		}
		l.used.Set(q, now)
	}
	if err := b.Tx.Put(b.Key, q); err != nil {
		return err
	}
	return b.reportQuotas(old, q)
}

// reportQuotas tells of the limits that a tree queue's use crossed, by what was
// written or by other limits. The array does so within 50 MB of a soft limit
// (vendor KB 6211275276573); here it is at once.
//
// unsourced: the codes and their levels.
func (b *Box) reportQuotas(old, q *schema.Object) error {
	kind := b.Eng.Catalog.Kind(TreeQ.Name())
	for _, f := range []struct {
		state schema.Attr[string]
		code  string
	}{{TreeQByteState, "TREEQ_CAPACITY_"}, {TreeQNodeState, "TREEQ_INODES_"}} {
		state := kind.Computed[f.state.Field()]
		was, err := state(b, old)
		if err != nil {
			return err
		}
		is, err := state(b, q)
		if err != nil {
			return err
		}
		word, ok := is.(string)
		if !ok || was == is {
			continue
		}
		level := map[string]string{BelowSoft: "INFO", AboveSoft: "WARNING", AboveHard: "ERROR"}[word]
		err = b.Emit(Event{
			Code: f.code + word, Level: level, Entity: q.ID(), Template: "tree queue {name} of filesystem {filesystem_id} is {state}",
			Data: []Datum{
				{Name: "name", Type: "String", Value: TreeQName.Get(q)},
				{Name: "filesystem_id", Type: "Long", Value: TreeQFilesystem.Get(q)},
				{Name: "state", Type: "String", Value: word},
			},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// onOwnTreeQs keeps a route of tree queues from those of a replication target:
// they cannot be queried (vendor KB 6211275276573) nor modified (vendor KB
// 6211275193757).
func onOwnTreeQs(routes []Route) []Route {
	for i, r := range routes {
		routes[i].Do = func(b *Box, fs *schema.Object, in *Input) (any, error) {
			if DatasetRMRTarget.Get(fs) {
				return nil, apierr.New(apierr.DatasetIsTarget, "filesystem %d is a replication target: its tree queues are those of its source", fs.ID())
			}
			return r.Do(b, fs, in)
		}
	}
	return routes
}

// checkQuotas refuses a soft limit above the hard one.
//
// unsourced: that the limits must be in order.
func (b *Box) checkQuotas(o *schema.Object) error {
	for _, l := range []struct{ soft, hard schema.Attr[int64] }{{TreeQSoftBytes, TreeQHardBytes}, {TreeQSoftNodes, TreeQHardNodes}} {
		if hard := l.hard.Get(o); hard > 0 && l.soft.Get(o) > hard {
			return apierr.New(apierr.InvalidValue, "%s: %d is above %s, %d", l.soft.Name(), l.soft.Get(o), l.hard.Name(), hard).About(l.soft.Name())
		}
	}
	return nil
}
