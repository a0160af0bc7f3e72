package fault_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/fault"
)

func TestPresets_comeToRulesThatHold(t *testing.T) {
	t.Parallel()
	for _, p := range fault.Presets() {
		assert.NotEmpty(t, p.About, p.Name)
		assert.True(t, len(p.Example.Rules) > 0 || p.Example.Jump > 0, p.Name)
		ids := map[string]bool{}
		for _, r := range p.Example.Rules {
			require.NoError(t, r.Validate(0), p.Name)
			assert.False(t, ids[r.ID], r.ID)
			ids[r.ID] = true
		}
	}
}

func TestExpand_linkFlap(t *testing.T) {
	t.Parallel()
	s := func(n int) fault.Duration { return fault.Duration(n) * fault.Duration(time.Second) }
	plan, err := fault.Ask{
		Preset: "link_flap", ID: "flap", Array: "a", Peer: "b", After: s(10), For: s(2), Every: s(5), Count: 2,
	}.Expand(clock.Epoch)
	require.NoError(t, err)
	now := clock.Epoch.MS()
	down := func(id string, from, until int64) fault.Rule {
		return fault.Rule{
			ID: id, Site: fault.Link, Array: "a", Peer: "b", From: now + from, Until: now + until, Effect: fault.Effect{Type: fault.Down},
		}
	}
	assert.Equal(t, []fault.Rule{down("flap-1", 10_000, 12_000), down("flap-2", 15_000, 17_000)}, plan.Rules)
}

func TestExpand_refuses(t *testing.T) {
	t.Parallel()
	for member, a := range map[string]fault.Ask{
		"preset": {Preset: "storm"},
		"peer":   {Preset: "link_flap", Array: "a"},
		"odds":   {Preset: "pool_full", Array: "a", Pool: 1, Odds: 0.5},
		"after":  {Preset: "clock_jump", After: 1},
		"by":     {Preset: "clock_jump", By: -1},
		"for":    {Preset: "node_down", Array: "a", For: fault.Duration(200 * 24 * time.Hour)},
		"count":  {Preset: "drive_failures", Array: "a", Count: -1},
	} {
		_, err := a.Expand(clock.Epoch)
		e, ok := apierr.As(err)
		require.True(t, ok, member)
		assert.Equal(t, member, e.Subject, e.Message)
	}
}

// TestDelay_lognormal draws many delays: half of them are below the median, and
// their logarithms spread as far as asked.
func TestDelay_lognormal(t *testing.T) {
	t.Parallel()
	const n = 2000
	r := fault.Rule{ID: "slow", Site: fault.HTTP, Effect: fault.Effect{Type: fault.Delay, Delay: fault.Duration(time.Second), Sigma: 0.5}}
	draw := func() (out []float64) {
		s := set(t, 1, r)
		for range n {
			out = append(out, time.Duration(s.Strike(get("x"))[0].Delay).Seconds())
		}
		return out
	}
	delays := draw()
	assert.Equal(t, delays, draw())
	sum, squares := 0.0, 0.0
	for _, d := range delays {
		sum += math.Log(d)
		squares += math.Log(d) * math.Log(d)
	}
	assert.InDelta(t, 0, sum/n, 0.05)
	assert.InDelta(t, 0.5, math.Sqrt(squares/n-sum/n*sum/n), 0.03)
	slices.Sort(delays)
	assert.InDelta(t, 1, delays[n/2], 0.05)
}

// TestStrike_dicePastTheSession has a rule that asks for the user meet only
// some of the requests: its dice are those of the request, not of the meeting.
func TestStrike_dicePastTheSession(t *testing.T) {
	t.Parallel()
	r := reset("who")
	r.User, r.Odds = "admin", 0.5
	run := func(reaches func(n int) bool) (out []bool) {
		s := set(t, 1, r)
		for n := range 100 {
			e := get("x")
			e.Draws = map[string]int{}
			require.Empty(t, s.Strike(e))
			e.Inside, e.User = true, "admin"
			out = append(out, reaches(n) && len(s.Strike(e)) == 1)
		}
		return out
	}
	all, some := run(func(int) bool { return true }), run(func(n int) bool { return n%3 > 0 })
	for n := range all {
		assert.Equal(t, all[n] && n%3 > 0, some[n], n)
	}
}

