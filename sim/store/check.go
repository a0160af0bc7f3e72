package store

import (
	"fmt"
	"slices"

	"infinisim/sim/schema"
)

// Check recomputes the checksums, index entries and counters of an array's
// objects and names everything that is not as it should be.
func (tx *Tx) Check(array string, types []*schema.Type) []string {
	var bad []string
	entries, counts := map[string]bool{}, map[string]int64{}
	for _, t := range types {
		prefix := append([]byte(t.Name()), 0)
		tx.KV(array, spaceRow).Scan(prefix, func(key, raw []byte) bool {
			if len(key) < len(prefix) || string(key[:len(prefix)]) != string(prefix) {
				return false
			}
			o, err := decode(array, t, idOf(key), raw)
			if err != nil {
				bad = append(bad, err.Error())
				return true
			}
			expect(o, entries, counts)
			return true
		})
	}
	bad = append(bad, tx.checkEntries(array, entries)...)
	return append(bad, tx.checkCounts(array, counts)...)
}

func expect(o *schema.Object, entries map[string]bool, counts map[string]int64) {
	counts[o.Type().Name()]++
	for _, f := range o.Type().StoredFields() {
		if f.Indexed() {
			key := fieldKey(o.Type(), f, o.Value(f))
			counts[string(key)]++
			entries[string(appendID(key, o.ID()))] = true
		}
	}
}

func (tx *Tx) checkEntries(array string, want map[string]bool) []string {
	var bad []string
	tx.KV(array, spaceIndex).Scan(nil, func(key, _ []byte) bool {
		if !want[string(key)] {
			bad = append(bad, fmt.Sprintf("array %s: index entry %q has no row", array, key))
		}
		delete(want, string(key))
		return true
	})
	for _, key := range sortedKeys(want) {
		bad = append(bad, fmt.Sprintf("array %s: index entry %q is missing", array, key))
	}
	return bad
}

func (tx *Tx) checkCounts(array string, want map[string]int64) []string {
	var bad []string
	tx.KV(array, spaceCount).Scan(nil, func(key, _ []byte) bool {
		if got := tx.counted(array, key); got != want[string(key)] {
			bad = append(bad, fmt.Sprintf("array %s: counter %q is %d, should be %d", array, key, got, want[string(key)]))
		}
		delete(want, string(key))
		return true
	})
	for _, key := range sortedKeys(want) {
		bad = append(bad, fmt.Sprintf("array %s: counter %q is missing", array, key))
	}
	return bad
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
