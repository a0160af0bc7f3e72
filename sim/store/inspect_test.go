package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/store"
)

// TestInspect_changesNothing looks at files of all sorts, and compares what is
// on the disk before and after.
func TestInspect_changesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keep := func(name string, format uint64) string {
		path := filepath.Join(dir, name)
		db, err := store.Open(store.Options{Path: path})
		require.NoError(t, err)
		require.NoError(t, db.Update(t.Context(), 1, func(tx *store.Tx) error {
			for i := range 200 {
				tx.KV("", "meta").Put([]byte{byte(i)}, make([]byte, 100))
			}
			return nil
		}))
		if format != 0 {
			require.NoError(t, db.SetFormat(format))
		}
		require.NoError(t, db.Close())
		return path
	}
	empty := filepath.Join(dir, "empty.db")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	text := filepath.Join(dir, "text.db")
	require.NoError(t, os.WriteFile(text, []byte("hello"), 0o600))
	hurt := keep("hurt.db", 0)
	raw, err := os.ReadFile(hurt)
	require.NoError(t, err)
	for i := 4 * 4096; i < len(raw); i += 512 {
		raw[i] ^= 0xff
	}
	require.NoError(t, os.WriteFile(hurt, raw, 0o600))
	for path, want := range map[string]error{
		keep("whole.db", 0): nil, empty: nil, keep("other.db", 99): store.ErrFormat, text: store.ErrDamaged, hurt: store.ErrDamaged,
		filepath.Join(dir, "none.db"): os.ErrNotExist,
	} {
		before, _ := os.ReadFile(path) // one of them is not there
		err := store.Inspect(path)
		require.ErrorIs(t, err, want, path)
		after, _ := os.ReadFile(path)
		assert.Equal(t, before, after, path)
	}
	held := filepath.Join(dir, "whole.db")
	db, err := store.Open(store.Options{Path: held})
	require.NoError(t, err)
	require.ErrorIs(t, store.Inspect(held), store.ErrLocked)
	require.NoError(t, db.Close())
	_, err = os.Stat(filepath.Join(dir, "none.db"))
	require.ErrorIs(t, err, os.ErrNotExist, "nothing is made")
}
