package fault_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/apierr"
	"infinisim/sim/chance"
	"infinisim/sim/clock"
	"infinisim/sim/fault"
)

func set(tb testing.TB, seed uint64, rules ...fault.Rule) *fault.Set {
	tb.Helper()
	s := new(fault.Set)
	s.Seed(chance.New(seed))
	for _, r := range rules {
		require.NoError(tb, s.Add(r))
	}
	return s
}

func reset(id string) fault.Rule {
	return fault.Rule{ID: id, Site: fault.HTTP, Effect: fault.Effect{Type: fault.Reset}}
}

func get(path string) fault.Event {
	return fault.Event{Site: fault.HTTP, Now: clock.Epoch, Array: "box-1", Method: "GET", Path: path}
}

// strikes tells of n equal events which were struck.
func strikes(s *fault.Set, n int) (out string) {
	for range n {
		if len(s.Strike(get("volumes"))) > 0 {
			out += "x"
		} else {
			out += "."
		}
	}
	return out
}

func TestStrike_skipTimesAndOdds(t *testing.T) {
	t.Parallel()
	r := reset("r")
	r.Skip, r.Times = 2, 3
	assert.Equal(t, "..xxx...", strikes(set(t, 1, r), 8))
	r = reset("r")
	r.Odds = 0.3
	first := strikes(set(t, 1, r), 1000)
	assert.Equal(t, first, strikes(set(t, 1, r), 1000), "one seed, one run")
	assert.NotEqual(t, first, strikes(set(t, 2, r), 1000))
	n := 0
	for _, c := range first {
		if c == 'x' {
			n++
		}
	}
	assert.InDelta(t, 300, n, 60)
}

func TestStrike_aWindowComesAgain(t *testing.T) {
	t.Parallel()
	r := reset("r")
	r.From, r.Until, r.Every = 10_000, 12_000, fault.Duration(5*time.Second)
	s := set(t, 1, r)
	var struck, state string
	for at := range clock.Time(24) {
		e := get("volumes")
		e.Now = at * clock.Time(time.Second)
		state += s.List(e.Now)[0].State[:1]
		struck += fmt.Sprint(len(s.Strike(e)))
	}
	assert.Equal(t, "000000000011000110001100", struck)
	assert.Equal(t, "wwwwwwwwwwiiwwwiiwwwiiww", state)
	assert.Equal(t, 15_000, int(r.At(clock.FromMS(12_000)).From))
}

func TestStrike_diceDoNotDependOnOtherRules(t *testing.T) {
	t.Parallel()
	odd := reset("odd")
	odd.Odds = 0.5
	alone := set(t, 1, odd)
	strikes(alone, 200)
	behind := set(t, 1, reset("always"), odd)
	strikes(behind, 200)
	// A rule that comes second still counts and rolls: what it decided shows
	// when the first is gone.
	behind.Remove("always")
	assert.Equal(t, 200, behind.List(clock.Epoch)[0].Matched)
	assert.Equal(t, strikes(alone, 50), strikes(behind, 50))
}

