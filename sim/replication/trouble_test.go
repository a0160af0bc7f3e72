package replication_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/fabric"
	"infinisim/sim/fault"
	"infinisim/sim/simtest"
)

func (w *world) fail(kind string, times int) {
	w.t.Helper()
	_, err := w.lab.AddFault(w.t.Context(), fault.Rule{Site: fault.Job, Job: kind, Times: times, Effect: fault.Effect{Type: fault.Fail}})
	require.NoError(w.t, err)
}

// A job that fails is tried again every 30 s, five times, and then every
// minute: the defaults of the three fields.
func TestRetry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	r := w.replicate(v, object{"sync_interval": 3_600_000, "rpo_value": 7_200_000})
	id := r.ID("id")
	w.settle()
	w.write(boxA, v, 0, gib, 3)
	w.fail("replica.phase", 7)
	start := w.lab.Clock.Now()
	w.post(boxA, fmt.Sprintf("replicas/%d/sync", id), nil)
	w.advance(4 * time.Millisecond)
	w.shows(id, "ACTIVE", "STALLED", false, nil)
	assert.Equal(t, "TEMPORARY_FAILURE", w.replica(id)["state_reason"])
	w.advance(5 * 30 * time.Second)
	assert.Equal(t, "PERMANENT_FAILURE", w.replica(id)["state_reason"])
	require.Empty(t, w.settle())
	w.shows(id, "ACTIVE", nil, false, nil)
	assert.Nil(t, w.replica(id)["state_reason"])
	want := start.Add(4*time.Millisecond + 5*30*time.Second + 2*time.Minute + 10737418240*time.Nanosecond)
	assert.Equal(t, want.MS(), w.replica(id).ID("last_synchronized"))
	assert.Equal(t, w.digest(boxA, v), w.digest(boxB, r.ID("remote_entity_id")))
}

func TestRetry_ofEveryKind(t *testing.T) {
	t.Parallel()
	for kind, stalled := range map[string][]any{
		"ASYNC": {"STALLED", nil}, "SYNC": {"STALLED", "INITIALIZING"}, "ACTIVE_ACTIVE": {"STALLED", "INITIALIZING"},
	} {
		w := newWorld(t)
		v := w.volume(boxA)
		w.write(boxA, v, 0, gib, 3)
		id := w.replicate(v, object{"replication_type": kind}).ID("id")
		w.fail("replica.phase", 1)
		w.advance(time.Second)
		w.shows(id, "ACTIVE", stalled[0], true, stalled[1])
		require.Empty(t, w.settle(), kind)
		assert.Equal(t, false, w.replica(id)["is_initial"])
	}
}

// A SYNC replica over a path that became too slow goes on with jobs, and
// catches up when the path is fast again.
func TestSync_tooSlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	r := w.replicate(v, object{"replication_type": "SYNC"})
	id := r.ID("id")
	w.settle()
	w.path(func(m *fabric.Model) { m.Latency = 3 * time.Millisecond })
	w.shows(id, "ACTIVE", "REPLICATING", false, "OUT_OF_SYNC")
	assert.Equal(t, true, w.replica(id)["async_mode"])
	assert.Equal(t, int64(6000), w.replica(id).ID("latency"))
	w.write(boxA, v, 0, gib, 3)
	w.advance(time.Minute)
	w.shows(id, "ACTIVE", "REPLICATING", false, "OUT_OF_SYNC")
	assert.Equal(t, w.digest(boxA, v), w.digest(boxB, r.ID("remote_entity_id")), "jobs go on")
	w.path(func(m *fabric.Model) { m.Latency = time.Millisecond })
	w.advance(time.Minute)
	w.shows(id, "ACTIVE", nil, false, "SYNCHRONIZED")
	assert.Equal(t, false, w.replica(id)["async_mode"])
}

// Loss takes its share of the bandwidth, jitter lengthens each message by its
// own part, and one seed is one run.
func TestPath_lossAndJitter(t *testing.T) {
	t.Parallel()
	took := func(change func(*fabric.Model)) time.Duration {
		w := newWorld(t)
		w.path(change)
		v := w.volume(boxA)
		w.write(boxA, v, 0, 1_000_000_000/512*512, 3)
		start := w.lab.Clock.Now()
		w.replicate(v, nil)
		w.settle()
		return w.lab.Clock.Now().Sub(start)
	}
	bytes := time.Duration(1_000_000_000/512*512) * 10 // 100 MB/s: 10 ns a byte
	assert.Equal(t, 504*time.Millisecond+2*bytes, took(func(m *fabric.Model) { m.Loss = fabric.Million / 2 }))
	jitter := func(m *fabric.Model) { m.Jitter = 10 * time.Millisecond }
	one := took(jitter)
	assert.Greater(t, one, 504*time.Millisecond+bytes)
	assert.LessOrEqual(t, one, 544*time.Millisecond+bytes)
	assert.Equal(t, one, took(jitter))
}

// Requests of the side that is cut do not arrive; what the other one sends
// arrives, and it never hears of it.
func TestPath_oneWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replicate(w.volume(boxA), nil)
	w.settle()
	for _, from := range []string{boxA, boxB} {
		w.path(func(m *fabric.Model) { m.CutFrom = from })
		for box, link := range w.link {
			assert.Equal(t, "DOWN", w.get(box, fmt.Sprintf("links/%d", link))["link_state"])
		}
		w.refused(http.StatusConflict, "LINK_IS_NOT_CONNECTED", boxA, http.MethodPost, fmt.Sprintf("replicas/%d/change_type_to_sync", r.ID("id")), nil)
	}
	w.path(func(m *fabric.Model) { m.CutFrom = "" })
	w.settle()
	w.shows(r.ID("id"), "ACTIVE", nil, false, nil)
}

