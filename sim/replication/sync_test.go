package replication_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/fabric"
)

func TestSync_toSynchronized(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	w.write(boxA, v, 0, gib, 1)
	r := w.replicate(v, object{"replication_type": "SYNC"})
	id, there := r.ID("id"), r.ID("remote_entity_id")
	w.shows(id, "ACTIVE", "INITIALIZING", true, "INITIALIZING")
	assert.Nil(t, r["sync_interval"])
	w.settle()
	w.shows(id, "ACTIVE", nil, false, "SYNCHRONIZED")
	assert.Equal(t, false, w.replica(id)["async_mode"])
	w.write(boxA, v, 512, gib, 5)
	assert.Equal(t, w.digest(boxA, v), w.digest(boxB, there), "a write is on both sides when it is answered")
	assert.Nil(t, w.get(boxB, fmt.Sprintf("replicas/%d", r.ID("remote_replica_id")))["sync_state"])
}

func TestSync_linkLostFixesTheTarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	r := w.replicate(v, object{"replication_type": "SYNC"})
	id, there := r.ID("id"), r.ID("remote_entity_id")
	w.settle()
	w.write(boxA, v, 0, gib, 5)
	atCut := w.digest(boxA, v)
	w.cut(true)
	w.shows(id, "ACTIVE", "STALLED", false, "OUT_OF_SYNC")
	w.write(boxA, v, 0, gib, 6)
	assert.Equal(t, atCut, w.digest(boxB, there))
	w.cut(false)
	w.shows(id, "ACTIVE", "REPLICATING", false, "SYNC_IN_PROGRESS")
	w.settle()
	w.shows(id, "ACTIVE", nil, false, "SYNCHRONIZED")
	assert.Equal(t, w.digest(boxA, v), w.digest(boxB, there))
}

func TestSync_linkLostWhileInitializingAndWhileCatchingUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	w.write(boxA, v, 0, gib, 1)
	id := w.replicate(v, object{"replication_type": "SYNC"}).ID("id")
	w.advance(time.Second)
	w.cut(true)
	w.shows(id, "ACTIVE", "STALLED", true, "INITIALIZING")
	w.cut(false)
	w.shows(id, "ACTIVE", "INITIALIZING", true, "INITIALIZING")
	w.settle()
	w.cut(true)
	w.write(boxA, v, 0, gib, 2)
	w.cut(false)
	w.advance(time.Second)
	w.cut(true)
	w.shows(id, "ACTIVE", "STALLED", false, "OUT_OF_SYNC")
	w.cut(false)
	w.settle()
	w.shows(id, "ACTIVE", nil, false, "SYNCHRONIZED")
}

func TestSync_lockedTargetPoolSuspends(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	id := w.replicate(v, object{"replication_type": "SYNC"}).ID("id")
	w.settle()
	w.post(boxB, fmt.Sprintf("pools/%d/lock", w.pool[boxB]), nil)
	w.shows(id, "AUTO_SUSPENDED", nil, false, "OUT_OF_SYNC")
	w.post(boxB, fmt.Sprintf("pools/%d/unlock", w.pool[boxB]), nil)
	w.shows(id, "AUTO_SUSPENDED", nil, false, "OUT_OF_SYNC")
	w.post(boxA, fmt.Sprintf("replicas/%d/resume", id), nil)
	w.settle()
	w.shows(id, "ACTIVE", nil, false, "SYNCHRONIZED")
}

func TestAsync_lockedTargetPoolSuspendsAtTheNextJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.replicate(w.volume(boxA), nil).ID("id")
	w.settle()
	w.post(boxB, fmt.Sprintf("pools/%d/lock", w.pool[boxB]), nil)
	w.shows(id, "ACTIVE", nil, false, nil)
	w.advance(5 * time.Minute)
	w.shows(id, "AUTO_SUSPENDED", nil, false, nil)
	assert.Equal(t, "POOL_IS_LOCKED", w.replica(id)["state_reason"])
	w.post(boxB, fmt.Sprintf("pools/%d/unlock", w.pool[boxB]), nil)
}

