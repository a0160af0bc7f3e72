package replication_test

import (
	"fmt"
	"slices"
	"time"

	"infinisim/sim/model"
)

func (k *deck) groupNames() []string {
	var out []string
	for at, name := range k.now.groups {
		if at.box == k.box {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func (k *deck) newGroup() string {
	if len(k.groupNames()) >= 3 {
		return ""
	}
	return fmt.Sprintf(`%s > POST cgs {"name":"g%d","pool_id":{pool p}}`, k.box, k.n)
}

func (k *deck) addMember() string {
	g, ok := one(k, k.groupNames())
	d, some := one(k, k.datasets(k.box, func(d dataset) bool { return master(d) && d.group == "" }))
	if !ok || !some {
		return ""
	}
	more := ""
	if pairs := k.pairsInfo(g); pairs != "" && k.pick(4) > 0 {
		more = `,"replication_pairs_info":[` + pairs + "]"
	}
	return fmt.Sprintf(`%s > POST cgs/{cg %s}/members {"dataset_id":%s%s}`, k.box, g, d.ref(), more)
}

// pairsInfo says for each of several replicas of a group how a member joins.
func (k *deck) pairsInfo(group string) string {
	out, n := "", 0
	for _, h := range k.halves() {
		if h.group && h.name == group {
			if n++; n > 1 {
				out += ","
			}
			out += fmt.Sprintf(`{"replica_id":%s,"remote_base_action":"CREATE"}`, h.ref())
		}
	}
	if n < 2 {
		return ""
	}
	return out
}

func (k *deck) removeMember() string {
	d, ok := one(k, k.datasets(k.box, func(d dataset) bool { return master(d) && d.group != "" }))
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s > DELETE cgs/{cg %s}/members/%s?approved=true%s", k.box, d.group, d.ref(),
		k.flags("retain_staging_area", "create_replica", "create_replica", "force_if_no_remote_credentials", "force_if_remote_error", "force_on_target", "force_on_local", "keep_serial_on_local"))
}

func (k *deck) groupSnapshot() string {
	g, ok := one(k, k.groupNames())
	if !ok {
		return ""
	}
	return fmt.Sprintf(`%s > POST cgs?x=1%s {"name":"sg%d","parent_id":{cg %s},"snap_suffix":"-%d"}`, k.box, k.flags("replicate_to_async_target"), k.n, g, k.n)
}

func (k *deck) deleteGroup() string {
	g, ok := one(k, k.groupNames())
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s > DELETE cgs/{cg %s}?approved=true%s", k.box, g, k.flags("delete_members"))
}

func (k *deck) pool() string {
	return fmt.Sprintf("%s > POST pools/{pool %s}/%s", k.box, of(k, "p", "q"), of(k, "lock", "lock", "unlock"))
}

// path is a link of another kind; most draws make it one that works.
func (k *deck) path() string {
	peer := k.peer()
	change := of(k,
		`{"cut":false,"cut_from":""}`, `{"cut":false,"cut_from":""}`, `{"cut":false,"cut_from":"","latency_ns":1000000,"jitter_ns":0,"loss_ppm":0,"bandwidth":100000000}`,
		`{"latency_ns":40000000}`, `{"latency_ns":1000000}`, `{"jitter_ns":3000000}`, `{"loss_ppm":300000}`, `{"bandwidth":1000000}`, `{"bandwidth":1000000000}`,
		`{"slots":0}`, `{"slots":1}`, `{"slots":-1}`, `{"addresses_down":2}`, `{"addresses_down":0}`)
	return fmt.Sprintf("! path %s %s %s", k.box, peer, change)
}

// bandwidth makes copies take a while, or not.
func (k *deck) bandwidth() string {
	return fmt.Sprintf(`! path %s %s {"bandwidth":%d}`, k.box, k.peer(), of(k, 100_000_000, 20_000_000))
}

// repair mends one of the things that others broke.
func (k *deck) repair() string {
	peer := k.peer()
	switch k.pick(6) {
	case 0:
		return fmt.Sprintf(`%s > PUT links/{link %s}?approved=true {"local_replication_network_space_id":{space}}`, k.box, peer)
	case 1:
		return "! on " + k.box
	case 2:
		return fmt.Sprintf("%s > POST pools/{pool %s}/unlock", k.box, of(k, "p", "q"))
	}
	return fmt.Sprintf(`! path %s %s {"cut":false,"cut_from":"","latency_ns":1000000,"jitter_ns":0,"loss_ppm":0,"bandwidth":%d,"slots":-1}`, k.box, peer, of(k, 100_000_000, 20_000_000))
}

func (k *deck) cut() string {
	peer := k.peer()
	return fmt.Sprintf("! path %s %s %s", k.box, peer, of(k, `{"cut":true}`, `{"cut":true}`, fmt.Sprintf(`{"cut_from":%q}`, k.box)))
}

// schedule has a link flap for a while, or stop flapping.
func (k *deck) schedule() string {
	up := `{"bandwidth":100000000,"latency_ns":1000000,"slots":-1}`
	down := `{"bandwidth":100000000,"latency_ns":1000000,"slots":-1,"cut":true}`
	plan := of(k,
		fmt.Sprintf(`{"steps":[{"after_ns":1000000000,"model":%s},{"after_ns":1700000000,"model":%s}],"every_ns":600000000000}`, down, up),
		fmt.Sprintf(`{"steps":[{"after_ns":2000000,"model":%s},{"after_ns":60000000000,"model":%s}]}`, down, up),
		`{}`, `{}`)
	return fmt.Sprintf("! schedule %s %s %s", k.box, k.peer(), plan)
}

func (k *deck) linkVerb() string {
	peer := k.peer()
	switch k.pick(6) {
	case 0:
		return fmt.Sprintf(`%s > PUT links/{link %s}?approved=true {"local_replication_network_space_id":null}`, k.box, peer)
	case 1, 2:
		return fmt.Sprintf(`%s > PUT links/{link %s}?approved=true {"local_replication_network_space_id":{space}}`, k.box, peer)
	case 3:
		return fmt.Sprintf("%s > POST links/{link %s}/refresh", k.box, peer)
	case 4:
		return k.witnessAt()
	}
	return fmt.Sprintf("%s > DELETE links/{link %s}?approved=true", k.box, peer)
}

func (k *deck) witnessAt() string {
	return fmt.Sprintf(`%s > POST links/{link %s}/set_witness_address {"witness_address":%q}`, k.box, k.peer(), of(k, "10.0.0.9", "0.0.0.0"))
}

func (k *deck) witness() string {
	return fmt.Sprintf("! witness %s %s %s", k.box, k.peer(), of(k, "cut", "mend"))
}

func (k *deck) jobFault() string {
	effect := of(k, `{"type":"fail","retry":"5s"}`, `{"type":"fail"}`, `{"type":"fail"}`, `{"type":"delay","delay":"3s"}`, `{"type":"delay","delay":"1ms","spread":"2s"}`)
	name := of(k, "replica.phase", "replica.phase", "replica.start", "replica.slots", "fabric.lane")
	return fmt.Sprintf(`! fault {"id":"f%d","site":"job","array":%q,"job":%q,"odds":%v,"times":%d,"effect":%s}`, k.n, k.box, name, of(k, 0, 0.5, 0.2), 1+k.pick(6), effect)
}

func (k *deck) linkFault() string {
	effect := of(k, `{"type":"down"}`, `{"type":"latency","delay":"20ms"}`, `{"type":"bandwidth","bandwidth":2000000}`)
	until := k.now.now.MS() + int64(of(k, 5, 1000, 60_000))
	return fmt.Sprintf(`! fault {"id":"f%d","site":"link","array":%q,"peer":%q,"until":%d,"effect":%s}`, k.n, k.box, k.peer(), until, effect)
}

func (k *deck) lift() string {
	all := k.lab.Faults()
	if len(all) == 0 {
		return ""
	}
	return "! lift " + all[k.pick(len(all))].ID
}

func (k *deck) power() string {
	return fmt.Sprintf("! %s %s", of(k, "off", "on", "on"), k.box)
}

// pour has hosts write to a dataset without end.
func (s *storm) pour(text string) error {
	var box, name string
	w := model.Workload{BlockSize: 4096, Latency: time.Millisecond}
	if _, err := fmt.Sscan(text, &box, &name, &w.Writes, &w.HotSet, &w.Overwrites); err != nil {
		return err
	}
	id := max(s.id(box, "volume", name, ""), s.id(box, "filesystem", name, ""))
	return refusable(s.lab.SetWorkload(s.ctx, box, id, w))
}

// dry ends all that hosts write.
func (s *storm) dry() error {
	now, err := s.look()
	if err != nil {
		return err
	}
	for at := range now.datasets {
		if err := s.lab.SetWorkload(s.ctx, at.box, at.id, model.Workload{BlockSize: 512, Latency: 1}); refusable(err) != nil {
			return err
		}
	}
	return nil
}
