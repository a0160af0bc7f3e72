package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestMissing_isBounded asks for more different paths than are counted apart.
func TestMissing_isBounded(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	const many = 10_002
	for i := range many {
		c.do(http.MethodGet, fmt.Sprintf("/api/rest/nothing/%d", i), nil)
	}
	missing := c.server.Missing()
	assert.Len(t, missing, 10_001)
	assert.Equal(t, 2, missing["others"])
	assert.Equal(t, 1, missing["GET /api/rest/nothing/0"])
}
