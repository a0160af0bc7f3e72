package sim_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/apierr"
	"infinisim/sim/fault"
	"infinisim/sim/journal"
	"infinisim/sim/simtest"
)

func TestFault_components(t *testing.T) {
	t.Parallel()
	for path, c := range map[string]struct{ member, failed, state string }{
		"nodes/1": {"state", "FAILED", ""}, "nodes/2/fc_ports/1": {"link_state", "DOWN", ""}, "nodes/1/services/core": {"state", "INACTIVE", ""},
		"enclosures/3/drives/7": {"state", "MISSING", "MISSING"}, "nodes/3/drives/4": {"state", "FAILED", ""}, "pdus/1": {"state", "ERROR", ""},
	} {
		l := simtest.New(t)
		read := func() any { return l.Client("box-1").Get("components/" + path)[c.member] }
		was := read()
		now := l.Clock.Now().MS()
		inject(t, l, fmt.Sprintf(`{"id":"r","site":"array","array":"box-1","from":%d,"until":%d,"effect":{"type":"component","component":%q,"state":%q}}`,
			now+60_000, now+120_000, path, c.state))
		assert.Equal(t, []any{was, "waiting", 0}, []any{read(), l.Faults()[0].State, l.Faults()[0].Hits}, path)
		l.MustAdvance(time.Minute)
		assert.Equal(t, []any{c.failed, "in force", 1}, []any{read(), l.Faults()[0].State, l.Faults()[0].Hits}, path)
		l.MustAdvance(time.Minute)
		assert.Equal(t, []any{was, "over"}, []any{read(), l.Faults()[0].State}, path)
	}
}

func TestFault_componentsThatRulesShare(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	state := func() any { return l.Client("box-1").Get("components/nodes/1")["state"] }
	hold := func(id, value string) {
		inject(t, l, fmt.Sprintf(`{"id":%q,"site":"array","array":"box-1","effect":{"type":"component","component":"nodes/1","state":%q}}`, id, value))
	}
	hold("a", "DEGRADED")
	hold("b", "FAILED")
	require.NoError(t, l.RemoveFault(t.Context(), "a"))
	assert.Equal(t, "FAILED", state())
	require.NoError(t, l.RemoveFault(t.Context(), "b"))
	assert.Equal(t, "ACTIVE", state())
	hold("a", "FAILED")
	hold("b", "DEGRADED")
	require.NoError(t, l.RemoveFault(t.Context(), "b"))
	assert.Equal(t, "FAILED", state())
	require.NoError(t, l.ClearFaults(t.Context()))
	assert.Equal(t, "ACTIVE", state())
}

func TestFault_poolIsFull(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	c := l.Client("box-1")
	id := c.Post("pools", map[string]any{"name": "p", "physical_capacity": 1_000_000_000_000, "virtual_capacity": 1_000_000_000_000}).ID("id")
	v := c.Post("volumes", map[string]any{"name": "v", "pool_id": id, "size": 1_000_000_000}).ID("id")
	path := fmt.Sprintf("pools/%d", id)
	write := func() apierr.Code {
		return apierr.CodeOf(l.Write(t.Context(), "box-1", v, sim.Write{Length: 4096, Seed: 7}))
	}
	_, err := l.AddPreset(t.Context(), fault.Ask{Preset: "pool_full", Array: "box-1", Pool: id, For: fault.Duration(time.Hour)})
	require.NoError(t, err)
	assert.Equal(t, "LOCKED", c.Get(path)["state"])
	assert.Equal(t, apierr.PoolIsLocked, write())
	c.Post(path+"/unlock", nil)
	assert.Equal(t, "LOCKED", c.Get(path)["state"], "an administrator cannot help it")
	fork := l.Fork(t)
	l.MustAdvance(time.Hour)
	assert.Equal(t, "NORMAL", c.Get(path)["state"])
	assert.Equal(t, apierr.Code(""), write())
	assert.Equal(t, "LOCKED", fork.Client("box-1").Get(path)["state"])
	require.NoError(t, fork.ClearFaults(t.Context()))
	assert.Equal(t, "NORMAL", fork.Client("box-1").Get(path)["state"])
}

func TestFault_poolIsGoneMeanwhile(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	c := l.Client("box-1")
	id := c.Post("pools", map[string]any{"name": "p", "physical_capacity": 1_000_000_000_000, "virtual_capacity": 1_000_000_000_000}).ID("id")
	for _, after := range []fault.Duration{0, fault.Duration(time.Hour)} {
		_, err := l.AddPreset(t.Context(), fault.Ask{Preset: "pool_full", ID: fmt.Sprint("r", int64(after)), Array: "box-1", Pool: id, After: after})
		require.NoError(t, err)
	}
	c.Delete(fmt.Sprintf("pools/%d", id))
	l.MustAdvance(3 * time.Hour) // the lab's check finds no job that failed
	for _, f := range l.Faults() {
		assert.Equal(t, "over", f.State)
	}
}

