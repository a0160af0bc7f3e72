package model_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"infinisim/sim/lab"
)

// Events have ids of their own, which objects have too: one that goes takes
// nothing of an object along.
func TestRemove_sameID(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	pool := a.post(boxA, "pools", object{"name": "p", "physical_capacity": 1e12, "virtual_capacity": 1e12}).id("id")
	a.result(boxA, http.MethodPut, fmt.Sprintf("metadata/%d", pool), object{"k": "v"})
	for range 10 {
		a.post(boxA, "events/custom", object{"description_template": "x"})
	}
	a.get(boxA, fmt.Sprintf("events/%d", pool)) // there is one
	a.do(boxA, http.MethodDelete, "events?approved=true", nil)
	assert.Len(t, a.list(boxA, fmt.Sprintf("metadata/%d", pool)), 1)
}
