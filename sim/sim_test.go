package sim_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/clock"
	"infinisim/sim/journal"
	"infinisim/sim/simtest"
)

// replicas makes pools and n replicated volumes of 2 GB; it gives the ids of
// the replicas, of the sources and of the targets.
func replicas(l *simtest.Lab, n int, more map[string]any) (ids, sources, targets []int64) {
	a, b := l.Client("box-1"), l.Client("box-2")
	pool := map[string]any{"name": "p", "physical_capacity": 4_000_000_000_000, "virtual_capacity": 4_000_000_000_000}
	here, there := a.Post("pools", pool).ID("id"), b.Post("pools", pool).ID("id")
	for i := range n {
		v := a.Post("volumes", map[string]any{"name": fmt.Sprintf("v%d", i), "size": 2_000_000_000, "pool_id": here, "provtype": "THIN"}).ID("id")
		body := map[string]any{
			"link_id": l.Links()[0].AID, "entity_type": "VOLUME", "remote_pool_id": there,
			"entity_pairs": []map[string]any{{"local_entity_id": v, "remote_base_action": "CREATE"}},
		}
		maps.Copy(body, more)
		r := a.Post("replicas", body)
		ids, sources, targets = append(ids, r.ID("id")), append(sources, v), append(targets, r.ID("remote_entity_id"))
	}
	return ids, sources, targets
}

// run is one run of a lab, as its journal tells it.
func run(t *testing.T, seed uint64) []byte {
	t.Helper()
	l := simtest.New(t, sim.WithSeed(seed))
	a := l.Client("box-1")
	ids, sources, _ := replicas(l, 3, map[string]any{"sync_interval": 60_000})
	a.Post("users", map[string]any{"name": "u", "email": "e", "password": "Aa1!Hidden123"})
	l.MustSettle()
	l.MustWrite("box-1", sources[0], sim.Write{Offset: 0, Length: 1 << 30, Seed: seed})
	a.Post(fmt.Sprintf("replicas/%d/sync", ids[0]), nil)
	l.MustAdvance(10 * time.Minute)
	a.Post(fmt.Sprintf("replicas/%d/suspend", ids[1]), nil)
	a.Delete(fmt.Sprintf("replicas/%d", ids[2]))
	a.Refused(http.StatusBadRequest, "UNKNOWN_PARAMETER", http.MethodGet, "volumes?evil=1", nil)
	a.Get("replicas?sort=-id")
	a.Get("events?page_size=1000")
	var out bytes.Buffer
	require.NoError(t, l.Journal.WriteTo(&out, journal.Filter{Entry: journal.All}))
	return out.Bytes()
}

func TestOneRun_sameSeedSameBytes(t *testing.T) {
	t.Parallel()
	var last []byte
	for _, seed := range []uint64{1, 2, 3} {
		first := run(t, seed)
		require.Equal(t, string(first), string(run(t, seed)), "seed %d", seed)
		require.NotEqual(t, string(last), string(first), "another seed is another run")
		require.NotContains(t, string(first), "Hidden")
		require.NotContains(t, string(first), "127.0.0.1")
		last = first
	}
}

// TestWeek lets a week pass on the clock of a bubble, which takes no time.
func TestWeek(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := simtest.New(t, sim.WithClock(clock.NewSystem(0, 1)))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx) }()
		ids, sources, targets := replicas(l, 4, map[string]any{"sync_interval": 3_600_000, "rpo_value": 7_200_000})
		week := l.Clock.Now().Add(7 * 24 * time.Hour)
		for hour := range 7 {
			l.MustWrite("box-1", sources[hour%4], sim.Write{Offset: int64(hour) << 20, Length: 1 << 20, Seed: uint64(hour + 1)})
			require.NoError(t, l.Clock.Wait(ctx, l.Clock.Now().Add(24*time.Hour)))
		}
		require.NoError(t, l.Clock.Wait(ctx, week))
		for i, id := range ids {
			r := l.Client("box-1").Get(fmt.Sprintf("replicas/%d", id))
			lag := l.Clock.Now().MS() - r.ID("restore_point")
			assert.Less(t, lag, int64(2*3_600_000), "replica %d", id)
			assert.Equal(t, "OK", r["rpo_state"])
			assert.Equal(t, l.MustDigest("box-1", sources[i]), l.MustDigest("box-2", targets[i]))
		}
		cancel()
		require.NoError(t, <-ended)
	})
}

func TestReset(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	replicas(l, 2, nil)
	l.MustSettle()
	require.NoError(t, l.Reset(t.Context()))
	a := l.Client("box-1")
	assert.Zero(t, a.Do(http.MethodGet, "replicas", nil).Metadata.Objects)
	assert.Zero(t, a.Do(http.MethodGet, "volumes", nil).Metadata.Objects)
	assert.Equal(t, "UP", a.Do(http.MethodGet, "links", nil).Result.([]any)[0].(map[string]any)["link_state"])
	replicas(l, 1, nil)
	l.MustSettle()
}

func TestTopologies(t *testing.T) {
	t.Parallel()
	for topology, links := range map[sim.Topology]int{sim.None: 0, sim.Ring: 4, sim.Mesh: 6} {
		l := simtest.New(t, sim.WithArrays(4), sim.WithLinks(topology), sim.WithFirst(5))
		assert.Len(t, l.Links(), links, topology)
		assert.Equal(t, "box-5", l.Arrays()[0].Key)
		assert.Equal(t, int64(1005), l.Arrays()[0].Serial)
	}
	_, err := sim.New(sim.WithLinks("star"))
	require.ErrorContains(t, err, "star")
	_, err = sim.New(sim.WithProfile("1.0"))
	require.ErrorContains(t, err, "1.0")
	_, err = sim.New(sim.WithArrays(-1))
	require.Error(t, err)
}

func TestTransport_deactivatedArrayDropsTheConnection(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	require.NoError(t, l.SetActive(t.Context(), "box-2", false))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://simulator-box-2/api/rest/_features", nil)
	require.NoError(t, err)
	resp, err := l.Transport().RoundTrip(r)
	if resp != nil {
		_ = resp.Body.Close()
	}
	require.ErrorContains(t, err, "connection dropped")
	assert.Equal(t, "DOWN", l.Client("box-1").Do(http.MethodGet, "links", nil).Result.([]any)[0].(map[string]any)["link_state"])
	require.NoError(t, l.SetActive(t.Context(), "box-2", true))
	assert.Equal(t, "UP", l.Client("box-1").Do(http.MethodGet, "links", nil).Result.([]any)[0].(map[string]any)["link_state"])
}

// TestProfile72 closes what release 7.2 does not have.
func TestProfile72(t *testing.T) {
	t.Parallel()
	l := simtest.New(t, sim.WithProfile("7.2"))
	c := l.Client("box-1")
	assert.Equal(t, "7.2.0.0", c.Get("system?fields=version")["version"])
	p := c.Post("pools", map[string]any{"name": "p", "physical_capacity": 4_000_000_000_000, "virtual_capacity": 4_000_000_000_000})
	assert.NotContains(t, p, "host_written_data")
	c.Refused(http.StatusBadRequest, "UNKNOWN_PARAMETER", http.MethodGet, "pools?host_written_data=eq:0", nil)
	c.Post("users", map[string]any{"name": "u", "email": "e", "password": "12345678"})
}
