// Package store keeps a lab: one ordered key space, and over it rows of typed
// objects with their indexes and counters. bbolt is imported here only.
//
// A transaction is a savepoint: an overlay of what it wrote, read through,
// undone alone if it fails. Savepoints gather in memory and go into bbolt
// together, in key order. In memory mode that happens only when many have
// gathered, so that a small lab never touches the disk and a fork of it is one
// copy of the overlay. In durable mode a change is answered after the sync of
// the gathering that it belongs to.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/tidwall/btree"
	"go.etcd.io/bbolt"

	"infinisim/sim/clock"
	"infinisim/sim/schema"
)

// Options says where a lab is kept.
type Options struct {
	// Path is the file of durable mode; empty is memory mode: what does not
	// fit in memory goes to a private temporary file that is removed at Close
	// and never synced.
	Path string
	// FlushAt is how many gathered keys memory mode keeps before it flushes
	// them, 0 for the usual.
	FlushAt int
	// MaxBytes is how long the file may grow, 0 for as long as the disk has
	// room.
	MaxBytes int
	// Types are those whose rows an older file is migrated to, and whose
	// indexes are rebuilt where a file is damaged. A type that is not listed is
	// left as it is.
	Types []*schema.Type
	// History is how many bytes of former values are kept for ForkAt, 0 for
	// none.
	History int
	// Step is called at the numbered steps of a durable write with their
	// names; a crash test ends the process there. Nil is not called.
	Step func(name string)
	// ProveMemo has every result that Memo kept worked out again, and panics
	// where it differs. A program with the race detector does so always.
	ProveMemo bool
	// Owner is what every transaction of the store tells as its owner: the
	// lab's own, beside the objects.
	Owner any
	// Log hears what Open repaired; nil is silent.
	Log *slog.Logger
}

// step calls Step, where there is one.
func (o Options) step(name string) {
	if o.Step != nil {
		o.Step(name)
	}
}

// uncounted is the step of writes that nobody would miss: those of private files.
func uncounted(string) {}

const defaultFlushAt = 8192

// The errors of a store's file.
var (
	// ErrFormat is returned by Open for a file of a format that this version
	// cannot read.
	ErrFormat = errors.New("file format is not supported")
	// ErrLocked is returned by Open for a file that another process has open.
	ErrLocked = errors.New("file is in use by another process")
	// ErrDamaged is returned by Open for a file whose pages cannot be read at
	// all. Nothing of the file was changed.
	ErrDamaged = errors.New("file is damaged")
	// ErrNotKept is returned by Update, and by View for what it saw, when the
	// file could not be written: nothing of the change remains.
	ErrNotKept = errors.New("change could not be kept")
)

// overlay is what was written and is not yet in bbolt: bucket NUL key to
// value, a nil value for a deletion.
type overlay = btree.Map[string, []byte]

// newOverlay makes an empty overlay. Its nodes are small: every transaction
// copies those that it writes to.
func newOverlay() *overlay { return btree.NewMap[string, []byte](overlayDegree) }

const overlayDegree = 6

// DB is one lab's store. It is safe for concurrent use: one writer at a time,
// readers never wait for it.
type DB struct {
	opts    Options
	durable bool
	flushAt int
	// partKeys is how many keys a part of a load has, 0 for the usual.
	partKeys int

	// flusher is held while a gathering goes to the file; it is taken before
	// writer.
	flusher sync.Mutex
	// writer is held by the one Update under way; it is the lab's only lock
	// for state.
	writer sync.Mutex
	// mu guards everything below; it is a leaf.
	mu      sync.Mutex
	base    *file // nil until memory mode flushes for the first time
	pending *overlay
	now     clock.Time
	damage  []string
	history history
	open    *gathering // takes the savepoints of now
	flying  *gathering // is being written, nil for none
	memo    *memo      // nil until the store is read often
	commits uint64

	missed atomic.Int64 // readings without a memo
}

