package model

import (
	"encoding/json"
	"fmt"
	"slices"

	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// Page is one page of a collection, rendered.
type Page struct {
	// Items are the objects of the page, each as JSON.
	Items []json.RawMessage
	// Total counts what matches over all pages.
	Total int
	// Page and Size are what was asked for.
	Page, Size int
	// Plain says that no member of the items has the name of a secret; without
	// it, nobody looked.
	Plain bool
}

// List answers a collection's GET.
func (b *Box) List(k *Kind, in *Input, more ...schema.Filter) (*Page, error) {
	q, err := b.Query(k, in)
	if err != nil {
		return nil, err
	}
	q.Filters = append(append(q.Filters, more...), b.sees(k)...)
	ids, total, ok := b.straight(k, q)
	if !ok {
		var err error
		if ids, total, ok, err = b.scan(k, q); err != nil {
			return nil, err
		}
	}
	if !ok {
		found, n, err := b.Find(k, q)
		if err != nil {
			return nil, err
		}
		ids, total = idsOf(found), n
	}
	return b.page(k, q, ids, total)
}

// Query reads the parameters of a collection's GET in the kind's own terms.
func (b *Box) Query(k *Kind, in *Input) (schema.Query, error) {
	for _, name := range k.ListParams {
		if _, err := in.Flag(name, false); err != nil {
			return schema.Query{}, err
		}
	}
	q, err := k.Type.ParseQuery(in.Query, schema.Terms{Open: b.Open, PageSize: in.PageSize, Ignore: append([]string{"approved"}, k.ListParams...)})
	return q, Wire(err)
}

// sees is what narrows down the objects of a kind that the caller may see.
func (b *Box) sees(k *Kind) []schema.Filter {
	out := b.ofTenant(k)
	if k.Sees != nil {
		if f := k.Sees(b); f != nil {
			out = append(out, *f)
		}
	}
	return out
}

// Seen finds an object as Load does, if the caller may see it.
func (b *Box) Seen(k *Kind, id int64) (*schema.Object, error) {
	o, err := b.Load(k, id)
	if err != nil {
		return nil, err
	}
	filters := b.sees(k)
	if len(filters) == 0 {
		return o, nil
	}
	own := func(o *schema.Object, f *schema.Field) (schema.Value, error) { return b.value(k, o, f) }
	ok, err := matches(own, o, filters)
	if err == nil && !ok {
		return nil, b.notFound(k, id)
	}
	return o, err
}

func (b *Box) page(k *Kind, q schema.Query, ids []int64, total int) (*Page, error) {
	p := &Page{Items: make([]json.RawMessage, 0, len(ids)), Total: total, Page: q.Page, Size: q.PageSize, Plain: true}
	name := memoName(k, q.Fields)
	for _, id := range ids {
		one, err := b.shownAs(name, k, id, q.Fields)
		if err != nil {
			return nil, err
		}
		p.Items, p.Plain = append(p.Items, one.JSON), p.Plain && one.Plain
	}
	return p, nil
}

// Find gives the objects of one page and the number of all that match. A
// PageSize of 0 gives all.
func (b *Box) Find(k *Kind, q schema.Query) ([]*schema.Object, int, error) {
	if ids, total, ok := b.straight(k, q); ok {
		found := make([]*schema.Object, 0, len(ids))
		for _, id := range ids {
			o, err := b.Must(k.Type, id)
			if err != nil {
				return nil, 0, err
			}
			found = append(found, o)
		}
		return found, total, nil
	}
	own := func(o *schema.Object, f *schema.Field) (schema.Value, error) { return b.value(k, o, f) }
	var found []*schema.Object
	take := func(o *schema.Object) error {
		if k.hidden(o) {
			return nil
		}
		ok, err := matches(own, o, q.Filters)
		if ok {
			found = append(found, o)
		}
		return err
	}
	if err := b.candidates(k, q.Filters, take); err != nil {
		return nil, 0, err
	}
	if err := order(own, found, q.Sorts); err != nil {
		return nil, 0, err
	}
	return cut(found, q), len(found), nil
}

// straight gives the ids of a page that needs no look at the objects: all of a
// kind, or those that one value of an index names, in the order of their ids.
func (b *Box) straight(k *Kind, q schema.Query) (ids []int64, total int, ok bool) {
	if len(q.Filters) > 1 || len(q.Sorts) > 0 || q.PageSize == 0 || k.Hidden != nil && k.Hides(b) {
		return nil, 0, false
	}
	skip := (q.Page - 1) * q.PageSize
	if len(q.Filters) == 0 {
		if total = int(b.Tx.Count(b.Key, k.Type)); skip < total {
			ids = b.Tx.PageIDs(b.Key, k.Type, skip, q.PageSize)
		}
		return ids, total, true
	}
	c := q.Filters[0]
	if c.Op != schema.EQ || !c.Field.Indexed() || c.Field.Wire() == schema.WireList || c.Field == schema.IDField() || len(c.Values) != 1 || !store.WholeInIndex(c.Values[0]) {
		return nil, 0, false
	}
	if total = int(b.Tx.CountBy(b.Key, c.Field, k.Type, c.Values[0])); skip < total {
		ids = b.Tx.PageIDsBy(b.Key, k.Type, c.Field, c.Values[0], skip, q.PageSize)
	}
	return ids, total, true
}

func idsOf(found []*schema.Object) []int64 {
	ids := make([]int64, len(found))
	for i, o := range found {
		ids[i] = o.ID()
	}
	return ids
}

func cut[T any](found []T, q schema.Query) []T {
	if q.PageSize == 0 {
		return found
	}
	from := min((q.Page-1)*q.PageSize, len(found))
	return found[from:min(from+q.PageSize, len(found))]
}

// candidates walks the smallest set that an index or an id names, or else
// all objects of the kind.
func (b *Box) candidates(k *Kind, filters []schema.Filter, take func(*schema.Object) error) error {
	ids, narrowed := b.narrow(k, filters)
	if !narrowed {
		return b.Tx.Each(b.Key, k.Type, func(o *schema.Object) (bool, error) {
			return true, take(o)
		})
	}
	for _, id := range ids {
		o, err := b.Tx.Get(b.Key, k.Type, id)
		if err != nil {
			return err
		}
		if o == nil {
			continue
		}
		if err := take(o); err != nil {
			return err
		}
	}
	return nil
}

func (b *Box) narrow(k *Kind, filters []schema.Filter) (ids []int64, ok bool) {
	best := int64(-1)
	for _, c := range filters {
		if !narrows(c) {
			continue
		}
		if c.Field == schema.IDField() {
			return named(c.Values), true
		}
		var n int64
		for _, v := range c.Values {
			n += b.Tx.CountBy(b.Key, c.Field, k.Type, v)
		}
		if best < 0 || n < best {
			best, ok = n, true
			ids = ids[:0]
			for _, v := range c.Values {
				ids = append(ids, b.Tx.IDsBy(b.Key, k.Type, c.Field, v)...)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), ok
}

// narrows reports whether an id or an index names what a filter lets pass.
func narrows(c schema.Filter) bool {
	return (c.Op == schema.EQ || c.Op == schema.In) && (c.Field == schema.IDField() || c.Field.Indexed())
}

func named(values []schema.Value) []int64 {
	ids := make([]int64, 0, len(values))
	for _, v := range values {
		if !v.IsNull() {
			ids = append(ids, v.Int())
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// reader gives a field of an object in comparable form.
type reader func(o *schema.Object, f *schema.Field) (schema.Value, error)

func matches(read reader, o *schema.Object, filters []schema.Filter) (bool, error) {
	for _, c := range filters {
		v, err := read(o, c.Field)
		if err != nil || !c.Match(v) {
			return false, err
		}
	}
	return true, nil
}

// value is any field of an object in comparable form.
func (b *Box) value(k *Kind, o *schema.Object, f *schema.Field) (schema.Value, error) {
	if f.Mode() == schema.Stored {
		return o.Value(f), nil
	}
	raw, err := b.resolve(k, o, f)
	if err != nil {
		return schema.Value{}, err
	}
	return f.Parse(raw), nil
}

// order sorts by the keys, ties by ascending id.
func order(read reader, found []*schema.Object, sorts []schema.Sort) error {
	if len(sorts) == 0 {
		slices.SortFunc(found, func(x, y *schema.Object) int { return int(x.ID() - y.ID()) })
		return nil
	}
	keys := make(map[int64][]schema.Value, len(found))
	for _, o := range found {
		for _, s := range sorts {
			v, err := read(o, s.Field)
			if err != nil {
				return err
			}
			keys[o.ID()] = append(keys[o.ID()], v)
		}
	}
	slices.SortStableFunc(found, func(x, y *schema.Object) int {
		return compareBy(sorts, keys[x.ID()], keys[y.ID()], x.ID(), y.ID())
	})
	return nil
}

// Render gives an object as JSON with all fields that the array has.
func (b *Box) Render(o *schema.Object) (json.RawMessage, error) {
	return b.RenderFields(b.Kind(o), o, nil)
}

// RenderFields gives an object as JSON with the given fields, nil for all.
func (b *Box) RenderFields(k *Kind, o *schema.Object, fields []*schema.Field) (json.RawMessage, error) {
	if fields == nil {
		fields = b.publicFields(k)
	}
	return o.AppendJSON(nil, fields, func(o *schema.Object, f *schema.Field) (json.RawMessage, error) {
		return b.resolve(k, o, f)
	})
}

// resolve gives the JSON of a field that no row stores.
func (b *Box) resolve(k *Kind, o *schema.Object, f *schema.Field) (json.RawMessage, error) {
	if f.Mode() == schema.Joined {
		return b.joined(o, f)
	}
	compute := k.Computed[f]
	if compute == nil {
		return nil, fmt.Errorf("%s.%s: no way to compute it", k.Type.Name(), f.Name)
	}
	v, err := compute(b, o)
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

func (b *Box) joined(o *schema.Object, f *schema.Field) (json.RawMessage, error) {
	target := b.Eng.Catalog.byType[f.Via().Refers()]
	v := o.Value(f.Via())
	if v.IsNull() || target == nil {
		return json.RawMessage("null"), nil
	}
	p, err := b.Must(target.Type, v.Int())
	if err != nil {
		return nil, err
	}
	return p.Raw(f.From()), nil
}
