package api_test

import (
	"net/http"
	"testing"
)

// TestBody_ofAnotherShape sends what is JSON, and neither what a request takes
// nor nothing.
func TestBody_ofAnotherShape(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, r := range []struct{ method, path, body, code string }{
		{http.MethodPost, "config/ldap/set_order", `null`, "MALFORMED_REQUEST"},
		{http.MethodPost, "config/ldap/set_order", `{}`, "MALFORMED_REQUEST"},
		{http.MethodPost, "fc/soft_targets/wipe", `[null]`, "MALFORMED_REQUEST"},
		{http.MethodPost, "nlm_locks/remove_orphan", `"x"`, "MALFORMED_REQUEST"},
		{http.MethodPost, "system/certificates/generate_csr", `[]`, "MALFORMED_REQUEST"},
		{http.MethodPost, "volumes/delete_simulation", `{"entities":null}`, "INVALID_FIELD_VALUE"},
		{http.MethodPut, "datasets/bulk", `{"data":{"ssa_express_enabled":true},"ids":null}`, "MISSING_REQUIRED_FIELD"},
		{http.MethodPost, "metrics/collectors", `{"collected_fields":[{}]}`, "INVALID_FIELD_VALUE"},
		{http.MethodPut, "system/name", ``, "INVALID_FIELD_VALUE"},
	} {
		c.code(http.StatusBadRequest, r.code, r.method, "/api/rest/"+r.path, r.body)
	}
}
