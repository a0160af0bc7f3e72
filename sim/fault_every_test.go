package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/fault"
	"infinisim/sim/simtest"
)

// TestFault_windowsComeAgain has a link down ten minutes of every hour, until
// the rule is removed.
func TestFault_windowsComeAgain(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	link := l.Links()[0]
	down := func(l *simtest.Lab) bool {
		return l.Client("box-1").Get(fmt.Sprintf("links/%d", link.AID))["link_state"] == "DOWN"
	}
	now := l.Clock.Now()
	_, err := l.AddFault(t.Context(), fault.Rule{
		ID: "flap", Site: fault.Link, Array: "box-1", Peer: "box-2", From: now.Add(20 * time.Minute).MS(), Until: now.Add(30 * time.Minute).MS(),
		Every: fault.Duration(time.Hour), Effect: fault.Effect{Type: fault.Down},
	})
	require.NoError(t, err)
	seen := ""
	for range 24 {
		seen += map[bool]string{true: "x", false: "."}[down(l)]
		l.MustAdvance(10 * time.Minute)
	}
	assert.Equal(t, "..x.....x.....x.....x...", seen)
	assert.Equal(t, []any{4, "waiting"}, []any{l.Faults()[0].Hits, l.Faults()[0].State})
	l.MustAdvance(25 * time.Minute)
	assert.True(t, down(l))
	assert.Equal(t, "in force", l.Faults()[0].State)
	require.NoError(t, l.RemoveFault(t.Context(), "flap"))
	assert.False(t, down(l))
	l.MustAdvance(2 * time.Hour)
	assert.Empty(t, l.Faults())
	assert.False(t, down(l))
}

// TestFault_aStallComesAgain has jobs stall in each window, and go on after it.
func TestFault_aStallComesAgain(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	ids, _, _ := replicas(l, 1, map[string]any{"sync_interval": 60_000})
	l.MustSettle()
	now := l.Clock.Now()
	_, err := l.AddFault(t.Context(), fault.Rule{
		ID: "s", Site: fault.Job, Job: "replica.start", From: now.Add(20 * time.Minute).MS(), Until: now.Add(30 * time.Minute).MS(),
		Every: fault.Duration(time.Hour), Effect: fault.Effect{Type: fault.Stall},
	})
	require.NoError(t, err)
	late := func() bool {
		restore := l.Client("box-1").Get(fmt.Sprintf("replicas/%d", ids[0]))["restore_point"].(float64)
		return float64(l.Clock.Now().MS())-restore > 5*60_000
	}
	seen := ""
	for range 12 {
		l.MustAdvance(10*time.Minute - time.Second)
		seen += map[bool]string{true: "x", false: "."}[late()]
		l.MustAdvance(time.Second)
	}
	assert.Equal(t, "..x.....x...", seen)
}
