package model

import (
	"fmt"

	"infinisim/sim/job"
	"infinisim/sim/schema"
)

// Check names everything in an array that is not as it must be: accounts,
// references, jobs without an object.
func Check(b *Box) ([]string, error) {
	bad, err := CheckAccounts(b)
	if err != nil {
		return nil, err
	}
	still, err := b.checkStreams()
	if err != nil {
		return nil, err
	}
	bad = append(bad, still...)
	for _, k := range b.Eng.Catalog.Kinds() {
		err := b.Tx.Each(b.Key, k.Type, func(o *schema.Object) (bool, error) {
			bad = append(bad, b.danglings(o)...)
			return true, nil
		})
		if err != nil {
			return nil, err
		}
	}
	for _, j := range job.All(b.Tx) {
		k := b.Eng.Catalog.byType[j.Owner.Kind]
		if j.Owner.Array != b.Key || k == nil {
			continue
		}
		if o, err := b.Tx.Get(b.Key, k.Type, j.Owner.ID); err == nil && o == nil {
			bad = append(bad, fmt.Sprintf("%s: job %s of %s %d, which is gone", b.Key, j.Name, j.Owner.Kind, j.Owner.ID))
		}
	}
	return bad, nil
}

// danglings names the references of an object that lead nowhere.
func (b *Box) danglings(o *schema.Object) []string {
	var bad []string
	for _, f := range o.Type().StoredFields() {
		target := b.Eng.Catalog.Target(o.Type(), f)
		v := o.Value(f)
		if target == nil || v.IsNull() {
			continue
		}
		if p, err := b.Tx.Get(b.Key, target, v.Int()); err != nil || p == nil {
			bad = append(bad, fmt.Sprintf("%s: %s %d: %s names %d, which is gone", b.Key, o.Type().Name(), o.ID(), f.Name, v.Int()))
		}
	}
	return bad
}

// Target is the type of the objects that a field of a type refers to, nil for a
// field that refers to none of the catalog's.
func (c *Catalog) Target(t *schema.Type, f *schema.Field) *schema.Type {
	switch {
	case f.Wire() != schema.WireRef:
		return nil
	case f == DatasetParent.Field():
		return t
	case c.byType[f.Refers()] == nil:
		return nil
	}
	return c.byType[f.Refers()].Type
}

// OnBlocked adds what names the work of an array that waits behind a path
// that is down.
func (c *Catalog) OnBlocked(fn func(b *Box) ([]string, error)) { c.blocks = append(c.blocks, fn) }

// Blocked names the work of an array that waits behind a path that is down.
func (c *Catalog) Blocked(b *Box) ([]string, error) {
	var out []string
	for _, fn := range c.blocks {
		some, err := fn(b)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}
