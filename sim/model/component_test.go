package model_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/apierr"
	"infinisim/sim/lab"
	"infinisim/sim/model"
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
	for _, path := range []string{"components", "components/nodes/1", "services", "external_services"} {
		a.refused(boxA, map[string]refusal{path: {400, "UNKNOWN_PARAMETER", "GET", path + "?page=1", nil}})
	}
}

// The addresses follow the serial number as those of a published payload of
// release 7.0 do.
func TestComponents_pages(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	for part, n := range map[string]int{"nodes": 3, "enclosures": 8, "ups": 3, "pdus": 2} {
		_, out := a.call(boxA, "GET", "components/"+part+"?page_size=2&page=2&fields=state", nil)
		assert.Equal(t, map[string]any{"ready": true, "number_of_objects": float64(n), "page": 2.0, "page_size": 2.0, "pages_total": float64((n + 1) / 2)}, out["metadata"])
		assert.Len(t, out["result"], min(n, 4)-2, part)
	}
	a.refused(boxA, map[string]refusal{
		"page":  {400, "INVALID_PAGE", "GET", "components/nodes?page=0", nil},
		"field": {400, "UNKNOWN_PARAMETER", "GET", "components/nodes?state=eq:ACTIVE", nil},
	})
}

// The client takes the array itself for a component with id 0, and asks no
// array (InfiniSDK tests/test_infinibox/test_components.py).
func TestComponents_system(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	assert.Equal(t, object{"id": 0.0}, a.get(boxA, "system?fields=id"))
}

// Flash drives of a node are SSD before release 8.1 and Cache from then on
// (InfiniSDK 289.1.4).
func TestComponents_flash(t *testing.T) {
	t.Parallel()
	for profile, want := range map[string]string{"8.6": "Cache", "7.2": "SSD"} {
		a := newArrays(t, lab.ArraySetup{Profile: profile})
		assert.Equal(t, "Disk", a.get(boxA, "components/nodes/1/drives/2")["type"])
		assert.Equal(t, want, a.get(boxA, "components/nodes/1/drives/3")["type"])
	}
}

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
	assert.Equal(t, "UP", o["link_state"])
	node := a.get(boxA, "components/nodes/1")
	assert.Equal(t, "SOFT_PORT", parts(t, node, "fc_ports")[1]["role"], "the tree shows it too")

	a.post(boxA, port+"/enable", object{"role": "HARD_PORT"})
	assert.Equal(t, fresh, a.get(boxA, port))
	require.NoError(t, a.lab.On(t.Context(), boxB, func(b *model.Box) error { return b.SetFeature("fc_soft_targets", false) }))
	a.refused(boxB, map[string]refusal{
		"no soft targets": {400, "FEATURE_NOT_SUPPORTED", "POST", port + "/enable", object{"role": "SOFT_PORT"}},
	})
	a.refused(boxA, map[string]refusal{
		"role":    {400, "INVALID_FIELD_VALUE", "POST", port + "/enable", object{"role": "WINE"}},
		"key":     {400, "UNKNOWN_FIELD", "POST", port + "/enable", object{"colour": "red"}},
		"no role": {400, "UNKNOWN_FIELD", "POST", port + "/disable", object{"role": "HARD_PORT"}},
		"unknown": {404, "COMPONENT_NOT_FOUND", "POST", "components/nodes/1/fc_ports/9/enable", object{}},
	})
}

// set has a part of the hardware change its state.
func (a *arrays) set(path string, body map[string]any) error {
	a.t.Helper()
	return a.lab.On(a.t.Context(), boxA, func(b *model.Box) error {
		_, err := b.SetComponent(path, model.NewBody(body))
		return err
	})
}

// A node that fails takes its services, the links of its ports and its access
// to the drives along; the counts of health_state follow.
func TestComponents_failedNode(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	fresh := a.get(boxA, "components")
	require.NoError(t, a.set("nodes/1", map[string]any{"state": "FAILED"}))
	node := a.get(boxA, "components/nodes/1")
	assert.Equal(t, "FAILED", node["state"])
	for _, kind := range []string{"fc_ports", "eth_ports", "ib_ports"} {
		for _, p := range parts(t, node, kind) {
			assert.Equal(t, "DOWN", p["link_state"], kind)
		}
	}
	for _, s := range parts(t, node, "services") {
		assert.Equal(t, "INACTIVE", s["state"])
		assert.Equal(t, "MEMBER", s["role"], "another node is the master now")
	}
	assert.Equal(t, "MASTER", a.get(boxA, "components/nodes/2/services/core")["role"])
	assert.Equal(t, []any{false, true, true}, a.get(boxA, "components/enclosures/1/drives/1")["nodes_access"])
	assert.Equal(t, "DEGRADED", a.get(boxA, "services/core")["cluster_state"])
	assert.Equal(t, "YELLOW", a.get(boxA, "external_services/elastic")["cluster_state"])
	assert.EqualValues(t, 1, a.get(boxA, "system/health_state").id("inactive_nodes"))
	assert.Equal(t, "ACTIVE", a.get(boxB, "components/nodes/1")["state"], "only that array")

	for _, n := range []string{"nodes/2", "nodes/3"} {
		require.NoError(t, a.set(n, map[string]any{"state": "FAILED"}))
	}
	assert.Equal(t, "INACTIVE", a.get(boxA, "services/core")["cluster_state"])
	assert.Equal(t, "RED", a.get(boxA, "external_services/elastic")["cluster_state"])
	for _, n := range []string{"nodes/1", "nodes/2", "nodes/3"} {
		require.NoError(t, a.set(n, map[string]any{"state": "ACTIVE"}))
	}
	assert.Equal(t, fresh, a.get(boxA, "components"), "as if nothing had been")
}

