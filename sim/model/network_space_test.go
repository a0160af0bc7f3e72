package model_test

import (
	"fmt"
	"maps"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
)

func addresses(o object) []string {
	ips, _ := o["ips"].([]any)
	out := []string{}
	for _, e := range ips {
		ip, _ := e.(map[string]any)
		out = append(out, fmt.Sprint(ip["ip_address"]))
	}
	return out
}

func TestSpace_dottedNetmask(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	o := a.post(boxA, "network/spaces", object{
		"name": "rmr", "service": "rmr_service", "interfaces": a.ports(boxA, "eth-data1"),
		"network_config": object{"default_gateway": "1.1.1.1", "netmask": "255.0.0.0", "network": "1.0.0.0"},
	})
	assert.Equal(t, map[string]any{"default_gateway": "1.1.1.1", "netmask": 8.0, "network": "1.0.0.0"}, o["network_config"])
	assert.Equal(t, "RMR_SERVICE", o["service"])
	assert.Equal(t, map[string]any{"is_async_only": false}, o["properties"])
	assert.Equal(t, []any{}, o["ips"])
	assert.Nil(t, o["rate_limit"])
	assert.InDelta(t, 1500, o["mtu"], 0)
}

func TestSpace_refusals(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	ports := a.ports(boxA, "eth-data1")
	body := func(change object) object {
		o := object{
			"name": "s", "service": "NAS_SERVICE", "interfaces": ports,
			"network_config": object{"netmask": 16, "network": "10.1.0.0", "default_gateway": "10.1.0.1"},
		}
		maps.Copy(o, change)
		return o
	}
	config := func(mask any, network, gateway string) object {
		return body(object{"network_config": object{"netmask": mask, "network": network, "default_gateway": gateway}})
	}
	const all = "network/spaces"
	one := fmt.Sprintf("%s/%d", all, a.post(boxA, all, body(nil)).id("id"))
	a.post(boxA, one+"/ips", "10.1.0.9")
	a.refused(boxA, map[string]refusal{
		"mask with a gap":    {400, "INVALID_FIELD_VALUE", "POST", all, config("255.0.255.0", "10.1.0.0", "10.1.0.1")},
		"mask too long":      {400, "INVALID_FIELD_VALUE", "POST", all, config(33, "10.1.0.0", "10.1.0.1")},
		"mask 0":             {400, "INVALID_FIELD_VALUE", "POST", all, config(0, "10.1.0.0", "10.1.0.1")},
		"no mask":            {400, "INVALID_FIELD_VALUE", "POST", all, config(nil, "10.1.0.0", "10.1.0.1")},
		"no network":         {400, "INVALID_FIELD_VALUE", "POST", all, config(16, "ten", "10.1.0.1")},
		"no gateway":         {400, "INVALID_FIELD_VALUE", "POST", all, config(16, "10.1.0.0", "ten")},
		"no service":         {400, "MISSING_REQUIRED_FIELD", "POST", all, body(object{"service": nil})},
		"unknown service":    {400, "INVALID_FIELD_VALUE", "POST", all, body(object{"service": "TAPE"})},
		"unknown interface":  {404, "NETWORK_INTERFACE_NOT_FOUND", "POST", all, body(object{"interfaces": []int{5}})},
		"interface twice":    {400, "INVALID_FIELD_VALUE", "POST", all, body(object{"interfaces": []int64{ports[0], ports[0]}})},
		"name":               {409, "NETWORK_SPACE_NAME_CONFLICT", "POST", all, body(nil)},
		"several fields":     {400, "NOT_SUPPORTED_MULTIPLE_UPDATE", "PUT", one, object{"mtu": 9000, "name": "t"}},
		"service by PUT":     {400, "IMMUTABLE_FIELD", "PUT", one, object{"service": "RMR_SERVICE"}},
		"MTU":                {400, "INVALID_FIELD_VALUE", "PUT", one, object{"mtu": 100}},
		"subnet of none":     {409, "NETWORK_SPACE_IN_USE", "PUT", one, object{"network_config": object{"netmask": 16, "network": "10.2.0.0"}}},
		"delete":             {409, "NETWORK_SPACE_IN_USE", "DELETE", one, nil},
		"unknown space":      {404, "NETWORK_SPACE_NOT_FOUND", "GET", all + "/5", nil},
		"properties no tree": {400, "INVALID_FIELD_VALUE", "PUT", one, object{"properties": 5}},
	})
	o := a.get(boxA, one)
	assert.Equal(t, "s", o["name"], "a refused update changes nothing")
	assert.InDelta(t, 1500, o["mtu"], 0)
	assert.InDelta(t, 9000, a.do(boxA, http.MethodPut, one, object{"mtu": 9000})["mtu"], 0)
}

