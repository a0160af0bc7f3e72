package replication_test

import (
	"fmt"
	"slices"
	"strings"
)

// deck draws the next line of a script from what there is; empty for one that
// has nothing to be about.
type deck struct {
	dice
	*storm
	box string // the array that is asked
	now *scene
}

// card is a kind of line, drawn as often as its weight says.
type card struct {
	weight int
	draw   func(k *deck) string
}

func cards() []card {
	return []card{
		{16, (*deck).moveClock},
		{12, (*deck).hostWrite},
		{8, (*deck).pour},
		{18, (*deck).replicaVerb},
		{6, (*deck).newReplica},
		{3, (*deck).newDataset},
		{4, (*deck).snapshot},
		{3, (*deck).copyBack},
		{2, (*deck).deleteSnapshot},
		{2, (*deck).resize},
		{1, (*deck).protect},
		{2, (*deck).deleteDataset},
		{3, (*deck).deleteReplica},
		{2, (*deck).configure},
		{2, (*deck).newGroup},
		{5, (*deck).addMember},
		{4, (*deck).removeMember},
		{2, (*deck).groupSnapshot},
		{1, (*deck).deleteGroup},
		{1, (*deck).pool},
		{2, (*deck).path},
		{3, (*deck).cut},
		{9, (*deck).repair},
		{1, (*deck).schedule},
		{2, (*deck).linkVerb},
		{2, (*deck).witness},
		{2, (*deck).jobFault},
		{1, (*deck).linkFault},
		{1, (*deck).lift},
		{1, (*deck).power},
		{1, func(*deck) string { return "! fork" }},
		{1, func(*deck) string { return "! restart" }},
		{2, func(*deck) string { return "@ settle" }},
	}
}

// opening is how runs begin: with something to be about.
func opening() []func(k *deck) string {
	wait := func(*deck) string { return "@ 5s" }
	return []func(k *deck) string{
		(*deck).newDataset, (*deck).newDataset, (*deck).newDataset, (*deck).newGroup, (*deck).addMember, (*deck).hostWrite, (*deck).newReplica,
		(*deck).newReplica, (*deck).witnessAt, wait, (*deck).bandwidth, (*deck).hostWrite, (*deck).newReplica, (*deck).newReplica, wait,
	}
}

func (s *storm) drawLab(d dice) string {
	line := fmt.Sprintf("! lab %d %d", 2+d.pick(2), d.pick(4))
	if d.pick(16) == 15 {
		line += " durable"
	}
	return line
}

func (s *storm) draw(d dice) string {
	s.n++
	all, sum := cards(), 0
	for _, c := range all {
		sum += c.weight
	}
	k := &deck{dice: d, storm: s, now: s.oracle.last}
	boxes := s.lab.Arrays()
	if s.n <= len(opening()) {
		k.box = boxes[s.n%4/3].Key // mostly the first
		return opening()[s.n-1](k)
	}
	for range 8 {
		k.box = boxes[d.pick(len(boxes))].Key
		at := d.pick(sum)
		for _, c := range all {
			if at -= c.weight; at >= 0 {
				continue
			}
			if line := c.draw(k); line != "" {
				return line
			}
			break
		}
	}
	return ""
}

func one[T any](k *deck, list []T) (v T, ok bool) {
	if len(list) == 0 {
		return v, false
	}
	return list[k.pick(len(list))], true
}

func of[T any](k *deck, list ...T) T { return list[k.pick(len(list))] }

// flags are some of those that a request knows, with any value.
func (k *deck) flags(names ...string) string {
	var out strings.Builder
	for _, name := range names {
		if v := k.pick(4); v > 1 {
			fmt.Fprintf(&out, "&%s=%v", name, v == 2)
		}
	}
	return out.String()
}

// datasets are those of an array that fit.
func (k *deck) datasets(box string, fits func(d dataset) bool) []dataset {
	var out []dataset
	for _, at := range k.now.order {
		if d := k.now.datasets[at]; at.box == box && fits(d) {
			out = append(out, d)
		}
	}
	return out
}

func master(d dataset) bool { return !d.snapshot }

func (d dataset) ref() string { return fmt.Sprintf("{%s %s}", d.kind, d.name) }

func (d dataset) path() string { return d.kind + "s/" + d.ref() }

func (k *deck) peer() string {
	var out []string
	for _, a := range k.lab.Arrays() {
		if a.Key != k.box {
			out = append(out, a.Key)
		}
	}
	return of(k, out...)
}

func (k *deck) moveClock() string {
	d := of(k, "1ms", "3ms", "40ms", "700ms", "1s", "1s", "3s", "5s", "20s", "1m", "4m", "1h", "24h")
	busy := slices.ContainsFunc(k.now.replicas, func(h half) bool {
		return h.kind == "ASYNC" && h.interval < 30_000 || h.kind == "SYNC" && strings.HasSuffix(h.state, "RUNNING")
	})
	if busy && (d == "4m" || d == "1h" || d == "24h") {
		d = "40s" // a day of short intervals is many jobs and one kind of step
	}
	return "@ " + d
}

