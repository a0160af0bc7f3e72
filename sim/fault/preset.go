package fault

import (
	"fmt"
	"net/http"
	"time"

	"infinisim/sim/clock"
)

// Ask names a preset: a well-known trouble, as the rules that make it. What is
// left out is the preset's own.
type Ask struct {
	// Preset is the name.
	Preset string `json:"preset"`
	// ID begins the ids of the rules, empty for the preset's name.
	ID string `json:"id,omitempty"`
	// Array is where it happens, Peer the other end of a link.
	Array string `json:"array,omitempty"`
	Peer  string `json:"peer,omitempty"`
	// Pool is the id of a pool.
	Pool int64 `json:"pool,omitempty"`
	// Component is a part of the hardware, such as nodes/2 or enclosures/3.
	Component string `json:"component,omitempty"`
	// After is when it begins, from now on; For is how long it lasts, once for
	// each of Count times, which begin Every so often.
	After Duration `json:"after,omitempty"`
	For   Duration `json:"for,omitempty"`
	Every Duration `json:"every,omitempty"`
	Count int      `json:"count,omitempty"`
	// Refuse is how long an array that fails over answers 503.
	Refuse Duration `json:"refuse,omitempty"`
	// Odds is how often a request is struck.
	Odds float64 `json:"odds,omitempty"`
	// Delay, Sigma and Clock are those of slow answers; Delay is the latency of a
	// WAN.
	Delay Duration `json:"delay,omitempty"`
	Sigma float64  `json:"sigma,omitempty"`
	Clock string   `json:"clock,omitempty"`
	// Loss and Bandwidth are those of a WAN.
	Loss      float64 `json:"loss,omitempty"`
	Bandwidth int64   `json:"bandwidth,omitempty"`
	// By is how far a clock jumps.
	By Duration `json:"by,omitempty"`
}

// Plan is what a preset comes to.
type Plan struct {
	// Rules are to be put in force.
	Rules []Rule `json:"rules"`
	// Jump is how far the lab's clock jumps.
	Jump Duration `json:"jump,omitempty"`
}

// Preset is a trouble that has a name.
type Preset struct {
	// Name is what an Ask names, About says what happens.
	Name  string `json:"name"`
	About string `json:"about"`
	// Needs are the members that an Ask has to have, Usual those that it may
	// have, as they are when they are left out.
	Needs []string `json:"needs"`
	Usual Ask      `json:"usual"`
	// Example is what it comes to on the arrays box-1 and box-2 and a pool 1006,
	// asked for at 1970-01-01T00:00:00Z.
	Example Plan `json:"example"`

	takes  []string
	expand func(a Ask, w window) Plan
}

// window is when a preset's rules hold.
type window struct{ now clock.Time }

// between is the rule in force from one time to another, both from now on; a
// zero end is never. Windows are whole milliseconds and never shorter than
// asked.
func (w window) between(r Rule, from, until Duration) Rule {
	if from > 0 {
		r.From = w.now.Add(time.Duration(from)).MS()
	}
	if until > from {
		r.Until = w.now.Add(time.Duration(until)).CeilMS()
	}
	return r
}

func (w window) whole(a Ask, r Rule) Rule {
	if a.For == 0 {
		return w.between(r, a.After, 0)
	}
	return w.between(r, a.After, a.After+a.For)
}

const second = Duration(time.Second)

// Presets lists the troubles that have names.
func Presets() []Preset {
	all := append(linkPresets(), arrayPresets()...)
	all = append(all, requestPresets()...)
	for i, p := range all {
		all[i].Usual.Preset = p.Name
		all[i].Example = p.plan(Ask{Preset: p.Name, Array: "box-1", Peer: "box-2", Pool: 1006}, 0)
	}
	return all
}

func linkPresets() []Preset {
	return []Preset{
		{
			Name: "link_flap", About: "The link goes down and comes up again, several times.",
			Needs: []string{"array", "peer"}, takes: []string{"for", "every", "count"}, Usual: Ask{For: 5 * second, Every: 20 * second, Count: 3},
			expand: func(a Ask, w window) (p Plan) {
				for i := range a.Count {
					at := a.After + Duration(i)*a.Every
					p.Rules = append(p.Rules, w.between(a.link(fmt.Sprintf("-%d", i+1), Effect{Type: Down}), at, at+a.For))
				}
				return p
			},
		},
		{
			Name: "wan_brownout", About: "The link stays up, but is far, loses packets and is narrow.",
			Needs: []string{"array", "peer"}, takes: []string{"for", "delay", "loss", "bandwidth"},
			Usual: Ask{For: 600 * second, Delay: Duration(80 * time.Millisecond), Loss: 0.02, Bandwidth: 5_000_000},
			expand: func(a Ask, w window) Plan {
				return Plan{Rules: []Rule{
					w.whole(a, a.link("-latency", Effect{Type: Latency, Delay: a.Delay, Spread: a.Delay / 2})),
					w.whole(a, a.link("-loss", Effect{Type: Loss, Loss: a.Loss})),
					w.whole(a, a.link("-bandwidth", Effect{Type: Bandwidth, Bandwidth: a.Bandwidth})),
				}}
			},
		},
		{
			Name: "clock_jump", About: "The lab's clock jumps ahead; all that is due on the way is done late, as far as clients can tell.",
			Needs: []string{}, takes: []string{"by"}, Usual: Ask{By: 3600 * second},
			expand: func(a Ask, _ window) Plan { return Plan{Rules: []Rule{}, Jump: a.By} },
		},
	}
}

