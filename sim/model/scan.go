package model

import (
	"slices"

	"infinisim/sim/schema"
)

// candidate is a row that matches, with what it is sorted by.
type candidate struct {
	id   int64
	keys []schema.Value
}

// scan gives the ids of a page by a look at the rows alone: nothing is decoded
// but the fields that are asked about. ok is false where an index narrows the
// rows down, or where something has to be worked out.
func (b *Box) scan(k *Kind, q schema.Query) (ids []int64, total int, ok bool, err error) {
	if !inRows(q) || slices.ContainsFunc(q.Filters, narrows) {
		return nil, 0, false, nil
	}
	hides := k.Hidden != nil && k.Hides(b)
	var found []candidate
	err = b.Tx.EachRow(b.Key, k.Type, func(r schema.Row) bool {
		if hides && isTrue(r.Value(k.Hidden)) {
			return true
		}
		for _, c := range q.Filters {
			if !c.Match(r.Value(c.Field)) {
				return true
			}
		}
		c := candidate{id: r.ID()}
		for _, s := range q.Sorts {
			c.keys = append(c.keys, r.Value(s.Field))
		}
		found = append(found, c)
		return true
	})
	if err != nil {
		return nil, 0, false, err
	}
	slices.SortFunc(found, func(x, y candidate) int { return compareBy(q.Sorts, x.keys, y.keys, x.id, y.id) })
	for _, c := range cut(found, q) {
		ids = append(ids, c.id)
	}
	return ids, len(found), true, nil
}

// hidden reports whether an object is left out of the collection.
func (k *Kind) hidden(o *schema.Object) bool { return k.Hidden != nil && isTrue(o.Value(k.Hidden)) }

func isTrue(v schema.Value) bool { return v.Compare(schema.BoolValue(true)) == 0 }

// inRows reports whether all that a query asks about is stored.
func inRows(q schema.Query) bool {
	for _, c := range q.Filters {
		if c.Field.Mode() != schema.Stored {
			return false
		}
	}
	for _, s := range q.Sorts {
		if s.Field.Mode() != schema.Stored {
			return false
		}
	}
	return true
}

// compareBy orders by the keys of a sort, ties by ascending id.
func compareBy(sorts []schema.Sort, x, y []schema.Value, xID, yID int64) int {
	for i, s := range sorts {
		d := x[i].Compare(y[i])
		if s.Desc {
			d = -d
		}
		if d != 0 {
			return d
		}
	}
	return int(xID - yID)
}
