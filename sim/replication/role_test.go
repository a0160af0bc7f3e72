package replication_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// halves makes a replica with content on both sides, and gives the paths of its
// halves and its two datasets.
func (w *world) halves(more object) (a, b string, here, there int64) {
	w.t.Helper()
	here = w.volume(boxA)
	r := w.replicate(here, more)
	w.settle()
	w.write(boxA, here, 0, gib, 1)
	if more == nil {
		w.post(boxA, fmt.Sprintf("replicas/%d/sync", r.ID("id")), nil)
		w.settle()
	}
	return fmt.Sprintf("replicas/%d", r.ID("id")), fmt.Sprintf("replicas/%d", r.ID("remote_replica_id")), here, r.ID("remote_entity_id")
}

func (w *world) role(box, path, role string, state any) {
	w.t.Helper()
	r := w.get(box, path)
	assert.Equal(w.t, role, r["role"], "%s %s", box, path)
	assert.Equal(w.t, state, r["state"], "%s %s", box, path)
}

func (w *world) protected(box string, volume int64, want bool) {
	w.t.Helper()
	v := w.get(box, fmt.Sprintf("volumes/%d", volume))
	assert.Equal(w.t, want, v["write_protected"])
	assert.Equal(w.t, want, v["rmr_target"])
	assert.Equal(w.t, !want, v["rmr_source"])
}

// TestRole_failover is a disaster and the way back: the link goes, the target
// becomes a source and is written to, and what the old source wrote after the
// last job is discarded when the new one resumes.
func TestRole_failover(t *testing.T) {
	t.Parallel()
	for _, kind := range []object{nil, {"replication_type": "SYNC"}} {
		w := newWorld(t)
		a, b, here, there := w.halves(kind)
		common := w.digest(boxA, here)
		w.refused(http.StatusConflict, "REPLICA_NOT_SUSPENDED", boxB, http.MethodPost, b+"/change_role", nil)
		w.refused(http.StatusConflict, "REPLICA_NOT_SUSPENDED", boxA, http.MethodPost, a+"/change_role", nil)

		w.cut(true)
		w.write(boxA, here, 0, gib, 2) // nobody will have it
		w.post(boxB, b+"/change_role", nil)
		w.role(boxB, b, "SOURCE", "SUSPENDED")
		w.protected(boxB, there, false)
		assert.Equal(t, common, w.digest(boxB, there), "the last image that was committed")
		w.write(boxB, there, gib, gib, 3)

		w.cut(false)
		w.role(boxA, a, "SOURCE", "AUTO_SUSPENDED")
		assert.NotEqual(t, common, w.digest(boxA, here), "what it wrote is still there")
		w.refused(http.StatusConflict, "REPLICA_ROLE_CONFLICT", boxB, http.MethodPost, b+"/resume", nil)
		w.post(boxA, a+"/change_role", nil)
		w.role(boxA, a, "TARGET", nil)
		w.protected(boxA, here, true)
		w.refused(http.StatusConflict, "REPLICA_IS_TARGET", boxA, http.MethodPost, a+"/resume", nil)

		w.post(boxB, b+"/resume", nil)
		assert.Equal(t, common, w.digest(boxA, here), "rolled back to what both have")
		w.settle()
		w.role(boxB, b, "SOURCE", "ACTIVE")
		assert.Equal(t, w.digest(boxB, there), w.digest(boxA, here), "the old source follows the new one")

		// And back again, without a loss.
		w.post(boxB, b+"/suspend", nil)
		w.post(boxB, b+"/change_role", nil)
		w.role(boxB, b, "TARGET", nil)
		w.post(boxA, a+"/change_role", nil)
		w.role(boxA, a, "SOURCE", "SUSPENDED")
		w.protected(boxA, here, false)
		w.protected(boxB, there, true)
		w.post(boxA, a+"/resume", nil)
		w.settle()
		w.write(boxA, here, 2*gib, gib, 4)
		w.advance(10 * time.Minute)
		assert.Equal(t, w.digest(boxA, here), w.digest(boxB, there))
	}
}

