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

const (
	wwpn = "210000e08b000001"
	iqn  = "iqn.1998-01.com.example:one"
)

// newHost makes a host with a port of each kind.
func (a *arrays) newHost(box string) {
	a.t.Helper()
	host := fmt.Sprint(a.post(box, "hosts", object{"name": "h"}).id("id"))
	a.post(box, "hosts/"+host+"/ports", object{"type": "fc", "address": wwpn})
	a.post(box, "hosts/"+host+"/ports", object{"type": "iscsi", "address": iqn})
}

// A host's FC port sees the ports of the array that are online, and no other.
func TestInitiator_fcTargets(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{Serial: 0x0e5c})
	a.newHost(boxA)
	targets := func() []object { return parts(t, a.get(boxA, "initiators/"+wwpn), "targets") }
	require.Len(t, targets(), 24)
	assert.Equal(t, object{"address": "5742b0f0000e5c11", "node_id": 1.0}, targets()[0])
	a.post(boxA, "components/nodes/1/fc_ports/1/disable", object{})
	require.Len(t, targets(), 23)
	require.NoError(t, a.set("nodes/2", map[string]any{"state": "FAILED"}))
	require.NoError(t, a.set("nodes/3/fc_ports/1", map[string]any{"state": "ERROR"}))
	require.NoError(t, a.set("nodes/3/fc_ports/2", map[string]any{"link_state": "DOWN"}))
	require.Len(t, targets(), 7+6)
}

// An iSCSI port has a session with each enabled address of the array's iSCSI
// spaces.
func TestInitiator_iscsiTargets(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{Serial: 30051})
	a.newHost(boxA)
	targets := func() []object { return parts(t, a.get(boxA, "initiators/"+iqn), "targets") }
	assert.Empty(t, targets(), "no space for iSCSI")
	var faces []int64
	for n := range 2 {
		faces = append(faces, a.post(boxA, "network/interfaces", object{"name": "i", "node_id": n + 1, "ports": []string{}}).id("id"))
	}
	space := fmt.Sprint(a.post(boxA, "network/spaces", object{
		"name": "s", "service": "ISCSI_SERVICE", "interfaces": faces,
		"network_config": object{"network": "10.9.0.0", "netmask": 24, "default_gateway": "10.9.0.254"},
	}).id("id"))
	for _, ip := range []string{"10.9.0.1", "10.9.0.2", "10.9.0.3"} {
		a.result(boxA, http.MethodPost, "network/spaces/"+space+"/ips", ip)
	}
	a.post(boxA, "network/spaces/"+space+"/ips/10.9.0.3/disable", object{})
	const name = "iqn.2009-11.com.infinidat:storage:infinibox-sn-30051"
	require.Equal(t, []object{
		{"address": name, "node_id": 1.0, "session_id": 513.0}, {"address": name, "node_id": 2.0, "session_id": 514.0},
	}, targets())
	require.NoError(t, a.lab.On(t.Context(), boxA, func(b *model.Box) error { return b.SetFeature("iscsi", false) }))
	assert.Equal(t, []any{name, name}, a.get(boxA, "initiators/"+iqn)["targets"])
}

func TestInitiators_portsAndDeletion(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	host := fmt.Sprintf("hosts/%d", a.post(boxA, "hosts", object{"name": "h"}).id("id"))
	assert.Empty(t, a.list(boxA, host+"/ports"))
	for _, address := range []string{"0000000000000001", "0000000000000002"} {
		a.post(boxA, host+"/ports", object{"type": "fc", "address": address})
	}
	ports := a.list(boxA, host+"/ports")
	assert.Equal(t, parts(t, a.get(boxA, host), "ports"), ports)
	assert.Equal(t, ports[1:], a.list(boxA, host+"/ports?page=2&page_size=1"))

	was := a.get(boxA, "initiators/00:00:00:00:00:00:00:01")
	assert.Equal(t, was, a.do(boxA, "DELETE", "initiators/00:00:00:00:00:00:00:01", nil))
	assert.Equal(t, ports[1:], a.list(boxA, host+"/ports"))
	a.refused(boxA, map[string]refusal{
		"gone":   {404, "INITIATOR_NOT_FOUND", "DELETE", "initiators/0000000000000001", nil},
		"host":   {404, "HOST_NOT_FOUND", "GET", "hosts/987654/ports", nil},
		"filter": {400, "UNKNOWN_PARAMETER", "GET", host + "/ports?type=eq:FC", nil},
	})
	a.post(boxA, host+"/ports", object{"type": "fc", "address": "0000000000000001"})
}

