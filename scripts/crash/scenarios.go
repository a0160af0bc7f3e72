package main

import (
	"context"
	"fmt"
	"net/http"
)

// scenario is what happens while one of two processes dies.
type scenario struct {
	name string
	// from is the stage that it starts from.
	from string
	ops  []op
	want want
}

// want is what both arrays have in the end, on each side where they differ.
type want struct {
	links, replicas  int
	masters, retains [2]int
}

// stage is a state that scenarios start from.
type stage struct {
	from string
	ops  []op
}

// stages are the states that scenarios start from.
func stages() map[string]stage {
	return map[string]stage{
		"prepared":     {"", []op{{name: "prepare", done: prepare}}},
		"linked":       {"prepared", []op{linkCreate()}},
		"replicated":   {"linked", []op{replicaCreate(), {name: "initial copy", done: both(idle, digests)}}},
		"synchronized": {"replicated", []op{toSync()}},
		"active":       {"linked", []op{activeCreate()}},
		"grouped":      {"linked", []op{{name: "group", done: group}}},
		"together":     {"grouped", []op{groupCreate(), {name: "initial copy", done: both(idle, digests)}}},
	}
}

// scenarios are the operations of replication, each on the state that it needs.
func scenarios() []scenario {
	pair := want{links: 1, replicas: 1, masters: [2]int{2, 1}}
	alone := want{links: 1, masters: [2]int{2, 1}, retains: [2]int{1, 1}}
	return []scenario{
		{"link", "prepared", []op{linkCreate(), linkDelete()}, want{masters: [2]int{2, 0}}},
		{"create", "linked", []op{replicaCreate(), {name: "initial copy", done: both(idle, digests)}}, pair},
		{"job", "replicated", []op{write(0, 2), syncNow(), write(0, 3), syncNow()}, pair},
		{"suspend", "replicated", []op{
			write(0, 2),
			{name: "sync", ready: up, act: verb(0, "sync"), done: shows(0, "role", "SOURCE")},
			suspend(), write(0, 3), resume(0),
			{name: "job", done: both(idle, digests)},
		}, pair},
		{"to-sync", "replicated", []op{write(0, 2), toSync()}, pair},
		{"mirror", "synchronized", []op{mirrored(0, 2), mirrored(0, 3), suspend(), write(0, 4), resume(0), {name: "catch up", done: inStep(0)}}, pair},
		{"switch", "synchronized", []op{switchRole(0), mirrored(1, 2), switchRole(1), mirrored(0, 3)}, pair},
		{"to-async", "synchronized", []op{mirrored(0, 2), toAsync(), write(0, 3), syncNow()}, pair},
		{"failover", "replicated", failover(), pair},
		{"sync-fail", "synchronized", append([]op{{name: "write", ready: inStep(0), act: writes(0, 7), done: nothing, once: true}}, failover()...), pair},
		{"member", "together", []op{join(), {name: "first copy", done: both(idle, digests)}, leave()}, want{links: 1, replicas: 1, masters: [2]int{2, 2}, retains: [2]int{1, 1}}},
		{"group", "grouped", []op{groupCreate(), {name: "initial copy", done: both(idle, digests)}, replicaDelete()}, alone},
		{"delete", "replicated", []op{replicaDelete()}, alone},
		{"active", "linked", []op{activeCreate(), mirrored(0, 2), mirrored(1, 3)}, pair},
		{"active-rest", "active", []op{suspend(), write(0, 4), resume(0), {name: "catch up", done: both(inStep(0), inStep(1), digests)}}, pair},
		{"active-end", "active", []op{replicaDelete()}, alone},
	}
}

func nothing(context.Context, *pair) error { return nil }

func linkCreate() op {
	return op{name: "link create", done: up, act: func(ctx context.Context, p *pair) error {
		_, err := p.made(ctx, 0, "links", "l", map[string]any{"local_replication_network_space_id": p.ids.spaces[0], "remote_host": "10.2.0.1"})
		return err
	}}
}

func linkDelete() op {
	return op{name: "link delete", ready: up, loose: true, done: absent(0, "links"), act: func(ctx context.Context, p *pair) error {
		_, err := p.ask(ctx, 0, http.MethodDelete, fmt.Sprintf("links/%d?approved=true", p.ids.links[0]), nil)
		return err
	}}
}

func replicaCreate() op {
	return op{name: "replica create", ready: up, done: met, act: func(ctx context.Context, p *pair) error {
		if o, err := p.one(ctx, 0, "replicas"); err != nil || o != nil {
			return err
		}
		_, err := p.ask(ctx, 0, http.MethodPost, "replicas", map[string]any{
			"link_id": p.ids.links[0], "entity_type": "VOLUME", "remote_pool_id": p.ids.pools[1],
			"entity_pairs": []any{map[string]any{"local_entity_id": p.ids.volume, "remote_base_action": "CREATE"}},
		})
		return err
	}}
}

// activeCreate makes an ACTIVE_ACTIVE replica, and waits until both sides serve.
func activeCreate() op {
	return op{name: "active create", ready: up, done: both(met, inStep(0), inStep(1), digests), act: func(ctx context.Context, p *pair) error {
		if o, err := p.one(ctx, 0, "replicas"); err != nil || o != nil {
			return err
		}
		_, err := p.ask(ctx, 0, http.MethodPost, "replicas", map[string]any{
			"link_id": p.ids.links[0], "entity_type": "VOLUME", "remote_pool_id": p.ids.pools[1], "replication_type": activeActive,
			"entity_pairs": []any{map[string]any{"local_entity_id": p.ids.volume, "remote_base_action": "CREATE"}},
		})
		return err
	}}
}

