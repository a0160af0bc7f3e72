package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"

	"infinisim/sim/clock"
	"infinisim/sim/queue"
)

// Position is a place in the history of a store: how many values were written
// or deleted before it.
type Position int64

// ErrForgotten is returned by ForkAt for a position that the history does not
// reach back to any more.
var ErrForgotten = errors.New("the state at that position is not kept any more")

// undo is a value as it was before it was written or deleted.
type undo struct {
	key string
	old []byte
	had bool // there was one
}

func (u undo) size() int { return len(u.key) + len(u.old) + undoBytes }

const undoBytes = 64

// history is what leads back from the state as it is now: the former values, in
// the order in which they went. The oldest go when there are too many bytes.
type history struct {
	limit   int
	records queue.Queue[undo]
	bytes   int
	end     Position // after the last record
}

func (h *history) add(records []undo) {
	h.end += Position(len(records))
	for _, u := range records {
		h.records.Push(u)
		h.bytes += u.size()
	}
	for h.bytes > h.limit {
		old := h.records.Pop()
		h.bytes -= old.size()
	}
}

// forget drops what is known of the past.
func (h *history) forget() { h.records, h.bytes = queue.Queue[undo]{}, 0 }

// keepsHistory reports whether former values are worth keeping.
func (db *DB) keepsHistory() bool { return db.history.limit > 0 }

// Position is where the store is now. Without a history it is always 0.
func (db *DB) Position() Position {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.history.end
}

// Position is where the savepoint is now, with what it wrote itself.
func (tx *Tx) Position() Position { return tx.start + Position(len(tx.past)) }

// remember keeps what a key had before it was written: what the overlay had, if
// it had anything, else what the file has.
func (tx *Tx) remember(full string, old []byte, inOverlay bool) {
	if !tx.remembers {
		return
	}
	if !inOverlay {
		bucket, rest := splitKey(full)
		if b := tx.bucket(bucket); b != nil {
			if raw := b.Get([]byte(rest)); raw != nil {
				old = append([]byte{}, unseal(raw)...) // the file's pages go with the transaction
			}
		}
	}
	tx.past = append(tx.past, undo{full, old, old != nil})
}

// ForkAt is Fork, in memory mode, of the state as it was at a position, at a lab
// time. It returns ErrForgotten if the history does not reach back so far.
func (db *DB) ForkAt(at Position, now clock.Time, owner any) (*DB, error) {
	db.flusher.Lock()
	defer db.flusher.Unlock()
	db.writer.Lock()
	defer db.writer.Unlock()
	records, end := &db.history.records, db.history.end // writers alone change them
	steps := int(end - at)
	if !db.keepsHistory() || at > end || steps > records.Len() {
		return nil, fmt.Errorf("fork at %d: %w", at, ErrForgotten)
	}
	fork, err := db.fork("", owner)
	if err != nil {
		return nil, err
	}
	for i := range steps {
		u := records.At(records.Len() - 1 - i)
		switch {
		case u.had:
			fork.pending.Set(u.key, u.old)
		case fork.base != nil:
			fork.pending.Set(u.key, nil) // it may be in the file
		default:
			fork.pending.Delete(u.key)
		}
	}
	fork.now = now
	return fork, nil
}

// Fingerprint is a digest of everything that the store holds of some arrays and
// of the lab itself, but for its time: equal states have an equal one.
func (tx *Tx) Fingerprint(arrays ...string) string {
	sum := sha256.New()
	for _, bucket := range append([]string{labBucket}, arrays...) {
		part(sum, []byte(bucket))
		all := KV{tx: tx, prefix: bucket + "\x00"}
		all.Scan(nil, func(key, value []byte) bool {
			if bucket != labBucket || !isMeta(key) {
				part(sum, key)
				part(sum, value)
			}
			return true
		})
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func isMeta(key []byte) bool {
	prefix := metaSpace + "\x00"
	return len(key) >= len(prefix) && string(key[:len(prefix)]) == prefix
}

func part(sum hash.Hash, raw []byte) {
	_, _ = sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(raw)))) // a hash takes everything
	_, _ = sum.Write(raw)
}