func TestStrike_matches(t *testing.T) {
	t.Parallel()
	e := fault.Event{
		Site: fault.HTTP, Now: clock.Epoch, Array: "box-1", Kind: "volume", Object: 7, Method: "PUT", Path: "volumes/7",
	}
	inside := e
	inside.Inside, inside.User, inside.Fields = true, "admin", map[string]json.RawMessage{"name": json.RawMessage(`"x"`), "size": json.RawMessage("5")}
	for name, c := range map[string]struct {
		change func(r *fault.Rule)
		out    bool // strikes outside
		in     bool // strikes inside
	}{
		"everything":       {func(*fault.Rule) {}, true, false},
		"array":            {func(r *fault.Rule) { r.Array = "box-1" }, true, false},
		"another array":    {func(r *fault.Rule) { r.Array = "box-2" }, false, false},
		"method":           {func(r *fault.Rule) { r.Method = "GET" }, false, false},
		"kind and object":  {func(r *fault.Rule) { r.Kind, r.Object = "volume", 7 }, true, false},
		"another object":   {func(r *fault.Rule) { r.Object = 8 }, false, false},
		"path":             {func(r *fault.Rule) { r.Path = "volumes/*" }, true, false},
		"path and rest":    {func(r *fault.Rule) { r.Path = "volumes/**" }, true, false},
		"shorter path":     {func(r *fault.Rule) { r.Path = "volumes" }, false, false},
		"longer path":      {func(r *fault.Rule) { r.Path = "volumes/*/luns" }, false, false},
		"user":             {func(r *fault.Rule) { r.User = "admin" }, false, true},
		"another user":     {func(r *fault.Rule) { r.User = "x" }, false, false},
		"field":            {func(r *fault.Rule) { r.Fields = map[string]json.RawMessage{"name": json.RawMessage(` "x"`)} }, false, true},
		"any value":        {func(r *fault.Rule) { r.Fields = map[string]json.RawMessage{"size": json.RawMessage("null")} }, false, true},
		"another value":    {func(r *fault.Rule) { r.Fields = map[string]json.RawMessage{"size": json.RawMessage("6")} }, false, false},
		"missing field":    {func(r *fault.Rule) { r.Fields = map[string]json.RawMessage{"y": json.RawMessage("null")} }, false, false},
		"window":           {func(r *fault.Rule) { r.From, r.Until = clock.Epoch.MS(), clock.Epoch.MS()+1 }, true, false},
		"before the start": {func(r *fault.Rule) { r.From = clock.Epoch.MS() + 1 }, false, false},
		"at the end":       {func(r *fault.Rule) { r.Until = clock.Epoch.MS() }, false, false},
		"another site":     {func(r *fault.Rule) { r.Site = fault.Job }, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reset("r")
			c.change(&r)
			assert.Equal(t, c.out, len(set(t, 1, r).Strike(e)) == 1, "outside")
			assert.Equal(t, c.in, len(set(t, 1, r).Strike(inside)) == 1, "inside")
		})
	}
}

func TestStrike_delaysAddUpAndOneOtherEffectActs(t *testing.T) {
	t.Parallel()
	delay := fault.Rule{ID: "d", Site: fault.HTTP, Effect: fault.Effect{Type: fault.Delay, Delay: fault.Duration(time.Second), Spread: fault.Duration(time.Second)}}
	s := set(t, 1, delay, reset("a"), reset("b"))
	hits := s.Strike(get("x"))
	require.Len(t, hits, 2)
	assert.Equal(t, "d", hits[0].ID)
	assert.Equal(t, "a", hits[1].ID)
	assert.GreaterOrEqual(t, hits[0].Delay, fault.Duration(time.Second))
	assert.LessOrEqual(t, hits[0].Delay, fault.Duration(2*time.Second))
	e := get("x")
	e.Past = []string{"d", "a"}
	assert.Equal(t, "b", s.Strike(e)[0].ID)
	assert.Empty(t, (*fault.Set)(nil).Strike(e))
}

func TestCopy_countsByItself(t *testing.T) {
	t.Parallel()
	r := reset("r")
	r.Times = 2
	s := set(t, 1, r)
	strikes(s, 1)
	c := s.Copy()
	assert.Equal(t, "x.", strikes(c, 2))
	assert.Equal(t, "x.", strikes(s, 2))
}

// TestVocabulary_everySite finds an effect of each site: coverage lists what
// a suite never had strike.
func TestVocabulary_everySite(t *testing.T) {
	t.Parallel()
	all := fault.Vocabulary()
	for _, want := range []string{"http reset", "link down", "job stall", "array component", "array full"} {
		assert.Contains(t, all, want)
	}
}

