package model_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
	"infinisim/sim/model"
)

// as sends a request that selects a tenant.
func (a *arrays) as(tenant any, method, path, body string) (int, object) {
	a.t.Helper()
	r := httptest.NewRequestWithContext(a.t.Context(), method, "/api/rest/"+path, strings.NewReader(body))
	r.SetBasicAuth("admin", "123456")
	r.Header.Set("X-Infinidat-Tenant-Id", fmt.Sprint(tenant))
	rec := httptest.NewRecorder()
	server, err := a.lab.Array(boxA)
	require.NoError(a.t, err)
	server.Server.ServeHTTP(rec, r)
	out := object{}
	require.NoError(a.t, json.Unmarshal(rec.Body.Bytes(), &out), rec.Body.String())
	return rec.Code, out
}

func (a *arrays) made(tenant any, path, body string) object {
	a.t.Helper()
	status, out := a.as(tenant, http.MethodPost, path, body)
	require.Equal(a.t, http.StatusCreated, status, out["error"])
	o, _ := out["result"].(map[string]any)
	return o
}

// A request that selects a tenant makes and sees what is the tenant's, and what
// is in something belongs where that does.
func TestTenant_selected(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	require.NoError(t, a.lab.On(t.Context(), boxA, func(b *model.Box) error { return b.SetFeature("tenants", true) }))
	tenant := a.post(boxA, "tenants", object{"name": "t"}).id("id")
	own := a.post(boxA, "pools", object{"name": "own", "physical_capacity": terabyte, "virtual_capacity": terabyte}).id("id")
	pool := a.made(tenant, "pools", `{"name":"p","physical_capacity":1000000000000,"virtual_capacity":2000000000000}`)
	assert.EqualValues(t, tenant, pool["tenant_id"])
	volume := a.post(boxA, "volumes", object{"name": "v", "size": 1e9, "pool_id": pool.id("id")})
	assert.EqualValues(t, tenant, volume["tenant_id"], "a volume is where its pool is")
	snapshot := a.post(boxA, "volumes", object{"name": "s", "parent_id": volume.id("id")})
	assert.EqualValues(t, tenant, snapshot["tenant_id"])
	moved := a.post(boxA, fmt.Sprintf("volumes/%d/move", volume.id("id")), object{"pool_id": own})
	assert.Equal(t, 1.0, moved["tenant_id"])
	assert.Equal(t, 1.0, a.get(boxA, fmt.Sprintf("volumes/%d", snapshot.id("id")))["tenant_id"])
	a.post(boxA, fmt.Sprintf("volumes/%d/move", volume.id("id")), object{"pool_id": pool.id("id")})
	a.made(tenant, "hosts", `{"name":"h"}`)
	a.as(tenant, http.MethodPost, "events/custom", `{"description_template":"x"}`)

	seen := func(path string) []any {
		t.Helper()
		status, out := a.as(tenant, http.MethodGet, path, "")
		require.Equal(t, http.StatusOK, status, out["error"])
		list, _ := out["result"].([]any)
		return list
	}
	assert.Len(t, seen("pools"), 1)
	assert.Len(t, seen("hosts"), 1)
	assert.Len(t, seen("events?code=CUSTOM_INFO_EVENT"), 1)
	assert.Len(t, a.list(boxA, "pools"), 2, "nothing is selected")
	assert.Len(t, a.list(boxA, fmt.Sprintf("pools?tenant_id=%d", tenant)), 1)
	for path, code := range map[string]string{
		fmt.Sprintf("pools/%d", own): "POOL_NOT_FOUND",
		"snapshot_policies/77":       "SNAPSHOT_POLICY_NOT_FOUND",
	} {
		status, out := a.as(tenant, http.MethodGet, path, "")
		assert.Equal(t, http.StatusNotFound, status)
		assert.Equal(t, code, out["error"].(map[string]any)["code"])
	}
	status, out := a.as(tenant, http.MethodPost, "volumes", fmt.Sprintf(`{"name":"w","size":1000000000,"pool_id":%d}`, own))
	assert.Equal(t, http.StatusNotFound, status, out)

	shown := a.get(boxA, fmt.Sprintf("tenants/%d", tenant))
	assert.Equal(t, map[string]any{"clusters": 0.0, "hosts": 1.0, "network_spaces": 0.0, "plugins": 0.0, "pools": 1.0}, shown["entity_counts"])
	assert.Equal(t, map[string]any{
		"total_physical_capacity": 1000000192512.0, "allocated_physical_space": 0.0, "total_virtual_capacity": 2000000385024.0,
		"allocated_virtual_space": 1000000000.0,
	}, shown["capacity"])
	a.refused(boxA, map[string]refusal{"with objects": {409, "TENANT_NOT_EMPTY", "DELETE", fmt.Sprintf("tenants/%d", tenant), nil}})
}

// A tenant that is none selects nothing; an array without the feature does not
// look.
func TestTenant_selectedRefused(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	status, _ := a.as(77, http.MethodGet, "pools", "")
	assert.Equal(t, http.StatusOK, status)
	require.NoError(t, a.lab.On(t.Context(), boxA, func(b *model.Box) error { return b.SetFeature("tenants", true) }))
	status, out := a.as(77, http.MethodGet, "pools", "")
	assert.Equal(t, http.StatusNotFound, status)
	assert.Equal(t, "TENANT_NOT_FOUND", out["error"].(map[string]any)["code"])
	status, out = a.as("x", http.MethodGet, "pools", "")
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Equal(t, "INVALID_FIELD_VALUE", out["error"].(map[string]any)["code"])
	// What a tenant left in the log is the array's when the tenant goes.
	tenant := a.post(boxA, "tenants", object{"name": "t"}).id("id")
	a.as(tenant, http.MethodPost, "events/custom", `{"description_template":"x"}`)
	a.do(boxA, http.MethodDelete, fmt.Sprintf("tenants/%d", tenant), nil)
	assert.Len(t, a.list(boxA, "events?code=CUSTOM_INFO_EVENT&tenant_id=1"), 1)
}
