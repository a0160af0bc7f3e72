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
)

// inStep is a mirrored replica of a volume that hosts write 4 MB a second to.
func inStep(t *testing.T, kind string) (w *world, v, target, id int64) {
	t.Helper()
	w = newWorld(t)
	v = w.volume(boxA)
	r := w.replicate(v, object{"replication_type": kind})
	w.settle()
	w.pour(v, 1000)
	return w, v, r.ID("remote_entity_id"), r.ID("id")
}

// pour has hosts write so many blocks of 4 KiB a second to box-1.
func (w *world) pour(v, writes int64) {
	w.t.Helper()
	require.NoError(w.t, w.lab.SetWorkload(w.t.Context(), boxA, v, sim.Workload{Writes: writes, BlockSize: 4096, Latency: time.Millisecond}))
}

func (w *world) used(box string, v int64) int64 {
	w.t.Helper()
	return w.get(box, fmt.Sprintf("volumes/%d", v)).ID("used")
}

// clean asks whether everything is as it must be, now.
func (w *world) clean() {
	w.t.Helper()
	bad, err := w.lab.Check(w.t.Context())
	require.NoError(w.t, err)
	require.Empty(w.t, bad)
}

func TestInStep_equalAtEveryInstant(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"SYNC", "ACTIVE_ACTIVE"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w, v, target, id := inStep(t, kind)
			for _, d := range []time.Duration{1, time.Millisecond, 7 * time.Second, time.Hour} {
				before := w.digest(boxB, target)
				w.advance(d)
				require.Equal(t, w.digest(boxA, v), w.digest(boxB, target), d)
				if d > time.Second {
					require.NotEqual(t, before, w.digest(boxB, target))
				}
				w.clean()
			}
			w.write(boxA, v, 0, 4096, 3)
			w.advance(time.Second)
			require.Equal(t, w.digest(boxA, v), w.digest(boxB, target))
			w.shows(id, "ACTIVE", nil, false, "SYNCHRONIZED")
		})
	}
}

func TestInStep_cutFixesTheTargetAtThatInstant(t *testing.T) {
	t.Parallel()
	w, v, target, id := inStep(t, "SYNC")
	w.advance(10 * time.Second)
	w.cut(true)
	at := w.digest(boxA, v)
	require.Equal(t, at, w.digest(boxB, target))
	w.clean()
	w.advance(10 * time.Second)
	require.Equal(t, at, w.digest(boxB, target), "nothing crosses")
	require.NotEqual(t, at, w.digest(boxA, v))
	w.shows(id, "ACTIVE", "STALLED", false, "OUT_OF_SYNC")
	w.cut(false)
	w.shows(id, "ACTIVE", "REPLICATING", false, "SYNC_IN_PROGRESS")
	w.advance(2 * time.Second)
	w.shows(id, "ACTIVE", nil, false, "SYNCHRONIZED")
	w.clean()
	require.Equal(t, w.digest(boxA, v), w.digest(boxB, target))
}

func TestInStep_moreThanTheLinkCarries(t *testing.T) {
	t.Parallel()
	w, v, target, id := inStep(t, "SYNC")
	w.advance(time.Second)
	w.pour(v, 50_000)
	w.shows(id, "ACTIVE", "REPLICATING", false, "OUT_OF_SYNC")
	w.advance(time.Minute)
	w.shows(id, "ACTIVE", "REPLICATING", false, "OUT_OF_SYNC")
	w.clean()
	w.pour(v, 1000)
	w.settle()
	w.shows(id, "ACTIVE", nil, false, "SYNCHRONIZED")
	w.advance(time.Second)
	require.Equal(t, w.digest(boxA, v), w.digest(boxB, target))
	w.path(func(m *fabric.Model) { m.Bandwidth = 1_000_000 })
	w.shows(id, "ACTIVE", "REPLICATING", false, "OUT_OF_SYNC")
	w.clean()
}

