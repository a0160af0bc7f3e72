package sim_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/lab"
	"infinisim/sim/model"
	"infinisim/sim/schema"
	"infinisim/sim/simtest"
)

// evil is the name of a volume whose creation breaks an index, past everything
// that keeps order.
const evil = "evil"

// corrupt plants a hole: the creation of a volume of that name, or of every
// snapshot, writes an index entry without a row.
func corrupt(l *sim.Lab, snapshots bool) {
	k := l.Catalog().Kind("volume")
	was := k.Hooks.AfterCreate
	k.Hooks.AfterCreate = func(b *model.Box, o *schema.Object, in *model.Input) error {
		if was != nil {
			if err := was(b, o, in); err != nil {
				return err
			}
		}
		if model.DatasetName.Get(o) == evil || snapshots && model.DatasetParent.Get(o) != 0 {
			b.Tx.KV(b.Key, "index").Put([]byte(evil), []byte{})
		}
		return nil
	}
}

// heard is a testing.TB that keeps what failed.
type heard struct {
	testing.TB
	failed  []string
	cleanup []func()
}

func (h *heard) Cleanup(fn func()) { h.cleanup = append(h.cleanup, fn) }

func (h *heard) Errorf(format string, args ...any) {
	h.failed = append(h.failed, fmt.Sprintf(format, args...))
}

func careful(t *testing.T, opts ...sim.Option) (*simtest.Lab, *heard, int64) {
	t.Helper()
	h := &heard{TB: t}
	apart := sim.WithLog(slog.New(slog.DiscardHandler)) // labs with a log of their own share no kinds with others
	l := simtest.New(h, append(opts, sim.WithChecks(), apart)...)
	pool := l.Client("box-1").Post("pools", map[string]any{"name": "p", "physical_capacity": 1_000_000_000_000, "virtual_capacity": 1_000_000_000_000})
	return l, h, pool.ID("id")
}

func volume(name string, pool int64) map[string]any {
	return map[string]any{"name": name, "size": 1_000_000_000, "pool_id": pool}
}

func TestCheck_namesTheRequest(t *testing.T) {
	t.Parallel()
	l, h, pool := careful(t)
	corrupt(l.Lab, false)
	a := l.Client("box-1")
	for i := range 3 {
		a.Post("volumes", volume(fmt.Sprint("v", i), pool))
		a.Get("volumes")
	}
	require.Nil(t, l.Broken())
	a.Post("volumes", volume(evil, pool))
	last := l.Journal.Last()
	a.Do("GET", "volumes", nil)
	a.Do("POST", "pools", map[string]any{"name": "q"})
	b := l.Broken()
	require.NotNil(t, b)
	assert.Equal(t, lab.ByRequest, b.By)
	assert.Equal(t, last, b.Entry)
	assert.Equal(t, "box-1 POST /api/rest/volumes", b.Array+" "+b.Method+" "+b.Path)
	assert.Contains(t, fmt.Sprint(b.Violations), `index entry "evil" has no row`)
	for _, fn := range h.cleanup {
		fn()
	}
	assert.Contains(t, h.failed[len(h.failed)-1], fmt.Sprintf("the first that broke it: request #%d, box-1 POST /api/rest/volumes", last))
	require.NoError(t, l.Reset(t.Context()))
}

func TestCheck_namesTheJob(t *testing.T) {
	t.Parallel()
	l, _, pool := careful(t)
	corrupt(l.Lab, true)
	a := l.Client("box-1")
	a.Post("volumes", volume("v", pool))
	l.MustAdvance(23 * time.Hour)
	require.Nil(t, l.Broken())
	l.MustAdvance(48 * time.Hour) // the default policy takes snapshots
	b := l.Broken()
	require.NotNil(t, b)
	assert.Equal(t, lab.ByJob, b.By)
	assert.Equal(t, "box-1", b.Array)
	require.NotZero(t, b.Entry)
	past, err := l.Lab.Travel(b.Entry)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, past.Close()) })
	bad, err := past.Check(t.Context())
	require.NoError(t, err)
	assert.Empty(t, bad, "the state before it is as it must be")
}

func TestCheck_namesTheTester(t *testing.T) {
	t.Parallel()
	l, _, pool := careful(t)
	a := l.Client("box-1")
	a.Post("volumes", volume("v", pool))
	require.NoError(t, l.On(t.Context(), "box-1", func(b *model.Box) error { b.Tx.KV("box-1", "index").Put([]byte(evil), []byte{}); return nil }))
	a.Do("GET", "volumes", nil)
	a.Do("POST", "hosts", map[string]any{"name": "h"})
	b := l.Broken()
	require.NotNil(t, b)
	assert.Equal(t, lab.ByTester, b.By)
	assert.Equal(t, int64(2), b.After)
	assert.Contains(t, b.String(), "after #2")
	require.NoError(t, l.Reset(t.Context()))
	assert.Nil(t, l.Broken())
}
