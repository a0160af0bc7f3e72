package store_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/schema"
	"infinisim/sim/store"
)

func red(id int64) *schema.Object {
	o := schema.New(ball, id)
	color.Set(o, "red")
	size.Set(o, id%7)
	return o
}

// Counters are right however what there was, what the savepoint wrote and what
// the parts of the load hold come together.
func TestLoad_byParts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flushAt int
		durable bool
	}{
		"all in memory": {flushAt: 10_000},
		"a file":        {flushAt: 1},
		"some of each":  {flushAt: 40},
		"durable":       {durable: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := store.Options{FlushAt: c.flushAt, Types: []*schema.Type{ball}}
			if c.durable {
				o.Path = filepath.Join(t.TempDir(), "lab.db")
			}
			db := open(t, o)
			db.SetPartKeys(64)
			put := func(tx *store.Tx, from, to int64) {
				for id := from; id < to; id++ {
					require.NoError(t, tx.Put("a", red(id)))
				}
			}
			update(t, db, func(tx *store.Tx) error { put(tx, 0, 10); return nil })
			update(t, db, func(tx *store.Tx) error { put(tx, 10, 13); return tx.Delete("a", ball, 3) })
			require.NoError(t, db.Load(t.Context(), 1, func(tx *store.Tx, l *store.Loader) error {
				for id := int64(1000); id < 1600; id++ {
					l.Put("a", red(id))
					if id%100 == 50 {
						put(tx, id-900, id-898) // others than the loader's
						require.NoError(t, tx.Delete("a", ball, id-900))
					}
				}
				return nil
			}))
			update(t, db, func(tx *store.Tx) error {
				const want = 10 + 3 - 1 + 600 + 6
				assert.Empty(t, tx.Check("a", []*schema.Type{ball}))
				assert.EqualValues(t, want, tx.Count("a", ball))
				assert.EqualValues(t, want, tx.CountBy("a", color.Field(), ball, schema.TextValue("red")))
				return nil
			})
		})
	}
}
