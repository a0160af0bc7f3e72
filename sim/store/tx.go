package store

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/tidwall/btree"
	"go.etcd.io/bbolt"

	"infinisim/sim/clock"
)

// Tx is a savepoint. It is used by one goroutine.
type Tx struct {
	db       *DB
	bolt     *bbolt.Tx                // nil where nothing is in a file
	opened   map[string]*bbolt.Bucket // of it, nil for those that it does not have; nil for one that writes
	over     *overlay
	scans    *scanner // the innermost scan, nil for none
	inner    bool     // a savepoint in another one, whose overlay it has
	before   []undo   // what it wrote over in it
	now      clock.Time
	readOnly bool
	dirty    bool
	durable  bool
	seen     *gathering
	onCommit []func()
	touched  touches
	owner    any
	carried  any

	remembers bool     // past is kept
	start     Position // of the savepoint in the history
	past      []undo

	memo   *memo    // nil where nothing is kept
	commit uint64   // that it sees
	wrote  []uint32 // the memo's slots
	trace  *Reads   // of what is being worked out, nil for nothing
}

// Now is the lab time of everything in the savepoint.
func (tx *Tx) Now() clock.Time {
	tx.readsBeside()
	return tx.now
}

// Moment is Now for those who hand it on: what a Memo works out depends on the
// time only where somebody asked Now, or told DependsOnTime.
func (tx *Tx) Moment() clock.Time { return tx.now }

// DependsOnTime tells that what is being worked out would be another one at
// another time.
func (tx *Tx) DependsOnTime() { tx.readsBeside() }

// ReadOnly reports whether a write would panic.
func (tx *Tx) ReadOnly() bool { return tx.readOnly }

// OnCommit has fn called after the outermost Update committed, unless the
// savepoint is undone. The pages of the file are no longer held then: an object
// that fn asks has to be detached.
func (tx *Tx) OnCommit(fn func()) { tx.onCommit = append(tx.onCommit, fn) }

// Touch has the savepoint kept although it writes nothing, for its time.
func (tx *Tx) Touch() { tx.dirty = true }

// Owner is what the store was opened with.
func (tx *Tx) Owner() any {
	tx.readsBeside()
	return tx.owner
}

// Carry lets a value travel with the transaction and its savepoints.
func (tx *Tx) Carry(v any) { tx.carried = v }

// Carried is what Carry was given, nil for nothing.
func (tx *Tx) Carried() any {
	tx.readsBeside()
	return tx.carried
}

// Savepoint runs fn in a savepoint of its own at lab time now. If fn returns
// an error, what it wrote is undone alone.
func (tx *Tx) Savepoint(now clock.Time, fn func(tx *Tx) error) error {
	inner := &Tx{
		bolt: tx.bolt, opened: tx.opened, over: tx.over, scans: tx.scans, inner: true, now: now, readOnly: tx.readOnly, durable: tx.durable, owner: tx.owner, carried: tx.carried,
		remembers: tx.remembers, start: tx.Position(), db: tx.db, memo: tx.memo, commit: tx.commit, trace: tx.trace,
	}
	kept := false
	defer func() { // also when fn panics
		if !kept {
			inner.takeBack()
		}
	}()
	if err := fn(inner); err != nil {
		return err
	}
	kept = true
	if tx.inner {
		tx.before = append(tx.before, inner.before...)
	}
	tx.past = append(tx.past, inner.past...)
	tx.wrote = append(tx.wrote, inner.wrote...)
	tx.dirty = tx.dirty || inner.dirty
	tx.onCommit = append(tx.onCommit, inner.onCommit...)
	for _, t := range inner.touched.all {
		if t.Did != "" {
			tx.touched.add(t)
		}
	}
	return nil
}