func TestValidate_refusesWhatNeverStrikes(t *testing.T) {
	t.Parallel()
	ok := []string{
		`{"site":"http","effect":{"type":"error","code":"VOLUME_NOT_FOUND"}}`,
		`{"site":"http","effect":{"type":"status","status":503,"body":"empty"}}`,
		`{"site":"http","effect":{"type":"delay","delay":"1.5s","clock":"real"}}`,
		`{"site":"http","effect":{"type":"delay","delay":1500}}`,
		`{"site":"link","array":"a","peer":"b","effect":{"type":"bandwidth","bandwidth":1}}`,
		`{"site":"job","class":"periodic","effect":{"type":"fail"}}`,
		`{"site":"http","from":1000,"until":2000,"every":"1001ms","effect":{"type":"reset"}}`,
	}
	bad := map[string]string{
		`{"site":"disk","effect":{"type":"reset"}}`:                                            "site",
		`{"site":"http","effect":{"type":"down"}}`:                                             "effect.type",
		`{"site":"http","odds":2,"effect":{"type":"reset"}}`:                                   "odds",
		`{"site":"http","times":-1,"effect":{"type":"reset"}}`:                                 "times",
		`{"site":"http","from":9,"until":9,"effect":{"type":"reset"}}`:                         "until",
		`{"site":"http","until":9,"effect":{"type":"reset"}}`:                                  "until",
		`{"site":"http","from":9,"every":"1h","effect":{"type":"reset"}}`:                      "every",
		`{"site":"http","until":4000000000000,"every":"1h","effect":{"type":"reset"}}`:         "every",
		`{"site":"http","from":1000,"until":2000,"every":"1s","effect":{"type":"reset"}}`:      "every",
		`{"site":"http","from":1000,"until":2000,"every":"1.0001s","effect":{"type":"reset"}}`: "every",
		`{"site":"http","from":1000,"until":2000,"every":"-5s","effect":{"type":"reset"}}`:     "every",
		`{"site":"http","from":1000,"until":2000,"every":"2401h","effect":{"type":"reset"}}`:   "every",
		`{"site":"http","job":"x","effect":{"type":"reset"}}`:                                  "job",
		`{"site":"job","path":"x","effect":{"type":"fail"}}`:                                   "path",
		`{"site":"job","class":"x","effect":{"type":"fail"}}`:                                  "class",
		`{"site":"link","array":"a","effect":{"type":"down"}}`:                                 "peer",
		`{"site":"link","array":"a","peer":"b","odds":0.5,"effect":{"type":"down"}}`:           "odds",
		`{"site":"http","method":"PATCH","effect":{"type":"reset"}}`:                           "method",
		`{"site":"http","method":"GET","fields":{"a":1},"effect":{"type":"reset"}}`:            "fields",
		`{"site":"http","path":"/api/rest/volumes","effect":{"type":"reset"}}`:                 "path",
		`{"site":"http","path":"volumes?name=v","effect":{"type":"reset"}}`:                    "path",
		`{"site":"http","path":"volumes/**/refresh","effect":{"type":"reset"}}`:                "path",
		`{"site":"http","path":"volumes/10*","effect":{"type":"reset"}}`:                       "path",
		`{"site":"http","effect":{"type":"error"}}`:                                            "effect.code",
		`{"site":"http","effect":{"type":"status","status":99}}`:                               "effect.status",
		`{"site":"http","effect":{"type":"status","status":500,"body":"x"}}`:                   "effect.body",
		`{"site":"http","effect":{"type":"delay"}}`:                                            "effect.delay",
		`{"site":"http","effect":{"type":"delay","delay":"1s","clock":"x"}}`:                   "effect.clock",
		`{"site":"link","array":"a","peer":"b","effect":{"type":"bandwidth","bandwidth":-1}}`:  "effect.bandwidth",
		`{"site":"link","array":"a","peer":"b","effect":{"type":"latency","delay":"-1s"}}`:     "effect.delay",
	}
	for _, text := range ok {
		var r fault.Rule
		require.NoError(t, json.Unmarshal([]byte(text), &r), text)
		require.NoError(t, r.Validate(clock.Epoch), text)
	}
	for text, member := range bad {
		var r fault.Rule
		require.NoError(t, json.Unmarshal([]byte(text), &r), text)
		e, isRefusal := apierr.As(r.Validate(clock.Epoch))
		require.True(t, isRefusal, text)
		assert.Equal(t, member, e.Subject, text)
	}
	var r fault.Rule
	require.Error(t, json.Unmarshal([]byte(`{"effect":{"kind":"x"}}`), &r))
	require.Error(t, json.Unmarshal([]byte(`{"effect":{"delay":"soon"}}`), &r))
}

func Example() {
	s := new(fault.Set)
	s.Seed(chance.New(7))
	err := s.Add(fault.Rule{
		ID: "busy", Site: fault.HTTP, Method: "POST", Path: "volumes", Skip: 1, Times: 1,
		Effect: fault.Effect{Type: fault.Status, Status: 503},
	})
	for range 3 {
		hits := s.Strike(fault.Event{Site: fault.HTTP, Now: clock.Epoch, Method: "POST", Path: "volumes"})
		fmt.Println(len(hits), err)
	}
	// Output:
	// 0 <nil>
	// 1 <nil>
	// 0 <nil>
}
