package scenario

import (
	"maps"
	"slices"

	"infinisim/sim/apierr"
	"infinisim/sim/document"
	"infinisim/sim/estate"
	"infinisim/sim/fault"
)

// putFault puts a rule in force, or the rules of a preset. From and until of a
// rule are durations from the step on.
type putFault struct {
	fault  estate.Fault
	object *address
}

func (f *putFault) check(p *parser, n document.Node) (err error) {
	if f.fault, err = p.estate.ReadFault(n); err != nil || !f.fault.Object.There() {
		return err
	}
	a, err := p.address(f.fault.Object, f.fault.Array())
	f.object = &a
	return err
}

// ready refuses a rule that nothing in the lab can match.
func (f *putFault) ready(r *play, n document.Node) error {
	rules := []fault.Rule{f.fault.At(r.lab.Clock.Now())}
	if f.fault.Preset {
		plan, err := f.fault.Ask.Expand(r.lab.Clock.Now())
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
	if f.object != nil {
		id, err := r.dataset(*f.object)
		if err != nil {
			return err
		}
		f.fault.Found(id)
	}
	if f.fault.Preset {
		_, err = r.lab.AddPreset(r.ctx, f.fault.Ask)
	} else {
		_, err = r.lab.AddFault(r.ctx, f.fault.At(r.lab.Clock.Now()))
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