// takeBack puts everything back in the overlay that the savepoint wrote over.
// The scans around it were kept when it wrote.
func (tx *Tx) takeBack() {
	for _, u := range slices.Backward(tx.before) {
		if u.had {
			tx.over.Set(u.key, u.old)
		} else {
			tx.over.Delete(u.key)
		}
	}
}

// wroteOver notes what a key of the overlay had before it was written.
func (tx *Tx) wroteOver(full string, old []byte, had bool) {
	if tx.inner {
		tx.before = append(tx.before, undo{full, old, had})
	}
	tx.remember(full, old, had)
}

// KV is a named, ordered space of keys, of one array or of the lab.
type KV struct {
	tx     *Tx
	prefix string
}

// KV opens a space; the empty array is the lab itself.
func (tx *Tx) KV(array, space string) KV {
	if array == "" {
		array = labBucket
	}
	return KV{tx: tx, prefix: array + "\x00" + space + "\x00"}
}

func splitKey(key string) (bucket, rest string) {
	bucket, rest, _ = strings.Cut(key, "\x00")
	return bucket, rest
}

// Get is the value of a key, nil if there is none. The caller must not change
// it or keep it beyond the transaction.
func (kv KV) Get(key []byte) []byte {
	full := kv.prefix + string(key)
	kv.tx.reads(full)
	if v, ok := kv.tx.over.Get(full); ok {
		return v
	}
	bucket, rest := splitKey(full)
	b := kv.tx.bucket(bucket)
	if b == nil {
		return nil
	}
	raw := b.Get([]byte(rest))
	if raw == nil {
		return nil
	}
	return unseal(raw)
}

// bucket is what the file has of an array, nil for nothing.
func (tx *Tx) bucket(name string) *bbolt.Bucket {
	if tx.bolt == nil {
		return nil
	}
	b, ok := tx.opened[name]
	if !ok {
		b = tx.bolt.Bucket([]byte(name))
		if tx.opened != nil {
			tx.opened[name] = b
		}
	}
	return b
}

// Put sets the value of a key. The caller must not change value afterwards.
func (kv KV) Put(key, value []byte) {
	if value == nil {
		value = []byte{}
	}
	kv.set(key, value)
}

// Delete removes a key.
func (kv KV) Delete(key []byte) {
	full := kv.prefix + string(key)
	if !kv.tx.mayBeInFile(full) {
		kv.writable()
		kv.tx.keepScans()
		old, had := kv.tx.over.Delete(full) // no grave for what never left memory: scans would walk over it
		kv.tx.wroteOver(full, old, had)
		kv.tx.writes(kv.prefix, full)
		return
	}
	kv.set(key, nil)
}

// mayBeInFile reports whether a key of the overlay is, or is about to be, in
// the file too.
func (tx *Tx) mayBeInFile(full string) bool {
	if tx.durable {
		return true
	}
	bucket, rest := splitKey(full)
	b := tx.bucket(bucket)
	return b != nil && b.Get([]byte(rest)) != nil
}

func (kv KV) set(key, value []byte) {
	kv.writable()
	kv.tx.keepScans()
	full := kv.prefix + string(key)
	old, had := kv.tx.over.Set(full, value)
	kv.tx.wroteOver(full, old, had)
	kv.tx.writes(kv.prefix, full)
}

func (kv KV) writable() {
	if kv.tx.readOnly {
		panic("store: write to " + kv.prefix + " in a read-only transaction")
	}
	kv.tx.dirty = true
}

// Scan walks the space in ascending order from a key on until fn returns
// false. It sees the state at its start: fn may write.
func (kv KV) Scan(from []byte, fn func(key, value []byte) bool) {
	kv.tx.reads(kv.prefix)
	kv.scan(from, fn)
}

// scan is Scan for those who say themselves what they read.
func (kv KV) scan(from []byte, fn func(key, value []byte) bool) {
	w := &scanner{MapIter: kv.tx.over.Iter(), outer: kv.tx.scans}
	kv.tx.scans = w
	kv.along(w, from, fn)
	kv.tx.scans = w.outer
}

