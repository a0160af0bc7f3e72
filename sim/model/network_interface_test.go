package model_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
	"infinisim/sim/model"
)

func TestInterface_ports(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	o := a.post(boxA, "network/interfaces", object{"name": "pg", "node_id": 1, "type": "PORT_GROUP", "ports": []string{"eth-data1"}})
	require.Equal(t, []any{map[string]any{"name": "eth-data1"}}, o["ports"])
	one := fmt.Sprintf("network/interfaces/%d", o.id("id"))

	o = a.post(boxA, one+"/ports", object{"name": "eth-data2"})
	assert.Len(t, o["ports"], 2)
	o = a.do(boxA, http.MethodDelete, one+"/ports/eth-data1", nil)
	assert.Equal(t, []any{map[string]any{"name": "eth-data2"}}, o["ports"])
	o = a.do(boxA, http.MethodPut, one, object{"ports": []object{{"name": "eth-data3"}}})
	assert.Equal(t, []any{map[string]any{"name": "eth-data3"}}, o["ports"])

	a.refused(boxA, map[string]refusal{
		"unknown port":    {400, "INVALID_FIELD_VALUE", "POST", one + "/ports", object{"name": "eth-data9"}},
		"management port": {400, "INVALID_FIELD_VALUE", "POST", one + "/ports", object{"name": "eth-mgmt"}},
		"port twice":      {400, "INVALID_FIELD_VALUE", "POST", one + "/ports", object{"name": "eth-data3"}},
		"port not there":  {404, "COMPONENT_NOT_FOUND", "DELETE", one + "/ports/eth-data1", nil},
		"unknown key":     {400, "UNKNOWN_FIELD", "POST", one + "/ports", object{"name": "eth-data4", "speed": 10}},
		"no list":         {400, "INVALID_FIELD_VALUE", "PUT", one, object{"ports": "eth-data1"}},
		"no node":         {400, "INVALID_FIELD_VALUE", "POST", "network/interfaces", object{"name": "x", "node_id": 4}},
	})
}

func TestInterface_uniqueWithinNode(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	const all = "network/interfaces"
	// One interface of the same name on each node: InfiniSDK
	// tests/test_infinibox/test_networking.py.
	for node := 1; node <= 3; node++ {
		o := a.post(boxA, all, object{"name": "eth-data1", "node_id": node, "type": "PORT"})
		assert.Equal(t, []any{map[string]any{"name": "eth-data1"}}, o["ports"])
	}
	other := a.post(boxA, all, object{"name": "other", "node_id": 1, "ports": []string{"eth-data2"}}).id("id")
	one := fmt.Sprintf("%s/%d", all, other)
	a.refused(boxA, map[string]refusal{
		"name":            {409, "NETWORK_INTERFACE_NAME_CONFLICT", "POST", all, object{"name": "eth-data1", "node_id": 1, "type": "PORT"}},
		"rename":          {409, "NETWORK_INTERFACE_NAME_CONFLICT", "PUT", one, object{"name": "eth-data1"}},
		"port":            {409, "NETWORK_INTERFACE_IN_USE", "POST", all, object{"name": "y", "node_id": 1, "ports": []string{"eth-data2"}}},
		"port by PUT":     {409, "NETWORK_INTERFACE_IN_USE", "PUT", one, object{"ports": []string{"eth-data1"}}},
		"port by POST":    {409, "NETWORK_INTERFACE_IN_USE", "POST", one + "/ports", object{"name": "eth-data1"}},
		"PORT is no port": {400, "INVALID_FIELD_VALUE", "POST", all, object{"name": "port", "node_id": 1, "type": "PORT"}},
	})
	require.NoError(t, a.lab.View(t.Context(), boxA, func(b *model.Box) error {
		for node, want := range map[int64]string{1: "eth-data3", 2: "eth-data2"} {
			free, err := b.FreePort(node)
			require.NoError(t, err)
			assert.Equal(t, want, free)
		}
		return nil
	}))
}

func TestInterface_stateAndNode(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	o := a.post(boxA, "network/interfaces", object{"name": "pg"})
	require.Contains(t, o, "node_id")
	assert.Nil(t, o["node_id"], "null, not 0, without a node")
	assert.Equal(t, "OK", o["state"])
	assert.Equal(t, "UP", o["operational_state"])
	one := fmt.Sprintf("network/interfaces/%d", o.id("id"))
	a.post(boxA, one+"/disable", nil)
	o = a.get(boxA, one)
	assert.Equal(t, "DISABLED", o["state"])
	assert.Equal(t, "DOWN", o["operational_state"])
	a.post(boxA, one+"/enable", nil)
	assert.Equal(t, "OK", a.get(boxA, one)["state"])
}

func TestInterface_operationalStateByRelease(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{Profile: "7.2"})
	o := a.post(boxA, "network/interfaces", object{"name": "pg", "node_id": 1})
	assert.Contains(t, o, "state")
	assert.NotContains(t, o, "operational_state")
	assert.NotContains(t, o, "operational_state_description")
}

func TestInterface_inUse(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	space := a.space(boxA, "NAS_SERVICE", 1)
	ids, _ := a.get(boxA, fmt.Sprintf("network/spaces/%d", space))["interfaces"].([]any)
	require.Len(t, ids, 3)
	under := a.post(boxA, "network/interfaces", object{"name": "under", "node_id": 1, "ports": []string{"eth-data2"}}).id("id")
	vlan := a.post(boxA, "network/interfaces", object{"name": "vlan", "node_id": 1, "type": "VLAN", "vlan": 7, "underlying_interface_id": under}).id("id")
	path := func(id any) string { return fmt.Sprintf("network/interfaces/%v", id) }
	a.refused(boxA, map[string]refusal{
		"space":        {409, "NETWORK_INTERFACE_IN_USE", "DELETE", path(ids[0]), nil},
		"VLAN":         {409, "NETWORK_INTERFACE_IN_USE", "DELETE", path(under), nil},
		"VLAN 0":       {400, "INVALID_FIELD_VALUE", "POST", "network/interfaces", object{"name": "v", "type": "VLAN", "vlan": 0, "underlying_interface_id": under}},
		"VLAN of none": {400, "MISSING_REQUIRED_FIELD", "POST", "network/interfaces", object{"name": "v", "type": "vlan", "vlan": 8}},
	})
	a.do(boxA, http.MethodDelete, path(vlan), nil)
	a.do(boxA, http.MethodDelete, path(under), nil)
	a.do(boxA, http.MethodDelete, fmt.Sprintf("network/spaces/%d", space), nil)
	a.do(boxA, http.MethodDelete, path(ids[0]), nil)
	a.refused(boxA, map[string]refusal{"gone": {404, "NETWORK_INTERFACE_NOT_FOUND", "GET", path(under), nil}})
}
