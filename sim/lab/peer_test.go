package lab_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
)

// process is a lab that others reach over a socket, as another process would.
type process struct {
	t    testing.TB
	lab  *lab.Lab
	key  string
	url  string
	lose func(name string) (before, after bool) // whether a message is dropped on its way, or its answer
	mu   sync.Mutex
	// heard are the messages that arrived.
	heard [][]byte
}

// two makes two processes of one array each that know each other.
func two(tb testing.TB) (a, b *process) {
	tb.Helper()
	return twoStepping(tb, nil)
}

// twoStepping does so, and says at which steps the first is.
func twoStepping(tb testing.TB, step func(name string)) (a, b *process) {
	tb.Helper()
	a, b = &process{t: tb, key: "box-1"}, &process{t: tb, key: "box-2"}
	for _, p := range []*process{a, b} {
		srv := httptest.NewServer(http.HandlerFunc(p.fabric))
		tb.Cleanup(srv.Close)
		p.url = srv.URL
	}
	for i, p := range []*process{a, b} {
		other := []*process{b, a}[i]
		l, err := lab.New(lab.Options{First: i + 1, Peers: map[string]string{other.key: other.url}, Secret: "s", Follows: i == 1, Step: map[int]func(string){0: step}[i]})
		require.NoError(tb, err)
		p.lab = l
		_, err = l.AddArray(tb.Context(), lab.ArraySetup{})
		require.NoError(tb, err)
		tb.Cleanup(func() {
			bad, err := l.Check(context.Background())
			assert.NoError(tb, err)
			assert.Empty(tb, bad)
			assert.NoError(tb, l.Close())
		})
	}
	return a, b
}

