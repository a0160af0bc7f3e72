package scenario

import (
	"maps"
	"slices"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/document"
	"infinisim/sim/fault"
)

// putFault puts a rule in force, or the rules of a preset. From and until of a
// rule are durations from the step on.
type putFault struct {
	rule        fault.Rule
	ask         fault.Ask
	preset      bool
	from, until time.Duration
	object      *address
}

// keysOf are the members of a step that a rule or a preset reads by itself.
func (f *putFault) check(p *parser, n document.Node) (err error) {
	if !n.IsMap() {
		return n.Expected("a rule or a preset, as a mapping")
	}
	f.preset = n.Get("preset").There()
	read := n.Without("from", "until", "object", "array", "peer", "pool")
	if f.preset {
		err = n.Without("array", "peer", "pool").Into(&f.ask)
	} else {
		err = read.Into(&f.rule)
	}
	if err != nil {
		return err
	}
	if err := f.names(p, n); err != nil {
		return err
	}
	if f.preset {
		_, err := f.ask.Expand(clock.Epoch)
		return atFault(n, err)
	}
	for key, to := range map[string]*time.Duration{"from": &f.from, "until": &f.until} {
		if v := n.Get(key); v.There() {
			if *to, err = v.Duration(); err != nil {
				return err
			}
		}
	}
	return atFault(n, f.at(clock.Epoch).Validate(clock.Epoch))
}

// names reads the arrays and the object that are named.
func (f *putFault) names(p *parser, n document.Node) error {
	for key, to := range map[string][2]*string{"array": {&f.rule.Array, &f.ask.Array}, "peer": {&f.rule.Peer, &f.ask.Peer}} {
		v := n.Get(key)
		if !v.There() {
			continue
		}
		array, err := p.estate.Array(v)
		if err != nil {
			return err
		}
		if f.preset {
			*to[1] = array
		} else {
			*to[0] = array
		}
	}
	key, id := "object", &f.rule.Object
	if f.preset {
		key, id = "pool", &f.ask.Pool
	}
	v := n.Get(key)
	if !v.There() {
		return nil
	}
	if !v.IsText() {
		return v.Into(id)
	}
	a, err := p.address(v, f.rule.Array+f.ask.Array)
	f.object = &a
	*id = someObject
	return err
}

// someObject stands for an object whose id is not known before the play.
const someObject = 1

// at is the rule with its window from a time on.
func (f *putFault) at(now clock.Time) fault.Rule {
	rule := f.rule
	if f.from > 0 {
		rule.From = now.Add(f.from).MS()
	}
	if f.until > 0 {
		rule.Until = now.Add(f.until).CeilMS()
	}
	return rule
}

// ready refuses a rule that nothing in the lab can match.
func (f *putFault) ready(r *play, n document.Node) error {
	rules := []fault.Rule{f.at(r.lab.Clock.Now())}
	if f.preset {
		plan, err := f.ask.Expand(r.lab.Clock.Now())
		if err != nil {
			return atFault(n, err)
		}
		rules = plan.Rules
	}
	for _, rule := range rules {
		if err := r.lab.CheckFault(rule); err != nil {
			return atFault(n, err)
		}
	}
	return nil
}

func (f *putFault) do(r *play, n document.Node) (err error) {
	rule, ask := f.at(r.lab.Clock.Now()), f.ask
	if f.object != nil {
		id, err := r.dataset(*f.object)
		if err != nil {
			return err
		}
		rule.Object, ask.Pool = id, id
	}
	if f.preset {
		_, err = r.lab.AddPreset(r.ctx, ask)
	} else {
		_, err = r.lab.AddFault(r.ctx, rule)
	}
	return atFault(n, err)
}

// clearFault takes one rule away, or all.
type clearFault struct{ id string }

func (c *clearFault) check(_ *parser, n document.Node) (err error) {
	c.id, err = n.Text()
	return err
}

func (c *clearFault) do(r *play, n document.Node) error {
	if c.id == "all" {
		return r.lab.ClearFaults(r.ctx)
	}
	err := r.lab.RemoveFault(r.ctx, c.id)
	if e, ok := apierr.As(err); ok {
		return r.fail(n, "a rule "+c.id, e.Error())
	}
	return err
}

func sorted(all map[string]bool) []string { return slices.Sorted(maps.Keys(all)) }
