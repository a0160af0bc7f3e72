package audit

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"infinisim/sim"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// Object is an object that a run left behind, by its name or, where its type
// has none, by what it was created with.
type Object struct {
	Array string `json:"array"`
	Kind  string `json:"kind"`
	Name  string `json:"name"`
}

// inventory counts objects.
type inventory map[Object]int

// counts reports whether a kind tells anything of a client's work: events are
// the array's own diary.
func counts(kind string) bool { return kind != "event" }

// objects lists what is on the arrays of a lab.
func objects(ctx context.Context, l *sim.Lab) (inventory, error) {
	out := inventory{}
	for _, a := range l.Arrays() {
		err := l.View(ctx, a.Key, func(b *model.Box) error {
			for _, t := range l.Catalog().Types() {
				if !counts(t.Name()) {
					continue
				}
				err := b.Tx.Each(a.Key, t, func(o *schema.Object) (bool, error) {
					out[Object{Array: a.Key, Kind: t.Name(), Name: nameOf(o)}]++
					return true, nil
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func nameOf(o *schema.Object) string {
	t := o.Type()
	if f := t.Field("name"); f != nil && t.Shows(f) && !o.IsNull(f) {
		return strings.Trim(string(o.Raw(f)), `"`)
	}
	var parts []string
	for _, f := range t.StoredFields() {
		if t.Shows(f) && t.May(f, schema.Create) && !o.IsNull(f) {
			parts = append(parts, f.Name+"="+string(o.Raw(f)))
		}
	}
	return strings.Join(parts, " ")
}

// subtract takes away what was there before.
func (v inventory) subtract(before inventory) {
	for o, n := range before {
		v[o] -= n
	}
}

// beyond lists what is here more often than there.
func (v inventory) beyond(other inventory) []Object {
	var out []Object
	for _, o := range slices.SortedFunc(maps.Keys(v), compare) {
		for range max(0, v[o]-other[o]) {
			out = append(out, o)
		}
	}
	return out
}

func compare(a, b Object) int {
	return cmp.Or(strings.Compare(a.Array, b.Array), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
}

// more lists the kinds of which an array has more objects here than there,
// whatever their names.
func (v inventory) more(other inventory) []string {
	sum := map[Object]int{}
	for o, n := range v {
		sum[Object{Array: o.Array, Kind: o.Kind}] += n
	}
	for o, n := range other {
		sum[Object{Array: o.Array, Kind: o.Kind}] -= n
	}
	var out []string
	for o, n := range sum {
		if n > 0 && !slices.Contains(out, o.Kind) {
			out = append(out, o.Kind)
		}
	}
	slices.Sort(out)
	return out
}
