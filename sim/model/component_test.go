package model_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
)

func parts(tb testing.TB, o object, name string) []object {
	tb.Helper()
	items, ok := o[name].([]any)
	require.True(tb, ok, "%s is no list", name)
	out := make([]object, 0, len(items))
	for _, e := range items {
		c, _ := e.(map[string]any)
		out = append(out, c)
	}
	return out
}

func TestComponents_tree(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	rack := a.get(boxA, "components")
	assert.EqualValues(t, 1, rack.id("rack"))
	require.Len(t, parts(t, rack, "nodes"), 3)
	require.Len(t, parts(t, rack, "enclosures"), 8)
	assert.NotEmpty(t, parts(t, rack, "ups"))
	assert.NotEmpty(t, parts(t, rack, "pdus"))
	serials := map[any]bool{}
	for _, e := range parts(t, rack, "enclosures") {
		for _, d := range parts(t, e, "drives") {
			serials[d["serial_number"]] = true
			assert.Equal(t, true, d["encryption_state"])
		}
	}
	assert.Len(t, serials, 480)
	assert.Equal(t, rack, a.get(boxA, "components/racks/1"))
}

func TestComponents_fields(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	short := a.get(boxA, "components?fields=rack,nodes,ups,pdus")
	assert.NotContains(t, short, "enclosures")
	assert.Contains(t, short, "nodes")
	assert.Len(t, a.get(boxA, "components?fields=rack"), 1)

	nodes := a.list(boxA, "components/nodes?fields=fc_ports")
	require.Len(t, nodes, 3)
	assert.Len(t, parts(t, nodes[0], "fc_ports"), 8)
	assert.NotContains(t, nodes[0], "eth_ports")
	assert.EqualValues(t, 1, nodes[0].id("id"))
}

func TestComponents_items(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	for path, key := range map[string]string{
		"nodes/2":                "id",
		"nodes/2/fc_ports/3":     "wwpn",
		"nodes/2/eth_ports/1":    "hw_addr",
		"nodes/2/ib_ports/2":     "link_state",
		"nodes/2/drives/4":       "drive_index",
		"nodes/2/services/core":  "role",
		"enclosures/8":           "drives",
		"enclosures/8/drives/60": "bytes_capacity",
		"ups/1":                  "onBattery",
		"pdus/1":                 "power_consumption",
	} {
		assert.Contains(t, a.get(boxA, "components/"+path+"?fields="+key), key, path)
	}
	a.refused(boxA, map[string]refusal{
		"node":  {404, "COMPONENT_NOT_FOUND", "GET", "components/nodes/4", nil},
		"part":  {404, "COMPONENT_NOT_FOUND", "GET", "components/robots/1", nil},
		"drive": {404, "COMPONENT_NOT_FOUND", "GET", "components/enclosures/1/drives/61", nil},
		"rack":  {404, "COMPONENT_NOT_FOUND", "GET", "components/racks/2", nil},
	})
	for _, path := range []string{"components", "components/nodes", "components/nodes/1", "services", "external_services"} {
		a.refused(boxA, map[string]refusal{path: {400, "UNKNOWN_PARAMETER", "GET", path + "?page=1", nil}})
	}
}

// The addresses follow the serial number as those of a published payload of
// release 7.0 do.
func TestComponents_serial(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{Serial: 0x0e5c})
	port := a.get(boxA, "components/nodes/1/fc_ports/1")
	assert.Equal(t, "57:42:b0:f0:00:0e:5c:00", port["wwnn"])
	assert.Equal(t, "57:42:b0:f0:00:0e:5c:11", port["wwpn"])
	seen := map[any]bool{}
	for _, box := range []string{boxA, boxB} {
		for _, n := range a.list(box, "components/nodes") {
			for _, p := range parts(t, n, "fc_ports") {
				seen[p["wwpn"]] = true
			}
		}
	}
	assert.Len(t, seen, 2*3*8)
}

func TestComponents_switchPort(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{Serial: 0x0e5c})
	const port = "components/nodes/1/fc_ports/2"
	fresh := a.get(boxA, port)
	a.post(boxA, port+"/disable", object{})
	o := a.get(boxA, port)
	assert.Equal(t, false, o["enabled"])
	assert.Equal(t, "DOWN", o["link_state"])
	assert.Equal(t, true, a.get(boxA, "components/nodes/1/fc_ports/1")["enabled"], "only that port")
	assert.Equal(t, true, a.get(boxB, port)["enabled"], "only that array")

	a.post(boxA, port+"/enable", object{"role": "SOFT_PORT"})
	o = a.get(boxA, port)
	assert.Equal(t, "SOFT_PORT", o["role"])
	assert.Equal(t, []any{"57:42:b0:f0:00:0e:5c:a2"}, o["soft_target_addresses"])
	node := a.get(boxA, "components/nodes/1")
	assert.Equal(t, "SOFT_PORT", parts(t, node, "fc_ports")[1]["role"], "the tree shows it too")

	a.post(boxA, port+"/enable", object{"role": "HARD_PORT"})
	assert.Equal(t, fresh, a.get(boxA, port))
	a.refused(boxA, map[string]refusal{
		"role":    {400, "INVALID_FIELD_VALUE", "POST", port + "/enable", object{"role": "WINE"}},
		"key":     {400, "UNKNOWN_FIELD", "POST", port + "/enable", object{"colour": "red"}},
		"unknown": {404, "COMPONENT_NOT_FOUND", "POST", "components/nodes/1/fc_ports/9/enable", object{}},
	})
}

func TestComponents_services(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	services := a.list(boxA, "services")
	require.NotEmpty(t, services)
	names := map[any]bool{}
	for _, s := range services {
		names[s["name"]] = true
		for _, n := range parts(t, s, "node_states") {
			on := a.get(boxA, fmt.Sprintf("components/nodes/%d/services/%v", n.id("node_id"), s["name"]))
			assert.Equal(t, n["role"], on["role"])
		}
	}
	assert.Subset(t, names, map[any]bool{"core": true, "mgmt": true})
	assert.Equal(t, "ACTIVE", a.get(boxA, "services/mgmt?fields=cluster_state")["cluster_state"])
	require.Len(t, a.list(boxA, "external_services"), 2)
	elastic := a.get(boxA, "external_services/elastic?fields=health")
	assert.Equal(t, map[string]any{"initializing_shards": 0.0}, elastic["health"])
	a.refused(boxA, map[string]refusal{
		"service":  {404, "COMPONENT_NOT_FOUND", "GET", "services/tea", nil},
		"external": {404, "COMPONENT_NOT_FOUND", "GET", "external_services/tea", nil},
	})
}
