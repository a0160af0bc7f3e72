package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"infinisim/sim/clock"
	"infinisim/sim/schema"
)

// Loader takes new rows by the thousand: they go into the file in key order and
// past the overlay. In durable mode that is one transaction with what the
// savepoint beside it writes; in memory mode they go, part by part, into a file
// that becomes the store's at the end. It is used by one goroutine.
type Loader struct {
	lists  map[string]*loadList
	counts map[string]int64 // by full key, of what is in no part yet
	n      int              // all that was taken
	held   int              // of it, what is in lists
	most   int              // keys of a part
	// private makes the file that the parts go into, nil in durable mode.
	private func() (*file, error)
	base    *file // where the parts are, nil for none
	err     error // of a part
}

// partKeys is how many keys a part has, beside the counters.
const partKeys = 1 << 18

// loadList is the new keys of one part of the key space.
type loadList struct {
	entries []loadEntry
	mixed   bool // they did not come in order
}

type loadEntry struct {
	key   []byte // without the bucket
	value []byte
}

// Load runs fn as one savepoint, as Update does, with a loader beside it: all
// of it is kept, or nothing. What the loader takes is not in what fn reads.
func (db *DB) Load(ctx context.Context, now clock.Time, fn func(tx *Tx, l *Loader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	db.flusher.Lock()
	defer db.flusher.Unlock()
	db.writer.Lock()
	defer db.writer.Unlock()
	now = max(now, db.Now())
	tx, done, err := db.begin(now)
	if err != nil {
		return err
	}
	defer done()
	l := &Loader{lists: map[string]*loadList{}, counts: map[string]int64{}, most: cmp.Or(db.partKeys, partKeys)}
	if !db.durable {
		l.private = db.another
	}
	defer l.drop() // unless it is the store's by then
	if err := cmp.Or(fn(tx, l), l.err); err != nil {
		return err
	}
	if l.n >= partKeys {
		defer func() {
			l.lists, l.counts = nil, nil
			runtime.GC() // bbolt's pool of pages lives through one
			debug.FreeOSMemory()
		}()
	}
	if err := l.sum(tx); err != nil {
		return err
	}
	done() // before the write: a file that grows waits for its readers
	if !db.durable && db.base == nil && l.base == nil && tx.over.Len()+l.n < db.flushAt {
		l.spill(tx)
		db.mu.Lock()
		db.pending, db.now = tx.over, now
		db.forgetLocked()
		db.mu.Unlock()
	} else if err := db.keepLoaded(tx, l); err != nil {
		return err
	}
	for _, f := range tx.onCommit {
		f()
	}
	return nil
}

// keepLoaded writes what gathered, what the savepoint wrote and what the loader
// took. The caller holds flusher and writer.
func (db *DB) keepLoaded(tx *Tx, l *Loader) error {
	base, old := db.base, db.base
	switch {
	case l.base != nil:
		base = l.base
	case !db.durable:
		var err error
		if base, err = db.own(); err != nil {
			return err
		}
		old = base
	}
	err := base.bolt.Update(func(b *bbolt.Tx) error {
		if err := tx.flushInto(b); err != nil {
			return err
		}
		if err := l.flushInto(b); err != nil {
			return err
		}
		return apply(b, metaKey("now"), stampOf(tx.now))
	})
	if err != nil {
		return fmt.Errorf("%w: write %s: %w", ErrNotKept, base.path, err)
	}
	base.now = tx.now
	db.mu.Lock()
	g := db.open
	db.base, db.pending, db.now, db.open = base, newOverlay(), tx.now, newGathering()
	db.forgetLocked()
	db.mu.Unlock()
	l.base = nil
	g.finish(nil) // what gathered is in the file with it
	if old != nil && old != base {
		return old.release()
	}
	return nil
}

// another makes a file of what the store's has.
func (db *DB) another() (*file, error) {
	if db.base == nil {
		return createPrivate()
	}
	return db.base.copyPrivate()
}

// part writes what was taken so far, where that need not be done at once.
func (l *Loader) part() error {
	if l.base == nil {
		base, err := l.private()
		if err != nil {
			return err
		}
		l.base = base
	}
	err := l.base.bolt.Update(func(b *bbolt.Tx) error {
		for _, name := range sortedKeys(l.counts) {
			l.setCount(name, countIn(b, name)+l.counts[name])
		}
		l.counts = map[string]int64{} // a cleared one would keep its room
		return l.flushInto(b)
	})
	if err != nil {
		return fmt.Errorf("%w: write %s: %w", ErrNotKept, l.base.path, err)
	}
	return nil
}

// countIn is a counter of a file, 0 where there is none, or no file.
func countIn(b *bbolt.Tx, name string) int64 {
	if b == nil {
		return 0
	}
	bucket, rest := splitKey(name)
	in := b.Bucket([]byte(bucket))
	if in == nil {
		return 0
	}
	return countOf(unseal(in.Get([]byte(rest))))
}

// drop removes the parts of a load that failed.
func (l *Loader) drop() {
	if l.base != nil {
		_ = l.base.release() // it is no part of the store
	}
}

// Put takes a new object: no row of the store may have its id.
func (l *Loader) Put(array string, o *schema.Object) {
	t := o.Type()
	l.Set(array, spaceRow, t.Name(), rowKey(t, o.ID()), schema.Encode(o))
	l.count(array, []byte(t.Name()))
	for _, f := range t.StoredFields() {
		if f.Indexed() {
			key := fieldKey(t, f, o.Value(f))
			l.count(array, key)
			l.Set(array, spaceIndex, f.Name, appendID(key, o.ID()), []byte{})
		}
	}
}

func (l *Loader) count(array string, key []byte) {
	l.counts[array+"\x00"+spaceCount+"\x00"+string(key)]++
}

// Set takes a new key of a space, of an array or, for an empty one, of the lab.
// Keys with the same hint are sorted together: those of one hint in ascending
// order need no sorting. The caller must not change key or value afterwards.
func (l *Loader) Set(array, space, hint string, key, value []byte) {
	if array == "" {
		array = labBucket
	}
	full := make([]byte, 0, len(space)+1+len(key))
	full = append(append(append(full, space...), 0), key...)
	if value == nil {
		value = []byte{}
	}
	l.take(array+"\x00"+space+"\x00"+hint, full, value)
	if l.held++; l.held >= l.most && l.private != nil && l.err == nil {
		l.err = l.part()
	}
}

// take adds a key to a list.
func (l *Loader) take(name string, key, value []byte) {
	list := l.lists[name]
	if list == nil {
		list = &loadList{}
		l.lists[name] = list
	}
	if n := len(list.entries); n > 0 && bytes.Compare(list.entries[n-1].key, key) > 0 {
		list.mixed = true
	}
	list.entries = append(list.entries, loadEntry{key, value})
	l.n++
}

// sum adds what is counted to what the savepoint sees.
func (l *Loader) sum(tx *Tx) error {
	if l.base != nil {
		return l.sumParts(tx)
	}
	for _, name := range sortedKeys(l.counts) {
		array, rest := splitKey(name)
		n := tx.counted(array, []byte(strings.TrimPrefix(rest, countPrefix))) + l.counts[name]
		if tx.over.Len() > 0 {
			tx.over.Delete(name) // the loader's counts last
		}
		l.setCount(name, n)
	}
	return nil
}

// sumParts writes the last part, and adds what the parts counted to the
// counters of the overlay, which is written after them.
func (l *Loader) sumParts(tx *Tx) error {
	if err := l.part(); err != nil {
		return err
	}
	return l.base.bolt.View(func(b *bbolt.Tx) error {
		added := map[string][]byte{}
		tx.over.Scan(func(name string, raw []byte) bool {
			if _, rest := splitKey(name); strings.HasPrefix(rest, countPrefix) {
				if n := countIn(b, name) - countIn(tx.bolt, name); n != 0 {
					added[name] = rawCount(countOf(raw) + n)
				}
			}
			return true
		})
		for name, raw := range added {
			tx.over.Set(name, raw)
		}
		return nil
	})
}

// setCount takes a counter; it makes no part of its own.
func (l *Loader) setCount(name string, n int64) {
	bucket, rest := splitKey(name)
	l.take(bucket+"\x00"+countPrefix, []byte(rest), rawCount(n))
}

// spill puts what was taken in the savepoint's overlay.
func (l *Loader) spill(tx *Tx) {
	for name, list := range l.lists {
		bucket, _ := splitKey(name)
		for _, e := range list.entries {
			tx.over.Set(bucket+"\x00"+string(e.key), e.value)
		}
	}
}

// loadedFill is how full pages are left that are written in order.
const loadedFill = 0.9

func (l *Loader) flushInto(b *bbolt.Tx) error {
	for _, name := range sortedKeys(l.lists) {
		bucket, _ := splitKey(name)
		list := l.lists[name]
		if list.mixed {
			slices.SortFunc(list.entries, func(x, y loadEntry) int { return bytes.Compare(x.key, y.key) })
		}
		into, err := b.CreateBucketIfNotExists([]byte(bucket))
		if err != nil {
			return err
		}
		into.FillPercent = loadedFill
		for _, e := range list.entries {
			if err := into.Put(e.key, seal(bucket, e.key, e.value)); err != nil {
				return err
			}
		}
		delete(l.lists, name) // the file's pages have it
	}
	l.held = 0
	return nil
}

// Spaces lists the spaces that hold a key, of an array or of the lab itself,
// but for those of rows, indexes and counters.
func (tx *Tx) Spaces(array string) []string {
	if array == "" {
		array = labBucket
	}
	return slices.DeleteFunc(tx.spaces(array), func(s string) bool { return s == spaceRow || s == spaceIndex || s == spaceCount })
}

// Format is the version of the files that this program writes.
const Format = formatVersion