func (k *deck) hostWrite() string {
	d, ok := one(k, k.datasets(k.box, func(d dataset) bool { return master(d) || !d.protected }))
	if !ok {
		return ""
	}
	return fmt.Sprintf("! write %s %s %d %d %d", k.box, d.name, int64(k.pick(4))*quarter, of(k, quarter, quarter, 1<<20, 512), k.pick(4))
}

const quarter = int64(gib / 4)

// pour has hosts write without end: less or more than a link carries, or
// nothing.
func (k *deck) pour() string {
	fits := master
	if k.pick(4) > 0 {
		fits = func(d dataset) bool { return d.source || d.peered }
	}
	d, ok := one(k, k.datasets(k.box, fits))
	if !ok {
		return ""
	}
	return fmt.Sprintf("! pour %s %s %d %s", k.box, d.name, of(k, 0, 7, 1000, 1000, 20_000, 60_000), of(k, "0 0", "0 0", "1048576 500000"))
}

func (k *deck) replicaVerb() string {
	r, ok := one(k, k.halves())
	if !ok {
		return ""
	}
	if fits := verbsOf(r); k.pick(4) > 0 && len(fits) > 0 {
		return fmt.Sprintf("%s > POST replicas/%s/%s", k.box, r.ref(), of(k, fits...))
	}
	verb := of(k, "suspend", "suspend", "resume", "resume", "resume", "sync", "sync", "change_role", "change_role", "change_role", "switch_role", "switch_role",
		"change_type_to_sync", "change_type_to_sync", "change_type_to_async", "expose_last_consistent_snapshot")
	return fmt.Sprintf("%s > POST replicas/%s/%s", k.box, r.ref(), verb)
}

// verbsOf are verbs that mean something to a half as it is.
func verbsOf(h half) []string {
	switch {
	case strings.Contains(h.state, "SUSPENDED"):
		return []string{"resume", "resume", "change_role"}
	case h.role == "TARGET":
		return nil
	case h.role == "ACTIVE_ACTIVE":
		return []string{"suspend"}
	case h.state == "SYNCHRONIZED":
		return []string{"switch_role", "switch_role", "change_type_to_async", "suspend"}
	case h.kind == "SYNC":
		return []string{"change_type_to_async", "suspend"}
	}
	return []string{"sync", "sync", "change_type_to_sync", "change_type_to_sync", "suspend"}
}

func (k *deck) halves() []half {
	return slices.DeleteFunc(slices.Clone(k.now.replicas), func(h half) bool { return h.box != k.box })
}

func (h half) ref() string { return fmt.Sprintf("{replica %s %s}", h.name, h.peer) }

const mostHalves = 7

func (k *deck) newReplica() string {
	if len(k.halves()) >= mostHalves {
		return ""
	}
	peer := k.peer()
	kind := of(k, "ASYNC", "ASYNC", "SYNC", "ACTIVE_ACTIVE")
	settings := fmt.Sprintf(`"link_id":{link %s},"replication_type":%q`, peer, kind)
	switch {
	case kind == "ASYNC":
		interval := of(k, 0, 4000, 30_000, 30_000, 240_000, 240_000, 3_600_000)
		settings += fmt.Sprintf(`,"sync_interval":%d,"rpo_value":%d,"including_snapshots":%v`, interval, max(5000, 2*interval), k.pick(2) == 0)
	case kind == "ACTIVE_ACTIVE" && k.pick(2) == 0:
		settings += `,"is_preferred":false`
	}
	settings += fmt.Sprintf(`,"remote_pool_id":{%s pool %s}`, peer, of(k, "p", "p", "q"))
	if k.pick(3) == 2 {
		g, ok := one(k, k.groupNames())
		if !ok {
			return ""
		}
		var pairs []string
		for _, d := range k.datasets(k.box, func(d dataset) bool { return master(d) && d.group == g }) {
			pairs = append(pairs, k.pair(d, peer, g))
		}
		return fmt.Sprintf(`%s > POST replicas {"entity_type":"CONSISTENCY_GROUP","local_cg_id":{cg %s},%s,"entity_pairs":[%s]}`, k.box, g, settings, strings.Join(pairs, ","))
	}
	d, ok := one(k, k.datasets(k.box, func(d dataset) bool { return master(d) && !d.target }))
	if !ok {
		return ""
	}
	return fmt.Sprintf(`%s > POST replicas {"entity_type":%q,%s,"entity_pairs":[%s]}`, k.box, strings.ToUpper(d.kind), settings, k.pair(d, peer, ""))
}

