package store

import (
	"fmt"
	"strings"

	"go.etcd.io/bbolt"
)

// Restore makes the store what another one is now, its lab time too, and
// leaves that one as it is. A durable store takes it over in one transaction of
// its file: after a crash it is the one or the other. What Open found damaged
// in the file stays named.
//
// The other store must not be in the middle of a Restore from this one. It
// returns ErrNotKept when the file could not be written: nothing has changed.
func (db *DB) Restore(from *DB) error {
	db.flusher.Lock()
	defer db.flusher.Unlock()
	db.writer.Lock()
	defer db.writer.Unlock()
	from.flusher.Lock()
	defer from.flusher.Unlock()
	from.writer.Lock()
	defer from.writer.Unlock()
	if db.durable {
		return db.restoreDurable(from)
	}
	base := from.base
	switch {
	case base == nil:
	case from.durable:
		var err error
		if base, err = from.base.copyPrivate(); err != nil {
			return fmt.Errorf("restore: %w", err)
		}
	default:
		base.retain()
	}
	db.mu.Lock()
	old := db.base
	db.base, db.pending, db.now = base, from.pending.Copy(), from.now
	db.history.forget()
	db.forgetLocked()
	db.mu.Unlock()
	if old == nil {
		return nil
	}
	return old.release()
}

// restoreDurable writes what the other store holds in place of everything in
// the file. Whoever waits for a gathering to be kept came before: the file that
// its change is no more in is its answer's.
func (db *DB) restoreDurable(from *DB) error {
	tx, done, err := from.begin(from.now)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer done()
	if err := db.base.replace(tx); err != nil {
		return fmt.Errorf("%w: %w", ErrNotKept, err)
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	db.pending, db.now = newOverlay(), from.now
	db.history.forget()
	db.forgetLocked()
	return nil
}

// replace puts what a transaction sees in place of what the file holds, but for
// what the store keeps for itself.
func (f *file) replace(tx *Tx) error {
	err := f.bolt.Update(func(b *bbolt.Tx) error {
		over := newOverlay()
		for _, bucket := range tx.buckets() {
			if bucket == damagedBucket {
				continue
			}
			for _, space := range tx.spaces(bucket) {
				kv := KV{tx: tx, prefix: bucket + "\x00" + space + "\x00"}
				kv.Scan(nil, func(key, value []byte) bool {
					over.Set(kv.prefix+string(key), append([]byte{}, value...))
					return true
				})
			}
		}
		if err := empty(b); err != nil {
			return err
		}
		if err := (&Tx{over: over}).flushInto(b); err != nil {
			return err
		}
		return apply(b, metaKey("now"), stampOf(tx.now))
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", f.path, err)
	}
	f.now = tx.now
	return nil
}

// empty removes everything that is not the store's own.
func empty(b *bbolt.Tx) error {
	var names []string
	err := b.ForEach(func(name []byte, _ *bbolt.Bucket) error {
		names = append(names, string(name))
		return nil
	})
	for _, name := range names {
		switch {
		case err != nil:
			return err
		case name == labBucket:
			err = emptyLab(b.Bucket([]byte(name)))
		case name != damagedBucket:
			err = b.DeleteBucket([]byte(name))
		}
	}
	return err
}

func emptyLab(b *bbolt.Bucket) error {
	var keys [][]byte
	err := b.ForEach(func(key, _ []byte) error {
		if !strings.HasPrefix(string(key), metaSpace+"\x00") {
			keys = append(keys, append([]byte(nil), key...))
		}
		return nil
	})
	for _, key := range keys {
		if err == nil {
			err = b.Delete(key)
		}
	}
	return err
}

// buckets lists the arrays that hold a key, and the lab if it does, in order.
func (tx *Tx) buckets() []string {
	seen := map[string]bool{}
	if tx.bolt != nil {
		_ = tx.bolt.ForEach(func(name []byte, _ *bbolt.Bucket) error { // the callback returns none
			seen[string(name)] = true
			return nil
		})
	}
	over := tx.over.Copy().Iter()
	for more := over.First(); more; {
		bucket, _ := splitKey(over.Key())
		seen[bucket] = true
		more = over.Seek(bucket + "\x01") // behind its last key
	}
	return sortedKeys(seen)
}
