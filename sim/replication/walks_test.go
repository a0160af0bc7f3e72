package replication_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"infinisim/sim/replication"
)

// ways lead from a fresh pair of arrays to a state of the source, or of the
// half where the replica was made.
func ways() map[string]string {
	return map[string]string{
		"ASYNC_PENDING":               "slots0 async",
		"ASYNC_INITIAL":               "data async",
		"ASYNC_INITIAL_STALLED":       "data async 1s down",
		"ASYNC_IDLE":                  "async settle",
		"ASYNC_RUNNING":               "async settle write sync_now",
		"ASYNC_STALLED":               "async settle write sync_now 1s down",
		"SYNC_PENDING":                "slots0 sync",
		"SYNC_INITIAL":                "data sync",
		"SYNC_INITIAL_STALLED":        "data sync 1s down",
		"SYNCHRONIZED":                "sync settle",
		"OUT_OF_SYNC":                 "sync settle down",
		"SYNC_RUNNING":                "sync settle down write up",
		"OUT_OF_SYNC_RUNNING":         "sync settle slow",
		"SUSPENDED":                   "async settle suspend",
		"AUTO_SUSPENDED":              "async settle down 30h up",
		"PEER_PENDING":                "slots0 aa",
		"PEER_INITIAL":                "data aa",
		"PEER_INITIAL_STALLED":        "data aa 1s fail 20s",
		"PEER_SYNCHRONIZED":           "aa settle",
		"PEER_RUNNING":                "aa settle down write up",
		"PEER_LAGGING":                "aa settle down",
		"PEER_STALLED":                "ab settle down",
		"PEER_SUSPENDED_SERVING":      "aa settle suspend",
		"PEER_SUSPENDED_STOPPED":      "aa settle suspend@B",
		"PEER_AUTO_SUSPENDED_SERVING": "aa settle down 30h up",
		"PEER_AUTO_SUSPENDED_STOPPED": "ab settle down 30h up",
	}
}

// walk is what is done after a way, and the state that it ends in; for
// ACTIVE_ACTIVE those of both halves.
type walk struct{ way, words, ends string }

func asyncWalks() []walk {
	return []walk{
		{"ASYNC_PENDING", "slots0", "ASYNC_PENDING"},
		{"ASYNC_PENDING", "slots settle", "ASYNC_IDLE"},
		{"ASYNC_PENDING", "down slots 1s", "ASYNC_INITIAL_STALLED"},
		{"ASYNC_PENDING", "down up", "ASYNC_PENDING"},
		{"ASYNC_PENDING", "suspend", "SUSPENDED"},
		{"ASYNC_PENDING", "down 24h", "AUTO_SUSPENDED"},
		{"ASYNC_INITIAL", "settle", "ASYNC_IDLE"},
		{"ASYNC_INITIAL", "1s down up", "ASYNC_INITIAL"},
		{"ASYNC_INITIAL", "fail 10m", "ASYNC_IDLE"},
		{"ASYNC_INITIAL", "suspend resume settle", "ASYNC_IDLE"},
		{"ASYNC_INITIAL", "lock@B 1s unlock@B resume settle", "ASYNC_IDLE"},
		{"ASYNC_INITIAL_STALLED", "suspend", "SUSPENDED"},
		{"ASYNC_INITIAL_STALLED", "24h", "AUTO_SUSPENDED"},
		{"ASYNC_IDLE", "down up", "ASYNC_IDLE"},
		{"ASYNC_IDLE", "down 5m", "ASYNC_STALLED"},
		{"ASYNC_IDLE", "5m suspend", "SUSPENDED"},
		{"ASYNC_IDLE", "down role@B up", "AUTO_SUSPENDED"},
		{"ASYNC_IDLE", "to_sync settle", "SYNCHRONIZED"},
		{"ASYNC_RUNNING", "settle", "ASYNC_IDLE"},
		{"ASYNC_RUNNING", "sync_now settle", "ASYNC_IDLE"},
		{"ASYNC_RUNNING", "1s down up settle", "ASYNC_IDLE"},
		{"ASYNC_RUNNING", "fail 10m", "ASYNC_IDLE"},
		{"ASYNC_RUNNING", "suspend", "SUSPENDED"},
		{"ASYNC_RUNNING", "lock@B 1m", "AUTO_SUSPENDED"},
		{"ASYNC_RUNNING", "to_sync settle", "SYNCHRONIZED"},
		{"ASYNC_INITIAL", "fail 1s down 24h", "AUTO_SUSPENDED"},
		{"ASYNC_RUNNING", "fail 1s down", "ASYNC_STALLED"},
		{"ASYNC_RUNNING", "fail 1s to_sync settle", "SYNCHRONIZED"},
		{"ASYNC_STALLED", "suspend", "SUSPENDED"},
		{"ASYNC_STALLED", "24h", "AUTO_SUSPENDED"},
		{"SUSPENDED", "resume settle", "ASYNC_IDLE"},
		{"SUSPENDED", "role", "TARGET"},
		{"SUSPENDED", "role@B", "SUSPENDED"},
		{"SUSPENDED", "role role@B resume@B settle", "TARGET"},
		{"AUTO_SUSPENDED", "resume settle", "ASYNC_IDLE"},
		{"AUTO_SUSPENDED", "role", "TARGET"},
		// A member joins a group: its next job is a first copy.
		{"", "data gasync settle member 230s", "ASYNC_INITIAL"},
		{"", "data gasync settle member slots0 4m", "ASYNC_PENDING"},
		{"", "data gasync settle member down 4m", "ASYNC_INITIAL_STALLED"},
		{"", "slots0 async down 24h up resume", "ASYNC_PENDING"},
	}
}