func TestSpace_firstAddressOfReplicationGoesLast(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	id := a.space(boxA, "RMR_SERVICE", 1)
	one := fmt.Sprintf("network/spaces/%d", id)
	assert.Equal(t, "MANAGEMENT", a.post(boxA, one+"/ips", "10.1.0.1")["type"])
	assert.Equal(t, "DATA", a.post(boxA, one+"/ips", "10.1.0.2")["type"])
	ip := func(n int) string { return fmt.Sprintf("%s/ips/10.1.0.%d", one, n) }
	a.refused(boxA, map[string]refusal{
		"enabled":         {409, "IP_ADDRESS_IS_ENABLED", "DELETE", ip(2), nil},
		"enabled already": {409, "IP_ADDRESS_ALREADY_ENABLED", "POST", ip(2) + "/enable", nil},
		"unknown":         {404, "IP_ADDRESS_NOT_FOUND", "DELETE", ip(3), nil},
	})
	a.post(boxA, ip(1)+"/disable", nil)
	a.post(boxA, ip(2)+"/disable", nil)
	a.refused(boxA, map[string]refusal{
		"disabled already": {409, "IP_ADDRESS_ALREADY_DISABLED", "POST", ip(2) + "/disable", nil},
		"management first": {409, "NETWORK_SPACE_IN_USE", "DELETE", ip(1), nil},
	})
	a.do(boxA, http.MethodDelete, ip(2), nil)
	a.do(boxA, http.MethodDelete, ip(1), nil)
	assert.Empty(t, addresses(a.get(boxA, one)))
}

// The whole element is compared, as InfiniSDK
// tests/test_infinibox/test_networking.py does.
func TestSpace_addressElement(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	ports := a.ports(boxA, "eth-data1")
	one := fmt.Sprintf("network/spaces/%d", a.post(boxA, "network/spaces", object{
		"name": "nas", "service": "NAS_SERVICE", "interfaces": ports,
		"network_config": object{"netmask": 19, "network": "127.0.0.1", "default_gateway": "127.0.0.1"},
	}).id("id"))
	want := func(enabled bool, home any) []any {
		return []any{map[string]any{
			"ip_address": "127.0.0.1", "enabled": enabled, "reserved": false, "vlan_id": 1.0, "interface_id": home, "type": "MANAGMENT", //nolint:misspell // as the array spells it
		}}
	}
	a.post(boxA, one+"/ips", "127.0.0.1")
	assert.Equal(t, want(true, float64(ports[0])), a.get(boxA, one)["ips"])
	a.post(boxA, one+"/ips/127.0.0.1/disable", nil)
	assert.Equal(t, want(false, nil), a.get(boxA, one)["ips"])
	a.post(boxA, one+"/ips/127.0.0.1/enable", nil)
	assert.Equal(t, want(true, float64(ports[0])), a.get(boxA, one)["ips"])

	fresh := a.ports(boxA, "eth-data2")
	a.do(boxA, http.MethodPut, one, object{"interfaces": fresh})
	assert.Equal(t, want(true, float64(fresh[0])), a.get(boxA, one)["ips"], "addresses move with the interfaces")
}

func TestSpace_addressConflicts(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	one := fmt.Sprintf("network/spaces/%d", a.space(boxA, "NAS_SERVICE", 1))
	twin := fmt.Sprintf("network/spaces/%d", a.post(boxA, "network/spaces", object{
		"name": "twin", "service": "NAS_SERVICE", "interfaces": []int64{}, "network_config": object{"netmask": 16, "network": "10.1.0.0"},
	}).id("id"))
	peer := fmt.Sprintf("network/spaces/%d", a.space(boxB, "NAS_SERVICE", 1))
	a.post(boxA, one+"/ips", "10.1.0.1")
	a.refused(boxA, map[string]refusal{
		"same space":  {409, "NET_SPACE_ADDRESS_CONFLICT", "POST", one + "/ips", "10.1.0.1"},
		"other space": {409, "NET_SPACE_ADDRESS_CONFLICT", "POST", twin + "/ips", "10.1.0.1"},
		"outside":     {400, "INVALID_FIELD_VALUE", "POST", one + "/ips", "10.2.0.1"},
		"no address":  {400, "INVALID_FIELD_VALUE", "POST", one + "/ips", "10.1"},
		"no string":   {400, "INVALID_FIELD_VALUE", "POST", one + "/ips", 7},
	})
	a.refused(boxB, map[string]refusal{"other array": {409, "NET_SPACE_ADDRESS_CONFLICT", "POST", peer + "/ips", "10.1.0.1"}})

	got, err := a.lab.AllocateIP(t.Context(), boxB, "space-1")
	require.NoError(t, err)
	assert.Equal(t, "10.1.0.2", got)

	a.post(boxA, one+"/ips/10.1.0.1/disable", nil)
	a.refused(boxB, map[string]refusal{"disabled is taken": {409, "NET_SPACE_ADDRESS_CONFLICT", "POST", peer + "/ips", "10.1.0.1"}})
	a.do(boxA, http.MethodDelete, one, nil)
	a.post(boxB, peer+"/ips", "10.1.0.1")
	assert.Equal(t, []string{"10.1.0.1"}, addresses(a.get(boxB, peer)))

	a.post(boxB, peer+"/ips/10.1.0.1/disable", nil)
	a.do(boxB, http.MethodDelete, peer+"/ips/10.1.0.1", nil)
	a.post(boxA, twin+"/ips", "10.1.0.1")
	assert.Equal(t, []string{"10.1.0.1"}, addresses(a.get(boxA, twin)))
}

