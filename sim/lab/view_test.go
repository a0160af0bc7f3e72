package lab_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/fabric"
	"infinisim/sim/lab"
)

// all gives the objects at a path of an array.
func (w *world) all(box, path string) []any {
	w.t.Helper()
	status, out := w.request(box, http.MethodGet, path, nil)
	require.Equal(w.t, http.StatusOK, status)
	list, _ := out["result"].([]any)
	return list
}

// asObject is a value as its JSON has it.
func asObject(tb testing.TB, v any) object {
	tb.Helper()
	raw, err := json.Marshal(v)
	require.NoError(tb, err)
	out := object{}
	require.NoError(tb, json.Unmarshal(raw, &out))
	return out
}

// TestViews_sayWhatTheArraysSay holds what is shown against what the arrays
// answer, while a first copy goes on, is cut off, and ends.
func TestViews_sayWhatTheArraysSay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.Make("replica")
	link := w.Make("link")
	volume := int64(w.ok(http.MethodGet, fmt.Sprintf("replicas/%d", id), nil)["local_entity_id"].(float64))
	w.viewsAgree() // the first copy has begun
	_, err := w.lab.AdvanceTo(t.Context(), w.lab.Clock.Now().Add(5*time.Second))
	require.NoError(t, err)
	require.NoError(t, w.lab.Write(t.Context(), "box-1", volume, lab.Write{Length: 900_000_000, Seed: 7}))
	w.ok(http.MethodPost, fmt.Sprintf("replicas/%d/sync", id), object{})
	for _, by := range []time.Duration{0, 2 * time.Second, 3 * time.Second, time.Hour} {
		_, err := w.lab.AdvanceTo(t.Context(), w.lab.Clock.Now().Add(by))
		require.NoError(t, err)
		w.viewsAgree()
	}
	_, err = w.lab.AdvanceTo(t.Context(), w.lab.Clock.Now().Add(time.Minute))
	require.NoError(t, err)
	ends := fabric.Ends{From: "box-1", To: "box-2"}
	require.NoError(t, w.lab.SetPath(t.Context(), ends, func(m *fabric.Model) { m.Cut = true }))
	w.viewsAgree()
	links, err := w.lab.LinkViews(t.Context(), "box-1")
	require.NoError(t, err)
	require.Len(t, links, 1)
	assert.Equal(t, lab.LinkView{
		Array: "box-1", ID: link, Name: links[0].Name, State: "DOWN", Mode: "NORMAL", RemoteArray: "box-2", RemoteName: "simulator-box-2",
		RemoteSerial: links[0].RemoteSerial, RemoteID: links[0].RemoteID, Attached: true, WitnessState: "NOT_CONFIGURED", Cut: true,
		Bandwidth: 100_000_000, LatencyMS: 1,
	}, links[0])
	_, err = w.lab.AdvanceTo(t.Context(), w.lab.Clock.Now().Add(time.Hour))
	require.NoError(t, err)
	w.viewsAgree()
	require.NoError(t, w.lab.SetPath(t.Context(), ends, func(m *fabric.Model) { m.Cut, m.Lost = false, 1 }))
	links, err = w.lab.LinkViews(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, links, 2)
	assert.True(t, links[0].Degraded && links[1].Degraded)
	assert.Equal(t, 1, links[0].AddressesDown)
	w.ok(http.MethodPost, fmt.Sprintf("replicas/%d/suspend?approved=true", id), object{})
	w.viewsAgree()
	suspended, err := w.lab.Replicas(t.Context(), "", "SUSPENDED")
	require.NoError(t, err)
	require.Len(t, suspended, 1)
	assert.Equal(t, id, suspended[0].ID)
}

// viewsAgree compares every pool, link and replica with the array's answer.
func (w *world) viewsAgree() {
	w.t.Helper()
	pools, err := w.lab.Pools(w.t.Context(), "")
	require.NoError(w.t, err)
	links, err := w.lab.LinkViews(w.t.Context(), "")
	require.NoError(w.t, err)
	replicas, err := w.lab.Replicas(w.t.Context(), "", "")
	require.NoError(w.t, err)
	views, shown := map[string]object{}, 0
	for _, p := range pools {
		views[fmt.Sprint(p.Array, "/pools/", p.ID)] = asObject(w.t, p)
	}
	for _, l := range links {
		views[fmt.Sprint(l.Array, "/links/", l.ID)] = asObject(w.t, l)
	}
	for _, r := range replicas {
		views[fmt.Sprint(r.Array, "/replicas/", r.ID)] = asObject(w.t, r)
	}
	names := map[string]map[string]string{ // the array's name of a member that has another one
		"pools": {},
		"links": {
			"state": "link_state", "mode": "link_mode", "remote_name": "remote_system_name", "remote_serial": "remote_system_serial_number",
			"remote_id": "remote_link_id", "async_only": "async_only", "witness_state": "local_witness_state",
		},
		"replicas": {
			"link_id": "link_id", "type": "replication_type", "role": "role", "state": "state", "sync_state": "sync_state", "job_state": "job_state",
			"rpo_state": "rpo_state", "reason": "state_reason", "remote_id": "remote_replica_id", "interval_ms": "sync_interval",
			"rpo_ms": "rpo_value", "restore_point": "restore_point", "last_synchronized": "last_synchronized", "is_initial": "is_initial",
			"progress": "progress", "throughput": "throughput",
		},
	}
	for _, box := range []string{"box-1", "box-2"} {
		for path, members := range names {
			for _, one := range w.all(box, path) {
				told := object(one.(map[string]any))
				view := views[fmt.Sprint(box, "/", path, "/", told.id())]
				require.NotNil(w.t, view, "%s of %s", path, box)
				shown++
				if path == "pools" {
					for name := range view {
						if name != "array" && name != "fill" {
							members[name] = name
						}
					}
				}
				for name, wire := range members {
					want := told[wire]
					if _, text := view[name].(string); text && want == nil {
						want = ""
					}
					assert.Equal(w.t, want, view[name], "%s %s", path, name)
				}
				if path == "replicas" {
					w.jobAgrees(view, told)
				}
			}
		}
	}
	assert.Len(w.t, views, shown)
}

