package replication_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/fabric"
	"infinisim/sim/simtest"
)

// world is a lab on a manual clock with two linked arrays and a pool on each,
// driven over REST. It is checked when the test ends.
type world struct {
	t    testing.TB
	lab  *simtest.Lab
	link map[string]int64 // id of the link on each array
	pool map[string]int64
	n    int
}

const (
	boxA = "box-1"
	boxB = "box-2"
)

type object = map[string]any

// newWorld makes the lab.
func newWorld(tb testing.TB) *world {
	tb.Helper()
	l := simtest.New(tb, sim.WithSeed(7))
	link := l.Links()[0]
	w := &world{t: tb, lab: l, link: map[string]int64{boxA: link.AID, boxB: link.BID}, pool: map[string]int64{}}
	for _, box := range []string{boxA, boxB} {
		w.pool[box] = w.post(box, "pools", object{"name": "p", "physical_capacity": 2_000_000_000_000, "virtual_capacity": 2_000_000_000_000}).ID("id")
	}
	return w
}

// space and host are the ends of the link as its first array names them.
func (w *world) space() int64 {
	return w.get(boxA, fmt.Sprintf("links/%d", w.link[boxA])).ID("local_replication_network_space_id")
}

func (w *world) host() any { return w.get(boxA, fmt.Sprintf("links/%d", w.link[boxA]))["remote_host"] }

func (w *world) call(box, method, path string, body any) *simtest.Answer {
	w.t.Helper()
	return w.lab.Client(box).Do(method, path, body)
}

func (w *world) ok(box, method, path string, body any) simtest.Object {
	w.t.Helper()
	return w.lab.Client(box).Must(method, path, body)
}

func (w *world) post(box, path string, body any) simtest.Object {
	w.t.Helper()
	return w.lab.Client(box).Post(path, body)
}

func (w *world) get(box, path string) simtest.Object {
	w.t.Helper()
	return w.lab.Client(box).Get(path)
}

// refused sends a request that must be refused with the status and code.
func (w *world) refused(status int, code, box, method, path string, body any) {
	w.t.Helper()
	w.lab.Client(box).Refused(status, code, method, path, body)
}

const volumeSize = 10_000_000_000 / 512 * 512

func (w *world) volume(box string) int64 {
	w.t.Helper()
	w.n++
	return w.post(box, "volumes", object{"name": fmt.Sprintf("v%d", w.n), "size": volumeSize, "pool_id": w.pool[box], "provtype": "THIN"}).ID("id")
}

// replicate makes a replica that creates its target.
func (w *world) replicate(volume int64, more object) simtest.Object {
	w.t.Helper()
	body := object{
		"link_id": w.link[boxA], "entity_type": "VOLUME", "remote_pool_id": w.pool[boxB],
		"entity_pairs": []object{{"local_entity_id": volume, "remote_base_action": "CREATE", "remote_entity_id": nil}},
	}
	maps.Copy(body, more)
	return w.post(boxA, "replicas", body)
}

func (w *world) replica(id int64) simtest.Object {
	w.t.Helper()
	return w.get(boxA, fmt.Sprintf("replicas/%d", id))
}

// pairs are those of a replica or of the answer to its deletion.
func pairs(r simtest.Object) []simtest.Object {
	var out []simtest.Object
	list, _ := r["entity_pairs"].([]any)
	for _, p := range list {
		o, _ := p.(map[string]any)
		out = append(out, o)
	}
	return out
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
	w.lab.MustWrite(box, dataset, sim.Write{Offset: off, Length: length, Seed: seed})
}

func (w *world) digest(box string, dataset int64) string {
	w.t.Helper()
	return w.lab.MustDigest(box, dataset)
}

func (w *world) settle() []string {
	w.t.Helper()
	r, err := w.lab.Settle(w.t.Context())
	require.NoError(w.t, err)
	return r.Blocked
}

func (w *world) advance(d time.Duration) {
	w.t.Helper()
	w.lab.MustAdvance(d)
}

func (w *world) path(change func(*fabric.Model)) {
	w.t.Helper()
	require.NoError(w.t, w.lab.SetPath(w.t.Context(), fabric.Ends{From: boxA, To: boxB}, change))
}

func (w *world) cut(down bool) {
	w.t.Helper()
	w.path(func(m *fabric.Model) { m.Cut = down })
}

// state is everything that a refused request must leave as it was.
func (w *world) state() string {
	w.t.Helper()
	var out strings.Builder
	for _, box := range []string{boxA, boxB} {
		for _, path := range []string{"volumes", "filesystems", "cgs", "replicas", "links", "pools", "events?page_size=1&sort=-id"} {
			out.Write(w.call(box, http.MethodGet, path, nil).Raw)
		}
	}
	return out.String()
}
