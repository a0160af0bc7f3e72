package store

import (
	"fmt"
)

// gathering is the savepoints that one sync keeps. The writer that comes first
// leads: it writes and syncs for all that gathered until then.
type gathering struct {
	dirty bool // guarded by DB.mu
	done  chan struct{}
	err   error // read after done is closed
}

func newGathering() *gathering { return &gathering{done: make(chan struct{})} }

func (g *gathering) finish(err error) {
	g.err = err
	close(g.done)
}

// seenLocked is the gathering that has to be kept before anybody may be told
// of the state as it is now, nil for none.
func (db *DB) seenLocked() *gathering {
	switch {
	case !db.durable:
		return nil
	case db.open.dirty:
		return db.open
	default:
		return db.flying
	}
}

// keep returns when a gathering is on the disk.
func (db *DB) keep(g *gathering) error {
	if g == nil {
		return nil
	}
	db.flusher.Lock()
	defer db.flusher.Unlock()
	select {
	case <-g.done:
		return g.err
	default:
	}
	return db.lead()
}

// lead writes and syncs what gathered. The caller holds flusher.
func (db *DB) lead() error {
	db.mu.Lock()
	g, now := db.open, db.now
	pending := db.pending.Copy()
	db.flying, db.open = g, newGathering()
	db.mu.Unlock()
	err := db.base.write(pending, now, db.opts.step)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrNotKept, err)
	}
	db.writer.Lock() // nobody may put back what is dropped here
	defer db.writer.Unlock()
	db.mu.Lock()
	defer db.mu.Unlock()
	db.flying = nil
	g.finish(err)
	if err == nil {
		db.dropLocked(pending)
		return nil
	}
	later := db.open // stands on what was lost
	db.open = newGathering()
	later.finish(err)
	db.pending = newOverlay()
	db.now = db.base.now
	db.history.forget()
	db.forgetLocked()
	return err
}

// dropLocked takes what is in the file out of the overlay, unless it was
// written again meanwhile.
func (db *DB) dropLocked(kept *overlay) {
	if db.pending.Len() == kept.Len() && !db.open.dirty {
		db.pending = newOverlay()
		return
	}
	left := db.pending.Copy()
	kept.Scan(func(key string, value []byte) bool {
		if now, ok := left.Get(key); ok && same(now, value) {
			left.Delete(key)
		}
		return true
	})
	db.pending = left
}

// same reports whether two values are one: the very bytes, or two deletions.
func same(a, b []byte) bool {
	if a == nil || b == nil || len(a) == 0 || len(b) == 0 {
		return (a == nil) == (b == nil) && len(a) == len(b)
	}
	return len(a) == len(b) && &a[0] == &b[0]
}

// flush moves what gathered in memory mode into the private file. A file that
// forks share is copied first. The caller holds writer.
func (db *DB) flush() error {
	base, err := db.own()
	if err != nil {
		return err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if err := base.write(db.pending, db.now, uncounted); err != nil {
		return err
	}
	db.base, db.pending = base, newOverlay()
	return nil
}

// own is a file that only this store writes to.
func (db *DB) own() (*file, error) {
	switch {
	case db.base == nil:
		return createPrivate()
	case !db.base.shared():
		return db.base, nil
	}
	copied, err := db.base.copyPrivate()
	if err != nil {
		return nil, err
	}
	old := db.base
	db.mu.Lock()
	db.base = copied // before the old one goes: begin must never meet a closed file
	db.mu.Unlock()
	return copied, old.release()
}
