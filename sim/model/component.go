package model

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The size of the component tree (InfiniSDK tests and configuration: three
// nodes, eight enclosures, 480 drives).
const (
	nodeCount          = 3
	pdus               = 2
	enclosures         = 8
	drivesPerEnclosure = 60
	fcPortsPerNode     = 8
	localDrives        = 10
	bootDrives         = 2
	dataPortsPerNode   = 4
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

// treeMaker makes the tree of this array as it is now.
func (b *Box) treeMaker() (treeMaker, error) {
	system, err := b.System()
	if err != nil {
		return treeMaker{}, err
	}
	t := treeMaker{serial: SystemSerial.Get(system), now: b.Tx.Now().MS(), flash: "Cache", kept: map[string]component{}}
	if (schema.Gate{Before: "8.1"}).Open(b.Release()) {
		t.flash = "SSD" // InfiniSDK 289.1.4
	}
	b.Tx.KV(b.Key, spaceComponent).Scan(nil, func(path, raw []byte) bool {
		change := component{}
		if err = json.Unmarshal(raw, &change); err != nil {
			err = fmt.Errorf("component %s: %w", path, err)
		}
		t.kept[string(path)] = change
		return err == nil
	})
	if err != nil {
		return treeMaker{}, err
	}
	t.carried, err = b.carried(t)
	return t, err
}

// rack is the whole tree, or some of its parts; nil parts are all.
func (t treeMaker) rack(parts []string) component {
	rack := component{"rack": 1}
	for _, part := range []struct {
		name string
		n    int
		one  func(int) component
	}{{"nodes", nodeCount, t.node}, {"enclosures", enclosures, t.enclosure}, {"ups", nodeCount, t.ups}, {"pdus", pdus, t.pdu}} {
		if parts == nil || slices.Contains(parts, part.name) {
			rack[part.name] = repeat(part.n, part.one)
		}
	}
	return rack
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

// keep stores a deviation of a component.
func (b *Box) keep(path string, change component) error {
	kv := b.Tx.KV(b.Key, spaceComponent)
	all := component{}
	if raw := kv.Get([]byte(path)); raw != nil {
		if err := json.Unmarshal(raw, &all); err != nil {
			return fmt.Errorf("component %s: %w", path, err)
		}
	}
	maps.Copy(all, change)
	raw, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("component %s: %w", path, err)
	}
	kv.Put([]byte(path), raw)
	b.fc = once[[]Target]{}
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
	get := func(path string, do func(t treeMaker, in *Input) (any, error)) {
		c.AddRoutes(Route{Method: http.MethodGet, Path: path, Reads: true, Params: []string{"fields"}, Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
			t, err := b.treeMaker()
			if err != nil {
				return nil, err
			}
			return do(t, in)
		}})
	}
	tree := func(t treeMaker, in *Input) (any, error) {
		if rack := in.Vars["rack"]; rack != "" && rack != "1" {
			return nil, apierr.New(apierr.ComponentNotFound, "rack %q does not exist", rack)
		}
		var parts []string
		if fields := in.Query.Get("fields"); fields != "" {
			parts = strings.Split(fields, ",")
		}
		return t.rack(parts), nil
	}
	get("components", tree)
	get("components/racks/{rack}", tree)
	for _, part := range []string{"nodes", "enclosures", "ups", "pdus"} {
		c.AddRoutes(Route{Method: http.MethodGet, Path: "components/" + part, Reads: true, Params: []string{"fields", "page", "page_size"}, Do: listComponents(part)})
	}
	get("components/{part}/{id}", func(t treeMaker, in *Input) (any, error) {
		found, err := t.find(in.Vars["part"], in.Vars["id"])
		return found.pick(in.Query.Get("fields")), err
	})
	get("components/{part}/{id}/{sub}/{key}", func(t treeMaker, in *Input) (any, error) {
		found, err := t.find(in.Vars["part"], in.Vars["id"], in.Vars["sub"], in.Vars["key"])
		return found.pick(in.Query.Get("fields")), err
	})
	addFCPorts(c)
	c.OnDue(jobRebuilt, rebuilt)
	addServices(get)
}

// anyComponent has no field that a query could name: components are paged and
// nothing else.
func anyComponent() *schema.Type { return schema.NewType("component") }

// listComponents pages through the parts of one kind, as the answer of a real
// array does (published payload of release 7.0: components/nodes).
//
// unsourced: that enclosures, ups and pdus are lists of the same kind.
func listComponents(part string) func(b *Box, _ *schema.Object, in *Input) (any, error) {
	return func(b *Box, _ *schema.Object, in *Input) (any, error) {
		q, err := anyComponent().ParseQuery(in.Query, schema.Terms{PageSize: in.PageSize, Ignore: []string{"approved"}})
		if err != nil {
			return nil, Wire(err)
		}
		t, err := b.treeMaker()
		if err != nil {
			return nil, err
		}
		all, _ := t.rack([]string{part})[part].([]component)
		out := &Page{Items: []json.RawMessage{}, Total: len(all), Page: q.Page, Size: q.PageSize}
		for _, c := range cut(all, q) {
			raw, err := json.Marshal(c.pick(in.Query.Get("fields")))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", part, err)
			}
			out.Items = append(out.Items, raw)
		}
		return out, nil
	}
}

// find gives a part by its path in the tree: kind, key, kind, key.
func (t treeMaker) find(path ...string) (component, error) {
	found := t.rack(path[:1])
	for i := 0; i < len(path); i += 2 {
		list, _ := found[path[i]].([]component)
		at := slices.IndexFunc(list, func(c component) bool { return fmt.Sprint(c.key()) == path[i+1] })
		if at < 0 {
			return nil, apierr.New(apierr.ComponentNotFound, "component %s does not exist", strings.Join(path, "/"))
		}
		found = list[at]
	}
	return found, nil
}
