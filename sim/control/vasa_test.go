package control_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestVASA(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	p.ok(http.MethodPut, "arrays/box-1/features/vvol_replication", `{"enabled":true}`)
	pool := func(name string) any {
		body := fmt.Sprintf(`{"name":%q,"type":"VVOL","physical_capacity":1000000000000,"virtual_capacity":1000000000000}`, name)
		return p.array("box-1", http.MethodPost, "pools", body)["id"]
	}
	first, second := pool("p"), pool("q")
	vm := p.ok(http.MethodPost, "arrays/box-1/vms", `{"name":"m"}`)["id"]
	vvol := p.ok(http.MethodPost, "arrays/box-1/vvols", fmt.Sprintf(`{"name":"v","pool_id":%v,"size":1000000000}`, first))["id"]
	p.ok(http.MethodPost, fmt.Sprintf("arrays/box-1/datasets/%v/write", vvol), `{"offset":0,"length":4096,"seed":7}`)
	was := p.ok(http.MethodGet, fmt.Sprintf("arrays/box-1/datasets/%v/digest", vvol), "")["digest"]
	snap := p.ok(http.MethodPost, "arrays/box-1/vvols", fmt.Sprintf(`{"name":"s","parent_id":%v}`, vvol))["id"]
	p.ok(http.MethodPatch, fmt.Sprintf("arrays/box-1/vvols/%v", vvol), fmt.Sprintf(`{"vm_id":%v,"name":"w"}`, vm))
	p.ok(http.MethodPost, fmt.Sprintf("arrays/box-1/datasets/%v/write", vvol), `{"offset":0,"length":4096,"seed":8}`)
	p.ok(http.MethodPost, fmt.Sprintf("arrays/box-1/vvols/%v/revert", vvol), fmt.Sprintf(`{"snapshot_id":%v}`, snap))
	assert.Equal(t, was, p.ok(http.MethodGet, fmt.Sprintf("arrays/box-1/datasets/%v/digest", vvol), "")["digest"])
	group := p.array("box-1", http.MethodPost, "replication_groups", fmt.Sprintf(`{"name":"g","pool_id":%v}`, first))["id"]
	p.ok(http.MethodPost, fmt.Sprintf("arrays/box-1/replication_groups/%v/members", group), fmt.Sprintf(`{"vvol_id":%v}`, vvol))
	now := p.array("box-1", http.MethodGet, fmt.Sprintf("vvols/%v", vvol), "")
	assert.Equal(t, []any{"w", vm, group}, []any{now["name"], now["vm_id"], now["replication_group_id"]})
	assert.Equal(t, vm, p.array("box-1", http.MethodGet, fmt.Sprintf("vvols/%v", snap), "")["vm_id"])

	other := p.ok(http.MethodPost, "arrays/box-1/vvols", fmt.Sprintf(`{"name":"v","pool_id":%v,"size":1000000000}`, second))["id"]
	status, text := p.do(http.MethodPost, fmt.Sprintf("arrays/box-1/replication_groups/%v/members", group), fmt.Sprintf(`{"vvol_id":%v}`, other))
	assert.Equal(t, http.StatusConflict, status)
	assert.Contains(t, text, `"code":"REPLICATION_GROUP_POOL_MISMATCH"`)
}

func TestVASA_badInput(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	for _, c := range []struct {
		status             int
		code, method, path string
		body               string
	}{
		{400, "INVALID_FIELD_VALUE", "POST", "vms", `{"name":""}`},
		{400, "UNKNOWN_FIELD", "POST", "vms", `{"evil":1}`},
		{404, "POOL_NOT_FOUND", "POST", "vvols", `{"name":"v","pool_id":1,"size":1000000000}`},
		{400, "UNKNOWN_FIELD", "POST", "vvols", `{"evil":1}`},
		{404, "VVOL_NOT_FOUND", "PATCH", "vvols/1", `{"vm_id":0}`},
		{400, "INVALID_FIELD_VALUE", "PATCH", "vvols/x", `{}`},
		{400, "UNKNOWN_FIELD", "PATCH", "vvols/1", `{"pool_id":1}`},
		{404, "VVOL_NOT_FOUND", "POST", "vvols/1/revert", `{"snapshot_id":2}`},
		{400, "MISSING_REQUIRED_FIELD", "POST", "vvols/1/revert", `{}`},
		{400, "INVALID_FIELD_VALUE", "POST", "vvols/x/revert", `{"snapshot_id":2}`},
		{404, "REPLICATION_GROUP_NOT_FOUND", "POST", "replication_groups/1/members", `{"vvol_id":2}`},
		{400, "UNKNOWN_FIELD", "POST", "replication_groups/1/members", `{"evil":2}`},
	} {
		status, text := p.do(c.method, "arrays/box-1/"+c.path, c.body)
		assert.Equal(t, c.status, status, "%s %s: %s", c.path, c.body, text)
		assert.Contains(t, text, `"code":"`+c.code+`"`, "%s %s", c.path, c.body)
	}
	p.ok(http.MethodPut, "arrays/box-1/features/vvol", `{"enabled":false}`)
	for path, body := range map[string]string{"vms": `{"name":"m"}`, "vvols": `{"name":"v"}`} {
		status, text := p.do(http.MethodPost, "arrays/box-1/"+path, body)
		assert.Equal(t, http.StatusNotFound, status, text)
	}
}