// The paths of a host follow what its ports are logged in to.
func TestHosts_paths(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	host := fmt.Sprintf("hosts/%d", a.post(boxA, "hosts", object{"name": "h"}).id("id"))
	shows := func(health, resiliency any, lost, paths int) {
		t.Helper()
		h := a.get(boxA, host)
		assert.Equal(t, []any{health, resiliency, float64(lost), float64(paths)}, []any{h["path_health"], h["resiliency"], h["ports_disconnected"], h["paths"]})
	}
	shows(nil, nil, 0, 0)
	a.post(boxA, host+"/ports", object{"type": "fc", "address": "0000000000000001"})
	all := len(parts(t, a.get(boxA, "initiators/0000000000000001"), "targets"))
	shows("HEALTHY", "RESILIENT", 0, all)
	a.post(boxA, host+"/ports", object{"type": "iscsi", "address": "iqn.2020-01.com.example:h"})
	shows("DEGRADED", "RESILIENT", 1, all)
	cluster := fmt.Sprintf("clusters/%d", a.post(boxA, "clusters", object{"name": "c"}).id("id"))
	a.post(boxA, cluster+"/hosts", object{"id": a.get(boxA, host).id("id")})
	assert.EqualValues(t, 1, a.get(boxA, cluster)["ports_disconnected"])
	assert.Equal(t, "DEGRADED", a.get(boxA, cluster)["path_health"])

	a.do(boxA, "DELETE", "initiators/iqn.2020-01.com.example:h", nil)
	require.NoError(t, a.set("nodes/1", map[string]any{"state": "FAILED"}))
	left := len(parts(t, a.get(boxA, "initiators/0000000000000001"), "targets"))
	assert.Less(t, left, all)
	shows("HEALTHY", "NOT_RESILIENT", 0, left)
	h := a.do(boxA, "PUT", host, object{"min_expected_paths": all})
	assert.Equal(t, true, h["is_min_expected_paths_user_set"])
	shows("DEGRADED", "NOT_RESILIENT", 0, left)
	a.refused(boxA, map[string]refusal{"paths": {400, "INVALID_FIELD_VALUE", "PUT", host, object{"min_expected_paths": -1}}})
	for _, n := range []string{"nodes/2", "nodes/3"} {
		require.NoError(t, a.set(n, map[string]any{"state": "FAILED"}))
	}
	shows("DISCONNECTED", "NOT_RESILIENT", 1, 0)
	assert.Len(t, a.list(boxA, "hosts?path_health=eq:DISCONNECTED&sort=-ports_disconnected"), 1)
}

// An address of a node that failed is served by another, and comes back.
func TestInitiators_addressesMove(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	space := a.space(boxA, "ISCSI_SERVICE", 1)
	for _, ip := range []string{"10.1.0.1", "10.1.0.2", "10.1.0.3"} {
		a.result(boxA, http.MethodPost, fmt.Sprintf("network/spaces/%d/ips", space), ip)
	}
	host := fmt.Sprintf("hosts/%d", a.post(boxA, "hosts", object{"name": "h"}).id("id"))
	a.post(boxA, host+"/ports", object{"type": "iscsi", "address": "iqn.2020-01.com.example:h"})
	nodes := func() (out []int64) {
		for _, target := range parts(t, a.get(boxA, "initiators/iqn.2020-01.com.example:h"), "targets") {
			out = append(out, target.id("node_id"))
		}
		return out
	}
	assert.Equal(t, []int64{1, 2, 3}, nodes())
	require.NoError(t, a.set("nodes/2", map[string]any{"state": "FAILED"}))
	assert.Equal(t, []int64{1, 3, 3}, nodes())
	assert.Equal(t, "NOT_RESILIENT", a.get(boxA, host)["resiliency"])
	require.NoError(t, a.set("nodes/2", map[string]any{"state": "ACTIVE"}))
	assert.Equal(t, []int64{1, 2, 3}, nodes())
	for _, n := range []string{"nodes/1", "nodes/2", "nodes/3"} {
		require.NoError(t, a.set(n, map[string]any{"state": "FAILED"}))
	}
	assert.Empty(t, nodes())
}
