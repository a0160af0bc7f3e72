package replication_test

import (
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/fabric"
	"infinisim/sim/lab"
	"infinisim/sim/simtest"
)

// twins is an ACTIVE_ACTIVE replica: its ids and those of its volumes, by
// array.
type twins struct {
	*world
	replica, volume map[string]int64
}

func newTwins(t *testing.T, more object) *twins {
	t.Helper()
	w := newWorld(t)
	v := w.volume(boxA)
	w.write(boxA, v, 0, gib, 1)
	return w.twins(v, more)
}

func (w *world) twins(v int64, more object) *twins {
	w.t.Helper()
	body := object{"replication_type": "ACTIVE_ACTIVE"}
	maps.Copy(body, more)
	r := w.replicate(v, body)
	return &twins{w, map[string]int64{boxA: r.ID("id"), boxB: r.ID("remote_replica_id")}, map[string]int64{boxA: v, boxB: r.ID("remote_entity_id")}}
}

func (w *twins) half(box string) simtest.Object {
	w.t.Helper()
	return w.get(box, fmt.Sprintf("replicas/%d", w.replica[box]))
}

// are compares state and sync_state of both halves, and whether their sides
// serve hosts.
func (w *twins) are(state, a, b string, aServes, bServes bool) {
	w.t.Helper()
	for _, x := range []struct {
		box, sync string
		serves    bool
	}{{boxA, a, aServes}, {boxB, b, bServes}} {
		r := w.half(x.box)
		require.Equal(w.t, []any{state, x.sync}, []any{r["state"], r["sync_state"]}, x.box)
		require.Equal(w.t, x.serves, w.get(x.box, fmt.Sprintf("volumes/%d", w.volume[x.box]))["paths_available"], x.box)
		err := w.lab.Write(w.t.Context(), x.box, w.volume[x.box], lab.Write{Offset: 8 * gib, Length: 512, Seed: 5})
		require.Equal(w.t, x.serves, err == nil, "%s: %v", x.box, err)
	}
}

func (w *twins) act(box, verb string) {
	w.t.Helper()
	w.post(box, fmt.Sprintf("replicas/%d/%s", w.replica[box], verb), nil)
}

func (w *twins) alike() {
	w.t.Helper()
	require.Equal(w.t, w.digest(boxA, w.volume[boxA]), w.digest(boxB, w.volume[boxB]))
}

func (w *twins) witness(address string) {
	w.t.Helper()
	w.post(boxA, fmt.Sprintf("links/%d/set_witness_address", w.link[boxA]), object{"witness_address": address})
}

func (w *twins) blind(box string, cut bool) {
	w.t.Helper()
	require.NoError(w.t, w.lab.SetWitness(w.t.Context(), box, w.link[box], cut))
}

func TestPeers_fromTheFirstCopyOn(t *testing.T) {
	t.Parallel()
	w := newTwins(t, nil)
	w.are("ACTIVE", "INITIALIZING", "INITIALIZING", true, false)
	for box, preferred := range map[string]bool{boxA: true, boxB: false} {
		r, v := w.half(box), w.get(box, fmt.Sprintf("volumes/%d", w.volume[box]))
		assert.Equal(t, []any{"ACTIVE_ACTIVE", preferred, true}, []any{r["role"], r["is_preferred"], r["is_initial"]})
		assert.Equal(t, []any{true, false, false, false}, []any{v["rmr_active_active_peer"], v["rmr_source"], v["rmr_target"], v["write_protected"]})
		jobs, _ := r["jobs"].([]any)
		require.Len(t, jobs, 1)
	}
	w.settle()
	w.are("ACTIVE", "SYNCHRONIZED", "SYNCHRONIZED", true, true)
	serial := func(box string) any { return w.get(box, fmt.Sprintf("volumes/%d", w.volume[box]))["serial"] }
	assert.Equal(t, serial(boxA), serial(boxB))
	w.write(boxB, w.volume[boxB], gib, gib, 9)
	w.alike()
	w.write(boxA, w.volume[boxA], 2*gib, gib, 10)
	w.alike()
}

