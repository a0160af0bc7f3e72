package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"infinisim/sim/schema"
)

// The spaces of an array's rows. Keys:
//
//	row      type NUL id
//	index    type NUL field NUL value (escaped) NUL NUL id
//	count    type, or type NUL field NUL value (escaped)
const (
	spaceRow   = "row"
	spaceIndex = "index"
	spaceCount = "count"
	// countPrefix begins a counter's key behind the array.
	countPrefix = spaceCount + "\x00"
)

// longestIndexed is where index keys are cut; lookups check the row again.
const longestIndexed = 128

// DamageError is a row that its checksum refuses.
type DamageError struct {
	// Array, Kind and ID say which.
	Array, Kind string
	ID          int64
	// Err is what Decode found.
	Err error
}

// Error names the row.
func (e *DamageError) Error() string {
	return fmt.Sprintf("array %s: %s %d: %v", e.Array, e.Kind, e.ID, e.Err)
}

// Unwrap gives what Decode found.
func (e *DamageError) Unwrap() error { return e.Err }

func appendID(key []byte, id int64) []byte {
	return binary.BigEndian.AppendUint64(key, uint64(id)^1<<63) //nolint:gosec // the sign bit is flipped on purpose
}

func idOf(tail []byte) int64 {
	return int64(binary.BigEndian.Uint64(tail[len(tail)-8:]) ^ 1<<63) //nolint:gosec // written by appendID
}

func rowKey(t *schema.Type, id int64) []byte {
	return appendID(append([]byte(t.Name()), 0), id)
}

// valueKey is a value's key, cut and escaped so that NUL NUL ends it.
func valueKey(v schema.Value) []byte {
	key := v.Key()
	if len(key) > longestIndexed {
		key = key[:longestIndexed]
	}
	return append(bytes.ReplaceAll(key, []byte{0}, []byte{0, 1}), 0, 0)
}

func fieldKey(t *schema.Type, f *schema.Field, v schema.Value) []byte {
	key := append(append([]byte(t.Name()), 0), f.Name...)
	return append(append(key, 0), valueKey(v)...)
}

// Get reads an object; it is nil if there is none. It returns a *DamageError
// for a row that its checksum refuses.
func (tx *Tx) Get(array string, t *schema.Type, id int64) (*schema.Object, error) {
	raw := tx.KV(array, spaceRow).Get(rowKey(t, id))
	if raw == nil {
		return nil, nil
	}
	return decode(array, t, id, raw)
}

func decode(array string, t *schema.Type, id int64, raw []byte) (*schema.Object, error) {
	o, err := schema.Decode(t, id, raw)
	if err != nil {
		return nil, &DamageError{Array: array, Kind: t.Name(), ID: id, Err: err}
	}
	return o, nil
}

// Put inserts or replaces an object and keeps indexes and counters.
func (tx *Tx) Put(array string, o *schema.Object) error {
	old, err := tx.Get(array, o.Type(), o.ID())
	if err != nil {
		return err
	}
	key, raw := rowKey(o.Type(), o.ID()), schema.Encode(o)
	switch rows := tx.KV(array, spaceRow); {
	case old == nil:
		tx.touch(array, o.Type(), o.ID(), Created)
	case !bytes.Equal(rows.Get(key), raw):
		tx.touch(array, o.Type(), o.ID(), Changed)
	}
	tx.KV(array, spaceRow).Put(key, raw)
	if old == nil {
		tx.count(array, []byte(o.Type().Name()), 1)
	}
	tx.index(array, old, o)
	return nil
}

// Delete removes an object; it is no error if there is none.
func (tx *Tx) Delete(array string, t *schema.Type, id int64) error {
	old, err := tx.Get(array, t, id)
	if err != nil || old == nil {
		return err
	}
	tx.touch(array, t, id, Deleted)
	tx.KV(array, spaceRow).Delete(rowKey(t, id))
	tx.count(array, []byte(t.Name()), -1)
	tx.index(array, old, nil)
	return nil
}

// index takes old's entries away and puts o's in place, where they differ.
func (tx *Tx) index(array string, old, o *schema.Object) {
	some := o
	if some == nil {
		some = old
	}
	t := some.Type()
	kv := tx.KV(array, spaceIndex)
	for _, f := range t.StoredFields() {
		if !f.Indexed() {
			continue
		}
		if old != nil && o != nil && bytes.Equal(old.Raw(f), o.Raw(f)) {
			continue
		}
		var before, after []byte
		if old != nil {
			before = fieldKey(t, f, old.Value(f))
		}
		if o != nil {
			after = fieldKey(t, f, o.Value(f))
		}
		if bytes.Equal(before, after) {
			continue
		}
		if before != nil {
			kv.Delete(appendID(bytes.Clone(before), old.ID()))
			tx.count(array, before, -1)
		}
		if after != nil {
			kv.Put(appendID(bytes.Clone(after), o.ID()), nil)
			tx.count(array, after, 1)
		}
	}
}

func (tx *Tx) count(array string, key []byte, by int64) {
	kv := tx.KV(array, spaceCount)
	n := tx.counted(array, key) + by
	if n == 0 {
		kv.Delete(key)
		return
	}
	kv.Put(key, rawCount(n))
}

