package store_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// pageSize is that of the files of these tests; bbolt takes the system's.
var pageSize = os.Getpagesize()

// hurtFile is a small file with trees of several levels, and with pages in it
// that are free again, as a store leaves it behind.
func hurtFile(t *testing.T) (raw []byte, former, want []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lab.db")
	db := durable(t, store.Options{Path: path})
	for i := range 15 {
		update(t, db, func(tx *store.Tx) error {
			for j := range 4 {
				if err := putBall(tx, fmt.Sprintf("color %d %d %s", i, j, strings.Repeat("y", 300))); err != nil {
					return err
				}
			}
			return nil
		})
	}
	former = briefly(balls(t, db))
	update(t, db, func(tx *store.Tx) error {
		for id := int64(2); id <= 40; id += 2 {
			if err := tx.Delete("box", ball, id); err != nil {
				return err
			}
		}
		return nil
	})
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	used := len(bytes.TrimRight(raw, "\x00"))
	raw = raw[:(used+pageSize-1)/pageSize*pageSize] // a file grows long before it is filled
	require.Less(t, len(raw), 1<<20)
	return raw, former, briefly(balls(t, db))
}

// TestDurable_everyPage overwrites each page of a file in turn: by zeros, by
// noise, and by the content of each of its neighbours. The store then opens with
// everything as it was, or names what is lost and keeps the rest, or refuses the
// file and leaves it as it is.
func TestDurable_everyPage(t *testing.T) {
	t.Parallel()
	raw, former, want := hurtFile(t)
	pages := len(raw) / pageSize
	require.Greater(t, pages, 20)
	const seed = 5
	dice := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // a test's dice
	noise := make([]byte, pageSize)
	for i := range noise {
		noise[i] = byte(dice.IntN(256))
	}
	page := func(n int) []byte { n = (n + pages) % pages; return raw[n*pageSize : (n+1)*pageSize] }
	outcomes := map[string]int{}
	for n := range pages {
		for name, content := range map[string][]byte{
			"zeros": make([]byte, pageSize), "noise": noise, "the page before": page(n - 1), "the page after": page(n + 1),
		} {
			hurt := append([]byte(nil), raw...)
			copy(hurt[n*pageSize:], content)
			outcomes[survive(t, fmt.Sprintf("page %d: %s", n, name), hurt, former, want)]++
		}
	}
	assert.Positive(t, outcomes["named"])
	assert.Positive(t, outcomes["named, the last change lost"])
	t.Logf("%d pages: %v", pages, outcomes)
}

// TestDurable_everyLength cuts a file at each page, and in the midst of each.
func TestDurable_everyLength(t *testing.T) {
	t.Parallel()
	raw, former, want := hurtFile(t)
	outcomes := map[string]int{}
	for length := 0; length < len(raw); length += pageSize / 2 {
		if length == 0 {
			continue // an empty file is a new one
		}
		outcomes[survive(t, fmt.Sprintf("%d bytes", length), raw[:length], former, want)]++
	}
	t.Logf("%v", outcomes)
}

// survive opens a damaged file and holds it against what was in it, before the
// last change too; it tells what became of it.
func survive(t *testing.T, name string, hurt []byte, former, want []string) string {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "hurt") //nolint:usetesting // its files are long: they go at once
	require.NoError(t, err)
	defer func() { require.NoError(t, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "hurt.db")
	require.NoError(t, os.WriteFile(path, hurt, 0o600))
	db, err := store.Open(store.Options{Path: path, Types: []*schema.Type{ball}})
	if err != nil {
		require.ErrorIs(t, err, store.ErrDamaged, name)
		require.ErrorContains(t, err, path, name)
		left, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, bytes.Equal(hurt, left), "%s: a file that is refused stays as it is", name)
		return "refused"
	}
	got := briefly(balls(t, db))
	damage := db.Damage()
	outcome := "whole"
	if len(damage) == 0 {
		require.Equal(t, want, got, "%s: nothing is named", name)
	} else {
		outcome = "named"
		if strings.Contains(strings.Join(damage, "\n"), "the last change before the damage") {
			outcome, want = "named, the last change lost", former
		}
		require.Subset(t, want, got, name)
		requireNamed(t, name, damage, len(want)-len(got))
		left, err := os.ReadFile(path + ".damaged")
		require.NoError(t, err, name)
		require.True(t, bytes.Equal(hurt, left), "%s: the damaged file is kept", name)
	}
	update(t, db, func(tx *store.Tx) error { // it can be written to
		require.Empty(t, tx.Check("box", []*schema.Type{ball}), name)
		o := schema.New(ball, 1000)
		color.Set(o, "new")
		return tx.Put("box", o)
	})
	require.NoError(t, db.Close(), name)
	again, err := store.Open(store.Options{Path: path, Types: []*schema.Type{ball}})
	require.NoError(t, err, name)
	require.Equal(t, append(got, "1000new"), briefly(balls(t, again)), name)
	require.Equal(t, damage, again.Damage(), "%s: what is lost is named from now on", name)
	require.NoError(t, again.Close(), name)
	return outcome
}

// briefly leaves out of each ball what is only there to fill pages.
func briefly(list []string) (out []string) {
	for _, one := range list {
		out = append(out, strings.TrimRight(one, "y "))
	}
	return out
}

// requireNamed wants what is lost to be named: the objects one by one, or the
// pages that they stood on.
func requireNamed(t *testing.T, name string, damage []string, lost int) {
	t.Helper()
	objects, pages := 0, 0
	for _, what := range damage {
		switch {
		case strings.HasPrefix(what, "box: ball "):
			objects++
		case strings.Contains(what, "is lost") || strings.Contains(what, "may be lost"):
			pages++
		}
	}
	require.True(t, objects >= lost || pages > 0, "%s: %d are lost, named is %q", name, lost, damage)
}