func groupCreate() op {
	return op{name: "group create", ready: up, done: met, act: func(ctx context.Context, p *pair) error {
		if o, err := p.one(ctx, 0, "replicas"); err != nil || o != nil {
			return err
		}
		_, err := p.ask(ctx, 0, http.MethodPost, "replicas", map[string]any{
			"link_id": p.ids.links[0], "entity_type": "CONSISTENCY_GROUP", "remote_pool_id": p.ids.pools[1], "local_cg_id": p.ids.group,
			"sync_interval": 10_000, "rpo_value": 60_000, // a member that joins is copied with the next job
		})
		return err
	}}
}

func replicaDelete() op {
	return op{name: "replica delete", ready: both(up, met), loose: true, done: absent(0, "replicas"), act: func(ctx context.Context, p *pair) error {
		_, err := p.ask(ctx, 0, http.MethodDelete, fmt.Sprintf("replicas/%d?approved=true&retain_staging_area=true", p.ids.replicas[0]), nil)
		return err
	}}
}

// write is done on one array alone, once.
func write(i int, seed int64) op { return op{name: "write", done: writes(i, seed)} }

func syncNow() op {
	return op{name: "sync", ready: both(up, idle), act: verb(0, "sync"), done: both(idle, digests)}
}

func suspend() op {
	return op{name: "suspend", act: verb(0, "suspend"), done: shows(0, "state", "SUSPENDED")}
}

func resume(i int) op {
	return op{name: "resume", ready: up, act: verb(i, "resume"), done: shows(i, "state", "ACTIVE")}
}

// inStep waits until the source of an array mirrors its writes.
func inStep(i int) func(ctx context.Context, p *pair) error {
	return both(up, shows(i, "sync_state", "SYNCHRONIZED"))
}

func toSync() op {
	return op{
		name: "change type to sync", ready: both(up, idle), act: verb(0, "change_type_to_sync"),
		done: both(shows(0, "replication_type", "SYNC"), inStep(0), digests),
	}
}

func toAsync() op {
	return op{
		name: "change type to async", ready: inStep(0), act: verb(0, "change_type_to_async"),
		done: both(shows(0, "replication_type", "ASYNC"), idle),
	}
}

// mirrored is a write that both sides have, or neither: it is not sent again.
func mirrored(i int, seed int64) op {
	return op{name: "mirrored write", ready: inStep(i), act: writes(i, seed), done: both(inStep(i), digests), once: true}
}

func switchRole(i int) op {
	return op{name: "switch of roles", ready: inStep(i), act: verb(i, "switch_role"), done: both(shows(i, "role", "TARGET"), inStep(1-i))}
}

// failover has the second array take over, and what the first wrote meanwhile
// thrown away.
func failover() []op {
	turn := func(i int, role string) op {
		return op{name: "change role to " + role, loose: true, act: verb(i, "change_role"), done: shows(i, "role", role)}
	}
	return []op{
		suspend(), write(0, 2), turn(1, "SOURCE"), write(1, 3), turn(0, "TARGET"), resume(1),
		{name: "job back", done: both(up, shows(1, "state", "ACTIVE"), shows(1, "job_state", "DONE"), digests)},
	}
}

func join() op {
	return op{name: "join", ready: both(up, idle), done: counts("members_count", 2), act: func(ctx context.Context, p *pair) error {
		_, err := p.ask(ctx, 0, http.MethodPost, fmt.Sprintf("cgs/%d/members", p.ids.group), map[string]any{"dataset_id": p.ids.second})
		return err
	}}
}

func leave() op {
	return op{name: "leave", ready: both(up, idle), loose: true, done: counts("members_count", 1), act: func(ctx context.Context, p *pair) error {
		_, err := p.ask(ctx, 0, http.MethodDelete, fmt.Sprintf("cgs/%d/members/%d?approved=true&retain_staging_area=true", p.ids.group, p.ids.second), nil)
		return err
	}}
}

// prepare makes what stands on each array before they are linked.
func prepare(ctx context.Context, p *pair) error {
	for i := range p.procs {
		var err error
		if p.ids.spaces[i], err = p.space(ctx, i); err != nil {
			return err
		}
		o, err := p.made(ctx, i, "pools", "p", map[string]any{"physical_capacity": 10_000_000_000_000, "virtual_capacity": 10_000_000_000_000})
		if err != nil {
			return err
		}
		p.ids.pools[i] = number(o, "id")
	}
	for name, id := range map[string]*int64{"v": &p.ids.volume, "w": &p.ids.second} {
		o, err := p.made(ctx, 0, "volumes", name, map[string]any{"size": 2_000_000_000, "pool_id": p.ids.pools[0]})
		if err != nil {
			return err
		}
		*id = number(o, "id")
	}
	return writes(0, 1)(ctx, p)
}

// group puts the first volume into a group of its own.
func group(ctx context.Context, p *pair) error {
	o, err := p.made(ctx, 0, "cgs", "g", map[string]any{"pool_id": p.ids.pools[0]})
	if err != nil {
		return err
	}
	p.ids.group = number(o, "id")
	if number(o, "members_count") > 0 {
		return nil
	}
	_, err = p.ask(ctx, 0, http.MethodPost, fmt.Sprintf("cgs/%d/members", p.ids.group), map[string]any{"dataset_id": p.ids.volume})
	return err
}
