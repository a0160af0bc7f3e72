package model

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The size of the component tree (InfiniSDK tests and configuration: three
// nodes, eight enclosures, 480 drives).
const (
	nodeCount          = 3
	enclosures         = 8
	drivesPerEnclosure = 60
	fcPortsPerNode     = 8
	localDrives        = 10
	dataPortsPerNode   = 4
)

// The roles of an FC port.
const (
	softPort = "SOFT_PORT"
	hardPort = "HARD_PORT"
)

// component is one part of the tree, as JSON members. The tree is generated
// from the serial number; the store keeps only what deviates.
type component map[string]any

// spaceComponent keeps deviations: "nodes/1/fc_ports/2" to a JSON object.
const spaceComponent = "component"

func dataPorts() []string {
	out := make([]string, 0, dataPortsPerNode)
	for i := range dataPortsPerNode {
		out = append(out, fmt.Sprintf("eth-data%d", i+1))
	}
	return out
}

// rack is the whole tree, or some of its parts; nil parts are all.
func (b *Box) rack(parts map[string]bool) (component, error) {
	system, err := b.System()
	if err != nil {
		return nil, err
	}
	t := treeMaker{serial: SystemSerial.Get(system), now: b.Tx.Now().MS()}
	rack := component{"rack": 1}
	add := func(name string, n int, one func(int) component) {
		if parts != nil && !parts[name] {
			return
		}
		list := make([]component, 0, n)
		for i := range n {
			c := one(i + 1)
			b.deviate(name+"/"+strconv.Itoa(i+1), c)
			list = append(list, c)
		}
		rack[name] = list
	}
	add("nodes", nodeCount, func(n int) component { return b.node(t, n) })
	add("enclosures", enclosures, t.enclosure)
	add("ups", nodeCount, t.ups)
	add("pdus", 2, t.pdu)
	return rack, nil
}

// node is one node with what hangs on it.
func (b *Box) node(t treeMaker, n int) component {
	node := t.node(n)
	for _, kind := range []string{"fc_ports", "eth_ports", "ib_ports", "drives", "services"} {
		list, _ := node[kind].([]component)
		for _, c := range list {
			b.deviate(fmt.Sprintf("nodes/%d/%s/%v", n, kind, c.key()), c)
		}
	}
	return node
}

// key is what tells a part from its siblings: drives have an index, services
// a name, all others an id.
func (c component) key() any {
	for _, name := range []string{"drive_index", "id", "name"} {
		if v, ok := c[name]; ok {
			return v
		}
	}
	return nil
}

// deviate lays what the store keeps of a component over it.
func (b *Box) deviate(path string, c component) {
	raw := b.Tx.KV(b.Key, spaceComponent).Get([]byte(path))
	if raw == nil {
		return
	}
	kept := component{}
	if json.Unmarshal(raw, &kept) == nil {
		maps.Copy(c, kept)
	}
}

// keep stores a deviation of a component.
func (b *Box) keep(path string, change component) error {
	kv := b.Tx.KV(b.Key, spaceComponent)
	all := component{}
	if raw := kv.Get([]byte(path)); raw != nil {
		if err := json.Unmarshal(raw, &all); err != nil {
			return err
		}
	}
	maps.Copy(all, change)
	raw, err := json.Marshal(all)
	if err != nil {
		return err
	}
	kv.Put([]byte(path), raw)
	return nil
}

// pick keeps the members that fields names, all for an empty one; the keys
// that identify a part are always there.
func (c component) pick(fields string) component {
	if fields == "" {
		return c
	}
	out := component{}
	for _, name := range append(strings.Split(fields, ","), "id", "name", "node_id", "drive_index", "rack") {
		if v, ok := c[name]; ok {
			out[name] = v
		}
	}
	return out
}

func addComponents(c *Catalog) {
	get := func(path string, do func(b *Box, in *Input) (any, error)) {
		c.AddRoutes(Route{Method: http.MethodGet, Path: path, Reads: true, Params: []string{"fields"}, Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
			return do(b, in)
		}})
	}
	tree := func(b *Box, in *Input) (any, error) {
		if rack := in.Vars["rack"]; rack != "" && rack != "1" {
			return nil, apierr.New(apierr.ComponentNotFound, "rack %q does not exist", rack)
		}
		fields := in.Query.Get("fields")
		if fields == "" {
			return b.rack(nil)
		}
		parts := map[string]bool{}
		for name := range strings.SplitSeq(fields, ",") {
			parts[name] = true
		}
		return b.rack(parts)
	}
	get("components", tree)
	get("components/racks/{rack}", tree)
	get("components/nodes", func(b *Box, in *Input) (any, error) {
		rack, err := b.rack(map[string]bool{"nodes": true})
		if err != nil {
			return nil, err
		}
		nodes, _ := rack["nodes"].([]component)
		for i := range nodes {
			nodes[i] = nodes[i].pick(in.Query.Get("fields"))
		}
		return nodes, nil
	})
	get("components/{part}/{id}", func(b *Box, in *Input) (any, error) {
		found, err := b.component(in.Vars["part"], in.Vars["id"])
		return found.pick(in.Query.Get("fields")), err
	})
	get("components/{part}/{id}/{sub}/{key}", func(b *Box, in *Input) (any, error) {
		found, err := b.component(in.Vars["part"], in.Vars["id"], in.Vars["sub"], in.Vars["key"])
		return found.pick(in.Query.Get("fields")), err
	})
	for _, verb := range []string{"enable", "disable"} {
		c.AddRoutes(Route{Least: RoleTechnician, Method: http.MethodPost, Path: "components/nodes/{id}/fc_ports/{key}/" + verb, Do: switchFCPort(verb == "enable")})
	}
	addServices(get)
}

