package store_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// TestTouched tells what became of each object in all, and forgets what was
// undone.
func TestTouched(t *testing.T) {
	t.Parallel()
	db := open(t, store.Options{})
	put := func(tx *store.Tx, id int64, c string) {
		o := schema.New(ball, id)
		color.Set(o, c)
		require.NoError(t, tx.Put("a", o))
	}
	update(t, db, func(tx *store.Tx) error {
		put(tx, 1, "red")
		put(tx, 2, "red")
		put(tx, 3, "red")
		return nil
	})
	update(t, db, func(tx *store.Tx) error {
		err := tx.Savepoint(1, func(tx *store.Tx) error {
			put(tx, 1, "green")
			return errors.New("undone")
		})
		require.Error(t, err)
		put(tx, 2, "red") // as it was
		assert.Empty(t, tx.Touched())
		require.NoError(t, tx.Savepoint(1, func(tx *store.Tx) error {
			put(tx, 3, "green")
			put(tx, 4, "red")
			put(tx, 5, "red")
			return tx.Delete("a", ball, 5)
		}))
		put(tx, 4, "green")
		require.NoError(t, tx.Delete("a", ball, 1))
		assert.Equal(t, []store.Touch{
			{Array: "a", Kind: "ball", ID: 3, Did: store.Changed},
			{Array: "a", Kind: "ball", ID: 4, Did: store.Created},
			{Array: "a", Kind: "ball", ID: 1, Did: store.Deleted},
		}, tx.Touched())
		put(tx, 1, "blue")
		require.NoError(t, tx.Delete("a", ball, 4))
		assert.Equal(t, []store.Touch{
			{Array: "a", Kind: "ball", ID: 3, Did: store.Changed},
			{Array: "a", Kind: "ball", ID: 1, Did: store.Changed},
		}, tx.Touched())
		return nil
	})
}
