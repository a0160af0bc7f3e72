package estate

import (
	"context"
	"strings"
	"time"

	"infinisim/sim/clock"
	"infinisim/sim/document"
	"infinisim/sim/fault"
	"infinisim/sim/model"
)

// Fault is a rule, or a preset, as it is written: arrays by their names, and
// the window of a rule counted from the moment when it is put in force.
type Fault struct {
	// Node is where it is written, Object where it names an object.
	Node, Object document.Node
	// Preset says that Ask counts, and not Rule.
	Preset bool
	Rule   fault.Rule
	Ask    fault.Ask

	from, until time.Duration
}

// SomeObject stands for an object whose id is not known before it is made.
const SomeObject = 1

// ReadFault reads a rule or a preset, and refuses one that could never strike.
// An object that is a text stays to be found: Rule and Ask have SomeObject.
func (e *Estate) ReadFault(n document.Node) (f Fault, err error) {
	f.Node = n
	if !n.IsMap() {
		return f, n.Expected("a rule or a preset, as a mapping")
	}
	f.Preset = n.Get("preset").There()
	if f.Preset {
		err = n.Without("array", "peer", "pool").Into(&f.Ask)
	} else {
		err = n.Without("from", "until", "object", "array", "peer", "pool").Into(&f.Rule)
	}
	if err != nil {
		return f, err
	}
	if err := f.names(e, n); err != nil {
		return f, err
	}
	if f.Preset {
		_, err := f.Ask.Expand(clock.Epoch)
		return f, f.Refused(err)
	}
	for key, to := range map[string]*time.Duration{"from": &f.from, "until": &f.until} {
		if v := n.Get(key); v.There() {
			if *to, err = v.Duration(); err != nil {
				return f, err
			}
		}
	}
	return f, f.Refused(f.At(clock.Epoch).Validate(clock.Epoch))
}

// names reads the arrays and the object that are named.
func (f *Fault) names(e *Estate, n document.Node) error {
	for key, to := range map[string][2]*string{"array": {&f.Rule.Array, &f.Ask.Array}, "peer": {&f.Rule.Peer, &f.Ask.Peer}} {
		v := n.Get(key)
		if !v.There() {
			continue
		}
		array, err := e.Array(v)
		if err != nil {
			return err
		}
		if f.Preset {
			*to[1] = array
		} else {
			*to[0] = array
		}
	}
	key, id := "object", &f.Rule.Object
	if f.Preset {
		key, id = "pool", &f.Ask.Pool
	}
	v := n.Get(key)
	if !v.There() {
		return nil
	}
	if !v.IsText() {
		return v.Into(id)
	}
	f.Object, *id = v, SomeObject
	return nil
}

// Array is the key of the array that it names, empty for none.
func (f *Fault) Array() string { return f.Rule.Array + f.Ask.Array }

// Found puts the id of the object that is named in its place.
func (f *Fault) Found(id int64) { f.Rule.Object, f.Ask.Pool = id, id }

// At is the rule with its window counted from a time.
func (f *Fault) At(now clock.Time) fault.Rule {
	rule := f.Rule
	if f.from > 0 || rule.Every > 0 {
		rule.From = now.Add(f.from).MS()
	}
	if f.until > 0 {
		rule.Until = now.Add(f.until).CeilMS()
	}
	return rule
}

// Refused is what the lab says of it, with the place in the file.
func (f *Fault) Refused(err error) error {
	if err == nil {
		return nil
	}
	return refused(f.Node, err)
}

// faults puts the rules and presets of the estate in force.
func (f *filling) faults(ctx context.Context) error {
	for _, one := range f.Estate.faults {
		if one.Object.There() {
			id, err := f.named(ctx, one.Array(), one.Object)
			if err != nil {
				return err
			}
			one.Found(id)
		}
		var err error
		if one.Preset {
			_, err = f.lab.AddPreset(ctx, one.Ask)
		} else {
			_, err = f.lab.AddFault(ctx, one.At(f.lab.Clock.Now()))
		}
		if err := one.Refused(err); err != nil {
			return err
		}
	}
	return nil
}

// named is the id of an object of an array by the path of its kind and its
// name, such as pools/gold.
func (f *filling) named(ctx context.Context, array string, n document.Node) (id int64, err error) {
	text, err := n.Text()
	if err != nil {
		return 0, err
	}
	for _, s := range sections() {
		name, ok := strings.CutPrefix(text, s.key+"/")
		if !ok || array == "" {
			continue
		}
		err := f.lab.View(ctx, array, func(b *model.Box) error {
			id, err = (&object{index: -1}).find(b, n, name, s.kind.Type.Name())
			return err
		})
		return id, err
	}
	return 0, n.Errorf("%q is no object of an array, such as pools/gold", text)
}