func TestPeers_whichSideGoesOn(t *testing.T) {
	t.Parallel()
	const here = "10.9.9.9"
	for name, c := range map[string]struct {
		preferred, witness string
		blind              []string
		long               bool
		serves             string
	}{
		"no witness, A preferred":             {boxA, "0.0.0.0", nil, false, boxA},
		"no witness, B preferred":             {boxB, "", nil, false, boxB},
		"both see the witness":                {boxB, here, nil, false, boxB},
		"A alone sees it":                     {boxB, here, []string{boxB}, false, boxA},
		"B alone sees it":                     {boxA, here, []string{boxA}, false, boxB},
		"neither sees it":                     {boxA, here, []string{boxA, boxB}, false, ""},
		"neither has seen it for a long time": {boxB, here, []string{boxA, boxB}, true, boxB},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTwins(t, object{"is_preferred": c.preferred == boxA})
			w.settle()
			w.witness(c.witness)
			for _, box := range c.blind {
				w.blind(box, true)
			}
			if c.long {
				w.advance(time.Minute)
			}
			w.are("ACTIVE", "SYNCHRONIZED", "SYNCHRONIZED", true, true)
			w.cut(true)
			words := map[bool]string{true: "LAGGING", false: "SYNC_STALLED"}
			w.are("ACTIVE", words[c.serves == boxA], words[c.serves == boxB], c.serves == boxA, c.serves == boxB)
			if c.serves != "" {
				w.write(c.serves, w.volume[c.serves], 0, gib, 77)
			}
			w.cut(false)
			w.are("ACTIVE", "SYNC_IN_PROGRESS", "SYNC_IN_PROGRESS", c.serves == boxA || c.serves == "", c.serves == boxB)
			require.Empty(t, w.settle())
			w.are("ACTIVE", "SYNCHRONIZED", "SYNCHRONIZED", true, true)
			w.alike()
		})
	}
}

func TestPeers_aDeadSide(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ witness, sync string }{{"0.0.0.0", "SYNC_STALLED"}, {"10.9.9.9", "LAGGING"}} {
		w := newTwins(t, nil)
		w.settle()
		w.witness(c.witness)
		require.NoError(t, w.lab.SetActive(t.Context(), boxA, false))
		assert.Equal(t, c.sync, w.half(boxB)["sync_state"], "the preferred side is dead")
		require.NoError(t, w.lab.SetActive(t.Context(), boxA, true))
		w.settle()
		w.are("ACTIVE", "SYNCHRONIZED", "SYNCHRONIZED", true, true)
	}
}

func TestPeers_theNewestDataWins(t *testing.T) {
	t.Parallel()
	w := newTwins(t, object{"is_preferred": false}) // B
	w.settle()
	w.cut(true)
	w.write(boxB, w.volume[boxB], gib, gib, 5)
	half := fmt.Sprintf("replicas/%d", w.replica[boxA])
	w.refused(http.StatusConflict, "LINK_IS_NOT_CONNECTED", boxA, http.MethodPut, half, object{"is_preferred": true})
	w.cut(false)
	require.Equal(t, true, w.ok(boxA, http.MethodPut, half, object{"is_preferred": true})["is_preferred"])
	w.advance(time.Second)
	w.cut(true) // A is preferred now, and behind
	w.are("ACTIVE", "SYNC_STALLED", "LAGGING", false, true)
	w.cut(false)
	w.settle()
	w.alike()
}