// pair is one of entity_pairs, in any of its forms where there is something to
// take.
func (k *deck) pair(d dataset, peer, group string) string {
	fits := k.datasets(peer, func(t dataset) bool {
		return master(t) && t.kind == d.kind && t.size == d.size && !t.target && !t.source && !t.peered && (group == "" || t.group == group)
	})
	if t, ok := one(k, fits); ok && k.pick(3) > 0 {
		own := k.datasets(k.box, func(s dataset) bool { return s.snapshot && s.parent == d.id && s.guid != "" })
		if s, ok := one(k, own); ok {
			there := k.datasets(peer, func(c dataset) bool { return c.guid == s.guid })
			if c, ok := one(k, there); ok {
				for _, m := range k.datasets(peer, func(m dataset) bool { return m.id == c.parent }) {
					return fmt.Sprintf(`{"local_entity_id":%s,"remote_base_action":"BASE","remote_entity_id":{%s %s %s},"local_base_entity_id":%s,"remote_base_entity_id":{%s %s %s}}`,
						d.ref(), peer, m.kind, m.name, s.ref(), peer, c.kind, c.name)
				}
			}
		}
		return fmt.Sprintf(`{"local_entity_id":%s,"remote_base_action":%q,"remote_entity_id":{%s %s %s}}`, d.ref(), of(k, "TAKE_SNAP", "NO_BASE_DATA"), peer, t.kind, t.name)
	}
	return fmt.Sprintf(`{"local_entity_id":%s,"remote_base_action":"CREATE"}`, d.ref())
}

func (k *deck) newDataset() string {
	if len(k.datasets(k.box, master)) >= 8 {
		return ""
	}
	kind := of(k, "volume", "volume", "volume", "filesystem")
	return fmt.Sprintf(`%s > POST %ss {"name":"%c%d","size":%d,"pool_id":{pool %s},"provtype":"THIN"}`, k.box, kind, kind[0], k.n, gib, of(k, "p", "p", "p", "q"))
}

func (k *deck) snapshot() string {
	d, ok := one(k, k.datasets(k.box, func(d dataset) bool { return master(d) || k.n%5 == 0 }))
	if !ok || len(k.datasets(k.box, func(d dataset) bool { return d.snapshot })) >= 12 {
		return ""
	}
	more := of(k, "", "", `,"write_protected":false`, `,"snapshot_retention":3600`)
	return fmt.Sprintf(`%s > POST %ss?x=1%s {"name":"s%d","parent_id":%s%s}`, k.box, d.kind, k.flags("replicate_to_async_target"), k.n, d.ref(), more)
}

// copyBack restores a dataset from a snapshot, or refreshes the snapshot.
func (k *deck) copyBack() string {
	s, ok := one(k, k.datasets(k.box, func(d dataset) bool { return d.snapshot }))
	if !ok {
		return ""
	}
	d, ok := one(k, k.datasets(k.box, func(d dataset) bool { return d.id == s.parent }))
	switch {
	case !ok:
		return ""
	case k.pick(2) == 0:
		return fmt.Sprintf(`%s > POST %s/restore {"source_id":%s}`, k.box, d.path(), s.ref())
	}
	return fmt.Sprintf(`%s > POST %s/refresh?x=1%s {"source_id":%s}`, k.box, s.path(), k.flags("force_if_replicated_on_target"), d.ref())
}

func (k *deck) deleteSnapshot() string {
	s, ok := one(k, k.datasets(k.box, func(d dataset) bool { return d.snapshot }))
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s > DELETE %s?approved=true", k.box, s.path())
}

func (k *deck) resize() string {
	d, ok := one(k, k.datasets(k.box, master))
	if !ok {
		return ""
	}
	return fmt.Sprintf(`%s > PUT %s {"size":%d}`, k.box, d.path(), d.size+of(k, quarter, 512, -quarter))
}

func (k *deck) protect() string {
	d, ok := one(k, k.datasets(k.box, master))
	if !ok {
		return ""
	}
	return fmt.Sprintf(`%s > PUT %s?approved=true {"write_protected":%v}`, k.box, d.path(), k.pick(2) == 0)
}

func (k *deck) deleteDataset() string {
	d, ok := one(k, k.datasets(k.box, master))
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s > DELETE %s?approved=true", k.box, d.path())
}

func (k *deck) deleteReplica() string {
	r, ok := one(k, k.halves())
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s > DELETE replicas/%s?approved=true%s", k.box, r.ref(), k.flags("retain_staging_area", "force_if_remote_error", "force_on_target",
		"force_if_no_remote_credentials", "force_on_local", "keep_serial_on_local"))
}

func (k *deck) configure() string {
	r, ok := one(k, k.halves())
	if !ok {
		return ""
	}
	body := of(k, `{"sync_interval":4000}`, `{"sync_interval":60000,"rpo_value":120000}`, `{"rpo_value":600000}`, `{"is_preferred":true}`, `{"is_preferred":false}`, `{"sync_interval":0}`)
	return fmt.Sprintf("%s > PUT replicas/%s?approved=true %s", k.box, r.ref(), body)
}