// fabric is the process's listener, on a network that loses things.
func (p *process) fabric(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	var m struct{ Message struct{ Name string } }
	_ = json.Unmarshal(raw, &m)
	p.mu.Lock()
	lose := p.lose
	p.heard = append(p.heard, raw)
	p.mu.Unlock()
	before, after := false, false
	if lose != nil {
		before, after = lose(m.Message.Name)
	}
	if before {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	rec := httptest.NewRecorder()
	p.lab.FabricHandler().ServeHTTP(rec, r)
	if after {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

func (p *process) losing(fn func(name string) (before, after bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose = fn
}

func (p *process) do(method, path, body string) (int, map[string]any) {
	p.t.Helper()
	r := httptest.NewRequestWithContext(context.Background(), method, "/api/rest/"+path, bytes.NewReader([]byte(body)))
	r.SetBasicAuth("admin", "123456")
	rec := httptest.NewRecorder()
	p.lab.Handler(p.key).ServeHTTP(rec, r)
	var out struct {
		Result any
		Error  map[string]any
	}
	require.NoError(p.t, json.Unmarshal(rec.Body.Bytes(), &out))
	if out.Error != nil {
		return rec.Code, out.Error
	}
	if list, ok := out.Result.([]any); ok {
		return rec.Code, map[string]any{"list": list, "n": len(list)}
	}
	o, _ := out.Result.(map[string]any)
	return rec.Code, o
}

func (p *process) must(method, path, body string) map[string]any {
	p.t.Helper()
	status, out := p.do(method, path, body)
	require.Less(p.t, status, 300, "%s %s: %v", method, path, out)
	return out
}

func number(o map[string]any, key string) int64 {
	n, _ := o[key].(float64)
	return int64(n)
}

// space makes a replication space and gives its id and first address.
func (p *process) space(n int) (int64, string) {
	p.t.Helper()
	var ports []string
	for node := 1; node <= 3; node++ {
		o := p.must(http.MethodPost, "network/interfaces", fmt.Sprintf(`{"name":"i%d","node_id":%d}`, node, node))
		ports = append(ports, fmt.Sprint(number(o, "id")))
	}
	o := p.must(http.MethodPost, "network/spaces", fmt.Sprintf(
		`{"name":"r","service":"RMR_SERVICE","interfaces":[%s,%s,%s],"network_config":{"network":"10.%d.0.0","netmask":24,"default_gateway":"10.%d.0.254"}}`,
		ports[0], ports[1], ports[2], n, n))
	address := fmt.Sprintf("10.%d.0.1", n)
	p.must(http.MethodPost, fmt.Sprintf("network/spaces/%d/ips", number(o, "id")), `"`+address+`"`)
	return number(o, "id"), address
}

func (p *process) pool() int64 {
	p.t.Helper()
	return number(p.must(http.MethodPost, "pools", `{"name":"p","physical_capacity":10000000000000,"virtual_capacity":10000000000000}`), "id")
}

func (p *process) settle() {
	p.t.Helper()
	_, err := p.lab.Settle(p.t.Context())
	require.NoError(p.t, err)
}

func (p *process) digest(id int64) string {
	p.t.Helper()
	d, _, err := p.lab.Digest(p.t.Context(), p.key, id)
	require.NoError(p.t, err)
	return d
}

// linked makes a link and pools; it gives the link's body and the ids.
func linked(a, b *process) (link, here, there int64) {
	space, _ := a.space(1)
	_, host := b.space(2)
	o := a.must(http.MethodPost, "links", fmt.Sprintf(`{"name":"l","local_replication_network_space_id":%d,"remote_host":%q}`, space, host))
	return number(o, "id"), a.pool(), b.pool()
}

func TestPeer_replicatesBetweenProcesses(t *testing.T) {
	t.Parallel()
	a, b := two(t)
	link, here, there := linked(a, b)
	assert.Equal(t, "UP", a.must(http.MethodGet, fmt.Sprintf("links/%d", link), "")["link_state"])
	assert.Equal(t, 1, b.must(http.MethodGet, "links", "")["n"])
	v := number(a.must(http.MethodPost, "volumes", fmt.Sprintf(`{"name":"v","size":2000000000,"pool_id":%d}`, here)), "id")
	r := a.must(http.MethodPost, "replicas", fmt.Sprintf(
		`{"link_id":%d,"entity_type":"VOLUME","remote_pool_id":%d,"entity_pairs":[{"local_entity_id":%d,"remote_base_action":"CREATE"}]}`, link, there, v))
	a.settle()
	require.NoError(t, a.lab.Write(t.Context(), a.key, v, lab.Write{Offset: 0, Length: 1 << 30, Seed: 7}))
	a.must(http.MethodPost, fmt.Sprintf("replicas/%d/sync", number(r, "id")), "")
	a.settle()
	target := number(r, "remote_entity_id")
	assert.Equal(t, a.digest(v), b.digest(target))
	assert.InDelta(t, a.lab.Clock.Now().MS(), b.lab.Clock.Now().MS(), 2, "the follower moves with the messages")
	// A read through the link asks the other process too.
	far := a.must(http.MethodGet, fmt.Sprintf("remote/%d/api/rest/replicas/%d", link, number(r, "remote_replica_id")), "")
	assert.Equal(t, "TARGET", far["role"])
	// A refusal of the peer comes back as it is, and leaves nothing behind.
	status, e := a.do(http.MethodPost, "replicas", fmt.Sprintf(
		`{"link_id":%d,"entity_type":"VOLUME","remote_pool_id":%d,"entity_pairs":[{"local_entity_id":%d,"remote_base_action":"CREATE"}]}`, link, there, v))
	assert.Equal(t, http.StatusConflict, status, e)
	a.must(http.MethodDelete, fmt.Sprintf("replicas/%d?approved=true", number(r, "id")), "")
	assert.Equal(t, 0, b.must(http.MethodGet, "replicas", "")["n"])
}

// TestPeer_lostMessages loses a message, or its answer, at each place: both
// sides end alike.
func TestPeer_lostMessages(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"link.create", "replica.create", "replica.begin", "replica.commit", "replica.delete", "fabric.locate", "fabric.ping"} {
		for _, answer := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s answer=%v", name, answer), func(t *testing.T) {
				t.Parallel()
				lose(t, name, answer)
			})
		}
	}
}