// An ASYNC replica goes to a third array beside an ACTIVE_ACTIVE one, if it is
// a group's; it waits while its side does not serve.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	l := simtest.New(t, sim.WithArrays(3))
	a, pools := l.Client(boxA), map[string]int64{}
	for _, box := range []string{boxA, boxB, "box-3"} {
		pools[box] = l.Client(box).Post("pools", object{"name": "p", "physical_capacity": 2_000_000_000_000, "virtual_capacity": 2_000_000_000_000}).ID("id")
	}
	links := map[string]int64{}
	for _, link := range l.Links() {
		if link.A == boxA {
			links[link.B] = link.AID
		}
	}
	cg := a.Post("cgs", object{"name": "g", "pool_id": pools[boxA]}).ID("id")
	v := a.Post("volumes", object{"name": "v", "size": gib, "pool_id": pools[boxA]}).ID("id")
	a.Post(fmt.Sprintf("cgs/%d/members", cg), object{"dataset_id": v})
	ask := func(box string, more object) object {
		more["link_id"], more["remote_pool_id"], more["entity_type"], more["local_cg_id"] = links[box], pools[box], "CONSISTENCY_GROUP", cg
		return more
	}
	first := a.Post("replicas", ask(boxB, object{"replication_type": "ACTIVE_ACTIVE", "is_preferred": false}))
	l.MustSettle()
	a.Refused(http.StatusBadRequest, "REPLICA_RPO_TOO_LOW", http.MethodPost, "replicas", ask("box-3", object{"sync_interval": 4000, "rpo_value": 4500}))
	third := a.Post("replicas", ask("box-3", object{"sync_interval": 5000, "rpo_value": 10_000}))
	l.MustSettle()
	path := fmt.Sprintf("replicas/%d", third.ID("id"))
	assert.Equal(t, true, a.Get(path)["concurrent_replica"])
	a.Post(path+"/suspend", nil)
	a.Refused(http.StatusConflict, "REPLICA_ROLE_NOT_SUPPORTED_FOR_TYPE", http.MethodPost, path+"/change_role", nil)
	a.Post(path+"/resume", nil)
	l.MustSettle()
	l.MustWrite(boxA, v, sim.Write{Length: 1 << 20, Seed: 5})
	l.MustAdvance(10 * time.Second)
	target := pairs(a.Get(path))[0].ID("remote_entity_id")
	assert.Equal(t, l.MustDigest(boxA, v), l.MustDigest("box-3", target))
	require.NoError(t, l.SetPath(t.Context(), fabric.Ends{From: boxA, To: boxB}, func(m *fabric.Model) { m.Cut = true }))
	assert.Equal(t, "SYNC_STALLED", a.Get(fmt.Sprintf("replicas/%d", first.ID("id")))["sync_state"])
	l.MustAdvance(10 * time.Second)
	assert.Equal(t, "STALLED", a.Get(path)["job_state"])
	require.NoError(t, l.SetPath(t.Context(), fabric.Ends{From: boxA, To: boxB}, func(m *fabric.Model) { m.Cut = false }))
	l.MustSettle()
	l.MustAdvance(10 * time.Second)
	assert.Equal(t, []any{"ACTIVE", "DONE"}, []any{a.Get(path)["state"], a.Get(path)["job_state"]})
	lone := a.Post("volumes", object{"name": "w", "size": gib, "pool_id": pools[boxA]}).ID("id")
	one := func(box string, more object) object {
		more["link_id"], more["remote_pool_id"], more["entity_type"], more["local_entity_id"] = links[box], pools[box], "VOLUME", lone
		return more
	}
	a.Post("replicas", one(boxB, object{"replication_type": "ACTIVE_ACTIVE"}))
	a.Refused(http.StatusConflict, "REPLICA_CONCURRENT_REQUIRES_ACTIVE_ACTIVE_CG", http.MethodPost, "replicas", one("box-3", object{}))
}

// A side whose pool is locked stops, and the other one goes on alone.
func TestPeers_aLockedPool(t *testing.T) {
	t.Parallel()
	w := newTwins(t, nil)
	w.settle()
	w.post(boxB, fmt.Sprintf("pools/%d/lock", w.pool[boxB]), nil)
	w.are("AUTO_SUSPENDED", "LAGGING", "SYNC_STALLED", true, false)
	assert.Equal(t, "POOL_IS_LOCKED", w.half(boxB)["state_reason"])
}

// A link that is lost while a failed job waits to be tried again is lost like
// any other: for a day.
func TestRetry_andThenTheLinkIsLost(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"ASYNC", "SYNC", "ACTIVE_ACTIVE"} {
		w := newWorld(t)
		v := w.volume(boxA)
		w.write(boxA, v, 0, gib, 3)
		id := w.replicate(v, object{"replication_type": kind}).ID("id")
		w.fail("replica.phase", 1)
		w.advance(time.Second)
		w.cut(true)
		w.advance(time.Hour)
		assert.Equal(t, []any{"ACTIVE", "STALLED"}, []any{w.replica(id)["state"], w.replica(id)["job_state"]}, kind)
		w.advance(23 * time.Hour)
		assert.Equal(t, "AUTO_SUSPENDED", w.replica(id)["state"], kind)
	}
}
