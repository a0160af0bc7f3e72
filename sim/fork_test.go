package sim_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/simtest"
)

// TestFork_aThousandAtOnce forks a ready-made pair a thousand times at once;
// every fork replicates by itself, and no fork sees another's writes.
func TestFork_aThousandAtOnce(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	ids, sources, targets := replicas(l, 1, map[string]any{"sync_interval": 0})
	l.MustSettle()
	before := l.MustDigest("box-2", targets[0])
	const forks = 1000
	all := make([]*simtest.Lab, forks)
	for i := range all {
		all[i] = l.Fork(t)
	}
	digests, errs := make([]string, forks), make([]error, forks)
	var group sync.WaitGroup
	for i, f := range all {
		group.Go(func() {
			c := f.Client("box-1")
			assert.Equal(t, l.Clock.Now(), f.Clock.Now())
			err := f.Write(t.Context(), "box-1", sources[0], sim.Write{Offset: 0, Length: 1 << 20, Seed: uint64(i + 1)})
			c.Post(fmt.Sprintf("replicas/%d/sync", ids[0]), nil)
			if err == nil {
				_, err = f.Settle(t.Context())
			}
			if err == nil {
				digests[i], _, err = f.Digest(t.Context(), "box-2", targets[0])
			}
			errs[i] = err
		})
	}
	group.Wait()
	require.NoError(t, errors.Join(errs...))
	seen := map[string]bool{before: true}
	for i, d := range digests {
		require.False(t, seen[d], "fork %d has the content of another", i)
		seen[d] = true
	}
	assert.Equal(t, before, l.MustDigest("box-2", targets[0]))
}

func TestFork_timeGoesOnByItself(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	f := l.Fork(t)
	f.MustAdvance(time.Hour)
	assert.Equal(t, time.Hour, f.Clock.Now().Sub(l.Clock.Now()))
	f.Client("box-1").Post("pools", map[string]any{"name": "p", "physical_capacity": 1_000_000_000_000, "virtual_capacity": 1_000_000_000_000})
	assert.Empty(t, l.Client("box-1").Do("GET", "pools", nil).Result)
}

// TestDurable_aLabGoesOnWhereItStopped closes a lab in the middle of a copy.
func TestDurable_aLabGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lab.db")
	l, err := sim.New(sim.WithPath(path), sim.WithSeed(5), sim.WithProfile("8.6"))
	require.NoError(t, err)
	first := simtest.Watch(t, l)
	ids, sources, targets := replicas(first, 1, nil)
	first.MustSettle()
	first.MustWrite("box-1", sources[0], sim.Write{Offset: 0, Length: 1 << 30, Seed: 3})
	first.Client("box-1").Post(fmt.Sprintf("replicas/%d/sync", ids[0]), nil)
	first.MustAdvance(time.Second)
	now := first.Clock.Now()
	require.NoError(t, first.Close())

	l, err = sim.New(sim.WithPath(path), sim.WithSeed(6), sim.WithArrays(5))
	require.NoError(t, err)
	second := simtest.Watch(t, l)
	assert.Equal(t, now, second.Clock.Now())
	assert.Equal(t, uint64(5), second.Seed())
	assert.Len(t, second.Arrays(), 2)
	assert.Len(t, second.Links(), 1)
	assert.Equal(t, "REPLICATING", second.Client("box-1").Get(fmt.Sprintf("replicas/%d", ids[0]))["job_state"])
	second.MustSettle()
	assert.Equal(t, second.MustDigest("box-1", sources[0]), second.MustDigest("box-2", targets[0]))
	a, err := second.AddArray(t.Context(), sim.ArraySetup{})
	require.NoError(t, err)
	assert.Equal(t, "box-3", a.Key)
}
