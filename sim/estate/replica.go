package estate

import (
	"context"
	"errors"
	"slices"
	"time"

	"infinisim/sim/document"
	"infinisim/sim/model"
	"infinisim/sim/replication"
	"infinisim/sim/schema"
)

// linkPlan is a link that is to be made.
type linkPlan struct {
	node  document.Node
	a, b  int
	more  model.Body
	path  Path
	every time.Duration
	steps []stepPlan
}

// readLink reads a link.
func readLink(n document.Node, e *Estate) (l linkPlan, err error) {
	l.node = n
	more := []string{"name", "witness_address"}
	if err := n.Only(append(append([]string{"between"}, more...), append(PathKeys(), "schedule")...)...); err != nil {
		return l, err
	}
	between := n.Get("between")
	if len(between.Items()) != 2 {
		return l, n.Near("between").Errorf("between: two arrays are needed, such as [box-1, box-2]")
	}
	for i, to := range []*int{&l.a, &l.b} {
		if *to, err = e.array(between.Items()[i]); err != nil {
			return l, err
		}
	}
	if l.a == l.b {
		return l, between.Errorf("an array is not linked to itself")
	}
	l.more = model.Body{}
	for _, name := range more {
		if v := n.Get(name); v.There() {
			if l.more[name], err = v.JSON(); err != nil {
				return l, err
			}
		}
	}
	if l.path, err = ReadPath(n); err != nil {
		return l, err
	}
	if s := n.Get("schedule"); s.There() {
		l.every, l.steps, err = readSchedule(s)
	}
	return l, err
}

func (f *filling) link(ctx context.Context, l linkPlan) error {
	if _, err := f.lab.LinkWith(ctx, f.keys[l.a], f.keys[l.b], l.more); err != nil {
		return refused(l.node, err)
	}
	return nil
}

// sources are the members that say what a replica copies, with the types that
// they name.
func sources() map[string]*schema.Type {
	return map[string]*schema.Type{"volume": model.Volume, "filesystem": model.Filesystem, "consistency_group": model.ConsGroup}
}

// own are the members of a replica that the estate reads; all others are the
// array's.
func own() []string {
	return []string{"from", "to", "link", "volume", "filesystem", "consistency_group", "pool", "type", "target"}
}

// readReplica reads an entry of replicas.
func readReplica(n document.Node, e *Estate) ([]object, error) {
	kind := &model.Kind{Type: replication.Replica, Path: "replicas"}
	keys := slices.DeleteFunc(append(own(), keysOf(kind)...), func(name string) bool {
		return slices.Contains([]string{"link_id", "entity_type", "replication_type", "entity_pairs", "local_cg_id", "remote_cg_id", "local_entity_name", "remote_pool_id"}, name)
	})
	slices.Sort(keys)
	if err := n.Only(slices.Compact(keys)...); err != nil {
		return nil, err
	}
	r := object{node: n, kind: kind, index: -1}
	for key, to := range map[string]*int{"from": &r.array, "to": &r.target} {
		v := n.Get(key)
		if !v.There() {
			return nil, n.Errorf("%s is missing, the array that it leads %s", key, key)
		}
		var err error
		if *to, err = e.array(v); err != nil {
			return nil, err
		}
	}
	given := []string{}
	for name := range sources() {
		if n.Get(name).There() {
			given = append(given, name)
		}
	}
	if len(given) != 1 {
		return nil, n.Errorf("one of volume, filesystem and consistency_group is needed, %d are there", len(given))
	}
	if !n.Get("pool").There() {
		return nil, n.Errorf("pool is missing, that of the target")
	}
	count, err := counts(n)
	if err != nil || count == nil {
		return []object{r}, err
	}
	var out []object
	for _, r.index = range count {
		out = append(out, r)
	}
	return out, nil
}

// counts are the numbers of an entry with a count, nil without.
func counts(n document.Node) ([]int64, error) {
	if !n.Get(keyCount).There() {
		return nil, nil
	}
	count, err := n.Get(keyCount).Int()
	if err != nil || count < 1 || count > mostObjects {
		return nil, n.Get(keyCount).Expected("a number of replicas")
	}
	first := int64(1)
	if v := n.Get(keyFirst); v.There() {
		if first, err = v.Int(); err != nil {
			return nil, err
		}
	}
	var out []int64
	for i := range count {
		out = append(out, first+i)
	}
	return out, nil
}