// A loopback address is an array's own: the same on both is no conflict.
func TestSpace_loopback(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	for _, box := range []string{boxA, boxB} {
		one := fmt.Sprintf("network/spaces/%d", a.post(box, "network/spaces", object{
			"name": "local", "service": "NAS_SERVICE", "interfaces": []int64{}, "network_config": object{"netmask": 19, "network": "127.0.0.1"},
		}).id("id"))
		a.post(box, one+"/ips", "127.0.0.1")
		a.refused(box, map[string]refusal{"twice": {409, "NET_SPACE_ADDRESS_CONFLICT", "POST", one + "/ips", "127.0.0.1"}})
	}
}

func TestSpace_allocateLeavesOutGatewayAndBroadcast(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	one := fmt.Sprintf("network/spaces/%d", a.post(boxA, "network/spaces", object{
		"name": "small", "service": "NAS_SERVICE", "interfaces": []int64{},
		"network_config": object{"netmask": 30, "network": "10.1.0.0", "default_gateway": "10.1.0.1"},
	}).id("id"))
	got, err := a.lab.AllocateIP(t.Context(), boxA, "small")
	require.NoError(t, err)
	require.Equal(t, "10.1.0.2", got)
	a.post(boxA, one+"/ips", got)
	_, err = a.lab.AllocateIP(t.Context(), boxA, "small")
	require.ErrorContains(t, err, "NET_SPACE_ADDRESS_CONFLICT")
}

func TestSpace_iscsi(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{Serial: 0x0e5c})
	one := fmt.Sprintf("network/spaces/%d", a.space(boxA, "ISCSI_SERVICE", 1))
	p, _ := a.get(boxA, one)["properties"].(map[string]any)
	assert.Equal(t, "iqn.2009-11.com.infinidat:storage:infinibox-sn-3676", p["iscsi_iqn"])
	assert.InDelta(t, 3260, p["iscsi_tcp_port"], 0)
	p, _ = a.do(boxA, http.MethodPut, one, object{"properties": object{"iscsi_default_security_method": "CHAP"}})["properties"].(map[string]any)
	assert.Equal(t, "CHAP", p["iscsi_default_security_method"])
	assert.InDelta(t, 3260, p["iscsi_tcp_port"], 0, "an update keeps what it does not name")
	assert.InDelta(t, 1, a.post(boxA, one+"/ips", "10.1.0.1")["tpgt"], 0)
	assert.InDelta(t, 2, a.post(boxA, one+"/ips", "10.1.0.2")["tpgt"], 0)
}

func TestSpace_routes(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	one := fmt.Sprintf("network/spaces/%d", a.space(boxA, "NAS_SERVICE", 1))
	require.Empty(t, a.list(boxA, one+"/routes"))
	r := a.post(boxA, one+"/routes", object{"destination": "10.9.0.0", "netmask": "255.255.0.0", "gateway": "10.1.0.254"})
	assert.InDelta(t, 16, r["netmask"], 0)
	route := fmt.Sprintf("%s/routes/%d", one, r.id("id"))
	a.refused(boxA, map[string]refusal{
		"no gateway":  {400, "MISSING_REQUIRED_FIELD", "POST", one + "/routes", object{"destination": "10.9.0.0", "netmask": 16}},
		"bad gateway": {400, "INVALID_FIELD_VALUE", "PUT", route, object{"gateway": "x"}},
		"bad mask":    {400, "INVALID_FIELD_VALUE", "PUT", route, object{"netmask": 33}},
		"unknown key": {400, "UNKNOWN_FIELD", "PUT", route, object{"metric": 1}},
		"unknown":     {404, "ROUTE_NOT_FOUND", "GET", one + "/routes/5", nil},
		"page":        {400, "UNKNOWN_PARAMETER", "GET", one + "/routes?page=1", nil},
	})
	a.do(boxA, http.MethodPut, route, object{"gateway": "10.1.0.253"})
	got := a.get(boxA, route+"?fields=gateway")
	assert.Equal(t, "10.1.0.253", got["gateway"])
	assert.Equal(t, r["id"], a.list(boxA, one+"/routes")[0]["id"])
	a.do(boxA, http.MethodDelete, route, nil)
	a.refused(boxA, map[string]refusal{"gone": {404, "ROUTE_NOT_FOUND", "DELETE", route, nil}})
}
