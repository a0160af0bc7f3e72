package replication_test

import (
	"fmt"
	"net/http"
	"testing"
)

// TestTreeQ_target keeps clients from the tree queues of a target: they cannot
// be queried nor changed.
func TestTreeQ_target(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fs := w.post(boxA, "filesystems", object{"name": "fs", "size": gib, "pool_id": w.pool[boxA], "provtype": "THIN"}).ID("id")
	r := w.post(boxA, "replicas", object{
		"link_id": w.link[boxA], "entity_type": "FILESYSTEM", "remote_pool_id": w.pool[boxB], "replication_type": "ASYNC", "sync_interval": 60000,
		"rpo_value": 120000, "entity_pairs": []object{{"local_entity_id": fs, "remote_base_action": "CREATE"}},
	})
	w.settle()
	w.post(boxA, fmt.Sprintf("filesystems/%d/treeqs", fs), object{"path": "/a"})
	path := fmt.Sprintf("filesystems/%d/treeqs", r.ID("remote_entity_id"))
	w.refused(http.StatusConflict, "DATASET_IS_REPLICATION_TARGET", boxB, http.MethodGet, path, nil)
	w.refused(http.StatusConflict, "DATASET_IS_REPLICATION_TARGET", boxB, http.MethodPost, path, object{"path": "/a"})
	w.refused(http.StatusConflict, "DATASET_IS_REPLICATION_TARGET", boxB, http.MethodDelete, path+"/1", nil)
}
