package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"infinisim/sim/clock"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

var (
	color = schema.String(schema.Field{Name: "color", Flags: schema.Index})
	size  = schema.Int(schema.Field{Name: "size", Flags: schema.Index})
	ball  = schema.NewType("ball", color, size)
)

func open(tb testing.TB, o store.Options) *store.DB {
	tb.Helper()
	db, err := store.Open(o)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, db.Close()) })
	return db
}

func update(tb testing.TB, db *store.DB, fn func(tx *store.Tx) error) {
	tb.Helper()
	require.NoError(tb, db.Update(tb.Context(), 1, fn))
}

// dump lists a space's keys and values.
func dump(tx *store.Tx, array, space string) (out []string) {
	tx.KV(array, space).Scan(nil, func(k, v []byte) bool {
		out = append(out, string(k)+"="+string(v))
		return true
	})
	return out
}

func TestSavepoint_isUndoneAlone(t *testing.T) {
	t.Parallel()
	db := open(t, store.Options{})
	var committed []string
	failed := errors.New("no")
	update(t, db, func(tx *store.Tx) error {
		kv := func(tx *store.Tx) store.KV { return tx.KV("a", "s") }
		kv(tx).Put([]byte("1"), []byte("x"))
		tx.OnCommit(func() { committed = append(committed, "outer") })
		err := tx.Savepoint(5, func(tx *store.Tx) error {
			assert.Equal(t, clock.Time(5), tx.Now())
			kv(tx).Put([]byte("2"), []byte("y"))
			kv(tx).Delete([]byte("1"))
			tx.Next("a", "n")
			tx.OnCommit(func() { committed = append(committed, "undone") })
			return failed
		})
		require.ErrorIs(t, err, failed)
		assert.Equal(t, []string{"1=x"}, dump(tx, "a", "s"))
		assert.Equal(t, int64(1), tx.Next("a", "n"))
		return tx.Savepoint(6, func(tx *store.Tx) error {
			tx.OnCommit(func() { committed = append(committed, "inner") })
			kv(tx).Put([]byte("3"), nil)
			return nil
		})
	})
	assert.Equal(t, []string{"outer", "inner"}, committed)
	require.ErrorIs(t, db.Update(t.Context(), 1, func(tx *store.Tx) error {
		tx.KV("a", "s").Put([]byte("4"), nil)
		return failed
	}), failed)
	require.NoError(t, db.View(t.Context(), 1, func(tx *store.Tx) error {
		assert.Equal(t, []string{"1=x", "3="}, dump(tx, "a", "s"))
		assert.Panics(t, func() { tx.KV("a", "s").Put([]byte("9"), nil) })
		return nil
	}))
}

func TestScan_mergesBothLayers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		db, err := store.Open(store.Options{FlushAt: rapid.IntRange(1, 9).Draw(rt, "flush at")})
		require.NoError(rt, err)
		defer func() { require.NoError(rt, db.Close()) }()
		want := map[string]string{}
		for i := range rapid.IntRange(0, 20).Draw(rt, "steps") {
			key := rapid.StringMatching(`[a-c]{1,2}`).Draw(rt, "key")
			gone := rapid.Bool().Draw(rt, "delete")
			require.NoError(rt, db.Update(context.Background(), clock.Time(i), func(tx *store.Tx) error {
				kv := tx.KV("a", "s")
				if gone {
					delete(want, key)
					kv.Delete([]byte(key))
				} else {
					want[key] = fmt.Sprint(i)
					kv.Put([]byte(key), []byte(want[key]))
				}
				tx.KV("a", "t").Put([]byte(key), nil) // a neighbour
				return nil
			}))
		}
		from := rapid.StringMatching(`[a-c]?`).Draw(rt, "from")
		require.NoError(rt, db.View(context.Background(), 0, func(tx *store.Tx) error {
			got := map[string]string{}
			last := ""
			tx.KV("a", "s").Scan([]byte(from), func(k, v []byte) bool {
				require.Less(rt, last, string(k))
				last = string(k)
				got[last] = string(v)
				return true
			})
			for k, v := range want {
				require.Equal(rt, k >= from, got[k] == v && got[k] != "", k)
				require.Equal(rt, v, string(tx.KV("a", "s").Get([]byte(k))))
			}
			require.LessOrEqual(rt, len(got), len(want))
			return nil
		}))
	})
}

func TestView_isolation(t *testing.T) {
	t.Parallel()
	db := open(t, store.Options{FlushAt: 3})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				err := db.View(context.Background(), 0, func(tx *store.Tx) error {
					x, y := tx.KV("a", "s").Get([]byte("x")), tx.KV("a", "s").Get([]byte("y"))
					if string(x) != string(y) {
						return fmt.Errorf("x is %q, y is %q", x, y)
					}
					return nil
				})
				assert.NoError(t, err)
			}
		})
	}
	for i := range 50 {
		update(t, db, func(tx *store.Tx) error {
			tx.KV("a", "s").Put([]byte("x"), []byte(fmt.Sprint(i)))
			tx.KV("a", "s").Put([]byte("y"), []byte(fmt.Sprint(i)))
			return nil
		})
	}
	wg.Wait()
}