func (tx *Tx) counted(array string, key []byte) int64 {
	return countOf(tx.KV(array, spaceCount).Get(key))
}

// rawCount is a counter as it is kept.
func rawCount(n int64) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(n)) //nolint:gosec // counts are not negative
}

// countOf is a counter that is kept, 0 for none.
func countOf(raw []byte) int64 {
	if len(raw) == 0 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(raw)) //nolint:gosec // of rawCount
}

// Count is the number of objects of a type, without counting.
func (tx *Tx) Count(array string, t *schema.Type) int64 {
	return tx.counted(array, []byte(t.Name()))
}

// CountBy is the number of objects whose indexed field has the value, without
// counting. Values that are equal in their first bytes count together.
func (tx *Tx) CountBy(array string, f *schema.Field, t *schema.Type, v schema.Value) int64 {
	return tx.counted(array, fieldKey(t, f, v))
}

// IDs lists the ids of a type in ascending order, from the one after a given
// id on, at most limit of them; a negative limit lists all.
func (tx *Tx) IDs(array string, t *schema.Type, after int64, limit int) []int64 {
	prefix := append([]byte(t.Name()), 0)
	from := prefix
	if after > math.MinInt64 {
		from = rowKey(t, after+1)
	}
	return tx.ids(tx.KV(array, spaceRow), prefix, from, 0, limit, nil)
}

// PageIDs is part of the list of IDs: without the first of them, as many as
// skip says, and no more than limit.
func (tx *Tx) PageIDs(array string, t *schema.Type, skip, limit int) []int64 {
	prefix := append([]byte(t.Name()), 0)
	return tx.ids(tx.KV(array, spaceRow), prefix, prefix, skip, limit, nil)
}

// IDsBy lists the ids of the objects whose indexed field has the value, in
// ascending order.
func (tx *Tx) IDsBy(array string, t *schema.Type, f *schema.Field, v schema.Value) []int64 {
	return tx.PageIDsBy(array, t, f, v, 0, -1)
}

// PageIDsBy is part of the list of IDsBy, as PageIDs is of IDs.
func (tx *Tx) PageIDsBy(array string, t *schema.Type, f *schema.Field, v schema.Value, skip, limit int) []int64 {
	var holds func(id int64) bool
	if !WholeInIndex(v) {
		holds = func(id int64) bool {
			o, err := tx.Get(array, t, id)
			return err == nil && o != nil && o.Value(f).Compare(v) == 0
		}
	}
	prefix := fieldKey(t, f, v)
	return tx.ids(tx.KV(array, spaceIndex), prefix, prefix, skip, limit, holds)
}

// WholeInIndex reports whether an index holds all of a value, so that CountBy
// counts no other.
func WholeInIndex(v schema.Value) bool { return len(v.Key()) <= longestIndexed }

// ids lists what the keys of a prefix end in.
func (tx *Tx) ids(kv KV, prefix, from []byte, skip, limit int, holds func(id int64) bool) []int64 {
	var ids []int64
	tx.reads(kv.prefix + string(prefix))
	kv.scan(from, func(key, _ []byte) bool {
		if !bytes.HasPrefix(key, prefix) || limit >= 0 && len(ids) >= limit {
			return false
		}
		switch {
		case len(key) != len(prefix)+8 || holds != nil && !holds(idOf(key)):
		case skip > 0:
			skip--
		default:
			ids = append(ids, idOf(key))
		}
		return true
	})
	return ids
}

// EachRow calls fn for every row of a type in ascending id order until it
// returns false, without decoding them. The row is good until fn returns. It
// returns a *DamageError for a row that its checksum refuses.
func (tx *Tx) EachRow(array string, t *schema.Type, fn func(r schema.Row) bool) error {
	prefix := append([]byte(t.Name()), 0)
	var failed error
	rows := tx.KV(array, spaceRow)
	tx.reads(rows.prefix + string(prefix))
	rows.scan(prefix, func(key, raw []byte) bool {
		if !bytes.HasPrefix(key, prefix) {
			return false
		}
		r, err := schema.RowOf(t, idOf(key), raw)
		if err != nil {
			failed = &DamageError{Array: array, Kind: t.Name(), ID: idOf(key), Err: err}
			return false
		}
		return fn(r)
	})
	return failed
}

// Each calls fn for every object of a type in ascending id order until it
// returns false or an error. fn may write.
func (tx *Tx) Each(array string, t *schema.Type, fn func(o *schema.Object) (bool, error)) error {
	prefix := append([]byte(t.Name()), 0)
	var failed error
	rows := tx.KV(array, spaceRow)
	tx.reads(rows.prefix + string(prefix))
	rows.scan(prefix, func(key, raw []byte) bool {
		if !bytes.HasPrefix(key, prefix) {
			return false
		}
		o, err := decode(array, t, idOf(key), raw)
		if err != nil {
			failed = err
			return false
		}
		more, err := fn(o)
		failed = err
		return more && err == nil
	})
	return failed
}