// scanner is a scan on its way through the overlay. Copying the overlay for each
// of them would have every write copy nodes again, so the first write under a
// scan makes the copy that it goes on in.
type scanner struct {
	btree.MapIter[string, []byte]
	more  bool // it stands on a key
	kept  bool // nobody writes to what it walks through
	outer *scanner
}

// keepScans has what scans walk through stay as it is. It is called before
// every write to the overlay.
func (tx *Tx) keepScans() {
	var over *overlay
	for w := tx.scans; w != nil && !w.kept; w = w.outer { // those around one that is kept are
		if over == nil {
			over = tx.over.Copy()
		}
		at := w.Key()
		w.MapIter, w.kept = over.Iter(), true
		if w.more {
			w.more = w.Seek(at)
		}
	}
}

func (kv KV) along(over *scanner, from []byte, fn func(key, value []byte) bool) {
	bucket, prefix := splitKey(kv.prefix)
	over.more = over.Seek(kv.prefix + string(from))
	var cursor *bbolt.Cursor
	var bk, bv []byte
	if b := kv.tx.bucket(bucket); b != nil {
		cursor = b.Cursor()
		bk, bv = cursor.Seek(append([]byte(prefix), from...))
	}
	for {
		for bk != nil && !bytes.HasPrefix(bk, []byte(prefix)) {
			bk = nil
		}
		if over.more && !strings.HasPrefix(over.Key(), kv.prefix) {
			over.more = false
		}
		if bk == nil && !over.more {
			return
		}
		var key, value []byte
		order := -1 // bbolt's key comes first
		if bk == nil {
			order = 1
		} else if over.more {
			order = strings.Compare(string(bk), over.Key()[len(bucket)+1:])
		}
		if order < 0 {
			key, value = bk[len(prefix):], unseal(bv)
		} else {
			key, value = []byte(over.Key()[len(kv.prefix):]), over.Value()
			over.more = over.Next()
		}
		if order <= 0 {
			bk, bv = cursor.Next()
		}
		if value != nil && !fn(key, value) {
			return
		}
	}
}

const spaceSequence = "sequence"

// Next is the next number of a sequence: 1, 2, 3 and so on.
func (tx *Tx) Next(array, name string) int64 {
	n := tx.Peek(array, name)
	tx.SetNext(array, name, n+1)
	return n
}

// Peek is the number that Next will give.
func (tx *Tx) Peek(array, name string) int64 {
	if raw := tx.KV(array, spaceSequence).Get([]byte(name)); raw != nil {
		return int64(binary.BigEndian.Uint64(raw)) //nolint:gosec // written by SetNext
	}
	return 1
}

// SetNext makes v the next number of a sequence.
func (tx *Tx) SetNext(array, name string, v int64) {
	tx.KV(array, spaceSequence).Put([]byte(name), binary.BigEndian.AppendUint64(nil, uint64(v))) //nolint:gosec // sequences count up
}

// Clear removes everything of an array, or of the lab itself for an empty one.
// The store's own keys stay.
func (tx *Tx) Clear(array string) {
	if array == "" {
		array = labBucket
	}
	for _, space := range tx.spaces(array) {
		kv := KV{tx: tx, prefix: array + "\x00" + space + "\x00"}
		kv.Scan(nil, func(key, _ []byte) bool {
			kv.Delete(append([]byte(nil), key...))
			return true
		})
	}
}

// spaces lists the spaces of a bucket that hold a key.
func (tx *Tx) spaces(bucket string) []string {
	var out []string
	all := KV{tx: tx, prefix: bucket + "\x00"}
	all.Scan(nil, func(key, _ []byte) bool {
		name, _, _ := strings.Cut(string(key), "\x00")
		if name != metaSpace && (len(out) == 0 || out[len(out)-1] != name) {
			out = append(out, name)
		}
		return true
	})
	return out
}
