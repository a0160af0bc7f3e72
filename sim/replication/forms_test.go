package replication_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/simtest"
)

func TestForms_autoCreate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	r := w.post(boxA, "replicas", object{
		"description": "d", "entity_type": "VOLUME", "local_entity_id": v, "replication_type": "ASYNC", "base_action": "NEW",
		"link_id": w.link[boxA], "remote_pool_id": w.pool[boxB], "sync_interval": 240000, "rpo_value": 300000,
	})
	assert.Equal(t, v, r.ID("local_entity_id"))
	assert.NotZero(t, r.ID("remote_entity_id"))
	assert.Equal(t, true, w.get(boxA, fmt.Sprintf("volumes/%d", v))["rmr_source"])
}

func TestForms_existingFormattedTarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, there := w.volume(boxA), w.volume(boxB)
	ask := func(target int64) object {
		return object{"local_entity_id": v, "remote_entity_id": target, "remote_base_action": "NO_BASE_DATA"}
	}
	body := func(target int64) object {
		return object{"link_id": w.link[boxA], "entity_type": "VOLUME", "entity_pairs": []object{ask(target)}}
	}
	used := w.volume(boxB)
	w.write(boxB, used, 0, gib, 1)
	w.refused(http.StatusConflict, "REPLICA_TARGET_NOT_EMPTY", boxA, http.MethodPost, "replicas", body(used))
	w.refused(http.StatusNotFound, "REPLICA_TARGET_NOT_FOUND", boxA, http.MethodPost, "replicas", body(99))
	bigger := w.post(boxB, "volumes", object{"name": "big", "size": 2 * volumeSize, "pool_id": w.pool[boxB], "provtype": "THIN"}).ID("id")
	w.refused(http.StatusConflict, "REPLICA_TARGET_SIZE_MISMATCH", boxA, http.MethodPost, "replicas", body(bigger))
	snap := w.post(boxB, "volumes", object{"name": "s", "parent_id": there}).ID("id")
	w.refused(http.StatusConflict, "REPLICA_TARGET_TYPE_MISMATCH", boxA, http.MethodPost, "replicas", body(snap))
	w.refused(http.StatusConflict, "REPLICA_TARGET_NOT_EMPTY", boxA, http.MethodPost, "replicas", body(there))
	w.ok(boxB, http.MethodDelete, fmt.Sprintf("volumes/%d?approved=true", snap), nil)
	w.write(boxA, v, 0, gib, 4)
	w.post(boxA, "replicas", body(there))
	w.settle()
	assert.Equal(t, w.digest(boxA, v), w.digest(boxB, there))
	require.Equal(t, http.StatusConflict, w.call(boxA, http.MethodPost, "replicas", body(w.volume(boxB))).Status)
}

func TestForms_baseSnapshots(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	w.write(boxA, v, 0, gib, 4)
	r := w.replicate(v, nil)
	w.settle()
	there := r.ID("remote_entity_id")
	gone := w.ok(boxA, http.MethodDelete, fmt.Sprintf("replicas/%d?approved=true&retain_staging_area=true", r.ID("id")), nil)
	first := pairs(gone)[0]
	here, far := first.ID("_local_reclaimed_snapshot_id"), first.ID("_remote_reclaimed_snapshot_id")
	require.NotZero(t, here)
	require.NotZero(t, far)
	assert.Equal(t, w.get(boxA, fmt.Sprintf("volumes/%d", here))["rmr_snapshot_guid"], w.get(boxB, fmt.Sprintf("volumes/%d", far))["rmr_snapshot_guid"])
	assert.Equal(t, w.digest(boxA, here), w.digest(boxB, far))
	assert.Equal(t, false, w.get(boxB, fmt.Sprintf("volumes/%d", there))["write_protected"])

	w.write(boxA, v, 0, 100<<20, 5)
	w.write(boxB, there, gib, gib, 6) // what was written on the target is rolled back
	body := func(local, remote int64) object {
		return object{"link_id": w.link[boxA], "entity_type": "VOLUME", "entity_pairs": []object{{
			"local_base_action": "BASE", "remote_base_action": "BASE", "local_entity_id": v, "remote_entity_id": there,
			"local_base_entity_id": local, "remote_base_entity_id": remote,
		}}}
	}
	other := w.post(boxB, "volumes", object{"name": "other", "parent_id": there}).ID("id")
	w.refused(http.StatusConflict, "REPLICA_BASE_MISMATCH", boxA, http.MethodPost, "replicas", body(here, other))
	w.refused(http.StatusConflict, "REPLICA_BASE_NOT_IN_FAMILY", boxA, http.MethodPost, "replicas", body(v, far))
	again := w.post(boxA, "replicas", body(here, far))
	w.settle()
	assert.Equal(t, w.digest(boxA, v), w.digest(boxB, there))
	// 100 MiB at 100 MB/s, not 1 GiB: the difference to the base alone.
	assert.Equal(t, int64(1048+504), w.replica(again.ID("id")).ID("sync_duration"))
}