func TestInStep_partings(t *testing.T) {
	t.Parallel()
	for verb, more := range map[string]object{
		"suspend": {}, "switch_role": {}, "change_type_to_async": {"sync_interval": 60_000, "rpo_value": 60_000}, "": {},
	} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			w, v, target, id := inStep(t, "SYNC")
			w.advance(3 * time.Second)
			if verb == "" {
				w.ok(boxA, http.MethodDelete, fmt.Sprintf("replicas/%d?retain_staging_area=true", id), nil)
			} else {
				w.post(boxA, fmt.Sprintf("replicas/%d/%s", id, verb), more)
			}
			w.clean()
			at := w.digest(boxB, target)
			require.Equal(t, w.digest(boxA, v), at)
			w.advance(5 * time.Second)
			w.clean()
			require.Equal(t, at, w.digest(boxB, target), "it goes along no more")
			if verb == "switch_role" {
				require.Equal(t, at, w.digest(boxA, v), "hosts do not write to a target")
				w.post(boxB, fmt.Sprintf("replicas/%d/switch_role", w.replica(id).ID("remote_replica_id")), nil)
				w.advance(5 * time.Second)
				require.NotEqual(t, at, w.digest(boxA, v), "and do again")
				require.Equal(t, w.digest(boxA, v), w.digest(boxB, target))
				w.clean()
			} else {
				require.NotEqual(t, at, w.digest(boxA, v))
			}
		})
	}
}

func TestInStep_theSideThatStopsWritesNothing(t *testing.T) {
	t.Parallel()
	w, v, target, id := inStep(t, "ACTIVE_ACTIVE")
	w.advance(time.Second)
	there := w.replica(id).ID("remote_replica_id")
	for _, box := range []string{boxA, boxB} {
		path := map[string]string{boxA: fmt.Sprintf("replicas/%d", id), boxB: fmt.Sprintf("replicas/%d", there)}[box]
		w.ok(box, http.MethodPut, path, object{"is_preferred": true})
		w.cut(true)
		w.clean()
		before := []string{w.digest(boxA, v), w.digest(boxB, target)}
		require.Equal(t, before[0], before[1])
		w.advance(time.Minute)
		assert.Equal(t, box == boxB, before[0] == w.digest(boxA, v), "box-1 writes while it serves")
		assert.Equal(t, before[1], w.digest(boxB, target))
		w.clean()
		w.cut(false)
		w.settle()
		w.advance(time.Minute)
		require.Equal(t, w.digest(boxA, v), w.digest(boxB, target))
		require.NotEqual(t, before[0], w.digest(boxA, v), "hosts write again")
		w.clean()
	}
	answer := w.lab.SetWorkload(t.Context(), boxB, target, sim.Workload{Writes: 1, BlockSize: 512, Latency: 1})
	assert.ErrorContains(t, answer, "has a workload that writes")
}

func TestInStep_group(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cg := w.post(boxA, "cgs", object{"name": "g", "pool_id": w.pool[boxA]}).ID("id")
	var vs []int64
	var asks []object
	for range 3 {
		v := w.volume(boxA)
		vs = append(vs, v)
		w.post(boxA, fmt.Sprintf("cgs/%d/members", cg), object{"dataset_id": v})
		asks = append(asks, object{"local_entity_id": v, "remote_base_action": "CREATE"})
		w.pour(v, 1000)
	}
	r := w.post(boxA, "replicas", object{
		"link_id": w.link[boxA], "entity_type": "CONSISTENCY_GROUP", "local_cg_id": cg, "remote_pool_id": w.pool[boxB],
		"entity_pairs": asks, "replication_type": "SYNC",
	})
	w.settle()
	w.advance(time.Second)
	w.cut(true)
	same := map[int64]bool{}
	for _, p := range pairs(r) {
		require.Equal(t, w.digest(boxA, p.ID("local_entity_id")), w.digest(boxB, p.ID("remote_entity_id")))
		same[w.used(boxB, p.ID("remote_entity_id"))] = true
	}
	assert.Len(t, same, 1, "all were cut at one instant")
	assert.Len(t, vs, 3)
	w.clean()
}