// Every state that InfiniSDK 289.1.4 asks about can be had.
func TestComponents_states(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	for _, c := range []struct {
		path, key string
		value     any
	}{
		{"nodes/2", "state", "DEGRADED"},
		{"nodes/2/services/mgmt", "state", "PROCESS_FINISHED"},
		{"nodes/2/services/mgmt", "role", "SECONDARY"},
		{"nodes/2/fc_ports/1", "state", "ERROR"},
		{"nodes/2/eth_ports/1", "link_state", "DOWN"},
		{"nodes/2/ib_ports/1", "state", "WARNING"},
		{"nodes/2/drives/5", "state", "FAILED"},
		{"enclosures/3", "state", "ERROR"},
		{"enclosures/3/drives/7", "state", "MISSING"},
		{"ups/2", "onBattery", true},
		{"ups/2", "charge_level", 40.0},
		{"ups/3", "state", "ERROR"},
		{"pdus/1", "state", "WARNING"},
	} {
		require.NoError(t, a.set(c.path, map[string]any{c.key: c.value}), c.path)
		assert.Equal(t, c.value, a.get(boxA, "components/"+c.path)[c.key], c.path)
	}
	require.NoError(t, a.set("enclosures/3/drives/8", map[string]any{"state": "phasing_out", "encryption_state": false}))
	require.NoError(t, a.set("enclosures/3/drives/9", map[string]any{"encryption_state": false}))
	require.NoError(t, a.set("external_services/postgresql", map[string]any{"cluster_state": "YELLOW"}))
	assert.Equal(t, "YELLOW", a.get(boxA, "external_services/postgresql")["cluster_state"])
	for n := range 3 {
		require.NoError(t, a.set(fmt.Sprintf("nodes/%d/services/nas", n+1), map[string]any{"state": "SHUTDOWN"}))
	}
	assert.Equal(t, "SHUTDOWN", a.get(boxA, "services/nas")["cluster_state"])
	require.NoError(t, a.set("system", map[string]any{"state": "STANDBY"}))
	assert.Equal(t, "STANDBY", a.get(boxA, "system/operational_state")["state"])

	health := a.get(boxA, "system/health_state")
	for key, want := range map[string]any{
		"active_drives": 478.0, "missing_drives": 1.0, "phasing_out_drives": 1.0, "failed_drives": 0.0, "inactive_nodes": 1.0,
		"active_encrypted_drives": 477.0, "active_cache_ssd_devices": 23.0, "bbu_aggregate_charge_percent": 80.0, "bbu_protected_nodes": 2.0,
		"enclosure_failure_safe_distribution": false,
		"bbu_charge_level":                    map[string]any{"bbu-1": 100.0, "bbu-2": 40.0, "bbu-3": 100.0},
		"node_bbu_protection":                 map[string]any{"node-1": "protected", "node-2": "protected", "node-3": "unprotected"},
	} {
		assert.Equal(t, want, health[key], key)
	}
	codes := map[any]any{}
	for _, e := range a.list(boxA, "events?page_size=100") {
		codes[e["code"]] = e["level"]
	}
	for _, code := range []string{"NODE_STATE_CHANGED", "DRIVE_STATE_CHANGED", "BBU_STATE_CHANGED", "ETH_PORT_LINK_STATE_CHANGED", "SYSTEM_STATE_CHANGED"} {
		assert.Equal(t, "WARNING", codes[code], code)
	}
}

func TestComponents_statesRefused(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	fresh, events := a.get(boxA, "components"), len(a.list(boxA, "events?page_size=100"))
	for code, c := range map[apierr.Code]struct {
		path string
		body map[string]any
	}{
		apierr.ComponentNotFound: {"nodes/4", map[string]any{"state": "FAILED"}},
		apierr.UnknownField:      {"nodes/1", map[string]any{"state": "FAILED", "serial_number": "x"}},
		apierr.InvalidValue:      {"ups/1", map[string]any{"charge_level": 101}},
	} {
		assert.Equal(t, code, apierr.CodeOf(a.set(c.path, c.body)))
	}
	assert.Equal(t, apierr.ComponentNotFound, apierr.CodeOf(a.set("nodes/1/fc_ports", nil)))
	assert.Equal(t, apierr.InvalidValue, apierr.CodeOf(a.set("nodes/1", map[string]any{"state": "ASLEEP"})))
	assert.Equal(t, fresh, a.get(boxA, "components"))
	assert.Len(t, a.list(boxA, "events?page_size=100"), events)
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
	for path, one := range map[string]string{"services": "name", "external_services": "cluster_state"} {
		for _, c := range a.list(boxA, path+"?fields="+one) {
			assert.Contains(t, c, one)
			assert.NotContains(t, c, "node_states")
		}
	}
	a.refused(boxA, map[string]refusal{
		"service":  {404, "COMPONENT_NOT_FOUND", "GET", "services/tea", nil},
		"external": {404, "COMPONENT_NOT_FOUND", "GET", "external_services/tea", nil},
	})
}