func syncWalks() []walk {
	return []walk{
		{"SYNC_PENDING", "slots0", "SYNC_PENDING"},
		{"SYNC_PENDING", "slots settle", "SYNCHRONIZED"},
		{"SYNC_PENDING", "down slots 1s", "SYNC_INITIAL_STALLED"},
		{"SYNC_PENDING", "down up", "SYNC_PENDING"},
		{"SYNC_PENDING", "suspend resume", "SYNC_PENDING"},
		{"SYNC_PENDING", "down 24h up resume", "SYNC_PENDING"},
		{"SYNC_INITIAL", "settle", "SYNCHRONIZED"},
		{"SYNC_INITIAL", "1s down up settle", "SYNCHRONIZED"},
		{"SYNC_INITIAL", "1s big settle", "SYNCHRONIZED"},
		{"SYNC_INITIAL", "slow 12s", "OUT_OF_SYNC_RUNNING"},
		{"SYNC_INITIAL", "fail 10m", "SYNCHRONIZED"},
		{"SYNC_INITIAL", "fail 1s down 24h", "AUTO_SUSPENDED"},
		{"SYNC_RUNNING", "fail 11s down 24h", "AUTO_SUSPENDED"},
		{"SYNC_INITIAL", "suspend", "SUSPENDED"},
		{"SYNC_INITIAL", "lock@B", "AUTO_SUSPENDED"},
		{"SYNC_INITIAL_STALLED", "suspend", "SUSPENDED"},
		{"SYNC_INITIAL_STALLED", "24h", "AUTO_SUSPENDED"},
		{"SYNCHRONIZED", "down", "OUT_OF_SYNC"},
		{"SYNCHRONIZED", "detach", "OUT_OF_SYNC"},
		{"SYNCHRONIZED", "slow", "OUT_OF_SYNC_RUNNING"},
		{"SYNCHRONIZED", "suspend resume settle", "SYNCHRONIZED"},
		{"SYNCHRONIZED", "lock@B unlock@B resume settle", "SYNCHRONIZED"},
		{"SYNCHRONIZED", "to_async", "ASYNC_IDLE"},
		{"SYNCHRONIZED", "switch", "TARGET"},
		{"OUT_OF_SYNC", "up settle", "SYNCHRONIZED"},
		{"OUT_OF_SYNC", "suspend", "SUSPENDED"},
		{"OUT_OF_SYNC", "24h", "AUTO_SUSPENDED"},
		{"OUT_OF_SYNC", "slow up", "SYNC_RUNNING"},
		{"OUT_OF_SYNC", "slow up 1s", "OUT_OF_SYNC_RUNNING"},
		{"SYNC_RUNNING", "settle", "SYNCHRONIZED"},
		{"SYNC_RUNNING", "1s big settle", "SYNCHRONIZED"},
		{"SYNC_RUNNING", "1s down", "OUT_OF_SYNC"},
		{"SYNC_RUNNING", "1s down up settle", "SYNCHRONIZED"},
		{"SYNC_RUNNING", "slow", "OUT_OF_SYNC_RUNNING"},
		{"SYNC_RUNNING", "fail 11s", "OUT_OF_SYNC"},
		{"SYNC_RUNNING", "fail 11s to_async settle", "ASYNC_IDLE"},
		{"SYNC_RUNNING", "fail 10m", "SYNCHRONIZED"},
		{"SYNC_RUNNING", "suspend", "SUSPENDED"},
		{"SYNC_RUNNING", "lock@B", "AUTO_SUSPENDED"},
		{"SYNC_RUNNING", "to_async settle", "ASYNC_IDLE"},
		{"OUT_OF_SYNC_RUNNING", "write 1s", "OUT_OF_SYNC_RUNNING"},
		{"OUT_OF_SYNC_RUNNING", "1s fast settle", "SYNCHRONIZED"},
		{"OUT_OF_SYNC_RUNNING", "1s write 2s big fast settle", "SYNCHRONIZED"},
		{"OUT_OF_SYNC_RUNNING", "down", "OUT_OF_SYNC"},
		{"OUT_OF_SYNC_RUNNING", "fail 1s", "OUT_OF_SYNC"},
		{"OUT_OF_SYNC_RUNNING", "suspend", "SUSPENDED"},
		{"OUT_OF_SYNC_RUNNING", "lock@B", "AUTO_SUSPENDED"},
		{"OUT_OF_SYNC_RUNNING", "to_async settle", "ASYNC_IDLE"},
		{"", "data gsync settle member settle", "SYNCHRONIZED"},
	}
}

