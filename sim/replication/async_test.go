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

const gib = 1 << 30

func TestAsync_initialCopyThenIdle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	w.write(boxA, v, 0, gib, 7)
	start := w.lab.Clock.Now()
	r := w.replicate(v, nil)
	id := r.ID("id")
	w.shows(id, "ACTIVE", "INITIALIZING", true, nil)
	require.Empty(t, w.settle())
	w.shows(id, "ACTIVE", nil, false, nil)

	target := r.ID("remote_entity_id")
	assert.Equal(t, w.digest(boxA, v), w.digest(boxB, target))
	// h + D/B: two round trips of 2 ms, 0.5 s, 1 GiB at 100 MB/s.
	want := 4*time.Millisecond + 500*time.Millisecond + 10737418240*time.Nanosecond
	assert.Equal(t, start.Add(want).MS(), w.replica(id).ID("last_synchronized"))
	assert.Equal(t, start.MS(), w.replica(id).ID("restore_point"))
	assert.Equal(t, start.MS()+240_000, w.replica(id).ID("next_job_start_time"))
	assert.Nil(t, w.get(boxB, fmt.Sprintf("replicas/%d", r.ID("remote_replica_id")))["state"])
	assert.Equal(t, true, w.get(boxB, fmt.Sprintf("volumes/%d", target))["write_protected"])
}

func TestAsync_emptyVolumeTakesHalfASecond(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replicate(w.volume(boxA), nil)
	start := w.lab.Clock.Now()
	w.settle()
	assert.Equal(t, 504*time.Millisecond, w.lab.Clock.Now().Sub(start))
	assert.Equal(t, int64(504), w.replica(r.ID("id")).ID("sync_duration"))
}

func TestAsync_periodicJobCarriesTheDifference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	r := w.replicate(v, object{"sync_interval": 60_000, "rpo_value": 120_000})
	w.settle()
	w.write(boxA, v, 4096, gib, 9)
	before := w.digest(boxA, v)
	w.advance(59 * time.Second)
	assert.NotEqual(t, before, w.digest(boxB, r.ID("remote_entity_id")))
	w.advance(time.Second)
	w.shows(r.ID("id"), "ACTIVE", "REPLICATING", false, nil)
	w.write(boxA, v, 0, 4096, 11) // after the job's image was taken
	w.advance(20 * time.Second)
	w.shows(r.ID("id"), "ACTIVE", nil, false, nil)
	assert.Equal(t, before, w.digest(boxB, r.ID("remote_entity_id")))
}

func TestAsync_syncNowAndQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	r := w.replicate(v, nil)
	id := r.ID("id")
	w.refused(http.StatusConflict, "REPLICA_IS_INITIALIZING", boxA, http.MethodPost, fmt.Sprintf("replicas/%d/sync", id), nil)
	w.settle()
	w.write(boxA, v, 0, gib, 1)
	w.post(boxA, fmt.Sprintf("replicas/%d/sync", id), nil)
	w.shows(id, "ACTIVE", "REPLICATING", false, nil)
	w.write(boxA, v, gib, gib, 2)
	w.post(boxA, fmt.Sprintf("replicas/%d/sync", id), nil)
	w.post(boxA, fmt.Sprintf("replicas/%d/sync", id), nil)
	assert.Equal(t, int64(1), w.replica(id).ID("pending_job_count"))
	w.settle()
	w.shows(id, "ACTIVE", nil, false, nil)
	assert.Equal(t, w.digest(boxA, v), w.digest(boxB, r.ID("remote_entity_id")))
}

func TestAsync_linkLostUnderAJobGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	w.write(boxA, v, 0, gib, 1)
	start := w.lab.Clock.Now()
	id := w.replicate(v, nil).ID("id")
	w.advance(5 * time.Second)
	w.cut(true)
	w.shows(id, "ACTIVE", "STALLED", true, nil)
	assert.Equal(t, "DOWN", w.get(boxA, fmt.Sprintf("links/%d", w.link[boxA]))["link_state"])
	assert.NotEmpty(t, w.settle(), "a stalled job has nothing due")
	w.advance(time.Hour)
	w.shows(id, "ACTIVE", "STALLED", true, nil)
	w.cut(false)
	w.settle()
	want := start.Add(504*time.Millisecond + 10737418240*time.Nanosecond + time.Hour)
	assert.Equal(t, want.MS(), w.replica(id).ID("last_synchronized"))
}

func TestAsync_dayWithoutLinkSuspends(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.replicate(w.volume(boxA), nil).ID("id")
	w.settle()
	w.cut(true)
	w.advance(24*time.Hour - time.Second)
	w.shows(id, "ACTIVE", "STALLED", false, nil)
	w.advance(time.Second)
	w.shows(id, "AUTO_SUSPENDED", nil, false, nil)
	w.refused(http.StatusConflict, "LINK_IS_NOT_CONNECTED", boxA, http.MethodPost, fmt.Sprintf("replicas/%d/resume", id), nil)
	w.cut(false)
	w.shows(id, "AUTO_SUSPENDED", nil, false, nil)
	w.post(boxA, fmt.Sprintf("replicas/%d/resume", id), nil)
	w.settle()
	w.shows(id, "ACTIVE", nil, false, nil)
}

