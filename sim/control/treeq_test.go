package control_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWrite_treeQ has a host write in a tree queue up to its quota.
func TestWrite_treeQ(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	pool := p.array("box-1", http.MethodPost, "pools", `{"name":"p","physical_capacity":1000000000000,"virtual_capacity":1000000000000}`)
	fs := p.array("box-1", http.MethodPost, "filesystems", fmt.Sprintf(`{"name":"fs","size":1000000000,"pool_id":%v}`, pool["id"]))
	queue := p.array("box-1", http.MethodPost, fmt.Sprintf("filesystems/%v/treeqs", fs["id"]), `{"path":"/q","hard_capacity":65536,"hard_inodes":1}`)
	write := fmt.Sprintf("arrays/box-1/datasets/%v/write", fs["id"])
	in := func(more string) string { return fmt.Sprintf(`{"treeq_id":%v,%s}`, queue["id"], more) }
	full := p.ok(http.MethodPost, write, in(`"offset":0,"length":65536,"seed":7,"inodes":1`))
	status, out := p.do(http.MethodPost, write, in(`"offset":65536,"length":512,"seed":7`))
	require.Equal(t, http.StatusConflict, status)
	assert.Contains(t, out, "TREEQ_QUOTA_EXCEEDED")
	assert.Equal(t, full, p.ok(http.MethodGet, fmt.Sprintf("arrays/box-1/datasets/%v/digest", fs["id"]), ""), "nothing is written")
	used := p.array("box-1", http.MethodGet, fmt.Sprintf("filesystems/%v/treeqs/%v", fs["id"], queue["id"]), "")
	assert.Equal(t, 65536.0, used["used_capacity"])
	assert.Equal(t, 1.0, used["used_inodes"])
	assert.Equal(t, "ABOVE_HARD", used["capacity_state"])
}