func TestRows_againstAMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		db, err := store.Open(store.Options{FlushAt: 5})
		require.NoError(rt, err)
		defer func() { require.NoError(rt, db.Close()) }()
		colors := map[int64]string{}
		for range rapid.IntRange(0, 30).Draw(rt, "steps") {
			id := rapid.Int64Range(-2, 6).Draw(rt, "id")
			c := rapid.SampledFrom([]string{"red", "blue", ""}).Draw(rt, "color")
			require.NoError(rt, db.Update(context.Background(), 0, func(tx *store.Tx) error {
				if c == "" {
					delete(colors, id)
					return tx.Delete("a", ball, id)
				}
				colors[id] = c
				o := schema.New(ball, id)
				color.Set(o, c)
				size.Set(o, id*10)
				return tx.Put("a", o)
			}))
		}
		require.NoError(rt, db.View(context.Background(), 0, func(tx *store.Tx) error {
			require.Empty(rt, tx.Check("a", []*schema.Type{ball}))
			require.Equal(rt, int64(len(colors)), tx.Count("a", ball))
			reds := 0
			for id, c := range colors {
				o, err := tx.Get("a", ball, id)
				require.NoError(rt, err)
				require.Equal(rt, c, color.Get(o))
				if c == "red" {
					reds++
				}
			}
			require.Len(rt, tx.IDsBy("a", ball, color.Field(), schema.TextValue("red")), reds)
			require.Equal(rt, int64(reds), tx.CountBy("a", color.Field(), ball, schema.TextValue("red")))
			ids := tx.IDs("a", ball, -100, -1)
			require.IsIncreasing(rt, append([]int64{-101}, append(ids, 101)...))
			require.Len(rt, ids, len(colors))
			return nil
		}))
	})
}

func TestCheck_findsDamage(t *testing.T) {
	t.Parallel()
	for space, want := range map[string]string{"row": "checksum", "index": "has no row", "count": "should be"} {
		db := open(t, store.Options{})
		update(t, db, func(tx *store.Tx) error {
			o := schema.New(ball, 7)
			color.Set(o, "red")
			return tx.Put("a", o)
		})
		update(t, db, func(tx *store.Tx) error {
			kv := tx.KV("a", space)
			kv.Scan(nil, func(k, v []byte) bool {
				key, value := append([]byte(nil), k...), append([]byte(nil), v...)
				if space == "index" {
					kv.Delete(key)
					key[len(key)-1]++
				} else {
					value[len(value)-1] ^= 1
				}
				kv.Put(key, value)
				return false
			})
			bad := tx.Check("a", []*schema.Type{ball})
			assert.NotEmpty(t, bad, space)
			assert.Contains(t, fmt.Sprint(bad), want)
			return nil
		})
	}
}

func TestOpen_keepsAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lab.db")
	db, err := store.Open(store.Options{Path: path})
	require.NoError(t, err)
	require.NoError(t, db.Update(t.Context(), 77, func(tx *store.Tx) error {
		tx.KV("a", "s").Put([]byte("k"), []byte("v"))
		tx.Next("a", "n")
		return nil
	}))
	require.NoError(t, db.Close())
	db = open(t, store.Options{Path: path})
	assert.Equal(t, clock.Time(77), db.Now())
	update(t, db, func(tx *store.Tx) error {
		assert.Equal(t, clock.Time(77), tx.Now(), "lab time never goes back")
		assert.Equal(t, "v", string(tx.KV("a", "s").Get([]byte("k"))))
		assert.Equal(t, int64(2), tx.Next("a", "n"))
		tx.Clear("a")
		assert.Empty(t, dump(tx, "a", "s"))
		return nil
	})
}

func TestOpen_otherFormatIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lab.db")
	db, err := store.Open(store.Options{Path: path})
	require.NoError(t, err)
	require.NoError(t, db.Update(t.Context(), 1, func(tx *store.Tx) error {
		tx.KV("", "meta").Put([]byte("x"), nil)
		return nil
	}))
	require.NoError(t, db.SetFormat(99))
	require.NoError(t, db.Close())
	_, err = store.Open(store.Options{Path: path})
	require.ErrorIs(t, err, store.ErrFormat)
}

func Example() {
	db, err := store.Open(store.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()
	err = db.Update(context.Background(), 0, func(tx *store.Tx) error {
		o := schema.New(ball, tx.Next("box", "id"))
		color.Set(o, "red")
		return tx.Put("box", o)
	})
	fmt.Println(err, db.Now())
	// Output: <nil> 1970-01-01T00:00:00Z
}
