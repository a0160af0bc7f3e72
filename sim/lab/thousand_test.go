package lab_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"infinisim/sim/data"
	"infinisim/sim/journal"
	"infinisim/sim/lab"
)

// The proof that labs of one process have nothing in common: many of them
// behind one port, clients that wander over them, and a model of each lab that
// knows only what was done there.

const (
	wanderers  = 8
	wanderLong = 25
	volumeSize = 2_000_000_000
	day        = 86_400_000 // no sync but those asked for
)

// TestMain makes a short run of rapid the usual one, from one seed; its flags
// still count. No goroutine may be left once all tests are over.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{"rapid.checks": "2", "rapid.seed": "1", "rapid.nofailfile": "true"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// visit is what a client does next: the lab, the verb, and which of the
// volumes that are there.
type visit struct{ lab, verb, volume int }

// twin is what a lab has to be, by what was done there alone.
type twin struct {
	name, url string
	lab       *lab.Lab
	client    *http.Client

	// mu has the visits of a lab come one after the other.
	mu      sync.Mutex
	volumes []*twinVolume
	asked   []string // array, method and path of each request
	writes  uint64
}

// twinVolume is a volume of box-1 and, once it is replicated, its target.
type twinVolume struct {
	name           string
	id, target     int64
	replica, other int64
	here, there    data.Image
	failedOver     bool
	did            []string
}

// ask sends a request to an array of the lab by its host name.
func (w *twin) ask(array, method, path string, body any) (map[string]any, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(context.Background(), method, w.url+"/api/rest/"+path+"?approved=true", bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	r.Host = strings.TrimSuffix("simulator-"+array+"."+w.name, ".") // the lab default has no name there
	r.SetBasicAuth("admin", "123456")
	resp, err := w.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if raw, err = io.ReadAll(resp.Body); err != nil {
		return nil, err
	}
	w.asked = append(w.asked, array+" "+method+" /api/rest/"+path)
	var out struct {
		Result map[string]any `json:"result"`
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return nil, fmt.Errorf("%s %s %s: %d %s", r.Host, method, path, resp.StatusCode, raw)
	}
	return out.Result, json.Unmarshal(raw, &out)
}

func whole(o map[string]any, key string) int64 {
	n, _ := o[key].(float64)
	return int64(n)
}

// do is one visit.
func (w *twin) do(v visit, base *twinBase) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.volumes[v.volume%len(w.volumes)]
	one.did = append(one.did, []string{"create", "write", "replicate", "fail over", "read"}[v.verb])
	switch v.verb {
	case 0:
		return w.create(base)
	case 1:
		return w.write("box-1", one.id, &one.here)
	case 2:
		return w.replicate(one, base)
	case 3:
		return w.failOver(one)
	default:
		_, err := w.ask("box-1", http.MethodGet, fmt.Sprintf("volumes/%d", one.id), nil)
		return err
	}
}

func (w *twin) create(base *twinBase) error {
	n := &twinVolume{name: fmt.Sprintf("%s-%d", w.name, len(w.volumes)), here: data.New(volumeSize)}
	o, err := w.ask("box-1", http.MethodPost, "volumes", map[string]any{"name": n.name, "size": volumeSize, "pool_id": base.here})
	n.id = whole(o, "id")
	w.volumes = append(w.volumes, n)
	return err
}

// write is a host's write that no other lab makes: the seed has the lab's name.
func (w *twin) write(array string, id int64, im *data.Image) error {
	w.writes++
	seed := data.TokenOf(w.writes)
	for _, c := range w.name {
		seed = seed*31 + data.Token(c)
	}
	off := int64(w.writes%100) << 20
	next, err := im.Write(off, 1<<20, seed, 1)
	if err != nil {
		return err
	}
	*im = next
	return w.lab.Write(context.Background(), array, id, lab.Write{Offset: off, Length: 1 << 20, Seed: uint64(seed)})
}

// replicate makes a replica, or has the one there is copy what is new.
func (w *twin) replicate(v *twinVolume, base *twinBase) error {
	var err error
	switch {
	case v.failedOver:
		return nil
	case v.replica == 0:
		var o map[string]any
		o, err = w.ask("box-1", http.MethodPost, "replicas", map[string]any{
			"link_id": base.link, "entity_type": "VOLUME", "remote_pool_id": base.there, "sync_interval": day,
			"entity_pairs": []map[string]any{{"local_entity_id": v.id, "remote_base_action": "CREATE"}},
		})
		v.replica, v.target, v.other = whole(o, "id"), whole(o, "remote_entity_id"), whole(o, "remote_replica_id")
	default:
		_, err = w.ask("box-1", http.MethodPost, fmt.Sprintf("replicas/%d/sync", v.replica), nil)
	}
	if err == nil {
		_, err = w.lab.Settle(context.Background())
	}
	v.there = v.here
	return err
}

// failOver makes the target writable and writes to it.
func (w *twin) failOver(v *twinVolume) error {
	if v.replica == 0 {
		return nil
	}
	if !v.failedOver {
		if _, err := w.ask("box-1", http.MethodPost, fmt.Sprintf("replicas/%d/suspend", v.replica), nil); err != nil {
			return err
		}
		if _, err := w.lab.Settle(context.Background()); err != nil {
			return err
		}
		if _, err := w.ask("box-2", http.MethodPost, fmt.Sprintf("replicas/%d/change_role", v.other), nil); err != nil {
			return err
		}
		v.failedOver = true
	}
	return w.write("box-2", v.target, &v.there)
}

