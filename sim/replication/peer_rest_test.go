package replication_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"infinisim/sim/fabric"
)

// A replica that is suspended in its first copy begins it anew, on both sides,
// at whichever it is resumed; without a slot both wait.
func TestPeers_suspendedInTheFirstCopy(t *testing.T) {
	t.Parallel()
	for _, box := range []string{boxA, boxB} {
		w := newTwins(t, nil)
		w.act(box, "suspend")
		w.are("SUSPENDED", "LAGGING", "SYNC_STALLED", true, false)
		w.act(box, "resume")
		w.are("ACTIVE", "INITIALIZING", "INITIALIZING", true, false)
		require.Empty(t, w.settle())
		w.are("ACTIVE", "SYNCHRONIZED", "SYNCHRONIZED", true, true)
		w.alike()
	}
	w := newTwins(t, nil)
	w.advance(time.Second)
	w.cut(true)
	w.advance(24 * time.Hour)
	w.cut(false)
	w.path(func(m *fabric.Model) { m.Slots = 0 })
	w.are("AUTO_SUSPENDED", "LAGGING", "SYNC_STALLED", true, false)
	w.act(boxA, "resume")
	w.are("ACTIVE", "INITIALIZING_PENDING", "INITIALIZING_PENDING", true, false)
}

// The side that is behind never serves because the pool of the other one is
// locked.
func TestPeers_theLeadersPoolIsLocked(t *testing.T) {
	t.Parallel()
	w := newTwins(t, nil)
	lock := func() {
		for _, verb := range []string{"lock", "unlock"} {
			w.post(boxA, fmt.Sprintf("pools/%d/%s", w.pool[boxA], verb), nil)
		}
		w.are("AUTO_SUSPENDED", "LAGGING", "SYNC_STALLED", true, false)
	}
	lock() // in the first copy
	w.act(boxA, "resume")
	w.settle()
	w.cut(true)
	w.write(boxA, w.volume[boxA], 0, gib, 9)
	w.cut(false)
	lock() // while it catches up
	w.act(boxB, "resume")
	w.settle()
	w.alike()
}
