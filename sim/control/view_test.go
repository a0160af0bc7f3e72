package control_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestViews asks for what all arrays have, for that of one, and for that of
// one that is not there.
func TestViews(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	p.volume()
	list := func(path string) (out []map[string]any) {
		status, text := p.do(http.MethodGet, path, "")
		require.Equal(t, http.StatusOK, status, text)
		require.NoError(t, json.Unmarshal([]byte(text), &out))
		return out
	}
	pools := list("pools")
	require.Len(t, pools, 1)
	assert.Equal(t, "box-1", pools[0]["array"])
	assert.Equal(t, "p", pools[0]["name"])
	assert.InDelta(t, 0, pools[0]["fill"], 0)
	assert.Empty(t, list("pools?array=box-2"))
	assert.Len(t, list("links"), 2)
	links := list("links?array=box-1")
	require.Len(t, links, 1)
	assert.InDelta(t, p.link.AID, links[0]["id"], 0)
	assert.Equal(t, "UP", links[0]["state"])
	assert.Empty(t, list("replicas?array=box-1&state=AUTO_SUSPENDED"))
	for path, want := range map[string]string{
		"pools?array=box-9": "OBJECT_NOT_FOUND", "links?array=box-9": "OBJECT_NOT_FOUND", "replicas?array=box-9": "OBJECT_NOT_FOUND",
		"replicas?state=BUSY": "INVALID_FIELD_VALUE",
	} {
		status, text := p.do(http.MethodGet, path, "")
		assert.Contains(t, text, want)
		assert.Contains(t, []int{http.StatusNotFound, http.StatusBadRequest}, status)
	}
}
