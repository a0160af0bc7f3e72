package replication_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"infinisim/sim/fabric"
	"infinisim/sim/lab"
)

// world is a lab on a manual clock with two linked arrays, driven over REST.
type world struct {
	t    testing.TB
	lab  *lab.Lab
	link map[string]int64 // id of the link on each array
	pool map[string]int64
	n    int
}

const (
	boxA = "box-1"
	boxB = "box-2"
)

// newWorld makes the lab and checks it when the test ends.
func newWorld(t testing.TB) *world {
	t.Helper()
	l, err := lab.New(lab.Options{Seed: 7})
	require.NoError(t, err)
	w := &world{t: t, lab: l, link: map[string]int64{}, pool: map[string]int64{}}
	t.Cleanup(func() {
		bad, err := l.Check(context.WithoutCancel(t.Context()))
		require.NoError(t, err)
		require.Empty(t, bad)
		require.NoError(t, l.Close())
	})
	for range 2 {
		_, err := l.AddArray(t.Context(), lab.ArraySetup{})
		require.NoError(t, err)
	}
	spaceA, spaceB := w.space(boxA, 1), w.space(boxB, 2)
	link := w.post(boxA, "links", object{"name": "ab", "local_replication_network_space_id": spaceA, "remote_host": "10.2.0.1"})
	w.link[boxA], w.link[boxB] = link.id("id"), link.id("remote_link_id")
	require.NotZero(t, spaceB)
	for _, box := range []string{boxA, boxB} {
		w.pool[box] = w.post(box, "pools", object{"name": "p", "physical_capacity": 2_000_000_000_000, "virtual_capacity": 2_000_000_000_000}).id("id")
	}
	return w
}

type object map[string]any

// id reads a number, 0 for null.
func (o object) id(key string) int64 {
	n, _ := o[key].(float64)
	return int64(n)
}

func (w *world) space(box string, n int) int64 {
	w.t.Helper()
	port := w.post(box, "network/interfaces", object{"name": "if", "node_id": 1, "ports": []string{"eth-data1"}}).id("id")
	id := w.post(box, "network/spaces", object{
		"name": "rmr", "service": "RMR_SERVICE", "interfaces": []int64{port},
		"network_config": object{"netmask": 16, "network": fmt.Sprintf("10.%d.0.0", n), "default_gateway": fmt.Sprintf("10.%d.255.254", n)},
	}).id("id")
	for i := range 7 {
		w.post(box, fmt.Sprintf("network/spaces/%d/ips", id), fmt.Sprintf("10.%d.0.%d", n, i+1))
	}
	return id
}

// call sends a request as admin and gives status and decoded envelope.
func (w *world) call(box, method, path string, body any) (int, object) {
	w.t.Helper()
	var raw []byte
	if body != nil {
		var err error
		raw, err = json.Marshal(body)
		require.NoError(w.t, err)
	}
	r := httptest.NewRequestWithContext(w.t.Context(), method, "/api/rest/"+path, bytes.NewReader(raw))
	r.SetBasicAuth("admin", "123456")
	rec := httptest.NewRecorder()
	a, err := w.lab.Array(box)
	require.NoError(w.t, err)
	a.Server.ServeHTTP(rec, r)
	out := object{}
	require.NoError(w.t, json.Unmarshal(rec.Body.Bytes(), &out), rec.Body.String())
	return rec.Code, out
}

func (w *world) ok(box, method, path string, body any) object {
	w.t.Helper()
	status, out := w.call(box, method, path, body)
	require.Less(w.t, status, 300, "%s %s: %v", method, path, out["error"])
	result, _ := out["result"].(map[string]any)
	return result
}

func (w *world) post(box, path string, body any) object {
	w.t.Helper()
	return w.ok(box, http.MethodPost, path+"?approved=true", body)
}

func (w *world) get(box, path string) object {
	w.t.Helper()
	return w.ok(box, http.MethodGet, path, nil)
}

// refused sends a request that must be refused with the status and code.
func (w *world) refused(status int, code, box, method, path string, body any) {
	w.t.Helper()
	got, out := w.call(box, method, path, body)
	e, _ := out["error"].(map[string]any)
	require.Equal(w.t, code, e["code"], "%v", e["message"])
	require.Equal(w.t, status, got)
}

const volumeSize = 10_000_000_000 / 512 * 512

func (w *world) volume(box string) int64 {
	w.t.Helper()
	w.n++
	return w.post(box, "volumes", object{"name": fmt.Sprintf("v%d", w.n), "size": volumeSize, "pool_id": w.pool[box], "provtype": "THIN"}).id("id")
}

// replicate makes a replica that creates its target.
func (w *world) replicate(volume int64, more object) object {
	w.t.Helper()
	body := object{
		"link_id": w.link[boxA], "entity_type": "VOLUME", "remote_pool_id": w.pool[boxB],
		"entity_pairs": []object{{"local_entity_id": volume, "remote_base_action": "CREATE", "remote_entity_id": nil}},
	}
	for k, v := range more {
		body[k] = v
	}
	return w.post(boxA, "replicas", body)
}

func (w *world) replica(id int64) object {
	w.t.Helper()
	return w.get(boxA, fmt.Sprintf("replicas/%d", id))
}

// shows compares what InfiniSDK's predicates read.
func (w *world) shows(id int64, state, job any, initial bool, sync any) {
	w.t.Helper()
	r := w.replica(id)
	require.Equal(w.t, state, r["state"])
	jobs, _ := r["jobs"].([]any)
	if job == nil {
		require.Empty(w.t, jobs)
	} else {
		require.NotEmpty(w.t, jobs)
		first, _ := jobs[0].(map[string]any)
		require.Equal(w.t, job, first["state"])
	}
	require.Equal(w.t, initial, r["is_initial"])
	require.Equal(w.t, sync, r["sync_state"])
}

func (w *world) write(box string, dataset, off, length int64, seed uint64) {
	w.t.Helper()
	require.NoError(w.t, w.lab.Write(w.t.Context(), box, dataset, lab.Write{Offset: off, Length: length, Seed: seed}))
}

func (w *world) digest(box string, dataset int64) string {
	w.t.Helper()
	d, _, err := w.lab.Digest(w.t.Context(), box, dataset)
	require.NoError(w.t, err)
	return d
}

func (w *world) settle() []string {
	w.t.Helper()
	r, err := w.lab.Settle(w.t.Context())
	require.NoError(w.t, err)
	return r.Blocked
}

func (w *world) advance(d time.Duration) {
	w.t.Helper()
	_, err := w.lab.AdvanceTo(w.t.Context(), w.lab.Clock.Now().Add(d))
	require.NoError(w.t, err)
}

func (w *world) path(change func(*fabric.Model)) {
	w.t.Helper()
	require.NoError(w.t, w.lab.SetPath(w.t.Context(), fabric.Ends{From: boxA, To: boxB}, change))
}

func (w *world) cut(down bool) {
	w.t.Helper()
	w.path(func(m *fabric.Model) { m.Cut = down })
}