func TestAsync_suspendAndResume(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	r := w.replicate(v, nil)
	id := r.ID("id")
	suspend, resume := fmt.Sprintf("replicas/%d/suspend", id), fmt.Sprintf("replicas/%d/resume", id)
	w.refused(http.StatusConflict, "REPLICA_NOT_SUSPENDED", boxA, http.MethodPost, resume, nil)
	w.post(boxA, suspend, nil) // during the first copy
	w.shows(id, "SUSPENDED", nil, true, nil)
	w.refused(http.StatusConflict, "REPLICA_ALREADY_SUSPENDED", boxA, http.MethodPost, suspend, nil)
	w.advance(time.Hour)
	w.shows(id, "SUSPENDED", nil, true, nil)
	w.write(boxA, v, 0, gib, 3)
	w.post(boxA, resume, nil)
	w.shows(id, "ACTIVE", "INITIALIZING", true, nil)
	w.settle()
	assert.Equal(t, w.digest(boxA, v), w.digest(boxB, r.ID("remote_entity_id")))
}

func TestAsync_commitThatWasNotHeardOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.path(func(m *fabric.Model) { m.Latency = time.Second })
	v := w.volume(boxA)
	r := w.replicate(v, nil)
	id := r.ID("id")
	w.settle()
	w.write(boxA, v, 0, 100_000_000/512*512, 3)
	w.post(boxA, fmt.Sprintf("replicas/%d/sync", id), nil)
	w.advance(4500 * time.Millisecond) // begin 2 s, send 1 s, commit 1 s: applied there, unknown here
	require.Equal(t, w.digest(boxA, v), w.digest(boxB, r.ID("remote_entity_id")))
	w.cut(true)
	w.post(boxA, fmt.Sprintf("replicas/%d/suspend", id), nil)
	w.cut(false)
	w.post(boxA, fmt.Sprintf("replicas/%d/resume", id), nil)
	w.settle()
	w.shows(id, "ACTIVE", nil, false, nil)
}

func TestAsync_slots(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ids []int64
	for range 7 {
		v := w.volume(boxA)
		w.write(boxA, v, 0, gib, 1)
		ids = append(ids, w.replicate(v, nil).ID("id"))
	}
	w.shows(ids[5], "ACTIVE", "INITIALIZING", true, nil)
	w.shows(ids[6], "ACTIVE", "PENDING", true, nil)
	require.Empty(t, w.settle())
	for _, id := range ids {
		w.shows(id, "ACTIVE", nil, false, nil)
	}
}

func TestAsync_rpo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.replicate(w.volume(boxA), object{"sync_interval": 60_000, "rpo_value": 60_000}).ID("id")
	w.settle()
	assert.Equal(t, "OK", w.replica(id)["rpo_state"])
	w.advance(60*time.Second - 504*time.Millisecond + time.Nanosecond)
	assert.Equal(t, "LAGGING", w.replica(id)["rpo_state"])
	w.advance(5 * time.Millisecond)
	assert.Equal(t, "OK", w.replica(id)["rpo_state"])
}

func TestAsync_outageUnderADeltaJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.path(func(m *fabric.Model) { m.Latency = 5 * time.Millisecond })
	v := w.volume(boxA)
	r := w.replicate(v, object{"sync_interval": 60_000, "rpo_value": 120_000})
	id := r.ID("id")
	start := w.lab.Clock.Now()
	w.settle()
	w.write(boxA, v, 0, 1_200_000_000/512*512, 3)
	w.advance(start.Add(65 * time.Second).Sub(w.lab.Clock.Now()))
	w.shows(id, "ACTIVE", "REPLICATING", false, nil)
	w.cut(true)
	w.shows(id, "ACTIVE", "STALLED", false, nil)
	w.advance(time.Hour)
	assert.Equal(t, "LAGGING", w.replica(id)["rpo_state"])
	w.cut(false)
	w.shows(id, "ACTIVE", "REPLICATING", false, nil)
	w.advance(7*time.Second + 20*time.Millisecond)
	// Started at 60 s: 20 ms of messages, 12 s of bytes, an hour of outage.
	want := start.Add(60*time.Second + 20*time.Millisecond + 12*time.Second + time.Hour)
	assert.Equal(t, want.MS(), w.replica(id).ID("last_synchronized"))
	assert.Equal(t, start.Add(60*time.Second).MS(), w.replica(id).ID("restore_point"))
	assert.Equal(t, "REPLICATING", w.replica(id)["job_state"], "the next job is overdue and follows at once")
}

func TestAsync_poolLockedUnderAJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	r := w.replicate(v, nil)
	w.settle()
	before := w.digest(boxB, r.ID("remote_entity_id"))
	w.write(boxA, v, 0, gib, 3)
	w.post(boxA, fmt.Sprintf("replicas/%d/sync", r.ID("id")), nil)
	w.advance(5 * time.Second)
	w.post(boxB, fmt.Sprintf("pools/%d/lock", w.pool[boxB]), nil)
	w.advance(10 * time.Second)
	w.shows(r.ID("id"), "AUTO_SUSPENDED", nil, false, nil)
	assert.Equal(t, before, w.digest(boxB, r.ID("remote_entity_id")), "nothing of a job shows before its commit")
	w.post(boxB, fmt.Sprintf("pools/%d/unlock", w.pool[boxB]), nil)
}
