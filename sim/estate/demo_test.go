package estate_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/fixtures/estates"
	"infinisim/sim/estate"
	"infinisim/sim/lab"
	"infinisim/sim/model"
	"infinisim/sim/replication"
	"infinisim/sim/schema"
)

// shown lists the values that a member of all objects of a kind has in a lab,
// by array and name, as clients see them.
func shown(tb testing.TB, l *lab.Lab, t *schema.Type, name, member string) map[string]string {
	tb.Helper()
	out := map[string]string{}
	for _, a := range l.Arrays() {
		err := l.View(tb.Context(), a.Key, func(b *model.Box) error {
			return b.Tx.Each(a.Key, t, func(o *schema.Object) (bool, error) {
				raw, err := b.Render(o)
				require.NoError(tb, err)
				var all map[string]any
				require.NoError(tb, json.Unmarshal(raw, &all))
				key, _ := all[name].(string)
				text, err := json.Marshal(all[member])
				require.NoError(tb, err)
				out[a.Name+"/"+key] = string(text)
				return true, nil
			})
		})
		require.NoError(tb, err)
	}
	return out
}

// TestDemo_livesByItself lets two days pass in the demo: its jobs run, a line
// goes out and comes back, a drive fails and is replaced, replicas fall behind
// and catch up, and nothing is as it must not be.
func TestDemo_livesByItself(t *testing.T) {
	t.Parallel()
	e, err := estate.Parse("demo.yaml", estates.Demo())
	require.NoError(t, err)
	l, err := lab.BuildWith(t.Context(), lab.Options{Seed: 60}, e.Fill)
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()

	links, lags, jobs := map[string][]string{}, map[string][]string{}, map[string]int{}
	ran := 0
	note := func(to map[string][]string, from map[string]string) {
		for key, state := range from {
			if all := to[key]; len(all) == 0 || all[len(all)-1] != state {
				to[key] = append(all, state)
			}
		}
	}
	end := l.Clock.Now().Add(48 * time.Hour)
	for l.Clock.Now() < end {
		r, err := l.AdvanceTo(t.Context(), l.Clock.Now().Add(15*time.Minute))
		require.NoError(t, err)
		ran += r.Count
		for _, j := range r.Ran {
			jobs[j.Name]++
		}
		note(links, shown(t, l, replication.Link, "name", "link_state"))
		note(lags, shown(t, l, replication.Replica, "local_entity_name", "rpo_state"))
	}
	assert.Greater(t, ran, 5000)
	for _, name := range []string{"replica.start", "snapshot_policy.schedule", "snapshot.expire", "drive.rebuilt", "fabric.schedule", "fault.window"} {
		assert.Positive(t, jobs[name], name)
	}
	assert.Equal(t, slices.Repeat([]string{`"UP"`, `"DOWN"`}, 9)[:17], links["frankfurt/wan"], "out every six hours")
	assert.Equal(t, []string{`"UP"`, `"DOWN"`, `"UP"`, `"DOWN"`, `"UP"`}, links["amsterdam/metro"])
	for _, name := range []string{"mail", "projects", "warehouse"} {
		assert.Contains(t, lags["frankfurt/"+name], `"LAGGING"`)
		assert.Equal(t, `"OK"`, lags["frankfurt/"+name][len(lags["frankfurt/"+name])-1], "it caught up")
	}
	for _, name := range []string{"shop", "ledger"} {
		assert.Equal(t, `"SYNCHRONIZED"`, shown(t, l, replication.Replica, "local_entity_name", "sync_state")["frankfurt/"+name])
	}
	for _, f := range l.Faults() {
		assert.Equal(t, "waiting", f.State, f.ID)
		assert.GreaterOrEqual(t, f.Hits, 2, f.ID)
	}
	codes := shown(t, l, model.EventType, "code", "id")
	for _, code := range []string{"DRIVE_REBUILD_COMPLETED", "REPLICA_RPO_LAGGING", "POOL_PHYSICAL_CAPACITY_CRITICAL", "LINK_DOWN", "LINK_UP"} {
		assert.Contains(t, codes, "frankfurt/"+code)
	}
	for name, state := range shown(t, l, model.Pool, "name", "state") {
		assert.Equal(t, `"NORMAL"`, state, name)
	}
	bad, err := l.Check(t.Context())
	require.NoError(t, err)
	assert.Empty(t, bad)
}
