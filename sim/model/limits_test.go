package model_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
)

// TestLimits fills what an array has a limit for; the next one is refused.
func TestLimits(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	pool := a.post(boxA, "pools", object{"name": "p", "physical_capacity": 1_000_000_000_000, "virtual_capacity": 1_000_000_000_000})
	volume := a.post(boxA, "volumes", object{"name": "v", "size": 1_000_000_000, "pool_id": pool.id("id")}).id("id")
	for _, c := range []struct {
		path, code string
		most       int
		body       object
	}{
		{"users", "USER_LIMIT_EXCEEDED", 50 - 3, object{"email": "u@example.com", "password": "Aa1!aaa123456"}}, // three are built in
		{"config/ldap", "LDAP_LIMIT_EXCEEDED", 10, object{"bind_username": "u", "bind_password": "x", "domain_name": "example.com"}},
		{"volumes", "SNAPSHOT_LIMIT_EXCEEDED", 999, object{"parent_id": volume}},
	} {
		for i := range c.most {
			c.body["name"] = fmt.Sprintf("%s-%d", c.code, i)
			status, out := a.call(boxA, http.MethodPost, c.path, c.body)
			require.Equal(t, http.StatusCreated, status, "%s %d: %v", c.path, i, out["error"])
		}
		c.body["name"] = "one more"
		a.refused(boxA, map[string]refusal{c.path: {http.StatusConflict, c.code, http.MethodPost, c.path, c.body}})
	}
	assert.Len(t, a.list(boxA, fmt.Sprintf("volumes?page_size=1000&parent_id=eq:%d", volume)), 999)
}
