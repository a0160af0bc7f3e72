package replication_test

import (
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/clock"
	"infinisim/sim/fabric"
)

// lag is an ASYNC replica of a volume that hosts write to without end, over a
// link of 100 MB/s and 5 ms one way, every 60 seconds: h, what a job costs
// beside its bytes, is two round trips, 20 ms.
type lag struct {
	*world
	volume, replica, target int64
	start                   clock.Time
}

const (
	mb       = 1_000_000
	wide     = 1_900_000_000_000 / 512 * 512
	interval = time.Minute
)

func newLag(t *testing.T, rate, span int64, more object) *lag {
	t.Helper()
	l := &lag{world: newWorld(t)}
	l.path(func(m *fabric.Model) { m.Bandwidth, m.Latency = 100*mb, 5*time.Millisecond })
	l.volume = l.post(boxA, "volumes", object{"name": "v", "size": wide, "pool_id": l.pool[boxA], "provtype": "THIN"}).ID("id")
	l.start = l.lab.Clock.Now()
	body := object{"sync_interval": interval.Milliseconds(), "rpo_value": 120_000}
	maps.Copy(body, more)
	r := l.replicate(l.volume, body)
	l.replica, l.target = r.ID("id"), r.ID("remote_entity_id")
	l.load(rate, sim.Workload{WorkingSet: span})
	return l
}

// load has hosts write so many bytes a second from now on.
func (l *lag) load(rate int64, w sim.Workload) {
	l.t.Helper()
	w.Writes, w.BlockSize, w.Latency = rate/10_000, 10_000, time.Millisecond
	require.NoError(l.t, l.lab.SetWorkload(l.t.Context(), boxA, l.volume, w))
}

// done is a job as it shows on the wire when it has ended, in milliseconds since
// the replica was made.
type done struct{ Start, Duration, Restore int64 }

// jobs moves from due job to due job and lists the next n replication jobs that
// end.
func (l *lag) jobs(n int) []done {
	l.t.Helper()
	var out []done
	seen := l.shown().Restore
	for len(out) < n {
		next, _, err := l.lab.NextDue(l.t.Context())
		require.NoError(l.t, err)
		_, err = l.lab.AdvanceTo(l.t.Context(), next)
		require.NoError(l.t, err)
		if d := l.shown(); d.Restore != seen {
			seen = d.Restore
			out = append(out, d)
			l.equal()
		}
	}
	return out
}

// shown is the last job that ended, as the wire shows it.
func (l *lag) shown() done {
	l.t.Helper()
	r := l.lab.Client(boxA).Get(fmt.Sprintf("replicas/%d", l.replica))
	since := func(name string) int64 {
		if at, ok := r[name].(float64); ok {
			return int64(at) - l.start.MS()
		}
		return -1
	}
	took, _ := r["sync_duration"].(float64)
	return done{Start: since("last_synchronized") - int64(took), Duration: int64(took), Restore: since("restore_point")}
}

// equal proves that the target is what the source was at the restore point.
func (l *lag) equal() {
	l.t.Helper()
	bad, err := l.lab.Check(l.t.Context())
	require.NoError(l.t, err)
	require.Empty(l.t, bad)
}

// at moves to a time since the replica was made.
func (l *lag) at(d time.Duration) {
	l.t.Helper()
	_, err := l.lab.AdvanceTo(l.t.Context(), l.start.Add(d))
	require.NoError(l.t, err)
}

func (l *lag) rpo() any {
	l.t.Helper()
	return l.get(boxA, fmt.Sprintf("replicas/%d", l.replica))["rpo_state"]
}

// events lists when the array told of something, since the replica was made.
func (l *lag) events(code string) []time.Duration {
	l.t.Helper()
	var out []time.Duration
	list := l.call(boxA, http.MethodGet, "events?sort=timestamp&page_size=1000&code=eq:"+code, nil)
	for _, e := range list.Result.([]any) {
		at, _ := e.(map[string]any)["timestamp"].(float64)
		out = append(out, time.Duration(int64(at)-l.start.MS())*time.Millisecond)
	}
	return out
}

// nearly compares jobs to the millisecond: of what hosts write, whole blocks
// cross, so a job can end the time of one block, 5.12 µs, earlier.
func nearly(t *testing.T, want, got []done) {
	t.Helper()
	require.Len(t, got, len(want))
	for i, w := range want {
		for _, pair := range [][2]int64{{w.Start, got[i].Start}, {w.Duration, got[i].Duration}, {w.Restore, got[i].Restore}} {
			require.InDelta(t, pair[0], pair[1], 1, "job %d: %v, want %v", i, got[i], w)
		}
	}
}

func TestLag_onSchedule(t *testing.T) {
	t.Parallel()
	l := newLag(t, 20*mb, 0, nil)
	assert.Equal(t, []done{
		{Start: 0, Duration: 520, Restore: 0}, // the first copy, of nothing
		{Start: 60_000, Duration: 12_020, Restore: 60_000},
		{Start: 120_000, Duration: 12_020, Restore: 120_000},
		{Start: 180_000, Duration: 12_020, Restore: 180_000},
	}, l.jobs(4))
	assert.Empty(t, l.events("REPLICA_RPO_LAGGING"), "never late with an RPO of 120 s: the lag ends at 72.02 s")
	used := l.get(boxA, fmt.Sprintf("volumes/%d", l.volume)).ID("used")
	assert.Equal(t, int64(192_020*20_000/512*512), used, "what was written by now, not by the last job")
}