// replica makes a replica, as POST replicas does.
func (f *filling) replica(ctx context.Context, r object) error {
	from, to := f.keys[r.array], f.keys[r.target]
	link, err := f.linkOf(ctx, r, from, to)
	if err != nil {
		return err
	}
	var pool int64
	err = f.lab.View(ctx, to, func(b *model.Box) error {
		pool, err = made{object: r}.named(b, r.node.Get("pool"), model.Pool.Name())
		return err
	})
	if err != nil {
		return err
	}
	err = f.lab.On(ctx, from, func(b *model.Box) error {
		body, err := r.offer(b)
		if err != nil {
			return err
		}
		body["link_id"], body["remote_pool_id"] = link, pool
		raw := model.NewBody(body)
		_, err = b.Create(b.Eng.Catalog.Kind(replication.Replica.Name()), &model.Input{Request: model.Request{Approved: true}, Body: raw})
		return err
	})
	if err != nil {
		return refused(r.node, err)
	}
	return nil
}

// linkOf is the id of the link that leads there: the one of a name, or the
// only one.
func (f *filling) linkOf(ctx context.Context, r object, from, to string) (int64, error) {
	all, err := f.lab.Links(ctx)
	if err != nil {
		return 0, err
	}
	name := ""
	if v := r.node.Get("link"); v.There() {
		if name, err = v.Text(); err != nil {
			return 0, err
		}
	}
	var ids []int64
	for _, l := range all {
		if name != "" && l.Name != name {
			continue
		}
		switch {
		case l.A == from && l.B == to:
			ids = append(ids, l.AID)
		case l.B == from && l.A == to:
			ids = append(ids, l.BID)
		}
	}
	if len(ids) != 1 {
		return 0, r.node.Near("link").Errorf("%d links lead from %s to %s, one is needed", len(ids), from, to)
	}
	return ids[0], nil
}

// offer is the request's body, but for link and pool.
func (r object) offer(b *model.Box) (map[string]any, error) {
	body := map[string]any{}
	for _, p := range r.node.Pairs() {
		if slices.Contains(own(), p.Key) || p.Key == keyCount || p.Key == keyFirst {
			continue
		}
		v := r.value(p.Value.Value())
		if text, ok := v.(string); ok {
			var err error
			if v, err = r.convert(b, replication.Replica.Field(p.Key), p.Value, text); err != nil {
				return nil, err
			}
		}
		body[p.Key] = v
	}
	if v := r.node.Get("type"); v.There() {
		body["replication_type"] = v.Value()
	}
	for name, t := range sources() {
		n := r.node.Get(name)
		if !n.There() {
			continue
		}
		id, err := made{object: r}.named(b, n, t.Name())
		if err != nil {
			return nil, err
		}
		return body, r.pairs(b, body, t, id)
	}
	return nil, errors.New("nothing to copy")
}

// pairs puts into the body what is copied.
func (r object) pairs(b *model.Box, body map[string]any, t *schema.Type, id int64) error {
	pair := func(id int64) map[string]any {
		return map[string]any{"local_entity_id": id, "remote_base_action": "CREATE", "remote_entity_id": nil}
	}
	switch t {
	case model.ConsGroup:
		cg, err := b.Must(t, id)
		if err != nil {
			return err
		}
		members, err := b.Members(cg)
		if err != nil {
			return err
		}
		pairs := []any{}
		for _, m := range members {
			pairs = append(pairs, pair(m.ID()))
		}
		body["entity_type"], body["local_cg_id"], body["entity_pairs"] = "CONSISTENCY_GROUP", id, pairs
		return nil
	case model.Filesystem:
		body["entity_type"] = model.OfFS
	default:
		body["entity_type"] = model.OfVolume
	}
	only := pair(id)
	if v := r.node.Get("target"); v.There() {
		name, err := v.Text()
		if err != nil {
			return err
		}
		only["remote_entity_name"] = r.fill(name)
	}
	body["entity_pairs"] = []any{only}
	return nil
}