// holds compares the lab with its twin.
func (w *twin) holds() error {
	ctx := context.Background()
	var asked []string
	for _, e := range w.lab.Journal.Entries(journal.Filter{}) {
		asked = append(asked, e.Array+" "+e.Method+" "+e.Path)
	}
	if !slices.Equal(asked, w.asked) {
		return fmt.Errorf("%s: the journal has\n%s\nnot\n%s", w.name, strings.Join(asked, "\n"), strings.Join(w.asked, "\n"))
	}
	want := map[string]bool{}
	for _, v := range w.volumes {
		want[v.name] = true
		d, _, err := w.lab.Digest(ctx, "box-1", v.id)
		if err != nil || d != v.here.Digest() {
			return fmt.Errorf("%s: %s holds %s after %v: %w", w.name, v.name, d, v.did, errors.Join(err, errOther))
		}
		if v.replica == 0 {
			continue
		}
		if d, _, err = w.lab.Digest(ctx, "box-2", v.target); err != nil || d != v.there.Digest() {
			return fmt.Errorf("%s: the target of %s holds %s after %v: %w", w.name, v.name, d, v.did, errors.Join(err, errOther))
		}
	}
	return w.hasOnly(want)
}

var errOther = errors.New("the model has another")

// hasOnly looks at the names of the volumes, in pages as long as need be.
func (w *twin) hasOnly(want map[string]bool) error {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/api/rest/volumes?fields=name&page_size=1000&type=MASTER", nil)
	r.SetBasicAuth("admin", "123456")
	a, err := w.lab.Array("box-1")
	if err != nil {
		return err
	}
	rec := httptest.NewRecorder()
	a.Server.ServeHTTP(rec, r)
	w.asked = append(w.asked, "box-1 GET /api/rest/volumes")
	var out struct {
		Result []struct{ Name string } `json:"result"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
		return fmt.Errorf("%s: %w", rec.Body, err)
	}
	have := map[string]bool{}
	for _, v := range out.Result {
		have[v.Name] = true
	}
	if !maps.Equal(have, want) {
		return fmt.Errorf("%s: has the volumes %v, not %v", w.name, have, want)
	}
	return nil
}

// twinBase is what all labs start from.
type twinBase struct{ link, here, there int64 }

// TestLabs_aThousandLive has clients wander over many labs behind one port, at
// once and to the same ones, and holds each lab against its own model.
func TestLabs_aThousandLive(t *testing.T) {
	t.Parallel()
	labs := lab.NewLabs(lab.Options{}, "")
	t.Cleanup(func() { require.NoError(t, labs.Close()) })
	origin, err := labs.Create(t.Context(), lab.Plan{Name: lab.DefaultName})
	require.NoError(t, err)
	server := httptest.NewServer(labs.Handler(origin, "box-1"))
	t.Cleanup(server.Close)
	first := &twin{name: lab.DefaultName, url: server.URL, lab: origin, client: server.Client()}
	base, volumes := newTwinBase(t, first)
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		twins := make([]*twin, manyLabs)
		for i := range twins {
			name := fmt.Sprintf("r%d-l%d", run, i)
			l, err := labs.Fork(lab.DefaultName, name, "")
			if err != nil {
				t.Fatal(err)
			}
			w := &twin{name: name, url: server.URL, lab: l, client: server.Client()}
			for _, v := range volumes {
				w.volumes = append(w.volumes, new(*v))
			}
			twins[i] = w
		}
		if err := wander(t, twins, base); err != nil {
			t.Fatal(err)
		}
		for _, w := range append(slices.Clone(twins), first) {
			if err := w.holds(); err != nil {
				t.Fatal(err)
			}
		}
		for _, w := range twins {
			if len(w.asked) > 1 { // not only by holds
				if bad, err := w.lab.Check(context.Background()); len(bad) > 0 || err != nil {
					t.Fatalf("%s: %v %v", w.name, bad, err)
				}
			}
			if err := labs.Delete(w.name); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// newTwinBase gives the origin pools, a volume and a replica of another.
func newTwinBase(t *testing.T, w *twin) (*twinBase, []*twinVolume) {
	t.Helper()
	links, err := w.lab.Links(t.Context())
	require.NoError(t, err)
	base := &twinBase{link: links[0].AID}
	pool := map[string]any{"name": "p", "physical_capacity": 2_000_000_000_000, "virtual_capacity": 4_000_000_000_000}
	w.name = ""
	host := func(array string) map[string]any {
		o, err := w.ask(array, http.MethodPost, "pools", pool)
		require.NoError(t, err)
		return o
	}
	base.here, base.there = whole(host("box-1"), "id"), whole(host("box-2"), "id")
	require.NoError(t, w.create(base))
	require.NoError(t, w.create(base))
	require.NoError(t, w.replicate(w.volumes[0], base))
	require.NoError(t, w.holds())
	return base, w.volumes
}

// wander draws the ways of all clients, and has them go at once.
func wander(t *rapid.T, twins []*twin, base *twinBase) error {
	step := rapid.Custom(func(t *rapid.T) visit {
		v := visit{
			lab: rapid.IntRange(0, len(twins)-1).Draw(t, "lab"), verb: rapid.IntRange(0, 4).Draw(t, "verb"),
			volume: rapid.IntRange(0, 9).Draw(t, "volume"),
		}
		if rapid.Bool().Draw(t, "busy") {
			v.lab %= wanderers // where others are too
		}
		return v
	})
	ways := rapid.SliceOfN(rapid.SliceOfN(step, wanderLong, wanderLong), wanderers, wanderers).Draw(t, "ways")
	errs := make([]error, len(ways))
	var group sync.WaitGroup
	for i, way := range ways {
		group.Go(func() {
			for _, v := range way {
				if errs[i] = twins[v.lab].do(v, base); errs[i] != nil {
					return
				}
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}
