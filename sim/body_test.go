package sim_test

import (
	"net/http"
	"testing"

	"infinisim/sim/simtest"
)

// TestBody_ofAnotherShape has values of the right JSON type that hold the wrong
// things.
func TestBody_ofAnotherShape(t *testing.T) {
	t.Parallel()
	a := simtest.New(t).Client("box-1")
	for _, c := range []struct {
		status     int
		code, path string
		body       map[string]any
	}{
		{http.StatusNotFound, "CG_NOT_FOUND", "cgs", map[string]any{"name": "g", "parent_id": 0}},
		{http.StatusBadRequest, "MISSING_REQUIRED_FIELD", "cgs", map[string]any{"name": "g", "parent_id": nil}},
		{http.StatusBadRequest, "INVALID_FIELD_VALUE", "config/ldap", map[string]any{
			"name": "l", "domain_name": "d", "bind_username": "u", "bind_password": "p", "servers": []string{"s"}, "schema_definition": []any{},
		}},
		{http.StatusBadRequest, "INVALID_FIELD_VALUE", "config/ldap", map[string]any{
			"name": "l", "domain_name": "d", "bind_username": "u", "bind_password": "p", "servers": []any{nil},
		}},
	} {
		a.Refused(c.status, c.code, http.MethodPost, c.path, c.body)
	}
}