func peerWalks() []walk {
	return []walk{
		{"PEER_PENDING", "slots0 slots settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_PENDING", "down slots 1s", "PEER_INITIAL_STALLED PEER_PENDING"},
		{"PEER_PENDING", "down up", "PEER_PENDING PEER_PENDING"},
		{"PEER_PENDING", "suspend", "PEER_SUSPENDED_SERVING PEER_SUSPENDED_STOPPED"},
		{"PEER_PENDING", "suspend@B", "PEER_SUSPENDED_SERVING PEER_SUSPENDED_STOPPED"},
		{"PEER_PENDING", "down 24h", "PEER_AUTO_SUSPENDED_SERVING PEER_AUTO_SUSPENDED_STOPPED"},
		{"PEER_INITIAL", "settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_INITIAL", "1s big settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_INITIAL", "1s down", "PEER_INITIAL_STALLED PEER_INITIAL_STALLED"},
		{"PEER_INITIAL", "1s down up settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_INITIAL", "fail 10m", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_INITIAL", "suspend", "PEER_SUSPENDED_SERVING PEER_SUSPENDED_STOPPED"},
		{"PEER_INITIAL", "suspend resume settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_INITIAL", "suspend@B", "PEER_SUSPENDED_SERVING PEER_SUSPENDED_STOPPED"},
		{"PEER_INITIAL", "suspend@B resume@B settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_INITIAL", "drop@B 1m", "PEER_AUTO_SUSPENDED_SERVING"},
		{"PEER_INITIAL", "lock@B", "PEER_AUTO_SUSPENDED_SERVING PEER_AUTO_SUSPENDED_STOPPED"},
		{"PEER_INITIAL", "1s down 24h up resume settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_INITIAL", "1s down 24h up resume@B settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_INITIAL", "1s down suspend", "PEER_SUSPENDED_SERVING PEER_INITIAL_STALLED"},
		{"PEER_INITIAL", "1s down suspend up", "PEER_SUSPENDED_SERVING PEER_SUSPENDED_STOPPED"},
		{"PEER_INITIAL", "1s down suspend@B", "PEER_INITIAL_STALLED PEER_SUSPENDED_STOPPED"},
		{"PEER_INITIAL", "1s down suspend@B up", "PEER_SUSPENDED_SERVING PEER_SUSPENDED_STOPPED"},
		{"PEER_INITIAL_STALLED", "down 24h", "PEER_AUTO_SUSPENDED_SERVING PEER_AUTO_SUSPENDED_STOPPED"},
		{"PEER_INITIAL", "lock@A", "PEER_AUTO_SUSPENDED_SERVING PEER_AUTO_SUSPENDED_STOPPED"},
		{"PEER_RUNNING", "lock@A", "PEER_AUTO_SUSPENDED_SERVING PEER_AUTO_SUSPENDED_STOPPED"},
		{"PEER_INITIAL", "suspend slots0 resume", "PEER_PENDING PEER_PENDING"},
		{"PEER_INITIAL", "1s down 24h up slots0 resume", "PEER_PENDING PEER_PENDING"},
		{"PEER_INITIAL_STALLED", "suspend", "PEER_SUSPENDED_SERVING PEER_SUSPENDED_STOPPED"},
		{"PEER_INITIAL_STALLED", "suspend@B", "PEER_SUSPENDED_SERVING PEER_SUSPENDED_STOPPED"},
		{"PEER_INITIAL_STALLED", "lock@B 10m", "PEER_AUTO_SUSPENDED_SERVING PEER_AUTO_SUSPENDED_STOPPED"},
		{"PEER_SYNCHRONIZED", "lock@B", "PEER_AUTO_SUSPENDED_SERVING PEER_AUTO_SUSPENDED_STOPPED"},
		{"PEER_SYNCHRONIZED", "lock@A", "PEER_AUTO_SUSPENDED_STOPPED PEER_AUTO_SUSPENDED_SERVING"},
		{"PEER_SYNCHRONIZED", "drop@B write", "PEER_AUTO_SUSPENDED_SERVING"},
		{"PEER_SYNCHRONIZED", "suspend@B lock@B resume@B settle write", "PEER_AUTO_SUSPENDED_SERVING PEER_AUTO_SUSPENDED_STOPPED"},
		{"PEER_SYNCHRONIZED", "suspend resume settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_SYNCHRONIZED", "witness blind@A blind@B down", "PEER_STALLED PEER_STALLED"},
		{"PEER_SYNCHRONIZED", "witness blind@A blind@B down up settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_SYNCHRONIZED", "witness blind@A blind@B down suspend@A suspend@B up", "PEER_SUSPENDED_SERVING PEER_SUSPENDED_STOPPED"},
		{"PEER_SYNCHRONIZED", "witness blind@A blind@B down 30h up", "PEER_AUTO_SUSPENDED_SERVING PEER_AUTO_SUSPENDED_STOPPED"},
		{"PEER_LAGGING", "up settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_LAGGING", "24h up resume settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_LAGGING", "suspend up", "PEER_SUSPENDED_SERVING PEER_SUSPENDED_STOPPED"},
		{"PEER_LAGGING", "suspend@B up", "PEER_SUSPENDED_SERVING PEER_SUSPENDED_STOPPED"},
		{"PEER_LAGGING", "suspend@B up@B", "PEER_SUSPENDED_SERVING PEER_SUSPENDED_STOPPED"},
		{"PEER_LAGGING", "lock@B up settle", "PEER_AUTO_SUSPENDED_SERVING PEER_AUTO_SUSPENDED_STOPPED"},
		{"PEER_STALLED", "up settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_STALLED", "suspend", "PEER_SUSPENDED_STOPPED PEER_LAGGING"},
		{"PEER_RUNNING", "settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_RUNNING", "1s big settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_RUNNING", "1s down", "PEER_LAGGING PEER_STALLED"},
		{"PEER_RUNNING", "fail 10m", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_RUNNING", "suspend", "PEER_SUSPENDED_SERVING PEER_SUSPENDED_STOPPED"},
		{"PEER_RUNNING", "suspend@B", "PEER_SUSPENDED_SERVING PEER_SUSPENDED_STOPPED"},
		{"PEER_RUNNING", "lock@B", "PEER_AUTO_SUSPENDED_SERVING PEER_AUTO_SUSPENDED_STOPPED"},
		{"PEER_RUNNING", "drop@B 1m", "PEER_AUTO_SUSPENDED_SERVING"},
		{"PEER_SUSPENDED_SERVING", "resume settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_SUSPENDED_STOPPED", "resume@B settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_AUTO_SUSPENDED_SERVING", "resume settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_AUTO_SUSPENDED_SERVING", "resume@B settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"PEER_AUTO_SUSPENDED_STOPPED", "resume settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
		{"", "data gaa settle member settle", "PEER_SYNCHRONIZED PEER_SYNCHRONIZED"},
	}
}

// acrossDeaths are rows, by event and state, that only the death of one of two
// processes leads to: scripts/crash ends each at every step and compares.
func acrossDeaths() map[string]bool {
	out := map[string]bool{
		"leader_starts PEER_STALLED": true, "leader_runs PEER_SYNCHRONIZED": true, "leader_runs PEER_INITIAL_STALLED": true,
		"leader_is_equal PEER_INITIAL_STALLED": true, "leader_is_equal PEER_STALLED": true, "peer_stalled PEER_SYNCHRONIZED": true,
	}
	for _, s := range []string{"SYNCHRONIZED", "OUT_OF_SYNC", "SYNC_RUNNING", "OUT_OF_SYNC_RUNNING", "SUSPENDED", "AUTO_SUSPENDED"} {
		out["give_back "+s] = true
	}
	return out
}

// TestTable_everyRow walks, by requests, every row of the table from every
// state that the row is for.
func TestTable_everyRow(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	fired, seen := map[string]int{}, map[string]bool{}
	t.Run("walks", func(t *testing.T) {
		all := slices.Concat(asyncWalks(), syncWalks(), peerWalks())
		for way := range ways() {
			all = append(all, walk{way: way, ends: way})
		}
		for _, c := range all {
			t.Run(c.way+" "+c.words, func(t *testing.T) {
				t.Parallel()
				w := newWalker(t)
				w.setUp()
				w.walk(ways()[c.way] + " " + c.words)
				ends := strings.Fields(c.ends)
				got := []string{w.state(boxA)}
				if len(ends) > 1 {
					got = append(got, w.state(boxB))
				}
				assert.Equal(t, ends, got)
				moves := w.end()
				mu.Lock()
				defer mu.Unlock()
				for _, m := range moves {
					fired[fmt.Sprintf("%d %s", m.Rule, m.From)]++
					seen[m.From], seen[m.To] = true, true
				}
			})
		}
	})
	var rows, pairs, ofPairs, deaths int
	apart := acrossDeaths()
	for i, row := range replication.Rows() {
		var never []string
		for _, s := range row.In {
			if apart[row.On+" "+s] {
				deaths++
				continue
			}
			ofPairs++
			if fired[fmt.Sprintf("%d %s", i, s)] == 0 {
				never = append(never, s)
				continue
			}
			pairs++
		}
		if len(never) == 0 {
			rows++
		}
		assert.Empty(t, never, "row %d never fired from these: %s", i, row)
	}
	states := 0
	for _, s := range replication.States() {
		if seen[s] {
			states++
		} else {
			assert.Fail(t, "state never reached", s)
		}
	}
	assert.Len(t, apart, deaths, "each of them is in the table")
	t.Logf("rows %d of %d, rows from each of their states %d of %d and %d more that only a dead process leads to, states %d of %d",
		rows, len(replication.Rows()), pairs, ofPairs, deaths, states, len(replication.States()))
}