// jobAgrees compares what a replica's view has in members of its own.
func (w *world) jobAgrees(view, told object) {
	w.t.Helper()
	entity, remote := view["entity"].(map[string]any), view["remote_entity"].(map[string]any)
	assert.Equal(w.t, told["local_entity_name"], entity["name"])
	assert.Equal(w.t, told["local_entity_id"], entity["id"])
	assert.Equal(w.t, told["entity_type"], entity["kind"])
	assert.Equal(w.t, told["remote_entity_name"], remote["name"])
	assert.Equal(w.t, told["remote_entity_id"], remote["id"])
	job, _ := view["job"].(map[string]any)
	jobs := told["jobs"].([]any)
	if job == nil {
		assert.NotContains(w.t, []any{"INITIALIZING", "REPLICATING"}, told["job_state"])
		return
	}
	first := jobs[0].(map[string]any)
	assert.Equal(w.t, first["state"], job["state"])
	assert.Equal(w.t, first["is_initial"], job["is_initial"])
	assert.Equal(w.t, told["progress"], job["progress"])
	if all := job["bytes"].(float64); all > 0 && !job["stalled"].(bool) {
		assert.InDelta(w.t, 100*(all-job["bytes_left"].(float64))/all, job["progress"], 1)
	}
}

// TestViews_lag follows the age of what the other side has.
func TestViews_lag(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Make("replica")
	now := func() lab.ReplicaView {
		all, err := w.lab.Replicas(t.Context(), "box-1", "")
		require.NoError(t, err)
		require.Len(t, all, 1)
		return all[0]
	}
	assert.Nil(t, now().LagMS, "before the first image")
	require.NotNil(t, now().Job)
	started := w.lab.Clock.Now()
	_, err := w.lab.AdvanceTo(t.Context(), started.Add(10*time.Second))
	require.NoError(t, err)
	assert.Equal(t, int64(10_000), *now().LagMS)
	assert.Equal(t, started.MS(), *now().RestorePoint)
	assert.Nil(t, now().Job)
	assert.Equal(t, "OK", now().RPOState)
	require.NoError(t, w.lab.SetPath(t.Context(), fabric.Ends{From: "box-1", To: "box-2"}, func(m *fabric.Model) { m.Cut = true }))
	_, err = w.lab.AdvanceTo(t.Context(), started.Add(20*time.Minute))
	require.NoError(t, err)
	lag := clock.FromMS(*now().LagMS)
	assert.Equal(t, "LAGGING", now().RPOState)
	assert.Greater(t, lag, clock.Time(15*time.Minute))
	other, err := w.lab.Replicas(t.Context(), "box-2", "")
	require.NoError(t, err)
	assert.Nil(t, other[0].LagMS, "the target knows nothing of it")
}

// TestViews_groups shows replicas of groups, of which the array tells less.
func TestViews_groups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.Make("rg_replica")
	all, err := w.lab.Replicas(t.Context(), "", "ACTIVE")
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, id, all[0].ID)
	assert.Equal(t, "rg_replica", all[0].Kind)
	assert.Equal(t, "REPLICATION_GROUP", all[0].Entity.Kind)
	group := w.ok(http.MethodGet, fmt.Sprintf("replication_groups/%d", all[0].Entity.ID), nil)
	assert.Equal(t, group["name"], all[0].Entity.Name)
	both, err := w.lab.Replicas(t.Context(), "", "")
	require.NoError(t, err)
	require.Len(t, both, 2)
	assert.Equal(t, both[1].Entity.ID, both[0].RemoteEntity.ID)
	assert.Equal(t, both[1].Entity.Name, both[0].RemoteEntity.Name)
	assert.Equal(t, both[0].ID, both[1].RemoteID)
}

func TestViews_refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.lab.Pools(t.Context(), "box-9")
	assert.Equal(t, apierr.ObjectNotFound, apierr.CodeOf(err))
	_, err = w.lab.LinkViews(t.Context(), "box-9")
	assert.Equal(t, apierr.ObjectNotFound, apierr.CodeOf(err))
	_, err = w.lab.Replicas(t.Context(), "box-9", "")
	assert.Equal(t, apierr.ObjectNotFound, apierr.CodeOf(err))
	_, err = w.lab.Replicas(t.Context(), "", "active")
	assert.Equal(t, apierr.InvalidValue, apierr.CodeOf(err))
	require.ErrorContains(t, err, "SUSPENDED")
}