func TestStrike_whatActsFirstSpendsNobodyElsesTimes(t *testing.T) {
	t.Parallel()
	once := reset("once")
	once.Times = 1
	s := set(t, 1, reset("always"), once)
	assert.Equal(t, "xxx", strikes(s, 3))
	s.Remove("always")
	assert.Equal(t, "...", strikes(s, 3), "it decided on the first, as it would have alone")
	assert.Equal(t, "spent", s.List(clock.Epoch)[0].State)
}

func TestValidate_effects(t *testing.T) {
	t.Parallel()
	for text, member := range map[string]string{
		`{"site":"http","effect":{"type":"garble"}}`:                                                "effect.body",
		`{"site":"http","effect":{"type":"garble","body":"envelope"}}`:                              "effect.body",
		`{"site":"http","effect":{"type":"drip"}}`:                                                  "effect.delay",
		`{"site":"http","effect":{"type":"drip","delay":1,"bytes":-1}}`:                             "effect.bytes",
		`{"site":"http","effect":{"type":"reset","status":500}}`:                                    "effect.status",
		`{"site":"http","effect":{"type":"error","code":"oops"}}`:                                   "effect.code",
		`{"site":"http","effect":{"type":"error","code":"X","status":9}}`:                           "effect.status",
		`{"site":"http","effect":{"type":"delay","delay":1,"spread":1,"sigma":1}}`:                  "effect.sigma",
		`{"site":"http","effect":{"type":"delay","delay":1,"sigma":9}}`:                             "effect.sigma",
		`{"site":"http","effect":{"type":"delay","delay":"25h"}}`:                                   "effect.delay",
		`{"site":"job","effect":{"type":"delay","delay":1,"clock":"real"}}`:                         "effect.clock",
		`{"site":"job","effect":{"type":"stall","retry":1}}`:                                        "effect.retry",
		`{"site":"link","array":"a","peer":"b","effect":{"type":"loss"}}`:                           "effect.loss",
		`{"site":"link","array":"a","peer":"b","effect":{"type":"loss","loss":1}}`:                  "effect.loss",
		`{"site":"link","array":"a","peer":"b","effect":{"type":"latency","delay":1,"sigma":1}}`:    "effect.sigma",
		`{"site":"array","effect":{"type":"component","component":"nodes/1"}}`:                      "array",
		`{"site":"array","array":"a","effect":{"type":"component"}}`:                                "effect.component",
		`{"site":"array","array":"a","effect":{"type":"full"}}`:                                     "object",
		`{"site":"array","array":"a","object":1,"odds":0.5,"effect":{"type":"full"}}`:               "odds",
		`{"site":"array","array":"a","object":1,"effect":{"type":"component","component":"ups/1"}}`: "object",
		`{"id":"a/b","site":"http","effect":{"type":"reset"}}`:                                      "id",
		`{"site":"http","from":-1,"effect":{"type":"reset"}}`:                                       "from",
		`{"site":"http","until":9223372036854775807,"effect":{"type":"reset"}}`:                     "until",
	} {
		var r fault.Rule
		require.NoError(t, json.Unmarshal([]byte(text), &r), text)
		e, refused := apierr.As(r.Validate(clock.Epoch))
		require.True(t, refused, text)
		assert.Equal(t, member, e.Subject, text)
	}
}

func TestRule_fits(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string][]bool{ // volumes, volumes/{id}, components/*
		"": {true, true, true}, "volumes": {true, false, false}, "volumes/7": {false, true, false}, "*": {true, false, false},
		"*/7": {false, true, true}, "volumes/**": {true, true, false}, "components/nodes/1": {false, false, true}, "x/**": {false, false, false},
	} {
		var got []bool
		for _, route := range []string{"volumes", "volumes/{id}", "components/*"} {
			got = append(got, fault.Rule{Path: pattern}.Fits(route))
		}
		assert.Equal(t, want, got, pattern)
	}
}
