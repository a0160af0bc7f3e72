package sim_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/fault"
	"infinisim/sim/simtest"
)

func preset(tb testing.TB, l *simtest.Lab, a fault.Ask) {
	tb.Helper()
	_, err := l.AddPreset(tb.Context(), a)
	require.NoError(tb, err)
}

func TestPreset_linkFlap(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	preset(t, l, fault.Ask{Preset: "link_flap", Array: "box-1", Peer: "box-2", For: seconds(2), Every: seconds(5), Count: 3})
	path := fmt.Sprintf("links/%d", l.Links()[0].AID)
	for second := range 20 {
		want := "UP"
		if second%5 < 2 && second < 15 {
			want = "DOWN"
		}
		assert.Equal(t, want, l.Client("box-1").Get(path)["link_state"], "after %d s", second)
		l.MustAdvance(time.Second)
	}
}

func seconds(n int) fault.Duration { return fault.Duration(n) * fault.Duration(time.Second) }

func TestPreset_controllerFailover(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	w := onWire(t, l)
	preset(t, l, fault.Ask{Preset: "controller_failover", Array: "box-1", Component: "nodes/2", Refuse: seconds(10), For: seconds(60)})
	busy, err := w.read(t, http.MethodGet, "system", "")
	require.NoError(t, err)
	assert.Equal(t, http.StatusServiceUnavailable, busy.status)
	assert.Empty(t, busy.body)
	assert.Equal(t, http.StatusOK, l.Client("box-2").Do(http.MethodGet, "system", nil).Status)
	l.MustAdvance(10 * time.Second)
	assert.Equal(t, "FAILED", l.Client("box-1").Get("components/nodes/2")["state"])
	l.MustAdvance(50 * time.Second)
	assert.Equal(t, "ACTIVE", l.Client("box-1").Get("components/nodes/2")["state"])
}

func TestPreset_drivesFailAndAreRebuilt(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	health := func() map[string]any { return l.Client("box-1").Get("system/health_state") }
	preset(t, l, fault.Ask{Preset: "drive_failures", Array: "box-1"})
	assert.Equal(t, 1.0, health()["failed_drives"])
	l.MustAdvance(time.Minute)
	assert.Equal(t, 2.0, health()["failed_drives"])
	assert.NotEqual(t, 0.0, health()["raid_groups_pending_rebuild_1"])
	l.MustAdvance(3*time.Hour + 58*time.Minute)
	assert.Equal(t, 0.0, health()["raid_groups_pending_rebuild_1"], "rebuilt before they are replaced")
	assert.Equal(t, 2.0, health()["failed_drives"])
	l.MustAdvance(2 * time.Minute)
	assert.Equal(t, 0.0, health()["failed_drives"])
}

func TestPreset_brownoutIsSlowAndOver(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	ids, sources, _ := replicas(l, 1, map[string]any{"sync_interval": 3_600_000})
	l.MustSettle()
	copied := func() time.Duration { return copyTime(l, ids[0], sources[0]) }
	quick := copied()
	preset(t, l, fault.Ask{Preset: "wan_brownout", Array: "box-1", Peer: "box-2"})
	assert.InDelta(t, 20.0/0.98, copied().Seconds()/quick.Seconds(), 2, "a twentieth of the bandwidth, less what is lost")
	l.MustAdvance(10 * time.Minute)
	assert.Equal(t, quick, copied())
}

func TestPreset_clockJumps(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	start := l.Clock.Now()
	preset(t, l, fault.Ask{Preset: "clock_jump", By: seconds(90)})
	assert.Equal(t, start.Add(90*time.Second), l.Clock.Now())
	assert.Empty(t, l.Faults())
}

// TestPreset_allOrNone asks for rules of which the last one's id is taken.
func TestPreset_allOrNone(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	inject(t, l, `{"id":"wan_brownout-bandwidth","site":"http","effect":{"type":"reset"},"times":1}`)
	_, err := l.AddPreset(t.Context(), fault.Ask{Preset: "wan_brownout", Array: "box-1", Peer: "box-2"})
	require.Error(t, err)
	assert.Len(t, l.Faults(), 1)
}

// TestFault_lastsOverARestart closes a durable lab between the beginning of a
// rule and its end.
func TestFault_lastsOverARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lab.db")
	l, err := sim.New(sim.WithPath(path))
	require.NoError(t, err)
	first := simtest.Watch(t, l)
	preset(t, first, fault.Ask{Preset: "node_down", Array: "box-1", After: seconds(10), For: seconds(60)})
	first.MustAdvance(20 * time.Second)
	require.NoError(t, first.Close())
	l, err = sim.New(sim.WithPath(path))
	require.NoError(t, err)
	second := simtest.Watch(t, l)
	state := func() any { return second.Client("box-1").Get("components/nodes/1")["state"] }
	assert.Equal(t, []any{"FAILED", "in force"}, []any{state(), second.Faults()[0].State})
	second.MustAdvance(50 * time.Second)
	assert.Equal(t, []any{"ACTIVE", "over"}, []any{state(), second.Faults()[0].State})
}