// Open opens or creates a lab's store.
func Open(o Options) (*DB, error) {
	db := &DB{opts: o, durable: o.Path != "", flushAt: o.FlushAt, pending: newOverlay(), open: newGathering()}
	db.history.limit = o.History
	db.beginMemo()
	if db.flushAt == 0 {
		db.flushAt = defaultFlushAt
	}
	if db.opts.Log == nil {
		db.opts.Log = slog.New(slog.DiscardHandler)
	}
	if db.durable {
		if err := db.openDurable(); err != nil {
			return nil, fmt.Errorf("open store %s: %w", o.Path, err)
		}
	}
	return db, nil
}

// Close keeps what a durable store still has to keep, and closes it; a private
// file is removed. Nothing may use the store afterwards.
func (db *DB) Close() error {
	db.flusher.Lock()
	defer db.flusher.Unlock()
	db.writer.Lock()
	defer db.writer.Unlock()
	if db.base == nil {
		return nil
	}
	var err error
	if db.durable {
		err = db.base.write(db.pending, db.now, db.opts.step)
	}
	return errors.Join(err, db.base.release())
}

// Now is the latest lab time that a change was committed at.
func (db *DB) Now() clock.Time {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.now
}

// Durable reports whether changes survive the process.
func (db *DB) Durable() bool { return db.durable }

// Damage names what Open found damaged in the file, now and before; it is kept
// aside.
func (db *DB) Damage() []string { return db.damage }

// Update runs fn as one savepoint at lab time now, or at the store's own if
// that is later: lab time never goes back. If fn returns an error nothing of it
// remains. There is one Update at a time; fn must not call Update or View. In
// durable mode Update returns when the change is on the disk, or ErrNotKept.
func (db *DB) Update(ctx context.Context, now clock.Time, fn func(tx *Tx) error) error {
	tx, g, err := db.savepoint(ctx, now, fn)
	if kept := db.keep(g); kept != nil {
		return kept
	}
	if err != nil {
		return err
	}
	for _, f := range tx.onCommit {
		f()
	}
	return nil
}

// savepoint runs fn and puts what it wrote where later transactions see it.
func (db *DB) savepoint(ctx context.Context, now clock.Time, fn func(tx *Tx) error) (*Tx, *gathering, error) {
	db.writer.Lock()
	defer db.writer.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	now = max(now, db.Now())
	tx, done, err := db.begin(now)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	err = fn(tx)
	db.mu.Lock()
	if err == nil && tx.dirty {
		db.pending, db.now = tx.over, now
		db.open.dirty = true
		db.history.add(tx.past)
		db.committedLocked(tx)
	}
	g, full := db.seenLocked(), !db.durable && db.pending.Len() >= db.flushAt
	db.mu.Unlock()
	done()
	if full {
		err = errors.Join(err, db.flush())
	}
	return tx, g, err
}

// View runs fn on the state as it is now, which no writer changes under it.
// A write in fn panics. In durable mode View returns when what fn saw is on the
// disk.
func (db *DB) View(ctx context.Context, now clock.Time, fn func(tx *Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g, err := db.look(now, fn)
	if kept := db.keep(g); kept != nil {
		return kept
	}
	return err
}

func (db *DB) look(now clock.Time, fn func(tx *Tx) error) (*gathering, error) {
	tx, done, err := db.begin(now)
	if err != nil {
		return nil, err
	}
	defer done() // before keep: a file that grows waits for its readers
	tx.readOnly = true
	return tx.seen, fn(tx)
}

// begin takes a snapshot of both layers at one instant.
func (db *DB) begin(now clock.Time) (tx *Tx, done func(), err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	tx = &Tx{
		over: db.pending.Copy(), now: now, seen: db.seenLocked(), owner: db.opts.Owner, durable: db.durable,
		remembers: db.keepsHistory(), start: db.history.end, db: db, memo: db.memo, commit: db.commits,
	}
	if db.base == nil {
		return tx, func() {}, nil
	}
	b, err := db.base.bolt.Begin(false)
	if err != nil {
		return nil, nil, fmt.Errorf("begin: %w", err)
	}
	tx.bolt, tx.opened = b, map[string]*bbolt.Bucket{}
	var once sync.Once
	return tx, func() { once.Do(func() { rollback(b) }) }, nil
}

func rollback(b *bbolt.Tx) { _ = b.Rollback() } // of a reader: it cannot fail but by being done
