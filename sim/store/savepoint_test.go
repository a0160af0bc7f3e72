package store_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"infinisim/sim/store"
)

// world is a space as a map: a savepoint works on a copy of it.
type world map[string]string

func (w world) lines() (out []string) {
	for _, k := range slices.Sorted(maps.Keys(w)) {
		out = append(out, k+"="+w[k])
	}
	return out
}

// turns does random things to a space and to the map, within savepoints that
// fail, panic or stay, and within scans, which see what was there before.
func turns(t *rapid.T, tx *store.Tx, w world, depth int) {
	kv := tx.KV("a", "s")
	for range rapid.IntRange(0, 8).Draw(t, "turns") {
		key := fmt.Sprint(rapid.IntRange(0, 30).Draw(t, "key"))
		switch rapid.SampledFrom([]string{"put", "put", "delete", "savepoint", "savepoint", "scan"}).Draw(t, "what") {
		case "put":
			w[key] = fmt.Sprint(len(w), depth)
			kv.Put([]byte(key), []byte(w[key]))
		case "delete":
			delete(w, key)
			kv.Delete([]byte(key))
		case "savepoint":
			if depth < 4 {
				savepoint(t, tx, w, depth)
			}
		case "scan":
			want := w.lines()
			var got []string
			kv.Scan(nil, func(k, v []byte) bool {
				got = append(got, string(k)+"="+string(v))
				if depth < 4 && rapid.IntRange(0, 6).Draw(t, "under the scan") == 0 {
					turns(t, tx, w, depth+2)
				}
				return true
			})
			require.Equal(t, want, got)
		}
	}
	require.Equal(t, w.lines(), dump(tx, "a", "s"))
}

var errBack = errors.New("take it back")

func savepoint(t *rapid.T, tx *store.Tx, w world, depth int) {
	inside := maps.Clone(w)
	end := rapid.SampledFrom([]string{"stays", "fails", "panics"}).Draw(t, "end")
	run := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				if p != any(errBack) {
					panic(p)
				}
				err = errBack
			}
		}()
		return tx.Savepoint(tx.Now(), func(tx *store.Tx) error {
			turns(t, tx, inside, depth+1)
			switch end {
			case "fails":
				return errBack
			case "panics":
				panic(errBack)
			}
			return nil
		})
	}
	if run() == nil {
		clear(w)
		maps.Copy(w, inside)
	}
	require.Equal(t, w.lines(), dump(tx, "a", "s"), end)
}

// What a savepoint wrote is taken back as if it had never been, however deep,
// and scans around it go on over what they began with.
func TestSavepoint_randomly(t *testing.T) {
	t.Parallel()
	for name, flushAt := range map[string]int{"in memory": 10_000, "over a file": 5} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				db, err := store.Open(store.Options{FlushAt: flushAt, History: 1 << 20})
				require.NoError(t, err)
				defer func() { require.NoError(t, db.Close()) }()
				w := world{}
				for range 3 {
					before, position := maps.Clone(w), db.Position()
					failed := rapid.Bool().Draw(t, "all fails")
					err := db.Update(t.Context(), 1, func(tx *store.Tx) error {
						turns(t, tx, w, 0)
						if failed {
							return errBack
						}
						return nil
					})
					if failed {
						w = before
						require.ErrorIs(t, err, errBack)
					} else {
						require.NoError(t, err)
					}
					require.NoError(t, db.View(t.Context(), 1, func(tx *store.Tx) error {
						require.Equal(t, w.lines(), dump(tx, "a", "s"))
						return nil
					}))
					former, err := db.ForkAt(position, 1, nil)
					require.NoError(t, err)
					require.NoError(t, former.View(t.Context(), 1, func(tx *store.Tx) error {
						require.Equal(t, before.lines(), dump(tx, "a", "s"), "the way back")
						return nil
					}))
					require.NoError(t, former.Close())
				}
			})
		})
	}
}
