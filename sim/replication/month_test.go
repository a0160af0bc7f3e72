package replication_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/clock"
)

// month is thirty days of a ring of three arrays, each of which replicates to
// the next: volumes of each type, a filesystem and a group, with snapshots that
// a policy makes and that cross.
type month struct {
	*storm
	t *testing.T
}

func (m *month) do(format string, args ...any) {
	m.t.Helper()
	line := fmt.Sprintf(format, args...)
	m.script = append(m.script, line)
	require.NoError(m.t, m.line(line), line)
	require.Less(m.t, m.status, 300, "%s: %s", line, m.answer)
}

// boxAt is an array of the ring.
func boxAt(i int) string { return fmt.Sprintf("box-%d", i%3+1) }

// build makes what is replicated.
func (m *month) build() {
	m.t.Helper()
	for i := range 3 {
		a, b := boxAt(i), boxAt(i+1)
		m.do(`%s > POST snapshot_policies {"name":"often","suffix":"often"}`, a)
		policy, _ := m.result()["id"].(float64)
		m.do(`%s > POST snapshot_policies/%.0f/schedules {"name":"s","type":"periodic","interval":21600,"retention":86400}`, a, policy)
		replica := func(kind, name, settings string) {
			m.do(`%s > POST %ss {"name":%q,"size":%d,"pool_id":{pool p},"provtype":"THIN"}`, a, kind, name, gib)
			m.do(`%s > POST snapshot_policies/%.0f/assign_entity {"assigned_entity_type":%q,"assigned_entity_id":{%s %s}}`, a, policy, strings.ToUpper(kind), kind, name)
			m.do(`%s > POST replicas {"entity_type":%q,"link_id":{link %s},"remote_pool_id":{%s pool q},%s,"entity_pairs":[{"local_entity_id":{%s %s},"remote_base_action":"CREATE"}]}`,
				a, strings.ToUpper(kind), b, b, settings, kind, name)
		}
		replica("volume", fmt.Sprintf("async%d", i), `"sync_interval":3600000,"rpo_value":14400000,"including_snapshots":true`)
		replica("volume", fmt.Sprintf("sync%d", i), `"replication_type":"SYNC"`)
		replica("volume", fmt.Sprintf("active%d", i), `"replication_type":"ACTIVE_ACTIVE"`)
		replica("filesystem", fmt.Sprintf("fs%d", i), `"sync_interval":7200000,"rpo_value":14400000,"including_snapshots":true,"snapshots_retention":86400`)
		m.do(`%s > POST cgs {"name":"group%d","pool_id":{pool p}}`, a, i)
		for n := range 2 {
			m.do(`%s > POST volumes {"name":"member%d-%d","size":%d,"pool_id":{pool p},"provtype":"THIN"}`, a, i, n, gib)
			m.do(`%s > POST cgs/{cg group%d}/members {"dataset_id":{volume member%d-%d}}`, a, i, i, n)
		}
		m.do(`%s > POST replicas {"entity_type":"CONSISTENCY_GROUP","local_cg_id":{cg group%d},"link_id":{link %s},"remote_pool_id":{%s pool q},"sync_interval":3600000,"rpo_value":14400000,"including_snapshots":true}`, a, i, b, b)
	}
}

// day writes to everything eight times, while a link is lost now and then: for
// some hours, or for so long that its replicas suspend themselves.
func (m *month) day(day int) {
	m.t.Helper()
	cut := day % 7
	a, b := boxAt(day), boxAt(day+1)
	for hour := 0; hour < 24; hour += 3 {
		if cut == 2 && hour == 6 || cut == 5 && hour == 0 {
			m.do(`! path %s %s {"cut":true}`, a, b)
		}
		if cut == 2 && hour == 12 || cut == 6 && hour == 3 {
			for i := range 3 {
				m.do(`! path %s %s {"cut":false}`, boxAt(i), boxAt(i+1))
			}
		}
		for i := range 3 {
			for n, name := range []string{"async%d", "sync%d", "active%d", "fs%d", "member%d-0", "member%d-1"} {
				name = fmt.Sprintf(name, i)
				offset := int64(day*24+hour+n) % 16 * (gib / 16)
				require.NoError(m.t, m.line(fmt.Sprintf("! write %s %s %d %d %d", boxAt(i), name, offset, gib/64, day+hour+n+1)))
			}
		}
		m.do("@ 3h")
	}
	m.resume()
}

// resume goes on with what was suspended behind a link that is up again.
func (m *month) resume() {
	m.t.Helper()
	now, err := m.look()
	require.NoError(m.t, err)
	for _, h := range now.replicas {
		if rests[h.state] && strings.Contains(h.state, "AUTO_SUSPENDED") {
			require.NoError(m.t, m.request(fmt.Sprintf("%s > POST replicas/%d/resume", h.box, h.id)))
		}
	}
}

var days = flag.Int("days", 8, "how many days TestMonth lets pass")

// TestMonth lets days pass, eight of them unless told otherwise. At the end of each everything is as it must
// be; after the last, every target has what its source has.
func TestMonth(t *testing.T) {
	t.Parallel()
	wall := clock.NewSystem(0, 1)
	begun := wall.Now()
	m := &month{newStorm(t.Context(), t.TempDir()), t}
	defer m.close()
	m.do("! lab 3 0")
	m.build()
	suspended := 0
	for day := range *days {
		m.day(day)
		bad, err := m.lab.Check(t.Context())
		require.NoError(t, err)
		require.Empty(t, bad, "day %d", day)
		now, err := m.look()
		require.NoError(t, err)
		for _, h := range now.replicas {
			if strings.Contains(h.state, "SUSPENDED") {
				suspended++
			}
		}
	}
	require.Equal(t, time.Duration(*days)*24*time.Hour, m.lab.Clock.Now().Sub(clock.Epoch))
	assert.Positive(t, suspended, "an outage of more than a day")
	m.do("! calm")
	now, err := m.look()
	require.NoError(t, err)
	crossed, targets := 0, 0
	for _, d := range now.datasets {
		if d.snapshot && strings.HasSuffix(d.name, "-remote") {
			crossed++
		}
	}
	for i := range now.replicas {
		h := &now.replicas[i]
		for _, p := range h.pairs {
			o := now.other(h)
			assert.Equal(t, now.datasets[place{h.box, p.Local}].digest, now.datasets[place{o.box, p.Remote}].digest, h.name)
			targets++
		}
	}
	assert.Equal(t, 2*3*6, targets)
	assert.Positive(t, crossed)
	t.Logf("%d days of %d halves took %v; %d snapshots crossed and are kept, %d halves were suspended at the end of a day",
		*days, len(now.replicas), wall.Now().Sub(begun).Round(time.Millisecond), crossed, suspended)
}
