package replication_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"infinisim/sim/control"
	"infinisim/sim/lab"
	"infinisim/sim/model"
	"infinisim/sim/replication"
	"infinisim/sim/simtest"
)

// move is one rule that moved a replica, as the lab's log tells it.
type move struct {
	Array    string
	Replica  int64
	From, On string
	Rule     int
	To       string
}

// recorder is a log that keeps the moves of replicas.
type recorder struct {
	mu    sync.Mutex
	moves []move
}

func (r *recorder) Write(line []byte) (int, error) {
	var m struct {
		Msg string
		move
	}
	if err := json.Unmarshal(line, &m); err != nil {
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.Msg == "replica moved" {
		r.moves = append(r.moves, m.move)
	}
	return len(line), nil
}

func (r *recorder) log() *slog.Logger {
	return slog.New(slog.NewJSONHandler(r, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// walker drives two linked arrays by words: requests of administrators, and
// of testers to the control plane. After each word the lab is checked.
type walker struct {
	t               *testing.T
	labs            *lab.Labs
	lab             *lab.Lab
	plane           *control.Server
	rec             recorder
	link, pool      map[string]int64
	replica, volume map[string]int64
	space           int64
	group           int64
	writes          int
	at              string // the word that is done
}

func newWalker(t *testing.T) *walker {
	t.Helper()
	w := &walker{t: t, pool: map[string]int64{}, replica: map[string]int64{}, volume: map[string]int64{}}
	w.labs = lab.NewLabs(lab.Options{Seed: 7, Log: w.rec.log()}, "")
	t.Cleanup(func() { require.NoError(t, w.labs.Close()) })
	var err error
	w.lab, err = w.labs.Create(t.Context(), lab.Plan{Name: lab.DefaultName})
	require.NoError(t, err)
	w.plane = control.New(control.Options{Labs: w.labs, Log: slog.New(slog.DiscardHandler)})
	return w
}

// end closes the lab, which may still have been logging what its state told
// already, and gives the moves.
func (w *walker) end() []move {
	w.t.Helper()
	require.NoError(w.t, w.labs.Close())
	w.rec.mu.Lock()
	defer w.rec.mu.Unlock()
	return w.rec.moves
}

// setUp makes a pool on each array and finds the link.
func (w *walker) setUp() {
	w.t.Helper()
	links, err := w.lab.Links(w.t.Context())
	require.NoError(w.t, err)
	w.link = map[string]int64{boxA: links[0].AID, boxB: links[0].BID}
	for _, box := range []string{boxA, boxB} {
		w.pool[box] = w.rest(box, "POST pools", object{"name": "p", "physical_capacity": 2_000_000_000_000, "virtual_capacity": 2_000_000_000_000}).ID("id")
	}
	w.space = w.rest(boxA, fmt.Sprintf("GET links/%d", w.link[boxA]), nil).ID("local_replication_network_space_id")
}

// send is a request in memory: "GET volumes/1001".
func (w *walker) send(h http.Handler, prefix, request string, body any) []byte {
	w.t.Helper()
	method, path, _ := strings.Cut(request, " ")
	var raw io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		require.NoError(w.t, err)
		raw = bytes.NewReader(text)
	}
	r := httptest.NewRequestWithContext(w.t.Context(), method, prefix+path, raw)
	r.SetBasicAuth("admin", "123456")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	require.Less(w.t, rec.Code, http.StatusBadRequest, "%s: %s: %s", w.at, request, rec.Body)
	return rec.Body.Bytes()
}

func (w *walker) rest(box, request string, body any) simtest.Object {
	w.t.Helper()
	var out struct{ Result simtest.Object }
	require.NoError(w.t, json.Unmarshal(w.send(w.labs.Handler(w.lab, box), "/api/rest/", request, body), &out))
	return out.Result
}

func (w *walker) control(request string, body any) {
	w.t.Helper()
	w.send(w.plane, "http://localhost/_sim/v1/", request, body)
}

// walk does the words one after the other.
func (w *walker) walk(words string) {
	w.t.Helper()
	for word := range strings.FieldsSeq(words) {
		w.at = words + ": " + word
		verb, box, _ := strings.Cut(word, "@")
		if box == "" || box == "A" {
			box = boxA
		} else {
			box = boxB
		}
		w.do(verb, box)
		bad, err := w.lab.Check(context.WithoutCancel(w.t.Context()))
		require.NoError(w.t, err)
		require.Empty(w.t, bad, w.at)
	}
}

// do is one word. What is no word is a duration.
func (w *walker) do(verb, box string) {
	w.t.Helper()
	link := fmt.Sprintf("arrays/%s/links/%d/", box, w.link[box])
	half := fmt.Sprintf("replicas/%d", w.replica[box])
	path := func(body object) { w.control("PUT "+link+"model", body) }
	switch verb {
	case "async", "sync", "aa", "ab":
		w.create(verb, false)
	case "gasync", "gsync", "gaa":
		w.create(verb[1:], true)
	case "data":
		w.fresh()
		w.write(boxA, 1)
	case "write":
		w.write(box, 1)
	case "big":
		w.write(box, 6)
	case "member":
		w.fresh()
		w.write(boxA, 1)
		w.rest(boxA, fmt.Sprintf("POST cgs/%d/members", w.group), object{"dataset_id": w.volume[boxA]})
	case "slots0":
		path(object{"slots": 0})
	case "slots":
		path(object{"slots": -1})
	case "slow":
		path(object{"latency": "3ms"})
	case "fast":
		path(object{"latency": "1ms"})
	case "down":
		w.control("POST "+link+"cut", nil)
	case "up":
		w.control("POST "+link+"restore", nil)
	case "detach", "attach":
		space := any(w.space)
		if verb == "detach" {
			space = nil
		}
		w.rest(boxA, fmt.Sprintf("PUT links/%d", w.link[boxA]), object{"local_replication_network_space_id": space})
	case "witness":
		w.rest(boxA, fmt.Sprintf("POST links/%d/set_witness_address", w.link[boxA]), object{"witness_address": "10.9.9.9"})
	case "blind":
		w.control("POST "+link+"witness/cut", nil)
	case "lock", "unlock":
		w.rest(box, fmt.Sprintf("POST pools/%d/%s", w.pool[box], verb), nil)
	case "fail":
		w.control("POST faults", object{"site": "job", "job": "replica.phase", "times": 1, "effect": object{"type": "fail"}})
	case "settle":
		w.control("POST clock/settle", nil)
	case "suspend", "resume", "sync_now":
		w.rest(box, "POST "+half+"/"+strings.TrimSuffix(verb, "_now"), nil)
	case "to_sync", "to_async":
		w.rest(box, "POST "+half+"/change_type_"+verb, object{})
	case "role", "switch":
		w.rest(box, "POST "+half+"/"+map[string]string{"role": "change_role", "switch": "switch_role"}[verb], object{})
	case "drop":
		w.rest(box, "DELETE "+half+"?approved=true&force_on_local=true", nil)
	default:
		_, err := time.ParseDuration(verb)
		require.NoError(w.t, err, w.at)
		w.control("POST clock/advance", object{"by": verb})
	}
}

// fresh makes a volume, which is the one that what follows is about.
func (w *walker) fresh() {
	w.t.Helper()
	v := w.rest(boxA, "POST volumes", object{"name": fmt.Sprintf("v%d", w.writes), "size": volumeSize, "pool_id": w.pool[boxA], "provtype": "THIN"})
	w.volume = map[string]int64{boxA: v.ID("id")}
	w.writes++
}

// write is a host's write of some GiB.
func (w *walker) write(box string, gibs int64) {
	w.t.Helper()
	w.writes++
	w.control(fmt.Sprintf("POST arrays/%s/datasets/%d/write", box, w.volume[box]), object{"offset": 0, "length": gibs * gib, "seed": w.writes})
}

// create replicates the volume, or a group with it alone.
func (w *walker) create(kind string, grouped bool) {
	w.t.Helper()
	if w.volume[boxA] == 0 {
		w.fresh()
	}
	body := object{"link_id": w.link[boxA], "entity_type": "VOLUME", "remote_pool_id": w.pool[boxB]}
	if grouped {
		w.group = w.rest(boxA, "POST cgs", object{"name": "g", "pool_id": w.pool[boxA]}).ID("id")
		w.rest(boxA, fmt.Sprintf("POST cgs/%d/members", w.group), object{"dataset_id": w.volume[boxA]})
		maps.Copy(body, object{"entity_type": "CONSISTENCY_GROUP", "local_cg_id": w.group})
	} else {
		body["entity_pairs"] = []object{{"local_entity_id": w.volume[boxA], "remote_base_action": "CREATE", "remote_entity_id": nil}}
	}
	switch kind {
	case "aa", "ab":
		maps.Copy(body, object{"replication_type": "ACTIVE_ACTIVE", "is_preferred": kind == "aa"})
	default:
		body["replication_type"] = strings.ToUpper(kind)
	}
	r := w.rest(boxA, "POST replicas", body)
	w.replica = map[string]int64{boxA: r.ID("id"), boxB: r.ID("remote_replica_id")}
	w.volume[boxB] = pairs(r)[0].ID("remote_entity_id")
}

// state is that of the half of the replica on an array.
func (w *walker) state(box string) (state string) {
	w.t.Helper()
	require.NoError(w.t, w.lab.View(w.t.Context(), box, func(b *model.Box) (err error) {
		state, err = replication.StateOf(b, w.replica[box])
		return err
	}))
	return state
}
