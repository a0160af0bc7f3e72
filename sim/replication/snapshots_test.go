package replication_test

import (
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/simtest"
)

// arrived lists the snapshots right below a target by name.
func (w *world) arrived(volume int64) map[string]simtest.Object {
	w.t.Helper()
	out := map[string]simtest.Object{}
	for _, e := range w.call(boxB, http.MethodGet, fmt.Sprintf("volumes?parent_id=eq:%d&page_size=100", volume), nil).Result.([]any) {
		o := simtest.Object(e.(map[string]any))
		out[o["name"].(string)] = o
	}
	return out
}

func (w *world) snap(volume int64, name, query string, more object) int64 {
	w.t.Helper()
	body := object{"name": name, "parent_id": volume}
	maps.Copy(body, more)
	return w.ok(boxA, http.MethodPost, "volumes"+query, body).ID("id")
}

// TestSnapshots_cross has users make snapshots between two jobs: those that
// are to cross appear on the target with what they showed, in their order, kept
// and locked as the replica or the snapshot says.
func TestSnapshots_cross(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	w.write(boxA, v, 0, gib, 1)
	w.snap(v, "older", "", nil)
	r := w.replicate(v, object{
		"including_snapshots": true, "snapshots_retention": 86400, "lock_remote_snapshot_retention": 7200, "remote_snapshot_suffix": "-far",
	})
	there := r.ID("remote_entity_id")
	w.settle()
	assert.Empty(t, w.arrived(there))

	w.write(boxA, v, 0, gib, 2)
	one := w.snap(v, "one", "", nil)
	w.write(boxA, v, 0, gib, 3)
	two := w.snap(v, "two", "", object{"remote_snapshot_retention": 3600 * 3, "remote_snapshot_retention_lock": 60})
	w.snap(v, "here", "?replicate_to_async_target=false", nil)
	gone := w.snap(v, "gone", "", nil)
	w.write(boxA, v, 0, gib, 4)
	w.post(boxA, fmt.Sprintf("replicas/%d/sync", r.ID("id")), nil)
	w.ok(boxA, http.MethodDelete, fmt.Sprintf("volumes/%d?approved=true", gone), nil)
	w.settle()

	took := time.Duration(w.replica(r.ID("id")).ID("sync_duration")) * time.Millisecond
	assert.InDelta(t, 32.2, took.Seconds(), 0.1, "each snapshot's difference crosses: 3 GiB at 100 MB/s")
	far := w.arrived(there)
	require.Len(t, far, 2)
	assert.Equal(t, w.digest(boxA, one), w.digest(boxB, far["one-far"].ID("id")))
	assert.Equal(t, w.digest(boxA, two), w.digest(boxB, far["two-far"].ID("id")))
	assert.Equal(t, w.digest(boxA, v), w.digest(boxB, there))
	assert.Equal(t, "LOCKED", far["one-far"]["lock_state"])
	assert.Equal(t, w.get(boxA, fmt.Sprintf("volumes/%d", one)).ID("created_at")+7200_000, far["one-far"].ID("lock_expires_at"))
	assert.Equal(t, w.get(boxA, fmt.Sprintf("volumes/%d", one))["rmr_snapshot_guid"], far["one-far"]["rmr_snapshot_guid"])
	assert.Equal(t, int64(86400), far["one-far"].ID("snapshot_retention"))

	own := w.post(boxB, fmt.Sprintf("volumes/%d/own_snapshot", far["one-far"].ID("id")), object{"name": "mine"})
	assert.Equal(t, far["one-far"].ID("id"), own.ID("parent_id"))
	assert.Nil(t, own["rmr_snapshot_guid"])
	assert.Equal(t, w.digest(boxA, one), w.digest(boxB, own.ID("id")))
	mine := fmt.Sprintf("volumes/%d", own.ID("id"))
	w.refused(409, "DATASET_IS_NOT_REPLICATION_SNAPSHOT", boxB, http.MethodPost, mine+"/own_snapshot", object{"name": "x"})
	w.refused(409, "DATASET_IS_NOT_REPLICATION_SNAPSHOT", boxB, http.MethodPost, fmt.Sprintf("volumes/%d/own_snapshot", there), object{"name": "x"})
	w.refused(400, "UNKNOWN_FIELD", boxB, http.MethodPost, fmt.Sprintf("volumes/%d/own_snapshot", far["one-far"].ID("id")), object{"name": "x", "size": 1})
	w.ok(boxB, http.MethodDelete, mine+"?approved=true", nil)

	w.advance(4 * time.Hour)
	far = w.arrived(there)
	require.NotContains(t, far, "two-far", "its retention is over")
	assert.Equal(t, "UNLOCKED", far["one-far"]["lock_state"])
	w.advance(24 * time.Hour)
	assert.NotContains(t, w.arrived(there), "one-far")
}

// TestSnapshots_groupCrosses has a snapshot group appear as one.
func TestSnapshots_groupCrosses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cg := w.post(boxA, "cgs", object{"name": "cg", "pool_id": w.pool[boxA]}).ID("id")
	var pairs []object
	for range 2 {
		v := w.volume(boxA)
		w.write(boxA, v, 0, gib, 1)
		w.post(boxA, fmt.Sprintf("cgs/%d/members", cg), object{"dataset_id": v})
		pairs = append(pairs, object{"local_entity_id": v, "remote_base_action": "CREATE"})
	}
	r := w.post(boxA, "replicas", object{
		"link_id": w.link[boxA], "entity_type": "CONSISTENCY_GROUP", "local_cg_id": cg, "remote_pool_id": w.pool[boxB],
		"entity_pairs": pairs, "including_snapshots": true, "sync_interval": 600_000, "rpo_value": 1_200_000,
	})
	w.settle()
	w.post(boxA, "cgs", object{"name": "sg", "parent_id": cg, "snap_suffix": "-sg"})
	w.post(boxA, fmt.Sprintf("replicas/%d/sync", r.ID("id")), nil)
	w.settle()
	groups := w.call(boxB, http.MethodGet, "cgs?type=eq:SNAPSHOT", nil).Result.([]any)
	require.Len(t, groups, 1)
	group := simtest.Object(groups[0].(map[string]any))
	assert.Equal(t, "sg-remote", group["name"])
	assert.Equal(t, int64(2), group.ID("members_count"))
}
