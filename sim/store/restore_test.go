package store_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/clock"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

func TestRestore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		origin, kept bool // durable
		flushAt      int
	}{{"memory", false, false, 0}, {"memory, flushed", false, false, 4}, {"durable", true, true, 0}, {"durable from memory", true, false, 4}, {"memory from durable", false, true, 4}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			o := store.Options{FlushAt: c.flushAt, Types: []*schema.Type{ball}}
			if c.origin {
				o.Path = filepath.Join(dir, "origin.db")
			}
			db := open(t, o)
			path := ""
			if c.kept {
				path = filepath.Join(dir, "kept.db")
			}
			for range 3 {
				update(t, db, func(tx *store.Tx) error { return putBall(tx, "red") })
			}
			kept, err := db.Fork(path, nil)
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, kept.Close()) })
			red := []string{"1red", "2red", "3red"}
			for range 2 {
				for range 3 {
					require.NoError(t, db.Update(t.Context(), 9, func(tx *store.Tx) error {
						tx.KV("another", "t").Put([]byte("k"), []byte("v"))
						return putBall(tx, "blue")
					}))
				}
				update(t, db, func(tx *store.Tx) error { return tx.Delete("box", ball, 1) })
				require.NoError(t, db.Restore(kept))
				assert.Equal(t, clock.Time(1), db.Now())
				assert.Equal(t, red, balls(t, db))
				require.NoError(t, db.View(t.Context(), 1, func(tx *store.Tx) error {
					assert.Empty(t, tx.Check("box", []*schema.Type{ball}))
					assert.Empty(t, dump(tx, "another", "t"))
					return nil
				}))
			}
			update(t, db, func(tx *store.Tx) error { return putBall(tx, "green") })
			assert.Equal(t, append(red, "4green"), balls(t, db))
			assert.Equal(t, red, balls(t, kept))
			if c.origin {
				again := open(t, store.Options{Path: crashed(t, o.Path), Types: o.Types})
				assert.Equal(t, append(red, "4green"), balls(t, again))
				assert.Empty(t, again.Damage())
			}
		})
	}
}

func TestRestore_whatCannotBeKeptChangesNothing(t *testing.T) {
	t.Parallel()
	db := durable(t, store.Options{MaxBytes: 256 << 10})
	update(t, db, func(tx *store.Tx) error { return putBall(tx, "red") })
	big := open(t, store.Options{})
	update(t, big, func(tx *store.Tx) error {
		for range 1000 {
			if err := putBall(tx, strings.Repeat("x", 1000)); err != nil {
				return err
			}
		}
		return nil
	})
	require.ErrorIs(t, db.Restore(big), store.ErrNotKept)
	assert.Equal(t, []string{"1red"}, balls(t, db))
	update(t, db, func(tx *store.Tx) error { return putBall(tx, "blue") })
}
