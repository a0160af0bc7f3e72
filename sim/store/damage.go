package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"infinisim/sim/schema"
)

// damagedBucket keeps the bytes of what was damaged, and the names of what
// was lost.
const damagedBucket = "damaged"

// String names the object, or the part of the lab, that an entry is.
func (e entry) String() string {
	space, rest, _ := strings.Cut(string(e.key), "\x00")
	name, id, ok := strings.Cut(rest, "\x00")
	if space == spaceRow && ok && len(id) == 8 {
		return fmt.Sprintf("%s: %s %d", e.bucket, name, idOf([]byte(id)))
	}
	return fmt.Sprintf("%s: %s %q", e.bucket, space, rest)
}

// derived reports whether the entry can be worked out from the rows.
func (e entry) derived() bool {
	space, _, _ := strings.Cut(string(e.key), "\x00")
	return space == spaceIndex || space == spaceCount
}

// rescue writes what could be read of a damaged file into a new one, puts that
// in its place, and keeps the damaged file beside it as PATH.damaged. The
// indexes and counters are made anew.
func rescue(path string, c *contents, types []*schema.Type) error {
	fresh := path + ".rescue"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := openFile(fresh, false, 0)
	if err != nil {
		return err
	}
	err = f.bolt.Update(func(tx *bbolt.Tx) error { return c.writeTo(tx, types) })
	if err = errors.Join(err, f.release()); err != nil {
		return fmt.Errorf("rescue %s: %w", path, err)
	}
	if err := os.Rename(path, path+".damaged"); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

func (c *contents) writeTo(tx *bbolt.Tx, types []*schema.Type) error {
	over := newOverlay()
	note := func(name string, raw []byte) {
		over.Set(damagedBucket+"\x00"+name+" was damaged and is kept aside", append([]byte{}, raw...))
	}
	for _, e := range c.whole {
		if e.bucket == damagedBucket || !e.derived() {
			over.Set(e.bucket+"\x00"+string(e.key), unseal(e.value))
		}
	}
	for _, e := range c.damaged {
		if !e.derived() {
			note(e.String(), e.value)
		}
	}
	for _, page := range c.pages {
		note(page, nil)
	}
	for _, name := range c.lost(types) {
		note(name, nil)
	}
	if err := (&Tx{over: over}).flushInto(tx); err != nil {
		return err
	}
	return forArrays(tx, func(string) error { return nil }, types...)
}

// lost names the objects that index entries speak of and that have no row.
func (c *contents) lost(types []*schema.Type) []string {
	rows, lost := map[string]bool{}, []string{}
	for _, list := range [][]entry{c.whole, c.damaged} {
		for _, e := range list {
			rows[e.bucket+"\x00"+string(e.key)] = true
		}
	}
	for _, e := range c.whole {
		rest, ok := bytes.CutPrefix(e.key, []byte(spaceIndex+"\x00"))
		if !ok || len(rest) < 8 {
			continue
		}
		for _, t := range types {
			if !bytes.HasPrefix(rest, append([]byte(t.Name()), 0)) {
				continue
			}
			row := entry{bucket: e.bucket, key: append([]byte(spaceRow+"\x00"), rowKey(t, idOf(rest))...)}
			if !rows[row.bucket+"\x00"+string(row.key)] {
				lost = append(lost, row.String())
			}
		}
	}
	slices.Sort(lost)
	return slices.Compact(lost)
}

// aside lists what was damaged, now or before.
func (f *file) aside() (names []string, err error) {
	err = f.bolt.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(damagedBucket))
		if b == nil {
			return nil
		}
		return b.ForEach(func(key, _ []byte) error {
			names = append(names, string(key))
			return nil
		})
	})
	return names, err
}

// forArrays runs fn for the bucket of each array, and makes the types' indexes
// and counters anew after it.
func forArrays(tx *bbolt.Tx, fn func(array string) error, types ...*schema.Type) error {
	var arrays []string
	err := tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
		if s := string(name); s != labBucket && s != damagedBucket {
			arrays = append(arrays, s)
		}
		return nil
	})
	for _, array := range arrays {
		if err == nil {
			err = fn(array)
		}
		if err == nil {
			err = rebuild(tx, array, types)
		}
	}
	return err
}

// rebuild makes the indexes and counters of an array anew from its rows.
func rebuild(b *bbolt.Tx, array string, types []*schema.Type) error {
	tx := &Tx{bolt: b, over: newOverlay(), durable: true}
	for _, space := range []string{spaceIndex, spaceCount} {
		kv := tx.KV(array, space)
		kv.Scan(nil, func(key, _ []byte) bool {
			for _, t := range types {
				if string(key) == t.Name() || strings.HasPrefix(string(key), t.Name()+"\x00") {
					kv.Delete(append([]byte(nil), key...))
				}
			}
			return true
		})
	}
	for _, t := range types {
		err := tx.Each(array, t, func(o *schema.Object) (bool, error) {
			tx.count(array, []byte(t.Name()), 1)
			tx.index(array, nil, o)
			return true, nil
		})
		if err != nil {
			return err
		}
	}
	return tx.flushInto(b)
}

// flushInto writes what a transaction gathered into a bbolt one.
func (tx *Tx) flushInto(b *bbolt.Tx) error {
	var err error
	tx.over.Scan(func(key string, value []byte) bool {
		err = apply(b, key, value)
		return err == nil
	})
	return err
}
