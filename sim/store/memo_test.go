package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"infinisim/sim/clock"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// seen is how often a reader works something out of what look reads.
type seen struct {
	db   *store.DB
	look func(tx *store.Tx) string
	n    int
}

func (s *seen) read(tb testing.TB) string {
	tb.Helper()
	var out []byte
	require.NoError(tb, s.db.View(tb.Context(), 1, func(tx *store.Tx) (err error) {
		out, err = store.Memo(tx, store.Name{Group: "m", ID: 1}, func() ([]byte, error) { s.n++; return []byte(s.look(tx)), nil })
		return err
	}))
	return string(out)
}

func put(tx *store.Tx, id int64, c string) error {
	o := schema.New(ball, id)
	color.Set(o, c)
	return tx.Put("a", o)
}

func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// looks are the ways to read a store.
func looks() map[string]func(tx *store.Tx) string {
	red := schema.TextValue("red")
	return map[string]func(tx *store.Tx) string{
		"row": func(tx *store.Tx) string {
			o, err := tx.Get("a", ball, 1)
			if o == nil {
				return fmt.Sprint(err)
			}
			return color.Get(o)
		},
		"rows":     func(tx *store.Tx) string { return text(tx.IDs("a", ball, 0, -1)) },
		"count":    func(tx *store.Tx) string { return text(tx.Count("a", ball)) },
		"index":    func(tx *store.Tx) string { return text(tx.IDsBy("a", ball, color.Field(), red)) },
		"page":     func(tx *store.Tx) string { return text(tx.PageIDsBy("a", ball, color.Field(), red, 1, 2)) },
		"count by": func(tx *store.Tx) string { return text(tx.CountBy("a", color.Field(), ball, red)) },
		"space":    func(tx *store.Tx) string { return text(dump(tx, "a", "s")) },
		"key":      func(tx *store.Tx) string { return string(tx.KV("a", "s").Get([]byte("k"))) },
		"savepoint": func(tx *store.Tx) (out string) {
			_ = tx.Savepoint(1, func(tx *store.Tx) error { out = text(tx.IDs("a", ball, 0, -1)); return nil })
			return out
		},
		"each": func(tx *store.Tx) (out string) {
			_ = tx.Each("a", ball, func(o *schema.Object) (bool, error) { out += color.Get(o); return true, nil })
			return out
		},
		"within": func(tx *store.Tx) string {
			raw, _ := store.Memo(tx, store.Name{Group: "inner", ID: 7}, func() ([]byte, error) { return []byte(text(tx.IDs("a", ball, 0, -1))), nil })
			return string(raw)
		},
	}
}

// TestMemo_isWhatAReaderWouldWorkOut writes at random and reads in every way,
// with and without a memo.
func TestMemo_isWhatAReaderWouldWorkOut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		db, err := store.Open(store.Options{FlushAt: rapid.IntRange(1, 40).Draw(rt, "flush at"), ProveMemo: true})
		require.NoError(rt, err)
		defer func() { require.NoError(rt, db.Close()) }()
		for range rapid.IntRange(1, 12).Draw(rt, "writes") {
			require.NoError(rt, db.Update(t.Context(), 1, func(tx *store.Tx) error {
				id := int64(rapid.IntRange(1, 4).Draw(rt, "id"))
				switch rapid.IntRange(0, 4).Draw(rt, "what") {
				case 0:
					return tx.Delete("a", ball, id)
				case 1:
					tx.KV("a", "s").Put([]byte(rapid.SampledFrom([]string{"k", "l"}).Draw(rt, "key")), []byte{byte(id)})
				case 2:
					return tx.Savepoint(1, func(tx *store.Tx) error { return put(tx, id, "red") })
				case 3: // undone
					_ = tx.Savepoint(1, func(tx *store.Tx) error { _ = put(tx, id, "red"); return assert.AnError })
				default:
					return put(tx, id, rapid.SampledFrom([]string{"red", "blue"}).Draw(rt, "color"))
				}
				return nil
			}))
			for name, look := range looks() {
				require.NoError(rt, db.View(t.Context(), 1, func(tx *store.Tx) error {
					got, err := store.Memo(tx, store.Name{Group: name, ID: 1}, func() ([]byte, error) { return []byte(look(tx)), nil })
					require.Equal(rt, look(tx), string(got), name)
					return err
				}))
			}
		}
	})
}