func TestLag_late(t *testing.T) {
	t.Parallel()
	l := newLag(t, 20*mb, 0, object{"rpo_value": 70_000})
	l.at(129_999 * time.Millisecond)
	assert.Equal(t, "OK", l.rpo())
	l.at(130 * time.Second) // the restore point and the RPO
	assert.Equal(t, "OK", l.rpo())
	l.at(130*time.Second + 1)
	assert.Equal(t, "LAGGING", l.rpo())
	l.at(132_019 * time.Millisecond)
	assert.Equal(t, "LAGGING", l.rpo())
	l.at(132_020 * time.Millisecond)
	assert.Equal(t, "OK", l.rpo())
	l.at(300 * time.Second)
	assert.Equal(t, []time.Duration{70 * time.Second, 130 * time.Second, 190 * time.Second, 250 * time.Second}, l.events("REPLICA_RPO_LAGGING"))
	assert.Equal(t, []time.Duration{72_020 * time.Millisecond, 132_020 * time.Millisecond, 192_020 * time.Millisecond, 252_020 * time.Millisecond}, l.events("REPLICA_RPO_OK"))
}

func TestLag_outage(t *testing.T) {
	t.Parallel()
	l := newLag(t, 20*mb, 0, nil)
	l.at(185 * time.Second) // under the third job
	l.cut(true)
	l.at(3785 * time.Second)
	l.shows(l.replica, "ACTIVE", "STALLED", false, nil)
	l.cut(false)
	// The job that was cut ends 3600 s later: the lag was 3672.02 s then.
	nearly(t, []done{
		{Start: 180_000, Duration: 3_612_020, Restore: 180_000},
		{Start: 3_792_020, Duration: 722_424, Restore: 3_792_020},
		{Start: 4_514_444, Duration: 144_504, Restore: 4_514_444},
		{Start: 4_658_949, Duration: 28_920, Restore: 4_658_948},
		{Start: 4_718_948, Duration: 12_020, Restore: 4_718_948},
	}, l.jobs(5))
}

func TestLag_faster(t *testing.T) {
	t.Parallel()
	l := newLag(t, 150*mb, 0, object{"sync_interval": 60_000, "rpo_value": 3_600_000})
	var took []done
	for _, d := range l.jobs(5)[1:] {
		took = append(took, done{Duration: d.Duration})
	}
	nearly(t, []done{{Duration: 90_020}, {Duration: 135_050}, {Duration: 202_595}, {Duration: 303_912}}, took) // each half as long again
}

// A finite dataset never diverges for ever.
func TestLag_fasterOverASmallSet(t *testing.T) {
	t.Parallel()
	l := newLag(t, 150*mb, 20_000*mb, object{"sync_interval": 60_000, "rpo_value": 3_600_000})
	jobs := l.jobs(8)
	assert.Equal(t, int64(200_020), jobs[6].Duration)
	assert.Equal(t, jobs[6].Start+200_020, jobs[7].Start, "back to back")
	assert.Equal(t, int64(200_020), jobs[7].Duration)
}

// A hot set is sent once a job, however often it was written.
func TestLag_hotSet(t *testing.T) {
	t.Parallel()
	l := newLag(t, 0, 0, nil)
	l.load(20*mb, sim.Workload{HotSet: 512 * 100_000, Overwrites: 250_000})
	jobs := l.jobs(3)
	// 15 MB/s of fresh data for 60 s, and the hot set of 51.2 MB.
	assert.Equal(t, done{Start: 120_000, Duration: 20 + 9_000 + 512, Restore: 120_000}, jobs[2])
}

// Replicas on one link share it: a job lasts as if the others' bytes were its
// own.
func TestLag_sharedLink(t *testing.T) {
	t.Parallel()
	l := newLag(t, 20*mb, 0, nil)
	other := &lag{world: l.world, start: l.start}
	other.volume = l.post(boxA, "volumes", object{"name": "w", "size": 100_000_000_000 / 512 * 512, "pool_id": l.pool[boxA], "provtype": "THIN"}).ID("id")
	other.replica = l.replicate(other.volume, object{"sync_interval": 60_000, "rpo_value": 120_000}).ID("id")
	other.load(20*mb, sim.Workload{})
	l.jobs(2)
	assert.Equal(t, done{Start: 60_000, Duration: 24_020, Restore: 60_000}, l.shown())
	assert.Equal(t, l.shown(), other.shown())
}

// What comes of it does not depend on how the clock moved, nor on who looked.
func TestLag_stepsAndLooksDoNotMatter(t *testing.T) {
	t.Parallel()
	run := func(steps int, look bool) string {
		l := newLag(t, 150*mb, 20_000*mb, object{"rpo_value": 150_000})
		l.path(func(m *fabric.Model) { m.Latency = 2 * time.Millisecond })
		other := l.post(boxA, "volumes", object{"name": "s", "size": volumeSize, "pool_id": l.pool[boxA], "provtype": "THIN"}).ID("id")
		r := l.replicate(other, object{"replication_type": "SYNC"})
		require.NoError(t, l.lab.SetWorkload(t.Context(), boxA, other, sim.Workload{Writes: 1000, BlockSize: 4096, Latency: time.Millisecond}))
		const all = 1800 * time.Second
		for i := range steps {
			l.at(all * time.Duration(i+1) / time.Duration(steps))
			if look {
				l.digest(boxA, l.volume)
				l.state()
			}
		}
		l.cut(true)
		l.at(all + 10*time.Second)
		return l.state() + l.digest(boxA, l.volume) + l.digest(boxB, l.target) + l.digest(boxA, other) + l.digest(boxB, r.ID("remote_entity_id"))
	}
	once := run(1, false)
	require.Equal(t, once, run(1, true))
	require.Equal(t, once, run(1000, false))
	require.Equal(t, once, run(200, true))
	assert.Contains(t, once, "OUT_OF_SYNC")
}