// TestRole_lostAnswer fails over when the commit was applied and its answer
// was not heard: both halves know different images to be the last.
func TestRole_lostAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, here, there := w.halves(nil)
	w.write(boxA, here, 0, gib, 2)
	w.post(boxA, a+"/sync", nil)
	committed := func() bool { return w.digest(boxA, here) == w.digest(boxB, there) }
	for range 100_000 {
		if committed() {
			break
		}
		w.advance(time.Millisecond)
	}
	require.True(t, committed())
	w.cut(true)
	w.post(boxB, b+"/change_role", nil)
	w.write(boxB, there, gib, gib, 5)
	w.cut(false)
	w.post(boxA, a+"/change_role", nil)
	w.post(boxB, b+"/resume", nil)
	w.settle()
	assert.Equal(t, w.digest(boxB, there), w.digest(boxA, here))
}

func TestRole_bothTargets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, here, there := w.halves(nil)
	w.post(boxA, a+"/suspend", nil)
	w.post(boxA, a+"/change_role", nil)
	w.role(boxB, b, "TARGET", nil)
	w.protected(boxA, here, true)
	w.post(boxA, a+"/change_role", nil) // and back
	w.role(boxA, a, "SOURCE", "SUSPENDED")
	w.protected(boxA, here, false)
	w.post(boxA, a+"/resume", nil)
	w.settle()
	assert.Equal(t, w.digest(boxA, here), w.digest(boxB, there))
}

func TestRole_neverSynchronized(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	w.write(boxA, v, 0, gib, 1)
	r := w.replicate(v, nil)
	w.refused(http.StatusConflict, "REPLICA_NEVER_SYNCHRONIZED", boxB, http.MethodPost, fmt.Sprintf("replicas/%d/change_role", r.ID("remote_replica_id")), nil)
	w.post(boxA, fmt.Sprintf("replicas/%d/suspend", r.ID("id")), nil)
	w.refused(http.StatusConflict, "REPLICA_NEVER_SYNCHRONIZED", boxA, http.MethodPost, fmt.Sprintf("replicas/%d/change_role", r.ID("id")), nil)
}

// TestRole_switch swaps the roles of a synchronized replica, and loses nothing.
func TestRole_switch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, here, there := w.halves(object{"replication_type": "SYNC"})
	w.refused(http.StatusConflict, "REPLICA_IS_TARGET", boxB, http.MethodPost, b+"/switch_role", nil)
	w.post(boxA, a+"/switch_role", nil)
	w.role(boxA, a, "TARGET", nil)
	w.role(boxB, b, "SOURCE", "ACTIVE")
	assert.Equal(t, "SYNCHRONIZED", w.get(boxB, b)["sync_state"])
	w.protected(boxA, here, true)
	w.protected(boxB, there, false)
	w.write(boxB, there, gib, gib, 7)
	assert.Equal(t, w.digest(boxB, there), w.digest(boxA, here), "every write is on both sides at once")
	w.cut(true)
	w.refused(http.StatusConflict, "LINK_IS_NOT_CONNECTED", boxB, http.MethodPost, b+"/switch_role", nil)
	w.cut(false)
	w.settle()
	w.post(boxB, b+"/switch_role", nil)
	w.role(boxA, a, "SOURCE", "ACTIVE")

	id := w.replicate(w.volume(boxA), nil).ID("id")
	w.settle()
	w.refused(http.StatusConflict, "REPLICA_TYPE_MISMATCH", boxA, http.MethodPost, fmt.Sprintf("replicas/%d/switch_role", id), nil)
}

func TestRole_switchNeedsBothAlike(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _, _, _ := w.halves(object{"replication_type": "SYNC"}) //nolint:dogsled // the source's half alone
	w.post(boxA, a+"/suspend", nil)
	w.refused(http.StatusConflict, "REPLICA_NOT_SYNCHRONIZED", boxA, http.MethodPost, a+"/switch_role", nil)
}