func TestMemo_isKeptUntilWhatItReadIsWritten(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip("with the race detector everything is worked out again, to prove it")
	}
	for name, look := range looks() {
		db := open(t, store.Options{})
		update(t, db, func(tx *store.Tx) error { return errors.Join(put(tx, 1, "red"), put(tx, 2, "red"), put(tx, 3, "red")) })
		s := &seen{db: db, look: look}
		for range 2000 {
			s.read(t)
		}
		warm := s.n
		require.Less(t, warm, 2000, name)
		update(t, db, func(tx *store.Tx) error { return tx.Put("b", schema.New(ball, 1)) })
		s.read(t)
		assert.Equal(t, warm, s.n, "%s: another array was written", name)
		was := s.read(t)
		update(t, db, func(tx *store.Tx) error {
			tx.KV("a", "s").Put([]byte("k"), []byte("v"))
			return tx.Delete("a", ball, 1)
		})
		assert.NotEqual(t, was, s.read(t), name)
		assert.Equal(t, warm+1, s.n, name)
	}
}

func TestMemo_ofTheTimeIsNotKept(t *testing.T) {
	t.Parallel()
	db := open(t, store.Options{})
	for at := range 1000 {
		require.NoError(t, db.View(t.Context(), clock.Time(at), func(tx *store.Tx) error {
			got, err := store.Memo(tx, store.Name{Group: "m", ID: 1}, func() ([]byte, error) { return []byte(text(tx.Now())), nil })
			require.Equal(t, text(at), string(got))
			return err
		}))
	}
}

func TestMemo_endsWithARestore(t *testing.T) {
	t.Parallel()
	db, other := open(t, store.Options{}), open(t, store.Options{})
	s := &seen{db: db, look: looks()["rows"]}
	for range 1000 {
		require.Equal(t, "null", s.read(t))
	}
	update(t, other, func(tx *store.Tx) error { return put(tx, 3, "red") })
	require.NoError(t, db.Restore(other))
	assert.Equal(t, "[3]", s.read(t))
}

// TestMemo_readersBesideAWriter has readers meet commits, each of which moves
// two rows together.
func TestMemo_readersBesideAWriter(t *testing.T) {
	t.Parallel()
	db := open(t, store.Options{FlushAt: 100})
	both := func(n int) func(tx *store.Tx) error {
		return func(tx *store.Tx) error {
			if err := put(tx, 1, fmt.Sprint(n)); err != nil {
				return err
			}
			return put(tx, 2, fmt.Sprint(n))
		}
	}
	update(t, db, both(0))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range 2000 {
			if err := db.Update(t.Context(), 1, both(n)); err != nil {
				t.Error(err)
			}
		}
	}()
	for open := true; open; {
		select {
		case <-done:
			open = false
		default:
		}
		require.NoError(t, db.View(t.Context(), 1, func(tx *store.Tx) error {
			row := func(id int64) []byte {
				raw, err := store.Memo(tx, store.Name{Group: "row", ID: id}, func() ([]byte, error) {
					o, err := tx.Get("a", ball, id)
					return []byte(color.Get(o)), err
				})
				require.NoError(t, err)
				return raw
			}
			require.Equal(t, string(row(1)), string(row(2)), "of one state")
			return nil
		}))
	}
}

// TestMemo_twice keeps what is asked for again, and nothing before.
func TestMemo_twice(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip("with the race detector everything is worked out again, to prove it")
	}
	db := open(t, store.Options{})
	n := 0
	read := func(id int64) {
		require.NoError(t, db.View(t.Context(), 1, func(tx *store.Tx) error {
			_, err := store.Memo(tx, store.Name{Group: "m", ID: id, Twice: true}, func() (string, error) { n++; return text(tx.IDs("a", ball, 0, -1)), nil })
			return err
		}))
	}
	for range 2000 {
		read(1)
	}
	warm := n
	read(1)
	assert.Equal(t, warm, n)
	read(2)
	assert.Equal(t, warm+1, n, "another name")
	read(2)
	assert.Equal(t, warm+2, n, "kept from now on")
	read(2)
	assert.Equal(t, warm+2, n)
	update(t, db, func(tx *store.Tx) error { return put(tx, 7, "red") })
	read(2)
	assert.Equal(t, warm+3, n, "what it was made of was written")
}
