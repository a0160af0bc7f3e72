package model

import (
	"fmt"
	"slices"

	"infinisim/sim/apierr"
)

// serviceNames are those that each node runs, as a published payload of
// release 8.x lists them.
func serviceNames() []string { return []string{"core", "mgmt", "nas", "iscsi", "replication", "san"} }

// service is one service of a node; on a node that failed none runs.
func (t treeMaker) service(n int, name string) component {
	c := t.part(fmt.Sprintf("nodes/%d/services/%s", n, name), component{
		"name": name, "state": componentActive, "state_description": nil, "number_of_respawns": 0, "respawns": 0, "processes_up": 1,
	})
	if !t.up(n) && c["state"] == componentActive {
		c["state"] = serviceInactive
	}
	if c["state"] != componentActive {
		c["processes_up"] = 0
	}
	return c
}

// services are those of a node. The first node on which a service runs is its
// master (InfiniSDK tests/test_infinibox/test_components.py: node 1), unless a
// tester says which.
//
// unsourced: which node takes over from a master that is down.
func (t treeMaker) services(n int) []component {
	out := make([]component, 0, len(serviceNames()))
	for _, name := range serviceNames() {
		c := t.service(n, name)
		if c["role"] == nil {
			c["role"] = "MEMBER"
			if t.master(name) == n {
				c["role"] = "MASTER"
			}
		}
		out = append(out, c)
	}
	return out
}

func (t treeMaker) master(name string) int {
	for n := range nodeCount {
		if t.service(n+1, name)["state"] == componentActive {
			return n + 1
		}
	}
	return 1
}

// serviceCluster is a service over all nodes: active where it runs on each,
// shut down where it is on each.
func (t treeMaker) serviceCluster(name string) component {
	states := make([]component, 0, nodeCount)
	running, down := 0, 0
	for n := range nodeCount {
		all := t.services(n + 1)
		c := all[slices.IndexFunc(all, func(c component) bool { return c["name"] == name })]
		switch c["state"] {
		case componentActive:
			running++
		case serviceShutdown:
			down++
		}
		states = append(states, component{"node_id": n + 1, "state": c["state"], "role": c["role"]})
	}
	state := "DEGRADED"
	switch {
	case running == nodeCount:
		state = componentActive
	case down == nodeCount:
		state = serviceShutdown
	case running == 0:
		state = serviceInactive
	}
	return component{"name": name, "cluster_state": state, "node_states": states}
}

// externalNames are the services that are not the array's own (InfiniSDK
// 289.1.4).
func externalNames() []string { return []string{"elastic", "postgresql"} }

// externalCluster is green while all nodes run, yellow while one is missing.
//
// unsourced: when an external service is yellow, and that it is red without
// any node.
func (t treeMaker) externalCluster(name string) component {
	states := make([]component, 0, nodeCount)
	running := 0
	for n := range nodeCount {
		states = append(states, component{"node_id": n + 1})
		if t.up(n + 1) {
			running++
		}
	}
	state := "YELLOW"
	switch running {
	case nodeCount:
		state = "GREEN"
	case 0:
		state = "RED"
	}
	c := component{"name": name, "cluster_state": state, "node_states": states}
	if name == "elastic" {
		c["health"] = component{"initializing_shards": 0}
	}
	return t.part("external_services/"+name, c)
}

func addServices(get func(string, func(t treeMaker, in *Input) (any, error))) {
	for _, set := range []struct {
		path  string
		names []string
		one   func(treeMaker, string) component
	}{{"services", serviceNames(), treeMaker.serviceCluster}, {"external_services", externalNames(), treeMaker.externalCluster}} {
		get(set.path, func(t treeMaker, in *Input) (any, error) {
			out := make([]component, 0, len(set.names))
			for _, name := range set.names {
				out = append(out, set.one(t, name).pick(in.Query.Get("fields")))
			}
			return out, nil
		})
		get(set.path+"/{name}", func(t treeMaker, in *Input) (any, error) {
			if !slices.Contains(set.names, in.Vars["name"]) {
				return nil, apierr.New(apierr.ComponentNotFound, "service %q does not exist", in.Vars["name"])
			}
			return set.one(t, in.Vars["name"]).pick(in.Query.Get("fields")), nil
		})
	}
}
