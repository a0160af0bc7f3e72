// Package store keeps a lab: one ordered key space in a bbolt file, and over
// it rows of typed objects with their indexes and counters. bbolt is imported
// here only.
//
// A transaction is a savepoint: an overlay of what it wrote, read through,
// undone alone if it fails. The committer gathers savepoints and flushes them
// into one bbolt transaction in key order.
package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tidwall/btree"
	"go.etcd.io/bbolt"

	"infinisim/sim/clock"
)

// Options says where a lab is kept.
type Options struct {
	// Path is the file; empty is memory mode: a private temporary file that
	// is removed at Close and never synced.
	Path string
	// FlushAt is how many gathered keys are flushed at once, 0 for the usual.
	FlushAt int
}

const (
	formatVersion  = 1
	defaultFlushAt = 8192
	initialMmap    = 64 << 20
	labBucket      = "lab"
	lockTimeout    = 100 * time.Millisecond // another process has the file
)

// ErrFormat is returned by Open for a file of a format that this version
// cannot read.
var ErrFormat = errors.New("file format is not supported")

// overlay is what was written and is not yet in bbolt: bucket NUL key to
// value, a nil value for a deletion.
type overlay = btree.Map[string, []byte]

// DB is one lab's store. It is safe for concurrent use: one writer at a time,
// readers never wait for it.
type DB struct {
	bolt    *bbolt.DB
	path    string
	private bool
	flushAt int

	// writer is held by the one Update under way; it is the lab's only lock
	// for state.
	writer sync.Mutex
	// mu guards pending and now; it is a leaf.
	mu      sync.Mutex
	pending *overlay
	now     clock.Time
}

// Open opens or creates a lab's store.
func Open(o Options) (*DB, error) {
	db := &DB{path: o.Path, private: o.Path == "", flushAt: o.FlushAt, pending: new(overlay)}
	if db.flushAt == 0 {
		db.flushAt = defaultFlushAt
	}
	if db.private {
		dir, err := os.MkdirTemp("", "infinisim-")
		if err != nil {
			return nil, fmt.Errorf("open store: %w", err)
		}
		db.path = filepath.Join(dir, "lab.db")
	}
	b, err := bbolt.Open(db.path, 0o600, &bbolt.Options{
		NoSync: db.private, NoFreelistSync: true, InitialMmapSize: initialMmap, FreelistType: bbolt.FreelistMapType,
		Timeout: lockTimeout,
	})
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", db.path, err)
	}
	db.bolt = b
	if err := db.readMeta(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// metaSpace holds what the store keeps for itself, in the bucket of the lab.
const metaSpace = "meta"

func metaKey(name string) []byte { return []byte(metaSpace + "\x00" + name) }

func (db *DB) readMeta() error {
	return db.bolt.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte(labBucket))
		if err != nil {
			return err
		}
		raw := b.Get(metaKey("format"))
		if raw == nil {
			return b.Put(metaKey("format"), binary.BigEndian.AppendUint64(nil, formatVersion))
		}
		if v := binary.BigEndian.Uint64(raw); v != formatVersion {
			return fmt.Errorf("%w: %s has version %d, this program reads %d", ErrFormat, db.path, v, formatVersion)
		}
		if raw := b.Get(metaKey("now")); raw != nil {
			db.now = clock.Time(binary.BigEndian.Uint64(raw)) //nolint:gosec // written by flush
		}
		return nil
	})
}

// Close flushes and closes the store; a private file is removed. Nothing may
// use the store afterwards.
func (db *DB) Close() error {
	db.writer.Lock()
	defer db.writer.Unlock()
	var err error
	if !db.private {
		err = db.flush()
	}
	err = errors.Join(err, db.bolt.Close())
	if db.private {
		err = errors.Join(err, os.RemoveAll(filepath.Dir(db.path)))
	}
	return err
}

// Now is the latest lab time that a change was committed at.
func (db *DB) Now() clock.Time {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.now
}

// Update runs fn as one savepoint at lab time now, or at the store's own if
// that is later: lab time never goes back. If fn returns an error nothing of it
// remains. There is one Update at a time; fn must not call
// Update or View.
func (db *DB) Update(ctx context.Context, now clock.Time, fn func(tx *Tx) error) error {
	db.writer.Lock()
	defer db.writer.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	now = max(now, db.Now())
	tx, done, err := db.begin(now)
	if err != nil {
		return err
	}
	defer done()
	if err := fn(tx); err != nil {
		return err
	}
	db.mu.Lock()
	db.pending = tx.over
	db.now = max(db.now, now)
	full := tx.over.Len() >= db.flushAt
	db.mu.Unlock()
	done()
	if full {
		if err := db.flush(); err != nil {
			return err
		}
	}
	for _, f := range tx.onCommit {
		f()
	}
	return nil
}

// View runs fn on the state as it is now, which no writer changes under it.
// A write in fn panics.
func (db *DB) View(ctx context.Context, now clock.Time, fn func(tx *Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tx, done, err := db.begin(now)
	if err != nil {
		return err
	}
	defer done()
	tx.readOnly = true
	return fn(tx)
}

// begin takes a snapshot of both layers at one instant.
func (db *DB) begin(now clock.Time) (tx *Tx, done func(), err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	b, err := db.bolt.Begin(false)
	if err != nil {
		return nil, nil, fmt.Errorf("begin: %w", err)
	}
	var once sync.Once
	done = func() { once.Do(func() { _ = b.Rollback() }) }
	return &Tx{bolt: b, over: db.pending.Copy(), now: now}, done, nil
}

// flush writes what was gathered into bbolt. The caller holds writer.
func (db *DB) flush() error {
	db.mu.Lock()
	pending, now := db.pending.Copy(), db.now
	db.mu.Unlock()
	err := db.bolt.Update(func(tx *bbolt.Tx) error {
		var err error
		pending.Scan(func(key string, value []byte) bool {
			err = apply(tx, key, value)
			return err == nil
		})
		if err != nil {
			return err
		}
		stamp := binary.BigEndian.AppendUint64(nil, uint64(now)) //nolint:gosec // lab time is not negative
		return tx.Bucket([]byte(labBucket)).Put(metaKey("now"), stamp)
	})
	if err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	db.mu.Lock()
	db.pending = new(overlay)
	db.mu.Unlock()
	return nil
}

func apply(tx *bbolt.Tx, key string, value []byte) error {
	bucket, rest := splitKey(key)
	if value == nil {
		if b := tx.Bucket([]byte(bucket)); b != nil {
			return b.Delete([]byte(rest))
		}
		return nil
	}
	b, err := tx.CreateBucketIfNotExists([]byte(bucket))
	if err != nil {
		return err
	}
	return b.Put([]byte(rest), value)
}
