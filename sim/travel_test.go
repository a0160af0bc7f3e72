package sim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/clock"
	"infinisim/sim/fault"
	"infinisim/sim/journal"
	"infinisim/sim/simtest"
)

// moment is a lab as it was before a request, and the request's answer.
type moment struct {
	entry   int64
	now     clock.Time
	print   string
	digests string
	answer  string
}

// trip is a run whose states are looked at on the way.
type trip struct {
	t        *testing.T
	lab      *simtest.Lab
	moments  []moment
	datasets map[string][]int64
}

func (r *trip) state(l *simtest.Lab) (state, digests string) {
	r.t.Helper()
	state, err := l.Fingerprint(r.t.Context())
	require.NoError(r.t, err)
	for _, key := range []string{"box-1", "box-2"} {
		for _, id := range r.datasets[key] {
			d, used, err := l.Digest(r.t.Context(), key, id)
			if err != nil {
				d = err.Error()
			}
			digests += fmt.Sprintln(key, id, d, used)
		}
	}
	return state, digests
}

// ask sends a request and remembers the state before it.
func (r *trip) ask(c *simtest.Client, method, path string, body any) {
	r.t.Helper()
	r.lab.MustAdvance(0) // what is due by now comes before the request
	m := moment{now: r.lab.Clock.Now()}
	m.print, m.digests = r.state(r.lab)
	a := c.Do(method, path, body)
	m.answer, m.entry = string(a.Raw), r.lab.Journal.Last()
	r.moments = append(r.moments, m)
}

// play has replication, a second user, faults with odds and time in it.
func play(t *testing.T) *trip {
	t.Helper()
	r := &trip{t: t, lab: simtest.New(t, sim.WithSeed(11)), datasets: map[string][]int64{}}
	ids, sources, targets := replicas(r.lab, 2, map[string]any{"sync_interval": 60_000})
	r.datasets["box-1"], r.datasets["box-2"] = sources, targets
	a := r.lab.Client("box-1")
	a.Post("users", map[string]any{"name": "reader", "email": "r@x.y", "password": "Aa1!Hidden123", "role": "READ_ONLY"})
	_, err := r.lab.AddFault(t.Context(), fault.Rule{Site: fault.HTTP, ID: "odd", Array: "box-1", Method: "POST", Odds: 0.4, Effect: fault.Effect{Type: fault.Error, Code: "SYSTEM_NOT_READY"}})
	require.NoError(t, err)
	_, err = r.lab.AddFault(t.Context(), fault.Rule{Site: fault.Job, ID: "slow", Odds: 0.3, Effect: fault.Effect{Type: fault.Delay, Delay: fault.Duration(7 * time.Second)}})
	require.NoError(t, err)
	reader := r.lab.Client("box-1")
	reader.User, reader.Password = "reader", "Aa1!Hidden123"
	pool := a.Get(fmt.Sprintf("volumes/%d", sources[0])).ID("pool_id")
	for i := range 8 {
		r.ask(a, "POST", "volumes", map[string]any{"name": fmt.Sprint("n", i), "size": 1_000_000_000, "pool_id": pool})
		r.lab.MustWrite("box-1", sources[i%2], sim.Write{Offset: int64(i) << 20, Length: 1 << 20, Seed: uint64(i + 1)})
		r.ask(reader, "GET", "volumes?sort=-id", nil)
		r.ask(a, "POST", fmt.Sprintf("replicas/%d/sync", ids[i%2]), nil)
		r.lab.MustAdvance(time.Duration(i*17) * time.Second)
		r.ask(reader, "DELETE", fmt.Sprintf("volumes/%d?approved=true", sources[0]), nil) // may not
	}
	r.ask(a, "POST", fmt.Sprintf("replicas/%d/suspend", ids[0]), nil)
	r.ask(a, "DELETE", fmt.Sprintf("replicas/%d?approved=true", ids[1]), nil)
	r.ask(a, "GET", "events?page_size=1000", nil)
	require.NoError(t, r.lab.RemoveFault(t.Context(), "odd"))
	r.ask(a, "POST", "pools", map[string]any{"name": "last", "physical_capacity": 1_000_000_000_000, "virtual_capacity": 1_000_000_000_000})
	return r
}

// TestTravel_theSameRequestHasTheSameAnswer travels to every request of a run.
func TestTravel_theSameRequestHasTheSameAnswer(t *testing.T) {
	t.Parallel()
	r := play(t)
	refused := 0
	for _, m := range r.moments {
		past, c := r.lab.Travel(t, m.entry)
		require.Equal(t, m.now, past.Clock.Now(), "#%d", m.entry)
		state, digests := r.state(past)
		require.Equal(t, m.digests, digests, "#%d", m.entry)
		require.Equal(t, m.print, state, "#%d", m.entry)
		e := r.lab.Journal.Entries(journal.Filter{Since: m.entry - 1, Until: m.entry + 1})[0]
		require.Equal(t, m.answer, string(c.Repeat(e).Raw), "#%d", m.entry)
		again := past.Journal.Entries(journal.Filter{})[0]
		assert.Equal(t, e.User, again.User)
		assert.Equal(t, e.Status, again.Status)
		assert.Equal(t, e.Faults, again.Faults)
		assert.Equal(t, e.Objects, again.Objects)
		if len(e.Faults) > 0 {
			refused++
		}
		require.NoError(t, past.Close())
	}
	assert.Greater(t, refused, 2, "the odds have to strike")
	assert.Less(t, refused, len(r.moments)/2)
}