// component finds a part by its path in the tree: kind, key, kind, key.
func (b *Box) component(path ...string) (component, error) {
	parent, err := b.rack(map[string]bool{path[0]: true})
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(path); i += 2 {
		list, _ := parent[path[i]].([]component)
		var found component
		for _, c := range list {
			if fmt.Sprint(c.key()) == path[i+1] {
				found = c
			}
		}
		if found == nil {
			return nil, apierr.New(apierr.ComponentNotFound, "component %s does not exist", strings.Join(path, "/"))
		}
		parent = found
	}
	return parent, nil
}

// switchFCPort enables or disables a port; enabling it can change its role.
func switchFCPort(enable bool) func(b *Box, _ *schema.Object, in *Input) (any, error) {
	return func(b *Box, _ *schema.Object, in *Input) (any, error) {
		if err := onlyKeys(in, "role"); err != nil {
			return nil, err
		}
		path := []string{"nodes", in.Vars["id"], "fc_ports", in.Vars["key"]}
		port, err := b.component(path...)
		if err != nil {
			return nil, err
		}
		change := component{"enabled": enable, "link_state": "UP"}
		if !enable {
			change["link_state"] = "DOWN"
		}
		if in.Body.Has("role") {
			role := strings.ToUpper(text(in.Body["role"]))
			if role != softPort && role != hardPort {
				return nil, apierr.New(apierr.InvalidValue, "role: %s is neither SOFT_PORT nor HARD_PORT", in.Body["role"]).About("role")
			}
			system, err := b.System()
			if err != nil {
				return nil, err
			}
			n, _ := port["node_index"].(int)
			p, _ := port["id"].(int)
			change["role"] = role
			change["soft_target_addresses"] = treeMaker{serial: SystemSerial.Get(system)}.softTargets(role, n, p)
		}
		if err := b.keep(strings.Join(path, "/"), change); err != nil {
			return nil, err
		}
		return b.component(path...)
	}
}

// serviceNames are those that each node runs, as a published payload of
// release 8.x lists them.
func serviceNames() []string { return []string{"core", "mgmt", "nas", "iscsi", "replication", "san"} }

func addServices(get func(string, func(b *Box, in *Input) (any, error))) {
	cluster := func(name string) component {
		states := make([]component, 0, nodeCount)
		for n := range nodeCount {
			states = append(states, component{"node_id": n + 1, "state": "ACTIVE", "role": serviceRole(n + 1)})
		}
		return component{"name": name, "cluster_state": "ACTIVE", "node_states": states}
	}
	external := func(name string) component {
		c := component{"name": name, "cluster_state": "GREEN", "node_states": []component{{"node_id": 1}, {"node_id": 2}, {"node_id": 3}}}
		if name == "elastic" {
			c["health"] = component{"initializing_shards": 0}
		}
		return c
	}
	for _, set := range []struct {
		path  string
		names []string
		one   func(string) component
	}{{"services", serviceNames(), cluster}, {"external_services", []string{"elastic", "postgresql"}, external}} {
		get(set.path, func(*Box, *Input) (any, error) {
			out := make([]component, 0, len(set.names))
			for _, name := range set.names {
				out = append(out, set.one(name))
			}
			return out, nil
		})
		get(set.path+"/{name}", func(_ *Box, in *Input) (any, error) {
			for _, name := range set.names {
				if name == in.Vars["name"] {
					return set.one(name).pick(in.Query.Get("fields")), nil
				}
			}
			return nil, apierr.New(apierr.ComponentNotFound, "service %q does not exist", in.Vars["name"])
		})
	}
}