func TestForms_takeSnap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, there := w.volume(boxA), w.volume(boxB)
	w.write(boxA, v, 0, gib, 4)
	w.write(boxB, there, 0, gib, 4)
	r := w.post(boxA, "replicas", object{"link_id": w.link[boxA], "entity_type": "VOLUME", "entity_pairs": []object{{
		"local_base_action": "TAKE_SNAP", "remote_base_action": "TAKE_SNAP", "local_entity_id": v, "remote_entity_id": there,
	}}})
	w.write(boxA, v, 0, 100<<20, 5)
	w.settle()
	w.post(boxA, fmt.Sprintf("replicas/%d/sync", r.ID("id")), nil)
	w.settle()
	assert.Equal(t, w.digest(boxA, v), w.digest(boxB, there))
}

func TestForms_filesystem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fs := w.post(boxA, "filesystems", object{"name": "fs", "size": gib, "pool_id": w.pool[boxA], "provtype": "THIN"}).ID("id")
	w.write(boxA, fs, 0, 500<<20, 4)
	body := object{"link_id": w.link[boxA], "entity_type": "filesystem", "remote_pool_id": w.pool[boxB], "replication_type": "SYNC", "entity_pairs": []object{{"local_entity_id": fs, "remote_base_action": "CREATE"}}}
	w.refused(http.StatusBadRequest, "REPLICA_TYPE_NOT_SUPPORTED_FOR_ENTITY", boxA, http.MethodPost, "replicas", body)
	delete(body, "replication_type")
	r := w.post(boxA, "replicas", body)
	w.settle()
	assert.Equal(t, w.digest(boxA, fs), w.digest(boxB, r.ID("remote_entity_id")))
	w.refused(http.StatusConflict, "REPLICA_TYPE_CHANGE_NOT_SUPPORTED", boxA, http.MethodPost, fmt.Sprintf("replicas/%d/change_type_to_sync", r.ID("id")), object{})
}

func (w *world) group(box string, members ...int64) int64 {
	w.t.Helper()
	w.n++
	cg := w.post(box, "cgs", object{"name": fmt.Sprintf("cg%d", w.n), "pool_id": w.pool[box]}).ID("id")
	for _, m := range members {
		w.post(box, fmt.Sprintf("cgs/%d/members", cg), object{"dataset_id": m})
	}
	return cg
}

func (w *world) replicateGroup(cg int64, members ...int64) simtest.Object {
	w.t.Helper()
	list := []object{}
	for _, m := range members {
		list = append(list, object{"local_entity_id": m, "remote_base_action": "CREATE", "remote_entity_id": nil})
	}
	return w.post(boxA, "replicas", object{"link_id": w.link[boxA], "entity_type": "CONSISTENCY_GROUP", "local_cg_id": cg, "remote_pool_id": w.pool[boxB], "entity_pairs": list})
}

