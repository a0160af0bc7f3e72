package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"infinisim/sim/clock"
	"infinisim/sim/schema"
)

// openDurable opens the file, refuses what it cannot read, rescues what is
// whole of a damaged file, and migrates rows of older declarations.
func (db *DB) openDurable() error {
	path := db.opts.Path
	lock, err := hold(path)
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the file that the caller named
	if err == nil && len(raw) > 0 {
		err = db.examine(raw)
	}
	if err = errors.Join(err, lock()); err != nil {
		return err
	}
	f, err := openFile(path, false, db.opts.MaxBytes)
	if err != nil {
		return err
	}
	if err := db.take(f); err != nil {
		return errors.Join(err, f.release())
	}
	return nil
}

// hold makes sure that no other process has the file, and makes an empty one
// where there is none; lock lets go of it.
func hold(path string) (lock func() error, err error) {
	options := &bbolt.Options{ReadOnly: true, Timeout: lockTimeout} // reads the heads and no other page
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		options = &bbolt.Options{Timeout: lockTimeout}
	}
	b, err := bbolt.Open(path, 0o600, options)
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, ErrLocked
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	case err != nil && strings.Contains(err.Error(), "file size too small"): // bbolt has no value for it
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	case err != nil:
		return nil, err
	}
	return b.Close, nil
}

// examine reads a file's content before bbolt does.
func (db *DB) examine(raw []byte) error {
	c, err := readPages(raw)
	if err != nil {
		return err
	}
	if err := c.checkFormat(); err != nil {
		return err
	}
	if c.clean() {
		return nil
	}
	for _, e := range c.damaged {
		db.opts.Log.Warn("damage found and kept aside", "file", db.opts.Path, "what", e.String())
	}
	for _, page := range c.pages {
		db.opts.Log.Warn("damage found", "file", db.opts.Path, "what", page)
	}
	return rescue(db.opts.Path, c, db.opts.Types)
}

// checkFormat looks for the format version; a file without any value is fresh.
func (c *contents) checkFormat() error {
	if len(c.whole) == 0 && c.clean() {
		return nil
	}
	if e := c.format(); e != nil {
		if v := binary.BigEndian.Uint64(append(make([]byte, 8), unseal(e.value)...)[len(e.value)-sealSize:]); v != formatVersion {
			return fmt.Errorf("%w: it has version %d, this program reads %d", ErrFormat, v, formatVersion)
		}
		return nil
	}
	if c.clean() {
		return fmt.Errorf("%w: it has no format version", ErrFormat)
	}
	return fmt.Errorf("%w: its format version cannot be read", ErrDamaged)
}

// format is the entry with the format version, nil for none that is whole.
func (c *contents) format() *entry {
	_, want := splitKey(metaKey("format"))
	i := slices.IndexFunc(c.whole, func(e entry) bool { return e.bucket == labBucket && string(e.key) == want })
	if i < 0 {
		return nil
	}
	return &c.whole[i]
}

// take makes an opened file the store's.
func (db *DB) take(f *file) error {
	if err := f.stamp(db.opts.Types, db.opts.step); err != nil {
		return err
	}
	err := f.bolt.View(func(tx *bbolt.Tx) error {
		if raw := meta(tx, "now"); len(raw) == 8 {
			f.now = clock.Time(binary.BigEndian.Uint64(raw)) //nolint:gosec // written by write
		}
		return nil
	})
	if err != nil {
		return err
	}
	db.base, db.now = f, f.now
	db.damage, err = f.aside()
	return err
}

// stamp writes the format version, and the layout of each type after its rows
// were moved to it. It is one transaction: a process that dies in it leaves all
// as it was.
func (f *file) stamp(types []*schema.Type, step func(name string)) error {
	moved := false
	err := f.bolt.Update(func(tx *bbolt.Tx) error {
		if meta(tx, "format") == nil {
			if err := apply(tx, metaKey("format"), binary.BigEndian.AppendUint64(nil, formatVersion)); err != nil {
				return err
			}
		}
		for _, t := range types {
			want, err := json.Marshal(t.Layout())
			if err != nil {
				return err
			}
			name := "layout/" + t.Name()
			was := meta(tx, name)
			if bytes.Equal(was, want) {
				continue
			}
			if was != nil {
				moved = true
				step("store: rows of another layout are moved")
				err = migrate(tx, t, was)
			}
			if err == nil {
				err = apply(tx, metaKey(name), want)
			}
			if err != nil {
				return fmt.Errorf("migrate %s: %w", t.Name(), err)
			}
		}
		if moved {
			step("store: before the sync of the rows that were moved")
		}
		return nil
	})
	if moved && err == nil {
		step("store: after the sync of the rows that were moved")
	}
	return err
}

// migrate rewrites the rows of a type from an older layout: fields are matched
// by name, new ones get their default. The indexes follow.
func migrate(b *bbolt.Tx, t *schema.Type, was []byte) error {
	var old schema.Layout
	if err := json.Unmarshal(was, &old); err != nil {
		return err
	}
	return forArrays(b, func(array string) error {
		tx := &Tx{bolt: b, over: newOverlay(), durable: true}
		rows := tx.KV(array, spaceRow)
		prefix := append([]byte(t.Name()), 0)
		var failed error
		rows.Scan(prefix, func(key, raw []byte) bool {
			if !bytes.HasPrefix(key, prefix) {
				return false
			}
			o, err := schema.Migrate(t, old, idOf(key), raw)
			if failed = err; err != nil {
				return false
			}
			rows.Put(key, schema.Encode(o))
			return true
		})
		if failed != nil {
			return failed
		}
		return tx.flushInto(b)
	}, t)
}