func TestPeers_suspendAndResume(t *testing.T) {
	t.Parallel()
	for _, box := range []string{boxA, boxB} {
		w := newTwins(t, nil)
		w.settle()
		other := map[string]string{boxA: boxB, boxB: boxA}[box]
		w.act(box, "suspend")
		w.are("SUSPENDED", map[bool]string{true: "LAGGING", false: "SYNC_STALLED"}[box == boxA], map[bool]string{true: "LAGGING", false: "SYNC_STALLED"}[box == boxB], box == boxA, box == boxB)
		assert.Equal(t, []any{true, false}, []any{w.half(box)["suspended_from_local"], w.half(other)["suspended_from_local"]})
		w.refused(http.StatusConflict, "REPLICA_ALREADY_SUSPENDED", other, http.MethodPost, fmt.Sprintf("replicas/%d/suspend", w.replica[other]), nil)
		w.refused(http.StatusConflict, "REPLICA_IS_SUSPENDED", other, http.MethodPost, fmt.Sprintf("replicas/%d/resume", w.replica[other]), nil)
		w.write(box, w.volume[box], gib, gib, 6)
		w.act(box, "resume")
		w.are("ACTIVE", "SYNC_IN_PROGRESS", "SYNC_IN_PROGRESS", box == boxA, box == boxB)
		assert.Nil(t, w.half(box)["suspended_from_local"])
		w.settle()
		w.are("ACTIVE", "SYNCHRONIZED", "SYNCHRONIZED", true, true)
		w.alike()
	}
}

func TestPeers_suspendedWhereItIsBehind(t *testing.T) {
	t.Parallel()
	w := newTwins(t, nil)
	w.settle()
	w.cut(true)
	w.act(boxB, "suspend")
	w.cut(false)
	w.are("SUSPENDED", "LAGGING", "SYNC_STALLED", true, false)
	w.write(boxA, w.volume[boxA], gib, gib, 6)
	w.act(boxB, "resume")
	w.are("ACTIVE", "SYNC_IN_PROGRESS", "SYNC_IN_PROGRESS", true, false)
	w.settle()
	w.are("ACTIVE", "SYNCHRONIZED", "SYNCHRONIZED", true, true)
}

func TestPeers_aDayWithoutALink(t *testing.T) {
	t.Parallel()
	w := newTwins(t, nil)
	w.settle()
	w.cut(true)
	w.advance(24 * time.Hour)
	w.are("AUTO_SUSPENDED", "LAGGING", "SYNC_STALLED", true, false)
	w.cut(false)
	w.are("AUTO_SUSPENDED", "LAGGING", "SYNC_STALLED", true, false)
	w.act(boxB, "resume") // at either
	w.settle()
	w.are("ACTIVE", "SYNCHRONIZED", "SYNCHRONIZED", true, true)
}

func TestPeers_resize(t *testing.T) {
	t.Parallel()
	w := newTwins(t, nil)
	path := fmt.Sprintf("volumes/%d", w.volume[boxA])
	w.refused(http.StatusConflict, "DATASET_IS_REPLICATED", boxA, http.MethodPut, path, object{"size": 2 * volumeSize})
	w.settle()
	w.ok(boxB, http.MethodPut, fmt.Sprintf("volumes/%d", w.volume[boxB]), object{"size": 2 * volumeSize})
	assert.Equal(t, int64(2*volumeSize), w.get(boxA, path).ID("size"))
	w.alike()
	w.cut(true)
	w.refused(http.StatusConflict, "DATASET_IS_REPLICATED", boxA, http.MethodPut, path, object{"size": 3 * volumeSize})
}

func TestPeers_delete(t *testing.T) {
	t.Parallel()
	for _, keep := range []string{"", "&keep_serial_on_local=true", "&keep_serial_on_local=false"} {
		w := newTwins(t, nil)
		w.settle()
		serial := func(box string) any { return w.get(box, fmt.Sprintf("volumes/%d", w.volume[box]))["serial"] }
		was := serial(boxA)
		w.ok(boxB, http.MethodDelete, fmt.Sprintf("replicas/%d?approved=true%s", w.replica[boxB], keep), nil)
		local := keep != "&keep_serial_on_local=false"
		assert.Equal(t, []bool{!local, local}, []bool{serial(boxA) == was, serial(boxB) == was}, keep)
		for _, box := range []string{boxA, boxB} {
			v := w.get(box, fmt.Sprintf("volumes/%d", w.volume[box]))
			assert.Equal(t, []any{false, true, false}, []any{v["rmr_active_active_peer"], v["paths_available"], v["write_protected"]})
			w.post(box, fmt.Sprintf("volumes/%d/reset_serial", w.volume[box]), nil)
			assert.NotEqual(t, v["serial"], serial(box))
		}
	}
}

