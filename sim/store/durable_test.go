package store_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/clock"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

func durable(tb testing.TB, o store.Options) *store.DB {
	tb.Helper()
	if o.Path == "" {
		o.Path = filepath.Join(tb.TempDir(), "lab.db")
	}
	if o.Types == nil {
		o.Types = []*schema.Type{ball}
	}
	return open(tb, o)
}

// crashed is the file as it is now, without a Close: what a killed process
// leaves behind.
func crashed(tb testing.TB, path string) string {
	tb.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(tb, err)
	left := filepath.Join(tb.TempDir(), "left.db")
	require.NoError(tb, os.WriteFile(left, raw, 0o600))
	return left
}

func putBall(tx *store.Tx, c string) error {
	o := schema.New(ball, tx.Next("box", "id"))
	color.Set(o, c)
	return tx.Put("box", o)
}

func balls(tb testing.TB, db *store.DB) (out []string) {
	tb.Helper()
	require.NoError(tb, db.View(tb.Context(), 1, func(tx *store.Tx) error {
		return tx.Each("box", ball, func(o *schema.Object) (bool, error) {
			out = append(out, fmt.Sprint(o.ID(), color.Get(o)))
			return true, nil
		})
	}))
	return out
}

func TestDurable_anAnswerIsKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lab.db")
	db := durable(t, store.Options{Path: path})
	for i := range 5 {
		require.NoError(t, db.Update(t.Context(), clock.Time(100+i), func(tx *store.Tx) error { return putBall(tx, "red") }))
		left := durable(t, store.Options{Path: crashed(t, path)})
		assert.Len(t, balls(t, left), i+1)
		assert.Equal(t, clock.Time(100+i), left.Now())
		assert.Empty(t, left.Damage())
	}
}

func TestDurable_oneSyncForMany(t *testing.T) {
	t.Parallel()
	const others = 7
	var syncs int
	gathered := make(chan bool)
	first := make(chan bool)
	var once sync.Once
	db := durable(t, store.Options{Step: func(name string) {
		if name != "store: before the sync" {
			return
		}
		syncs++
		once.Do(func() { close(first); <-gathered })
	}})
	var all sync.WaitGroup
	add := func(ran func()) {
		all.Go(func() {
			assert.NoError(t, db.Update(t.Context(), 1, func(tx *store.Tx) error { defer ran(); return putBall(tx, "blue") }))
		})
	}
	add(func() {})
	<-first
	var ran sync.WaitGroup
	for range others {
		ran.Add(1)
		add(ran.Done)
	}
	ran.Wait()
	add(func() { close(gathered) }) // one more savepoint: the seven before it are in place
	all.Wait()
	assert.LessOrEqual(t, syncs, 3, "eight savepoints gathered while the first one was written")
	assert.Len(t, balls(t, db), others+2)
}

func TestDurable_whatCannotBeKeptIsUndone(t *testing.T) {
	t.Parallel()
	db := durable(t, store.Options{MaxBytes: 256 << 10})
	add := func(n int) error {
		return db.Update(t.Context(), 1, func(tx *store.Tx) error {
			for range n {
				if err := putBall(tx, strings.Repeat("x", 1000)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, add(10))
	before := balls(t, db)
	err := add(1000)
	require.ErrorIs(t, err, store.ErrNotKept)
	require.ErrorContains(t, err, "lab.db")
	assert.Equal(t, before, balls(t, db))
	require.NoError(t, add(1), "a smaller change still fits")
	assert.Len(t, balls(t, db), 11)
}

func TestDurable_lockedFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lab.db")
	durable(t, store.Options{Path: path})
	_, err := store.Open(store.Options{Path: path})
	require.ErrorIs(t, err, store.ErrLocked)
	require.ErrorContains(t, err, path)
}

func TestDurable_filesThatAreNone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	require.NoError(t, os.WriteFile(text, []byte("hello"), 0o600))
	long := filepath.Join(dir, "long")
	require.NoError(t, os.WriteFile(long, make([]byte, 1<<16), 0o600))
	for _, path := range []string{text, long} {
		_, err := store.Open(store.Options{Path: path})
		require.ErrorIs(t, err, store.ErrDamaged, path)
		require.ErrorContains(t, err, path)
	}
	for _, path := range []string{dir, filepath.Join(dir, "no", "lab.db"), "/proc/lab.db"} { // the last cannot be written, whoever asks
		_, err := store.Open(store.Options{Path: path})
		require.ErrorContains(t, err, path)
	}
}

// TestDurable_flippedBytes flips one byte of a file at a time, anywhere: the
// store then opens with everything as it was, or names what is damaged and
// keeps the rest, or refuses the file.
func TestDurable_flippedBytes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lab.db")
	db := durable(t, store.Options{Path: path})
	for i := range 40 {
		update(t, db, func(tx *store.Tx) error {
			return putBall(tx, fmt.Sprintf("color %d %s", i%7, strings.Repeat("y", 200)))
		})
	}
	want := balls(t, db)
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	const seed, flips = 11, 60
	dice := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // a test's dice
	var named, refused int
	for range flips {
		at := dice.IntN(len(raw))
		for raw[at] == 0 { // most of the file is empty pages
			at = dice.IntN(len(raw))
		}
		flipped := append([]byte(nil), raw...)
		flipped[at] ^= 1 << dice.IntN(8)
		bad := filepath.Join(t.TempDir(), "bad.db")
		require.NoError(t, os.WriteFile(bad, flipped, 0o600))
		got, err := store.Open(store.Options{Path: bad, Types: []*schema.Type{ball}})
		if err != nil {
			require.True(t, strings.Contains(err.Error(), "damaged") || strings.Contains(err.Error(), "format"), "byte %d: %v", at, err)
			refused++
			continue
		}
		left := balls(t, got)
		if len(got.Damage()) == 0 {
			require.Equal(t, want, left, "byte %d, seed %d: nothing is named", at, seed)
		} else {
			named++
			require.Subset(t, want, left, "byte %d", at)
			require.FileExists(t, bad+".damaged")
		}
		require.NoError(t, got.View(t.Context(), 1, func(tx *store.Tx) error {
			require.Empty(t, tx.Check("box", []*schema.Type{ball}), "byte %d", at)
			return nil
		}))
		require.NoError(t, got.Close())
	}
	assert.Positive(t, named)
	t.Logf("%d flips: %d named, %d refused, the others without effect", flips, named, refused)
}

func TestDurable_aDamagedRowIsNamedAndTheRestKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lab.db")
	db := durable(t, store.Options{Path: path})
	for _, c := range []string{"red", "amber", "green"} {
		update(t, db, func(tx *store.Tx) error { return putBall(tx, c) })
	}
	left := crashed(t, path)
	raw, err := os.ReadFile(left)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(left, []byte(strings.ReplaceAll(string(raw), `"amber"`, `"umber"`)), 0o600))
	got := durable(t, store.Options{Path: left})
	assert.Equal(t, []string{"1red", "3green"}, balls(t, got))
	assert.Equal(t, []string{"box: ball 2 was damaged and is kept aside"}, got.Damage())
	require.NoError(t, got.View(t.Context(), 1, func(tx *store.Tx) error {
		assert.Empty(t, tx.IDsBy("box", ball, color.Field(), schema.TextValue("amber")))
		return nil
	}))
}