func arrayPresets() []Preset {
	return []Preset{
		{
			Name: "pool_full", About: "A pool has no space left: it is LOCKED, reads go on.",
			Needs: []string{"array", "pool"}, takes: []string{"for"}, Usual: Ask{For: 600 * second},
			expand: func(a Ask, w window) Plan {
				return Plan{Rules: []Rule{w.whole(a, Rule{ID: a.ID, Site: Array, Array: a.Array, Object: a.Pool, Effect: Effect{Type: Full}})}}
			},
		},
		{
			Name: "node_down", About: "A node fails and comes back.",
			Needs: []string{"array"}, takes: []string{"for", "component"}, Usual: Ask{For: 300 * second, Component: "nodes/1"},
			expand: func(a Ask, w window) Plan { return Plan{Rules: []Rule{w.whole(a, a.part("", a.Component))}} },
		},
		{
			Name: "drive_failures", About: "Drives of an enclosure fail one after the other, are rebuilt, and are replaced in the end.",
			Needs: []string{"array"}, takes: []string{"for", "every", "count", "component"},
			Usual: Ask{For: 4 * 3600 * second, Every: 60 * second, Count: 2, Component: "enclosures/1"},
			expand: func(a Ask, w window) (p Plan) {
				for i := range a.Count {
					at := a.After + Duration(i)*a.Every
					r := a.part(fmt.Sprintf("-%d", i+1), fmt.Sprintf("%s/drives/%d", a.Component, i+1))
					p.Rules = append(p.Rules, w.between(r, at, at+a.For))
				}
				return p
			},
		},
		{
			Name: "controller_failover", About: "A node fails; until another has taken over, the array answers 503.",
			Needs: []string{"array"}, takes: []string{"for", "refuse", "component"},
			Usual: Ask{For: 300 * second, Refuse: 15 * second, Component: "nodes/1"},
			expand: func(a Ask, w window) Plan {
				busy := a.requests("-503", Effect{Type: Status, Status: http.StatusServiceUnavailable, Body: "empty"})
				busy.Odds = 0
				return Plan{Rules: []Rule{w.whole(a, a.part("-node", a.Component)), w.between(busy, a.After, a.After+a.Refuse)}}
			},
		},
	}
}

func requestPresets() []Preset {
	return []Preset{
		{
			Name: "expired_sessions", About: "Sessions end before their time.",
			Needs: []string{}, takes: []string{"array", "for", "odds"}, Usual: Ask{Odds: 0.1},
			expand: func(a Ask, w window) Plan {
				return Plan{Rules: []Rule{w.whole(a, a.requests("", Effect{Type: Expire}))}}
			},
		},
		{
			Name: "slow_answers", About: "Answers take long, a few of them very long.",
			Needs: []string{}, takes: []string{"array", "for", "odds", "delay", "sigma", "clock"},
			Usual: Ask{Odds: 1, Delay: Duration(200 * time.Millisecond), Sigma: 1, Clock: "real"},
			expand: func(a Ask, w window) Plan {
				return Plan{Rules: []Rule{w.whole(a, a.requests("", Effect{Type: Delay, Delay: a.Delay, Sigma: a.Sigma, Clock: a.Clock}))}}
			},
		},
		{
			Name: "applied_but_lost", About: "What clients change is changed, but they do not hear of it.",
			Needs: []string{}, takes: []string{"array", "for", "odds"}, Usual: Ask{Odds: 0.1},
			expand: func(a Ask, w window) (p Plan) {
				for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
					r := a.requests("-"+method, Effect{Type: Lost})
					r.Method = method
					p.Rules = append(p.Rules, w.whole(a, r))
				}
				return p
			},
		},
	}
}

func (a Ask) link(suffix string, e Effect) Rule {
	return Rule{ID: a.ID + suffix, Site: Link, Array: a.Array, Peer: a.Peer, Effect: e}
}

func (a Ask) part(suffix, path string) Rule {
	return Rule{ID: a.ID + suffix, Site: Array, Array: a.Array, Effect: Effect{Type: Component, Component: path}}
}

func (a Ask) requests(suffix string, e Effect) Rule {
	return Rule{ID: a.ID + suffix, Site: HTTP, Array: a.Array, Odds: a.Odds, Effect: e}
}

// given are the members that the ask has.
func (a Ask) given() []string {
	var out []string
	for _, m := range []struct {
		name string
		set  bool
	}{
		{"array", a.Array != ""},
		{"peer", a.Peer != ""},
		{"pool", a.Pool != 0},
		{"component", a.Component != ""},
		{"after", a.After != 0},
		{"for", a.For != 0},
		{"every", a.Every != 0},
		{"count", a.Count != 0},
		{"refuse", a.Refuse != 0},
		{"odds", a.Odds != 0},
		{"delay", a.Delay != 0},
		{"sigma", a.Sigma != 0},
		{"clock", a.Clock != ""},
		{"loss", a.Loss != 0},
		{"bandwidth", a.Bandwidth != 0},
		{"by", a.By != 0},
	} {
		if m.set {
			out = append(out, m.name)
		}
	}
	return out
}

// plan fills in what is left out.
func (p Preset) plan(a Ask, now clock.Time) Plan {
	if a.ID == "" {
		a.ID = p.Name
	}
	u := p.Usual
	usual(&a.Component, u.Component)
	usual(&a.For, u.For)
	usual(&a.Every, u.Every)
	usual(&a.Count, u.Count)
	usual(&a.Refuse, u.Refuse)
	usual(&a.Odds, u.Odds)
	usual(&a.Delay, u.Delay)
	usual(&a.Sigma, u.Sigma)
	usual(&a.Clock, u.Clock)
	usual(&a.Loss, u.Loss)
	usual(&a.Bandwidth, u.Bandwidth)
	usual(&a.By, u.By)
	return p.expand(a, window{now})
}

func usual[T comparable](v *T, u T) {
	if *v == *new(T) {
		*v = u
	}
}