func TestPeers_refusals(t *testing.T) {
	t.Parallel()
	w := newTwins(t, nil)
	w.settle()
	for verb, code := range map[string]string{
		"change_role": "REPLICA_ROLE_NOT_SUPPORTED_FOR_TYPE", "switch_role": "REPLICA_TYPE_MISMATCH", "sync": "REPLICA_TYPE_MISMATCH",
		"change_type_to_sync": "REPLICA_TYPE_CHANGE_NOT_SUPPORTED", "change_type_to_async": "REPLICA_TYPE_CHANGE_NOT_SUPPORTED",
		"resume": "REPLICA_NOT_SUSPENDED",
	} {
		w.refused(http.StatusConflict, code, boxB, http.MethodPost, fmt.Sprintf("replicas/%d/%s", w.replica[boxB], verb), nil)
	}
	w.refused(http.StatusConflict, "DATASET_IS_REPLICATED", boxB, http.MethodDelete, fmt.Sprintf("volumes/%d?approved=true", w.volume[boxB]), nil)
	w.refused(http.StatusConflict, "DATASET_IS_REPLICATED", boxB, http.MethodPost, fmt.Sprintf("volumes/%d/reset_serial", w.volume[boxB]), nil)
	w.refused(http.StatusConflict, "REPLICA_ALREADY_EXISTS", boxA, http.MethodPost, "replicas", object{
		"link_id": w.link[boxA], "entity_type": "VOLUME", "remote_pool_id": w.pool[boxB],
		"entity_pairs": []object{{"local_entity_id": w.volume[boxA], "remote_base_action": "CREATE"}},
	})
	for key, value := range map[string]any{"sync_interval": 60_000, "rpo_value": 60_000} {
		w.refused(http.StatusBadRequest, "REPLICA_PARAMETER_NOT_SUPPORTED_FOR_TYPE", boxA, http.MethodPut, fmt.Sprintf("replicas/%d", w.replica[boxA]), object{key: value})
	}
}

func TestPeers_group(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cg := w.post(boxA, "cgs", object{"name": "g", "pool_id": w.pool[boxA]}).ID("id")
	var members []int64
	for range 2 {
		v := w.volume(boxA)
		w.write(boxA, v, 0, gib, uint64(v))
		w.post(boxA, fmt.Sprintf("cgs/%d/members", cg), object{"dataset_id": v})
		members = append(members, v)
	}
	r := w.post(boxA, "replicas", object{
		"link_id": w.link[boxA], "entity_type": "CONSISTENCY_GROUP", "remote_pool_id": w.pool[boxB], "local_cg_id": cg, "replication_type": "ACTIVE_ACTIVE",
	})
	w.settle()
	w.shows(r.ID("id"), "ACTIVE", nil, false, "SYNCHRONIZED")
	joiner := w.volume(boxA)
	w.write(boxA, joiner, 0, gib, 3)
	w.post(boxA, fmt.Sprintf("cgs/%d/members", cg), object{"dataset_id": joiner, "active_active_info": object{"base_action": "NEW", "remote_entity_name": "joined"}})
	w.shows(r.ID("id"), "ACTIVE", "INITIALIZING", true, "INITIALIZING")
	old := pairs(w.replica(r.ID("id")))[0]
	w.write(boxB, old.ID("remote_entity_id"), gib, gib, 8) // goes on being mirrored, from there too
	assert.Equal(t, w.digest(boxA, members[0]), w.digest(boxB, old.ID("remote_entity_id")))
	w.settle()
	w.shows(r.ID("id"), "ACTIVE", nil, false, "SYNCHRONIZED")
	for _, p := range pairs(w.replica(r.ID("id"))) {
		assert.Equal(t, w.digest(boxA, p.ID("local_entity_id")), w.digest(boxB, p.ID("remote_entity_id")))
	}
	w.path(func(m *fabric.Model) { m.Cut = true })
	w.shows(r.ID("id"), "ACTIVE", nil, false, "LAGGING")
}