func lose(t *testing.T, name string, answer bool) {
	t.Helper()
	a, b := two(t)
	lost := 0
	b.losing(func(got string) (before, after bool) {
		if got != name || lost > 0 {
			return false, false
		}
		lost++
		return !answer, answer
	})
	heal := func() {
		_, err := a.lab.AdvanceTo(t.Context(), a.lab.Clock.Now().Add(30*time.Second))
		require.NoError(t, err)
	}
	again := func(method, path, body string) map[string]any {
		for range 3 {
			if status, out := a.do(method, path, body); status < 300 {
				return out
			}
			heal()
		}
		return a.must(method, path, body)
	}
	space, _ := a.space(1)
	_, host := b.space(2)
	here, there := a.pool(), b.pool()
	link := number(again(http.MethodPost, "links", fmt.Sprintf(`{"name":"l","local_replication_network_space_id":%d,"remote_host":%q}`, space, host)), "id")
	v := number(a.must(http.MethodPost, "volumes", fmt.Sprintf(`{"name":"v","size":2000000000,"pool_id":%d}`, here)), "id")
	require.NoError(t, a.lab.Write(t.Context(), a.key, v, lab.Write{Offset: 0, Length: 1 << 20, Seed: 7}))
	r := again(http.MethodPost, "replicas", fmt.Sprintf(
		`{"link_id":%d,"entity_type":"VOLUME","remote_pool_id":%d,"entity_pairs":[{"local_entity_id":%d,"remote_base_action":"CREATE"}]}`, link, there, v))
	a.settle()
	heal()
	a.settle()
	again(http.MethodPost, fmt.Sprintf("replicas/%d/sync", number(r, "id")), "")
	a.settle()
	heal()
	a.settle()
	assert.Equal(t, 1, b.must(http.MethodGet, "links", "")["n"])
	assert.Equal(t, 1, b.must(http.MethodGet, "replicas", "")["n"])
	assert.Equal(t, 1, b.must(http.MethodGet, "volumes?type=eq:MASTER", "")["n"], "what was made for a lost message is taken back")
	assert.Equal(t, a.digest(v), b.digest(number(r, "remote_entity_id")))
	again(http.MethodDelete, fmt.Sprintf("replicas/%d?approved=true", number(r, "id")), "")
	heal()
	assert.Equal(t, 0, a.must(http.MethodGet, "replicas", "")["n"])
	assert.Equal(t, 0, b.must(http.MethodGet, "replicas", "")["n"])
	assert.Equal(t, 1, lost, "nothing was lost")
}

// TestPeer_calledOffUnderAPing calls a message off while a ping is under way
// that does not know of it yet: the next one does.
func TestPeer_calledOffUnderAPing(t *testing.T) {
	t.Parallel()
	a, b := two(t)
	space, _ := a.space(1)
	_, host := b.space(2)
	asked, pinged, goOn := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var link, ping atomic.Bool
	b.losing(func(name string) (before, after bool) {
		switch name {
		case "link.create":
			if after = link.CompareAndSwap(false, true); after {
				close(asked)
				<-pinged
			}
		case "fabric.ping":
			if ping.CompareAndSwap(false, true) {
				close(pinged)
				<-goOn
			}
		}
		return false, after
	})
	status := make(chan int)
	go func() {
		code, _ := a.do(http.MethodPost, "links", fmt.Sprintf(`{"name":"l","local_replication_network_space_id":%d,"remote_host":%q}`, space, host))
		status <- code
	}()
	<-asked
	done := make(chan error)
	go func() {
		_, err := a.lab.AdvanceTo(context.Background(), a.lab.Clock.Now().Add(10*time.Second))
		done <- err
	}()
	assert.Equal(t, http.StatusConflict, <-status, "nobody answers")
	close(goOn)
	require.NoError(t, <-done)
	assert.Equal(t, 0, b.must(http.MethodGet, "links", "")["n"])
}

func TestPeer_secretAndPath(t *testing.T) {
	t.Parallel()
	_, b := two(t)
	for _, c := range []struct {
		path, secret, body string
		want               int
	}{
		{"/fabric/v1/message", "Bearer s", "{", http.StatusBadRequest},
		{"/fabric/v1/message", "Bearer x", "{}", http.StatusUnauthorized},
		{"/fabric/v1/message", "s", "{}", http.StatusUnauthorized},
		{"/api/rest/system", "Bearer s", "{}", http.StatusNotFound},
		{"/fabric/v1/message", "Bearer s", `{"origin":"o","message":{"id":1,"name":"x","to":"box-9"}}`, http.StatusOK},
		{"/fabric/v1/message", "Bearer s", `{"origin":"o","message":{"id":1,"name":"x","from":"box-1","to":"box-2"}}`, http.StatusInternalServerError},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, c.path, bytes.NewReader([]byte(c.body)))
		r.Header.Set("Authorization", c.secret)
		rec := httptest.NewRecorder()
		b.lab.FabricHandler().ServeHTTP(rec, r)
		assert.Equal(t, c.want, rec.Code, c.body)
	}
}

func TestPeer_aForkIsCutOff(t *testing.T) {
	t.Parallel()
	a, b := two(t)
	link, _, _ := linked(a, b)
	f, err := a.lab.Fork("default", "")
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	fork := &process{t: t, lab: f, key: "box-1"}
	assert.Equal(t, "DOWN", fork.must(http.MethodGet, fmt.Sprintf("links/%d", link), "")["link_state"])
	assert.Equal(t, "UP", a.must(http.MethodGet, fmt.Sprintf("links/%d", link), "")["link_state"])
}
