package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"infinisim/sim/clock"
	"infinisim/sim/store"
)

// seenAt is a state that was, and where.
type seenAt struct {
	at    store.Position
	state []string
	print string
}

func look(tx *store.Tx) seenAt {
	return seenAt{tx.Position(), append(dump(tx, "a", "s"), dump(tx, "", "t")...), tx.Fingerprint("a")}
}

// write puts or deletes what is drawn, some of it in savepoints that are undone.
func write(rt *rapid.T, tx *store.Tx, seen *[]seenAt) {
	for range rapid.IntRange(1, 4).Draw(rt, "writes") {
		*seen = append(*seen, look(tx))
		_ = tx.Savepoint(tx.Now(), func(tx *store.Tx) error {
			for range rapid.IntRange(0, 3).Draw(rt, "keys") {
				kv := tx.KV("a", "s")
				if rapid.Bool().Draw(rt, "of the lab") {
					kv = tx.KV("", "t")
				}
				key := rapid.StringMatching(`[a-c]{1,2}`).Draw(rt, "key")
				if rapid.Bool().Draw(rt, "delete") {
					kv.Delete([]byte(key))
				} else {
					kv.Put([]byte(key), fmt.Append(nil, rapid.IntRange(0, 99).Draw(rt, "value")))
				}
			}
			if rapid.Bool().Draw(rt, "undone") {
				return errors.New("undone")
			}
			return nil
		})
	}
}

// TestForkAt_anyState writes at random, and forks from each state on the way.
func TestForkAt_anyState(t *testing.T) {
	t.Parallel()
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		o := store.Options{FlushAt: rapid.IntRange(1, 9).Draw(rt, "flush at"), History: 1 << 20}
		if rapid.Bool().Draw(rt, "durable") {
			n++
			o.Path = filepath.Join(dir, fmt.Sprint(n))
		}
		db, err := store.Open(o)
		require.NoError(rt, err)
		defer func() { require.NoError(rt, db.Close()) }()
		var seen []seenAt
		for i := range rapid.IntRange(1, 6).Draw(rt, "transactions") {
			kept := len(seen)
			err := db.Update(context.Background(), clock.Time(i), func(tx *store.Tx) error {
				write(rt, tx, &seen)
				if rapid.Bool().Draw(rt, "failed") {
					return errors.New("failed")
				}
				return nil
			})
			if err != nil {
				seen = seen[:kept]
			}
		}
		for _, s := range seen {
			fork, err := db.ForkAt(s.at, 7, "owner")
			require.NoError(rt, err)
			assert.Equal(rt, clock.Time(7), fork.Now())
			require.NoError(rt, fork.View(context.Background(), 7, func(tx *store.Tx) error {
				got := look(tx)
				got.at = s.at // a fork begins anew
				require.Equal(rt, s, got)
				return nil
			}))
			require.NoError(rt, fork.Update(context.Background(), 7, func(tx *store.Tx) error {
				tx.KV("a", "s").Put([]byte("z"), []byte("of the fork"))
				return nil
			}))
			require.NoError(rt, fork.Close())
		}
		require.NoError(rt, db.View(context.Background(), 0, func(tx *store.Tx) error {
			assert.Nil(rt, tx.KV("a", "s").Get([]byte("z")))
			return nil
		}))
	})
}

func TestForkAt_forgets(t *testing.T) {
	t.Parallel()
	without := open(t, store.Options{})
	_, err := without.ForkAt(0, 0, nil)
	require.ErrorIs(t, err, store.ErrForgotten)
	db := open(t, store.Options{History: 1000})
	put := func(i int) {
		update(t, db, func(tx *store.Tx) error { tx.KV("a", "s").Put([]byte("k"), fmt.Append(nil, i)); return nil })
	}
	for i := range 100 {
		put(i)
	}
	assert.Equal(t, store.Position(100), db.Position())
	_, err = db.ForkAt(50, 0, nil)
	require.ErrorIs(t, err, store.ErrForgotten)
	_, err = db.ForkAt(101, 0, nil)
	require.ErrorIs(t, err, store.ErrForgotten)
	fork, err := db.ForkAt(90, 0, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, fork.Close()) }()
	require.NoError(t, fork.View(t.Context(), 0, func(tx *store.Tx) error {
		assert.Equal(t, []string{"k=89"}, dump(tx, "a", "s"))
		return nil
	}))
}
