package sim_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/simtest"
)

// TestFill lets hosts fill a pool of 10^12 bytes at 10^8 bytes a second: each
// mark is crossed at the instant that follows, however the clock moves.
func TestFill(t *testing.T) {
	t.Parallel()
	run := func(steps int) []string {
		l := simtest.New(t)
		a := l.Client("box-1")
		pool := a.Post("pools", map[string]any{
			"name": "p", "physical_capacity": 1_000_000_000_000, "virtual_capacity": 4_000_000_000_000, "max_extend": 2_000_000_000,
			"physical_capacity_warning": 80, "physical_capacity_critical": 90,
		})
		v := a.Post("volumes", map[string]any{"name": "v", "size": 2_000_000_000_000, "pool_id": pool.ID("id"), "provtype": "THIN"}).ID("id")
		f := a.Post("filesystems", map[string]any{"name": "f", "size": 100_000_000_000, "pool_id": pool.ID("id"), "provtype": "THIN"}).ID("id")
		start := l.Clock.Now()
		require.NoError(t, l.SetWorkload(t.Context(), "box-1", v, sim.Workload{Writes: 9_900, BlockSize: 10_000, Latency: time.Millisecond}))
		require.NoError(t, l.SetWorkload(t.Context(), "box-1", f, sim.Workload{Writes: 100, BlockSize: 10_000, Latency: time.Millisecond}))
		for range steps {
			l.MustAdvance(11_000 * time.Second / time.Duration(steps))
		}
		path := fmt.Sprintf("pools/%d", pool.ID("id"))
		locked := a.Get(path)
		assert.Equal(t, "LOCKED", locked["state"])
		free := locked.ID("free_physical_space")
		assert.GreaterOrEqual(t, free, int64(0))
		assert.Less(t, free, int64(2*512), "not a block more")
		assert.LessOrEqual(t, locked.ID("physical_capacity"), pool.ID("physical_capacity")+2_000_000_000)
		var out []string
		list := a.Do(http.MethodGet, "events?sort=timestamp&page_size=1000", nil)
		for _, e := range list.Result.([]any) {
			m := e.(map[string]any)
			if at := int64(m["timestamp"].(float64)) - start.MS(); at > 0 {
				out = append(out, fmt.Sprint(at, " ", m["code"]))
			}
		}
		a.Post(path+"/unlock", nil)
		l.MustAdvance(time.Second)
		assert.Equal(t, "LOCKED", a.Get(path)["state"], "it is full at the next block")
		return out
	}
	want := []string{
		"8000001 POOL_PHYSICAL_CAPACITY_WARNING", // 80 % of 1,000,000,192,512 bytes, to which its size is rounded
		"9000001 POOL_PHYSICAL_CAPACITY_CRITICAL",
		"10000001 POOL_STATE_LIMITED",
		"10020000 POOL_STATE_LOCKED",
	}
	assert.Equal(t, want, run(1))
	assert.Equal(t, want, run(997))
}