// TestTravel_aJobRunsAgain travels to jobs, which are due there and do the same
// once more; a move of a replica is no place to travel to.
func TestTravel_aJobRunsAgain(t *testing.T) {
	t.Parallel()
	r := play(t)
	jobs := r.lab.Journal.Entries(journal.Filter{Entry: journal.Job})
	late := 0
	for _, e := range jobs {
		if e.Ran.Later {
			late++
		}
	}
	assert.Positive(t, late, "the odds have to strike")
	for _, e := range []sim.Entry{jobs[2], jobs[len(jobs)/2], jobs[len(jobs)-1]} {
		past, _ := r.lab.Travel(t, e.Seq)
		assert.Equal(t, e.Time, past.Clock.Now())
		report, err := past.AdvanceTo(t.Context(), past.Clock.Now())
		require.NoError(t, err)
		require.NotEmpty(t, report.Ran)
		first := past.Journal.Entries(journal.Filter{Entry: journal.Job})[0]
		assert.Equal(t, e.Ran, first.Ran)
		assert.Equal(t, e.Objects, first.Objects)
		assert.Equal(t, e.Faults, first.Faults)
	}
	moves := r.lab.Journal.Entries(journal.Filter{Entry: journal.Move})
	_, err := r.lab.Lab.Travel(moves[0].Seq)
	require.ErrorContains(t, err, "part of a request or a job")
}

func TestTravel_refused(t *testing.T) {
	t.Parallel()
	l := simtest.New(t, sim.WithHistory(20_000))
	a := l.Client("box-1")
	pool := a.Post("pools", map[string]any{"name": "p", "physical_capacity": 1_000_000_000_000, "virtual_capacity": 1_000_000_000_000}).ID("id")
	for i := range 20 {
		a.Post("volumes", map[string]any{"name": fmt.Sprint("v", i), "size": 1_000_000_000, "pool_id": pool})
	}
	for entry, want := range map[int64]string{1: "STATE_NOT_KEPT", 0: "ENTRY_NOT_FOUND", 22: "ENTRY_NOT_FOUND", -5: "ENTRY_NOT_FOUND"} {
		_, err := l.Lab.Travel(entry)
		require.ErrorContains(t, err, want, "%d", entry)
	}
	past, _ := l.Travel(t, 21)
	assert.Len(t, past.Client("box-1").Do(http.MethodGet, "volumes", nil).Result, 19)
	without := simtest.New(t, sim.WithHistory(0))
	without.Client("box-1").Get("system")
	_, err := without.Lab.Travel(1)
	require.ErrorContains(t, err, "STATE_NOT_KEPT")
}

// TestTravel_nothingComesBack changes the past, which is not the lab's.
func TestTravel_nothingComesBack(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	a := l.Client("box-1")
	a.Refused(http.StatusNotFound, "POOL_NOT_FOUND", "GET", "pools/1", nil)
	a.Refused(http.StatusBadRequest, "MALFORMED_REQUEST", "POST", "pools", []byte("{"))
	before, err := l.Fingerprint(t.Context())
	require.NoError(t, err)
	for entry := range int64(2) {
		past, c := l.Travel(t, entry+1)
		assert.Equal(t, clock.Epoch, past.Clock.Now())
		e := l.Journal.Entries(journal.Filter{Since: entry})[0]
		assert.Equal(t, e.Answer, strings.TrimSpace(string(c.Repeat(e).Raw)))
		c = past.Client("box-2")
		c.Post("pools", map[string]any{"name": "p", "physical_capacity": 1_000_000_000_000, "virtual_capacity": 1_000_000_000_000})
		past.MustAdvance(48 * time.Hour)
	}
	after, err := l.Fingerprint(t.Context())
	require.NoError(t, err)
	assert.Equal(t, before, after)
}

// TestTravel_whatWasDueIsDone travels to a request that brought the clock along:
// what fell due on the way comes before it.
func TestTravel_whatWasDueIsDone(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	_, sources, _ := replicas(l, 1, map[string]any{"sync_interval": 60_000})
	a := l.Client("box-1")
	a.Header = http.Header{"X-Sim-Now": {fmt.Sprint(l.Clock.Now().Add(time.Hour).CeilMS())}}
	a.Put(fmt.Sprintf("volumes/%d", sources[0]), map[string]any{"name": "renamed"})
	past, _ := l.Travel(t, l.Journal.Last())
	assert.Equal(t, l.Clock.Now(), past.Clock.Now())
	report, err := past.AdvanceTo(t.Context(), past.Clock.Now())
	require.NoError(t, err)
	assert.Empty(t, report.Ran)
	assert.Equal(t, "v0", past.Client("box-1").Get(fmt.Sprintf("volumes/%d", sources[0]))["name"])
}