func TestChangeType_thereAndBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	r := w.replicate(v, nil)
	id := r.ID("id")
	toSync, toAsync := fmt.Sprintf("replicas/%d/change_type_to_sync", id), fmt.Sprintf("replicas/%d/change_type_to_async", id)
	w.refused(http.StatusConflict, "REPLICA_IS_INITIALIZING", boxA, http.MethodPost, toSync, object{})
	w.settle()
	w.write(boxA, v, 0, gib, 1)
	w.post(boxA, toSync, object{})
	w.shows(id, "ACTIVE", "REPLICATING", false, "SYNC_IN_PROGRESS")
	peer := w.get(boxB, fmt.Sprintf("replicas/%d", r.ID("remote_replica_id")))
	assert.Equal(t, "SYNC", peer["replication_type"])
	assert.Equal(t, []any{"SYNC"}, w.get(boxA, fmt.Sprintf("volumes/%d", v))["replication_types"])
	assert.Equal(t, []any{"SYNC"}, w.get(boxB, fmt.Sprintf("volumes/%d", r.ID("remote_entity_id")))["replication_types"])
	w.post(boxA, toAsync, object{}) // at once, as clients do
	w.shows(id, "ACTIVE", "REPLICATING", false, nil)
	w.settle()
	w.post(boxA, toSync, object{})
	w.settle()
	w.shows(id, "ACTIVE", nil, false, "SYNCHRONIZED")
	w.post(boxA, toAsync, object{"sync_interval": 30_000, "rpo_value": 60_000})
	w.shows(id, "ACTIVE", nil, false, nil)
	assert.Equal(t, int64(30_000), w.replica(id).ID("sync_interval"))
	w.write(boxA, v, 0, gib, 2)
	w.advance(time.Minute)
	assert.Equal(t, w.digest(boxA, v), w.digest(boxB, r.ID("remote_entity_id")))
	w.refused(http.StatusConflict, "REPLICA_TYPE_MISMATCH", boxA, http.MethodPost, toAsync, object{})
}

func TestSync_refusedOverASlowLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.path(func(m *fabric.Model) { m.Latency = 3 * time.Millisecond })
	v := w.volume(boxA)
	answer := w.call(boxA, http.MethodPost, "replicas", object{
		"link_id": w.link[boxA], "entity_type": "VOLUME", "remote_pool_id": w.pool[boxB], "replication_type": "SYNC",
		"entity_pairs": []object{{"local_entity_id": v, "remote_base_action": "CREATE"}},
	})
	require.Equal(t, http.StatusConflict, answer.Status)
	id := w.replicate(v, nil).ID("id")
	w.settle()
	w.refused(http.StatusConflict, "LINK_LATENCY_TOO_HIGH", boxA, http.MethodPost, fmt.Sprintf("replicas/%d/change_type_to_sync", id), object{})
}

func TestSync_suspendKeepsTheTarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	r := w.replicate(v, object{"replication_type": "SYNC"})
	id, there := r.ID("id"), r.ID("remote_entity_id")
	w.settle()
	w.write(boxA, v, 0, gib, 1)
	before := w.digest(boxA, v)
	w.post(boxA, fmt.Sprintf("replicas/%d/suspend", id), nil)
	w.shows(id, "SUSPENDED", nil, false, "OUT_OF_SYNC")
	w.write(boxA, v, 0, gib, 2)
	assert.Equal(t, before, w.digest(boxB, there))
	w.post(boxA, fmt.Sprintf("replicas/%d/resume", id), nil)
	w.shows(id, "ACTIVE", "REPLICATING", false, "SYNC_IN_PROGRESS")
	w.settle()
	assert.Equal(t, w.digest(boxA, v), w.digest(boxB, there))
}

func TestLink_detachAndAttach(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.replicate(w.volume(boxA), nil).ID("id")
	s := w.replicate(w.volume(boxA), object{"replication_type": "SYNC"}).ID("id")
	w.settle()
	link := fmt.Sprintf("links/%d", w.link[boxA])
	space := w.get(boxA, link).ID("local_replication_network_space_id")
	w.refused(http.StatusConflict, "NETWORK_SPACE_IN_USE_BY_LINK", boxA, http.MethodPost, fmt.Sprintf("network/spaces/%d/ips", space), "10.1.0.77")
	w.ok(boxA, http.MethodPut, link, object{"local_replication_network_space_id": nil})
	assert.Equal(t, "DOWN", w.get(boxA, link)["link_state"])
	assert.Equal(t, "DOWN", w.get(boxB, fmt.Sprintf("links/%d", w.link[boxB]))["link_state"])
	w.shows(a, "SUSPENDED", nil, false, nil)
	w.shows(s, "ACTIVE", "STALLED", false, "OUT_OF_SYNC")
	w.ok(boxA, http.MethodPut, link, object{"local_replication_network_space_id": space})
	w.settle()
	w.shows(s, "ACTIVE", nil, false, "SYNCHRONIZED")
	w.shows(a, "SUSPENDED", nil, false, nil)
	w.post(boxA, fmt.Sprintf("replicas/%d/resume", a), nil)
	w.settle()
	w.shows(a, "ACTIVE", nil, false, nil)
}
