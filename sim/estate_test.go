package sim_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/clock"
	"infinisim/sim/simtest"
)

func withEstate(tb testing.TB, text string) *simtest.Lab {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "e.yaml")
	require.NoError(tb, os.WriteFile(file, []byte(text), 0o600))
	return simtest.New(tb, sim.WithEstate(file))
}

// TestEstate_holdsWhatItSays asks the arrays for what the file of a small site
// says.
func TestEstate_holdsWhatItSays(t *testing.T) {
	t.Parallel()
	const file = "../fixtures/estates/small.yaml"
	l := simtest.New(t, sim.WithEstate(file))
	a := l.Client("box-1")
	one := func(path string) simtest.Object {
		list, _ := a.Do(http.MethodGet, path, nil).Result.([]any)
		require.Len(t, list, 1, path)
		return list[0].(map[string]any)
	}
	assert.Equal(t, "2025-03-01T06:00:00Z", l.Clock.Now().String())
	assert.Equal(t, uint64(11), l.Seed())
	assert.Equal(t, "site", a.Get("system")["name"])
	db := one("volumes?name=db-data")
	assert.Equal(t, []any{5e11, "gold"}, []any{db["size"], db["pool_name"]})
	assert.Equal(t, db.ID("id"), one("volumes?name=db-data-monday").ID("parent_id"))
	assert.Equal(t, l.MustDigest("box-1", db.ID("id")), l.MustDigest("box-1", one("volumes?name=db-data-monday").ID("id")))
	assert.Equal(t, "db", db["cg_name"])
	assert.Equal(t, "THICK", one("volumes?name=db-log")["provtype"])
	assert.Len(t, a.Do(http.MethodGet, "volumes?name=like:web-", nil).Result, 3)
	assert.Equal(t, "dba", one("metadata?key=owner")["value"])
	rack := one("clusters?name=rack")
	assert.Len(t, rack["hosts"], 2)
	assert.Equal(t, []any{11.0, 12.0}, []any{rack["luns"].([]any)[0].(map[string]any)["lun"], rack["luns"].([]any)[1].(map[string]any)["lun"]})
	assert.Equal(t, "21000024ff7869e2", one("hosts?name=db-2")["ports"].([]any)[0].(map[string]any)["address"])
	assert.Equal(t, one("filesystems?name=home").ID("id"), one("exports?export_path=/home").ID("filesystem_id"))
	assert.Equal(t, "READ_ONLY", one("users?name=auditor")["role"])
	assert.Empty(t, l.Journal.Tallied("routes")["POST volumes"], "it is no request of a client")

	again := simtest.New(t, sim.WithEstate(file), sim.WithSeed(3), sim.WithClock(clock.NewManual(clock.Epoch)))
	assert.Equal(t, db.ID("id"), simtest.Object(again.Client("box-1").Do(http.MethodGet, "volumes?name=db-data", nil).Result.([]any)[0].(map[string]any)).ID("id"))
	assert.Equal(t, []any{uint64(3), clock.Epoch}, []any{again.Seed(), again.Clock.Now()}, "options count more")
}

// TestEstate_replicas finds the copies of the linked pair equal to what they
// were made from.
func TestEstate_replicas(t *testing.T) {
	t.Parallel()
	l := simtest.New(t, sim.WithEstate("../fixtures/estates/linked.yaml"))
	list := l.Client("box-1").Do(http.MethodGet, "replicas", nil).Result.([]any)
	require.Len(t, list, 2)
	for i, want := range []struct {
		kind     string
		interval any
	}{{"ASYNC", 60000.0}, {"SYNC", nil}} {
		r := simtest.Object(list[i].(map[string]any))
		assert.Equal(t, []any{want.kind, want.interval, "ACTIVE", false}, []any{r["replication_type"], r["sync_interval"], r["state"], r["is_initial"]})
		assert.Equal(t, l.MustDigest("box-1", r.ID("local_entity_id")), l.MustDigest("box-2", r.ID("remote_entity_id")))
	}
}

// TestEstate_forwardReferences names a pool, a volume and hosts before the file
// has them, and a snapshot of one that comes behind it.
func TestEstate_forwardReferences(t *testing.T) {
	t.Parallel()
	l := withEstate(t, `
arrays:
- clusters: [{name: c, hosts: [h]}]
  consistency_groups: [{name: g, pool: p, members: [v]}]
  volumes:
  - {name: s, parent: v}
  - {name: v, pool: p, size: 1GiB}
  hosts: [{name: h}]
  pools: [{name: p, physical_capacity: 1TB, virtual_capacity: 1TB}]
`)
	a := l.Client("box-1")
	s := a.Do(http.MethodGet, "volumes?name=s", nil).Result.([]any)[0].(map[string]any)
	assert.Equal(t, "SNAPSHOT", s["type"])
}

// TestEstate_durable loads an estate once: what the file keeps counts.
func TestEstate_durable(t *testing.T) {
	t.Parallel()
	path := sim.WithPath(filepath.Join(t.TempDir(), "lab.db"))
	estate := sim.WithEstate("../fixtures/estates/empty.yaml")
	first := simtest.New(t, path, estate)
	first.Client("box-1").Post("pools", map[string]any{"name": "p", "physical_capacity": 1e12, "virtual_capacity": 1e12})
	require.NoError(t, first.Close())
	second := simtest.New(t, path, estate)
	assert.Len(t, second.Client("box-1").Do(http.MethodGet, "pools", nil).Result, 1)
}

// TestEstate_links has a path flap by the clock, as its schedule says.
func TestEstate_links(t *testing.T) {
	t.Parallel()
	l := withEstate(t, `
arrays: [{name: a}, {name: b}]
links:
- between: [b, a]
  name: wire
  latency: 20ms
  schedule: {every: 10s, steps: [{after: 2s, cut: true}, {after: 4s, cut: false}]}
`)
	states := ""
	for range 12 {
		l.MustAdvance(1e9)
		state := l.Client("box-1").Do(http.MethodGet, "links?name=wire", nil).Result.([]any)
		if len(state) == 0 {
			state = l.Client("box-2").Do(http.MethodGet, "links?name=wire", nil).Result.([]any)
		}
		states += state[0].(map[string]any)["link_state"].(string)[:1]
	}
	assert.Equal(t, "UDDUUUUUUUUD", states[:12])
}
