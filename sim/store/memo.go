package store

import (
	"fmt"
	"hash/maphash"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
)

// A memo keeps what readers worked out, with what they read for it, until some
// of that is written.
//
// What is read and written is known by a slot: the hash of a key, of all keys
// but for their last eight bytes (the rows of a kind, the entries of an index
// for one value), or of a whole space. Each slot has a stamp, the commit that
// last wrote there; two keys in one slot cost a needless forgetting, no more.
type memo struct {
	seed   maphash.Seed
	prove  bool
	stamps [memoSlots]atomic.Uint64
	floor  atomic.Uint64 // no commit before it is told apart
	asked  [memoAsked]atomic.Uint64

	// mu guards everything below; it is a leaf.
	mu    sync.RWMutex
	young map[Name]*worked
	old   map[Name]*worked // goes when young is full
	bytes int              // in young
}

const (
	memoSlots = 1 << 15
	memoBytes = 16 << 20 // of a generation
	memoAfter = 1024     // as often as a store that is read once is read
	memoAsked = 1 << 12
)

// Name tells apart what Memo keeps: of an object of an array, or of no one where
// the ID is 0.
type Name struct {
	Group, Array string
	ID           int64
	// Twice says that it is kept once it is asked for a second time.
	Twice bool
}

// worked is what was worked out of the state after a commit.
type worked struct {
	result any
	reads  Reads
	commit uint64
}

// Reads is what something was worked out of. The zero Reads is nothing.
type Reads struct {
	slots  []uint32
	beside bool // something that is not in the store's keys: the time, the owner
}

func (r *Reads) add(more Reads) {
	r.slots = append(r.slots, more.slots...)
	r.beside = r.beside || more.beside
}

func newMemo(commit uint64, prove bool) *memo {
	m := &memo{seed: maphash.MakeSeed(), prove: prove, young: map[Name]*worked{}}
	m.floor.Store(commit)
	return m
}

func (m *memo) slot(key string) uint32 { return uint32(maphash.String(m.seed, key) % memoSlots) } //nolint:gosec // a rest

// fresh reports whether w is what a reader of the state after a commit would
// work out.
func (m *memo) fresh(w *worked, commit uint64) bool {
	at, floor := min(w.commit, commit), m.floor.Load()
	if at < floor {
		return false
	}
	for _, s := range w.reads.slots {
		if m.stamps[s].Load() > at {
			return false
		}
	}
	return true
}

func (m *memo) find(name Name) *worked {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if w := m.young[name]; w != nil {
		return w
	}
	return m.old[name]
}

// askedBefore reports whether a name was asked for, and nothing since that
// stands in its place.
func (m *memo) askedBefore(name Name) bool {
	h := maphash.Comparable(m.seed, name) | 1 // 0 is nobody's
	return m.asked[h%memoAsked].Swap(h) == h
}

func (m *memo) keep(name Name, w *worked) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bytes > memoBytes {
		m.old, m.young, m.bytes = m.young, map[Name]*worked{}, 0
	}
	m.young[name] = w
	size := 0
	if s, ok := w.result.(interface{ Size() int }); ok { // what has none is small
		size = s.Size()
	}
	m.bytes += size + 4*len(w.reads.slots) + len(name.Group) + undoBytes
}

// stamp tells that a commit writes in the slots; it comes before anybody can
// read what it wrote.
func (m *memo) stamp(slots []uint32, commit uint64) {
	for _, s := range slots {
		m.stamps[s].Store(commit)
	}
}

// Memo gives what compute makes of the state for a name. A reading transaction
// keeps it, also for later ones, until a key that compute read is written; what
// asked for the time, or for the owner, is never kept. The caller must not
// change the result, which must not hold bytes that the transaction gave: they
// are the file's.
func Memo[T any](tx *Tx, name Name, compute func() (T, error)) (T, error) {
	m := tx.memo
	if m == nil || !tx.readOnly {
		if tx.readOnly {
			tx.db.missedMemo()
		}
		return compute()
	}
	if w := m.find(name); w != nil && m.fresh(w, tx.commit) {
		if result, ok := w.result.(T); ok {
			if m.prove {
				prove(name, result, compute)
			}
			tx.Again(w.reads)
			return result, nil
		}
	}
	if name.Twice && !m.askedBefore(name) {
		return compute()
	}
	var result T
	var err error
	reads := tx.Trace(func() { result, err = compute() })
	if err == nil && !reads.beside {
		slices.Sort(reads.slots)
		reads.slots = slices.Clone(slices.Compact(reads.slots))
		m.keep(name, &worked{result: result, reads: reads, commit: tx.commit})
	}
	return result, err
}

// prove panics where what was kept is not what compute makes now.
func prove[T any](name Name, kept T, compute func() (T, error)) {
	if again, err := compute(); err != nil || !reflect.DeepEqual(again, kept) {
		panic(fmt.Sprintf("store: memo of %v has %v, not %v (%v)", name, kept, again, err))
	}
}

// Trace runs fn and gives what it read, for Again. It is nothing where nothing
// is kept.
func (tx *Tx) Trace(fn func()) Reads {
	if tx.memo == nil || !tx.readOnly {
		fn()
		return Reads{}
	}
	outer := tx.trace
	tx.trace = &Reads{}
	defer func() { tx.trace = outer }() // also when fn panics
	fn()
	reads := *tx.trace
	if outer != nil {
		outer.add(reads)
	}
	return reads
}

// Again tells that what was worked out of some reads before is used again.
func (tx *Tx) Again(r Reads) {
	if tx.trace != nil {
		tx.trace.add(r)
	}
}

// reads notes what a trace read: a key, all keys that are eight bytes longer,
// or a space.
func (tx *Tx) reads(key string) {
	if tx.trace != nil {
		tx.trace.slots = append(tx.trace.slots, tx.memo.slot(key))
	}
}

func (tx *Tx) readsBeside() {
	if tx.trace != nil {
		tx.trace.beside = true
	}
}

// writes notes a key that was written, for those who read it.
func (tx *Tx) writes(space, full string) {
	if tx.memo == nil {
		return
	}
	tx.wrote = append(tx.wrote, tx.memo.slot(full), tx.memo.slot(space))
	if n := len(full) - 8; n > len(space) {
		tx.wrote = append(tx.wrote, tx.memo.slot(full[:n]))
	}
}

// beginMemo makes a memo at once where all that it keeps is proved: on demand,
// and wherever the race detector looks.
func (db *DB) beginMemo() {
	if db.opts.ProveMemo || proveAlways {
		db.memo = newMemo(db.commits, true)
	}
}

// missedMemo counts how often there was none; a store that is read often gets
// one.
func (db *DB) missedMemo() {
	if db.missed.Add(1) != memoAfter {
		return
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.memo == nil {
		db.memo = newMemo(db.commits, false)
	}
}

// committedLocked counts a commit and tells the memo what it writes.
func (db *DB) committedLocked(tx *Tx) {
	db.commits++
	switch {
	case db.memo == nil:
	case tx.memo != db.memo: // it came while the savepoint ran
		db.memo.floor.Store(db.commits)
	default:
		db.memo.stamp(tx.wrote, db.commits)
	}
}

// forgetLocked has the memo presume nothing: the state is another one.
func (db *DB) forgetLocked() {
	db.commits++
	if db.memo != nil {
		db.memo.floor.Store(db.commits)
	}
}