func TestDurable_anOlderDeclarationIsMigrated(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lab.db")
	old := schema.NewType("ball", size, color)
	db, err := store.Open(store.Options{Path: path, Types: []*schema.Type{old}})
	require.NoError(t, err)
	update(t, db, func(tx *store.Tx) error {
		o := schema.New(old, 7)
		color.Set(o, "red")
		size.Set(o, 12)
		return tx.Put("box", o)
	})
	require.NoError(t, db.Close())
	weight := schema.Int(schema.Field{Name: "weight", Flags: schema.Index, Default: 5})
	later := schema.NewType("ball", color, weight)
	db = open(t, store.Options{Path: path, Types: []*schema.Type{later}})
	require.NoError(t, db.View(t.Context(), 1, func(tx *store.Tx) error {
		o, err := tx.Get("box", later, 7)
		require.NoError(t, err)
		assert.Equal(t, "red", color.Get(o))
		assert.Equal(t, int64(5), weight.Get(o))
		assert.Equal(t, []int64{7}, tx.IDsBy("box", later, weight.Field(), schema.IntValue(5)))
		assert.Empty(t, tx.Check("box", []*schema.Type{later}))
		return nil
	}))
}

func TestDurable_aNewIndexIsMade(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lab.db")
	plain := schema.String(schema.Field{Name: "color"})
	old := schema.NewType("ball", plain)
	db, err := store.Open(store.Options{Path: path, Types: []*schema.Type{old}})
	require.NoError(t, err)
	update(t, db, func(tx *store.Tx) error {
		o := schema.New(old, 7)
		plain.Set(o, "red")
		return tx.Put("box", o)
	})
	require.NoError(t, db.Close())
	indexed := schema.String(schema.Field{Name: "color", Flags: schema.Index})
	later := schema.NewType("ball", indexed)
	db = open(t, store.Options{Path: path, Types: []*schema.Type{later}})
	require.NoError(t, db.View(t.Context(), 1, func(tx *store.Tx) error {
		assert.Equal(t, []int64{7}, tx.IDsBy("box", later, indexed.Field(), schema.TextValue("red")))
		assert.Equal(t, int64(1), tx.CountBy("box", indexed.Field(), later, schema.TextValue("red")))
		return nil
	}))
}

func TestFork_writesAreInvisibleToEachOther(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		origin, fork bool // durable
	}{{"memory", false, false}, {"durable", true, true}, {"durable to memory", true, false}, {"memory to durable", false, true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := store.Options{FlushAt: 4, Types: []*schema.Type{ball}}
			if c.origin {
				o.Path = filepath.Join(t.TempDir(), "origin.db")
			}
			db := open(t, o)
			path := ""
			if c.fork {
				path = filepath.Join(t.TempDir(), "fork.db")
			}
			for range 3 {
				update(t, db, func(tx *store.Tx) error { return putBall(tx, "red") })
			}
			fork, err := db.Fork(path, nil)
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, fork.Close()) })
			for range 3 { // enough that each flushes by itself
				update(t, db, func(tx *store.Tx) error { return putBall(tx, "origin") })
				update(t, fork, func(tx *store.Tx) error { return putBall(tx, "fork") })
			}
			red := []string{"1red", "2red", "3red"}
			assert.Equal(t, append(red[:3:3], "4origin", "5origin", "6origin"), balls(t, db))
			assert.Equal(t, append(red[:3:3], "4fork", "5fork", "6fork"), balls(t, fork))
			if c.fork {
				_, err = db.Fork(path, nil)
				require.ErrorIs(t, err, os.ErrExist)
			}
		})
	}
}