// copyTime is how long a replica takes to copy what a host writes to its source.
func copyTime(l *simtest.Lab, replica, source int64) time.Duration {
	start := l.Clock.Now()
	l.MustWrite("box-1", source, sim.Write{Offset: 0, Length: 100_007_936, Seed: uint64(start)}) //nolint:gosec // any seed
	l.Client("box-1").Post(fmt.Sprintf("replicas/%d/sync", replica), nil)
	l.MustSettle()
	return l.Clock.Now().Sub(start)
}

func TestFault_linksThatLoseAndHear(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	link := l.Links()[0]
	state := func() any { return l.Client("box-1").Get(fmt.Sprintf("links/%d", link.AID))["link_state"] }
	ids, sources, targets := replicas(l, 1, map[string]any{"sync_interval": 3_600_000})
	l.MustSettle()
	copied := func() time.Duration { return copyTime(l, ids[0], sources[0]) }
	quick := copied()
	inject(t, l, `{"id":"loss","site":"link","array":"box-1","peer":"box-2","effect":{"type":"loss","loss":0.5}}`)
	assert.InDelta(t, 2, copied().Seconds()/quick.Seconds(), 0.1)
	inject(t, l, `{"id":"more","site":"link","array":"box-2","peer":"box-1","effect":{"type":"loss","loss":0.5}}`)
	assert.InDelta(t, 4, copied().Seconds()/quick.Seconds(), 0.2)
	require.NoError(t, l.ClearFaults(t.Context()))
	assert.Equal(t, quick, copied())
	inject(t, l, `{"id":"half","site":"link","array":"box-1","peer":"box-2","effect":{"type":"cut"}}`)
	assert.Equal(t, "DOWN", state())
	inject(t, l, `{"id":"other","site":"link","array":"box-2","peer":"box-1","effect":{"type":"cut"}}`)
	require.NoError(t, l.RemoveFault(t.Context(), "half"))
	assert.Equal(t, "DOWN", state())
	require.NoError(t, l.RemoveFault(t.Context(), "other"))
	assert.Equal(t, "UP", state())
	l.MustSettle()
	assert.Equal(t, l.MustDigest("box-1", sources[0]), l.MustDigest("box-2", targets[0]))
}

func TestFault_jobsStall(t *testing.T) {
	t.Parallel()
	for _, until := range []time.Duration{0, time.Hour} {
		l := simtest.New(t)
		rule := fault.Rule{ID: "s", Site: fault.Job, Kind: "replica", Class: "settle", Effect: fault.Effect{Type: fault.Stall}}
		if until > 0 {
			rule.Until = l.Clock.Now().Add(until).MS()
		}
		_, err := l.AddFault(t.Context(), rule)
		require.NoError(t, err)
		ids, sources, targets := replicas(l, 1, nil)
		r, err := l.Settle(t.Context())
		require.NoError(t, err)
		require.NotEmpty(t, r.Blocked)
		assert.Contains(t, r.Blocked[0], "stalls: fault s")
		initial := func() any { return l.Client("box-1").Get(fmt.Sprintf("replicas/%d", ids[0]))["is_initial"] }
		assert.Equal(t, true, initial())
		l.MustAdvance(59 * time.Minute)
		assert.Equal(t, true, initial())
		if until == 0 {
			require.NoError(t, l.RemoveFault(t.Context(), "s"))
		} else {
			l.MustAdvance(time.Minute)
		}
		l.MustSettle()
		assert.Equal(t, false, initial())
		assert.Equal(t, l.MustDigest("box-1", sources[0]), l.MustDigest("box-2", targets[0]))
		struck := 0
		for _, e := range l.Journal.Entries(journal.Filter{Method: "FAULT"}) {
			struck++
			assert.Equal(t, []string{"s"}, e.Faults)
			assert.Contains(t, e.Path, "job/replica.")
		}
		require.Positive(t, struck)
		if until > 0 {
			assert.Equal(t, l.Faults()[0].Hits, struck)
		}
	}
}

