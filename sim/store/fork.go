package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Fork makes an independent copy of the store as it is now: writes to either
// are invisible to the other. An empty path makes it one of memory mode, which
// shares the file with its origin until one of them has to write to it; a path
// makes it durable, in a new file.
//
// The fork's transactions tell the given owner. It returns an error if the
// path exists.
func (db *DB) Fork(path string, owner any) (*DB, error) {
	db.flusher.Lock()
	defer db.flusher.Unlock()
	db.writer.Lock()
	defer db.writer.Unlock()
	return db.fork(path, owner)
}

// fork makes the copy. The caller holds flusher and writer.
func (db *DB) fork(path string, owner any) (*DB, error) {
	opts := db.opts
	opts.Path, opts.Owner = path, owner
	fork := &DB{opts: opts, durable: path != "", flushAt: db.flushAt, open: newGathering(), now: db.now, damage: db.damage}
	fork.history.limit = db.opts.History
	fork.beginMemo()
	if path != "" {
		return fork, db.forkDurable(fork, path)
	}
	db.mu.Lock()
	fork.pending = db.pending.Copy()
	db.mu.Unlock()
	switch {
	case db.base == nil:
	case db.durable:
		copied, err := db.base.copyPrivate()
		if err != nil {
			return nil, fmt.Errorf("fork: %w", err)
		}
		fork.base = copied
	default:
		db.base.retain()
		fork.base = db.base
	}
	return fork, nil
}

// forkDurable gives a fork a file with everything in it. It gets its name when
// it is whole.
func (db *DB) forkDurable(fork *DB, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("fork to %s: %w", path, fs.ErrExist)
	}
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("fork to %s: %w", path, err)
	}
	fork.pending = newOverlay()
	base, err := db.fileAt(fresh)
	if err != nil {
		return fmt.Errorf("fork to %s: %w", path, err)
	}
	fork.base = base
	err = base.write(db.pending, db.now, uncounted)
	if err == nil {
		err = base.stamp(db.opts.Types, uncounted)
	}
	if err == nil {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		_ = base.release() // the first error tells more
		return fmt.Errorf("fork to %s: %w", path, err)
	}
	base.path = path
	return nil
}

func (db *DB) fileAt(path string) (*file, error) {
	if db.base == nil {
		return openFile(path, false, db.opts.MaxBytes)
	}
	return db.base.copied(path, false, db.opts.MaxBytes)
}