func TestGroup_ofThree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, c := w.volume(boxA), w.volume(boxA), w.volume(boxA)
	cg := w.group(boxA, a, b, c)
	w.write(boxA, b, 0, gib, 1)
	w.refused(http.StatusBadRequest, "REPLICA_ENTITY_PAIRS_MISMATCH", boxA, http.MethodPost, "replicas", object{
		"link_id": w.link[boxA], "entity_type": "CONSISTENCY_GROUP", "local_cg_id": cg, "remote_pool_id": w.pool[boxB],
		"entity_pairs": []object{{"local_entity_id": a, "remote_base_action": "CREATE"}},
	})
	w.refused(http.StatusConflict, "REPLICA_ENTITY_IS_CG_MEMBER", boxA, http.MethodPost, "replicas", object{
		"link_id": w.link[boxA], "entity_type": "VOLUME", "remote_pool_id": w.pool[boxB], "entity_pairs": []object{{"local_entity_id": a, "remote_base_action": "CREATE"}},
	})
	r := w.replicateGroup(cg, a, b, c)
	id := r.ID("id")
	assert.Equal(t, cg, r.ID("local_entity_id"))
	w.settle()
	list := pairs(r)
	require.Len(t, list, 3)
	for i, m := range []int64{a, b, c} {
		p := list[i]
		assert.Equal(t, m, p.ID("local_entity_id"))
		assert.Equal(t, w.digest(boxA, m), w.digest(boxB, p.ID("remote_entity_id")))
		assert.Equal(t, r.ID("remote_cg_id"), w.get(boxB, fmt.Sprintf("volumes/%d", p.ID("remote_entity_id"))).ID("cg_id"))
	}
	w.refused(http.StatusConflict, "CG_IS_REPLICATED", boxA, http.MethodDelete, fmt.Sprintf("cgs/%d?approved=true", cg), nil)

	// A member that joins makes the whole group initial at the next job.
	d := w.volume(boxA)
	w.write(boxA, d, 0, gib, 9)
	w.post(boxA, fmt.Sprintf("cgs/%d/members", cg), object{"dataset_id": d})
	assert.Equal(t, true, w.replica(id)["is_initial"])
	w.advance(235 * time.Second)
	w.shows(id, "ACTIVE", "INITIALIZING", true, nil)
	w.settle()
	w.shows(id, "ACTIVE", nil, false, nil)
	last := pairs(w.replica(id))[3]
	assert.Equal(t, w.digest(boxA, d), w.digest(boxB, last.ID("remote_entity_id")))
	assert.Equal(t, true, w.get(boxA, fmt.Sprintf("volumes/%d", d))["rmr_source"])

	w.ok(boxA, http.MethodDelete, fmt.Sprintf("cgs/%d/members/%d?approved=true&retain_staging_area=true", cg, d), nil)
	assert.Equal(t, false, w.get(boxA, fmt.Sprintf("volumes/%d", d))["rmr_source"])
	assert.Equal(t, true, w.get(boxA, fmt.Sprintf("volumes/%d", d))["has_children"])
	assert.Equal(t, false, w.get(boxB, fmt.Sprintf("volumes/%d", last.ID("remote_entity_id")))["rmr_target"])

	gone := w.ok(boxA, http.MethodDelete, fmt.Sprintf("replicas/%d?approved=true&retain_staging_area=true", id), nil)
	here, far := gone.ID("_local_reclaimed_sg_id"), gone.ID("_remote_reclaimed_sg_id")
	assert.Equal(t, "SNAPSHOT", w.get(boxA, fmt.Sprintf("cgs/%d", here))["type"])
	assert.Equal(t, float64(3), w.get(boxB, fmt.Sprintf("cgs/%d", far))["members_count"])
}

func TestGroup_empty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cg := w.group(boxA)
	r := w.replicateGroup(cg)
	w.settle()
	w.shows(r.ID("id"), "ACTIVE", nil, false, nil)
	assert.Equal(t, "MASTER", w.get(boxB, fmt.Sprintf("cgs/%d", r.ID("remote_cg_id")))["type"])
}

func TestGroup_takeSnapWithoutNamingTheRemoteGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, x := w.volume(boxA), w.volume(boxB)
	cg, there := w.group(boxA, a), w.group(boxB, x)
	r := w.post(boxA, "replicas", object{
		"link_id": w.link[boxA], "entity_type": "CONSISTENCY_GROUP", "local_cg_id": cg,
		"entity_pairs": []object{{"local_entity_id": a, "remote_entity_id": x, "local_base_action": "TAKE_SNAP", "remote_base_action": "TAKE_SNAP"}},
	})
	assert.Equal(t, there, r.ID("remote_cg_id"))
	w.settle()
}

func TestGroup_synchronizedMemberJoins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.volume(boxA)
	cg := w.group(boxA, a)
	r := w.post(boxA, "replicas", object{
		"link_id": w.link[boxA], "entity_type": "CONSISTENCY_GROUP", "local_cg_id": cg, "remote_pool_id": w.pool[boxB], "replication_type": "SYNC",
		"entity_pairs": []object{{"local_entity_id": a, "remote_base_action": "CREATE"}},
	})
	w.settle()
	w.shows(r.ID("id"), "ACTIVE", nil, false, "SYNCHRONIZED")
	b := w.volume(boxA)
	w.write(boxA, b, 0, gib, 2)
	w.post(boxA, fmt.Sprintf("cgs/%d/members", cg), object{"dataset_id": b})
	w.shows(r.ID("id"), "ACTIVE", "INITIALIZING", true, "INITIALIZING")
	w.settle()
	w.shows(r.ID("id"), "ACTIVE", nil, false, "SYNCHRONIZED")
}