func TestFault_whatNoRequestMatches(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	reset := fault.Effect{Type: fault.Reset}
	for want, r := range map[string]fault.Rule{
		"path":             {Site: fault.HTTP, Path: "volumez", Effect: reset},
		"method":           {Site: fault.HTTP, Path: "system", Method: "DELETE", Effect: reset},
		"kind":             {Site: fault.HTTP, Path: "volumes/*", Kind: "pool", Effect: reset},
		"object":           {Site: fault.HTTP, Path: "volumes", Method: "GET", Object: 7, Effect: reset},
		"user":             {Site: fault.HTTP, Path: "users/login", Method: "POST", User: "admin", Effect: reset},
		"effect.component": {Site: fault.Array, Array: "box-1", Effect: fault.Effect{Type: fault.Component}},
	} {
		_, err := l.AddFault(t.Context(), r)
		e, ok := apierr.As(err)
		require.True(t, ok, want)
		assert.Equal(t, want, e.Subject, e.Message)
	}
	later := l.Clock.Now().Add(time.Hour).MS()
	for code, r := range map[apierr.Code]fault.Rule{
		apierr.ComponentNotFound: {Site: fault.Array, Array: "box-1", From: later, Effect: fault.Effect{Type: fault.Component, Component: "nodes/9"}},
		apierr.InvalidValue:      {Site: fault.Array, Array: "box-1", From: later, Effect: fault.Effect{Type: fault.Component, Component: "nodes/1", State: "ASLEEP"}},
		apierr.PoolNotFound:      {Site: fault.Array, Array: "box-1", Object: 9, From: later, Effect: fault.Effect{Type: fault.Full}},
	} {
		_, err := l.AddFault(t.Context(), r)
		assert.Equal(t, code, apierr.CodeOf(err))
	}
	assert.Empty(t, l.Faults())
	for _, r := range []fault.Rule{
		{Site: fault.HTTP, Path: "volumes/**", Kind: "volume", Object: 7, Fields: nil, Effect: reset},
		{Site: fault.HTTP, Path: "*", Method: "POST", User: "admin", Effect: reset},
		{Site: fault.HTTP, Path: "volumes/1/restore", Method: "POST", Effect: reset},
	} {
		_, err := l.AddFault(t.Context(), r)
		require.NoError(t, err)
	}
}

// under runs a fixed list of requests under rules and gives the journal.
func under(t *testing.T, rules ...string) (lines []byte, entries []journal.Entry) {
	t.Helper()
	l := simtest.New(t, sim.WithSeed(7))
	for _, r := range rules {
		inject(t, l, r)
	}
	for i := range 40 {
		_, _ = send(t, l, http.MethodPost, "hosts", fmt.Sprintf(`{"name":"h%d"}`, i)) // some are lost
		_, _ = send(t, l, http.MethodGet, "hosts?fields=name&page_size=1", "")
		l.MustAdvance(time.Second)
	}
	var out bytes.Buffer
	require.NoError(t, l.Journal.WriteTo(&out, journal.Filter{}))
	return out.Bytes(), l.Journal.Entries(journal.Filter{})
}

func diced() []string {
	return []string{
		`{"id":"lost","site":"http","method":"POST","odds":0.2,"effect":{"type":"lost"}}`,
		`{"id":"busy","site":"http","odds":0.2,"effect":{"type":"status","status":503}}`,
		`{"id":"who","site":"http","user":"admin","odds":0.3,"effect":{"type":"error","code":"PERMISSION_DENIED"}}`,
		`{"id":"twice","site":"http","method":"POST","path":"hosts","odds":0.2,"times":4,"effect":{"type":"duplicate"}}`,
		`{"id":"late","site":"job","odds":0.5,"effect":{"type":"delay","delay":"1s","spread":"1s"}}`,
	}
}

func TestFault_oneRun(t *testing.T) {
	t.Parallel()
	first, entries := under(t, diced()...)
	struck := 0
	for _, e := range entries {
		struck += len(e.Faults)
	}
	require.Greater(t, struck, 20)
	for range 99 {
		again, _ := under(t, diced()...)
		require.Equal(t, string(first), string(again))
	}
}

// TestFault_rulesAreIndependent adds a rule to others: each of them strikes the
// same requests as before, but for those that the new one ended first.
func TestFault_rulesAreIndependent(t *testing.T) {
	t.Parallel()
	for _, more := range []string{
		`{"id":"more","site":"http","odds":0.3,"effect":{"type":"status","status":500}}`,
		`{"id":"more","site":"http","user":"admin","odds":0.3,"effect":{"type":"status","status":500}}`,
		`{"id":"more","site":"job","odds":0.5,"effect":{"type":"delay","delay":"100ms"}}`,
	} {
		for i, rule := range diced()[:4] {
			struck := func(rules ...string) (ids [][]string) {
				_, entries := under(t, rules...)
				seen := map[string]bool{}
				for _, e := range entries {
					key := e.Path + e.Body + fmt.Sprint(e.Time)
					if e.Method != "FAULT" && !seen[key] { // a duplicate is one request
						seen[key] = true
						ids = append(ids, e.Faults)
					}
				}
				return ids
			}
			alone, first, last := struck(rule), struck(more, rule), struck(rule, more)
			require.Len(t, first, len(alone))
			id := []string{"lost", "busy", "who", "twice"}[i]
			for n := range alone {
				has := slices.Contains[[]string]
				for where, now := range map[string][]string{"after": first[n], "before": last[n]} {
					ended := has(now, "more") && !has(now, id)
					assert.Equal(t, has(alone[n], id) && !ended, has(now, id), "%s, %s %s, request %d", rule, where, more, n)
				}
			}
		}
	}
}
