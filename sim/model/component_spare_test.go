package model_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/lab"
)

// oneDrive is what the spare space of one drive holds.
const oneDrive = 26285119635456 / 12

// lose has drives of one enclosure fail, from the first on.
func (a *arrays) lose(enclosure, n int) {
	a.t.Helper()
	for d := 1; d <= n; d++ {
		require.NoError(a.t, a.set(fmt.Sprintf("enclosures/%d/drives/%d", enclosure, d), map[string]any{"state": "FAILED"}))
	}
}

func (a *arrays) wait(d time.Duration) {
	a.t.Helper()
	now := clock.FromMS(child(a.get(boxA, "system"), "localtime").id("utc_time"))
	_, err := a.lab.AdvanceTo(a.t.Context(), now.Add(d))
	require.NoError(a.t, err)
}

func TestSpares_rebuild(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	fresh := a.get(boxA, "system/capacity")
	health := func() object { return a.get(boxA, "system/health_state") }
	a.lose(1, 2)
	assert.EqualValues(t, 2, health().id("failed_drives"))
	assert.EqualValues(t, 264, health().id("raid_groups_pending_rebuild_1"))
	assert.EqualValues(t, 4, health().id("raid_groups_pending_rebuild_2"), "groups that lost two sections")
	assert.Equal(t, true, health()["rebuild_2_inprogress"])
	assert.Equal(t, false, health()["rebuild_1_inprogress"], "those come first")
	a.wait(5 * time.Minute)
	assert.EqualValues(t, 2*88, health().id("raid_groups_pending_rebuild_1"))
	assert.Equal(t, false, health()["rebuild_2_inprogress"])
	assert.Equal(t, true, health()["rebuild_1_inprogress"])
	capacity := a.get(boxA, "system/capacity")
	assert.EqualValues(t, 264, capacity.id("used_spare_partitions"))
	assert.EqualValues(t, 2*oneDrive, capacity.id("used_spare_bytes"))
	assert.Equal(t, fresh["free_physical_space"], capacity["free_physical_space"], "spare space is not the pools'")

	// A drive that is replaced gives its space back and ends its rebuild.
	require.NoError(t, a.set("enclosures/1/drives/2", map[string]any{"state": "ACTIVE"}))
	a.wait(10 * time.Minute)
	assert.Zero(t, health().id("raid_groups_pending_rebuild_1"))
	assert.Equal(t, false, health()["rebuild_1_inprogress"])
	assert.Len(t, a.list(boxA, "events?code=DRIVE_REBUILD_COMPLETED"), 1)
	require.NoError(t, a.set("enclosures/1/drives/1", map[string]any{"state": "ACTIVE"}))
	assert.Equal(t, fresh, a.get(boxA, "system/capacity"))
}

func TestSpares_engaged(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	fresh := a.get(boxA, "system/capacity")
	a.lose(2, 12)
	capacity := a.get(boxA, "system/capacity")
	assert.Equal(t, capacity["total_spare_bytes"], capacity["used_spare_bytes"])
	assert.Equal(t, fresh["free_physical_space"], capacity["free_physical_space"])
	assert.Empty(t, a.list(boxA, "events?code=INFINISPARES_ENGAGED"))

	require.NoError(t, a.set("enclosures/2/drives/13", map[string]any{"state": "MISSING"}))
	capacity = a.get(boxA, "system/capacity")
	assert.EqualValues(t, oneDrive, capacity.id("used_dynamic_spare_bytes"))
	assert.EqualValues(t, 132, capacity.id("used_dynamic_spare_partitions"))
	assert.Equal(t, fresh.id("free_physical_space")-3*oneDrive, capacity.id("free_physical_space"), "two more drives are kept ahead")
	events := a.list(boxA, "events?code=INFINISPARES_ENGAGED")
	require.Len(t, events, 1)
	assert.Equal(t, "ERROR", events[0]["level"])
	body := object{"name": "p", "physical_capacity": fresh["free_physical_space"], "virtual_capacity": 1e12}
	a.refused(boxA, map[string]refusal{"taken": {409, "SYSTEM_NOT_ENOUGH_CAPACITY", "POST", "pools", body}})

	require.NoError(t, a.set("enclosures/2/drives/1", map[string]any{"state": "ACTIVE"}))
	assert.Equal(t, fresh["free_physical_space"], a.get(boxA, "system/capacity")["free_physical_space"])
}

func TestSpares_usedUp(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	all := a.get(boxA, "system/capacity").id("free_physical_space")
	pool := a.post(boxA, "pools", object{"name": "p", "physical_capacity": all - 4*oneDrive, "virtual_capacity": 1e12}).id("id")
	v := a.post(boxA, "volumes", object{"name": "v", "size": 1e9, "pool_id": pool}).id("id")
	write := func() apierr.Code {
		return apierr.CodeOf(a.lab.Write(t.Context(), boxA, v, lab.Write{Length: 4096, Seed: 1}))
	}
	a.lose(3, 13)
	assert.Empty(t, write())
	assert.Equal(t, false, a.get(boxA, "system/operational_state")["read_only_system"])
	a.lose(3, 15)
	assert.Zero(t, a.get(boxA, "system/capacity").id("free_physical_space"))
	assert.Equal(t, true, a.get(boxA, "system/operational_state")["read_only_system"])
	assert.Equal(t, apierr.SystemReadOnly, write())
	a.lose(3, 15) // nothing new
	assert.Len(t, a.list(boxA, "events?code=INFINISPARES_ENGAGED"), 3)
}

func TestComponents_whatElseIsReported(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	require.NoError(t, a.set("ups/1", map[string]any{"onBattery": true}))
	require.NoError(t, a.set("ups/1", map[string]any{"onBattery": false}))
	require.NoError(t, a.set("enclosures/1/drives/1", map[string]any{"encryption_state": false}))
	var levels []any
	for _, e := range a.list(boxA, "events?code=in:(BBU_ON_BATTERY_CHANGED,DRIVE_ENCRYPTION_STATE_CHANGED)&sort=id") {
		levels = append(levels, e["level"])
	}
	assert.Equal(t, []any{"WARNING", "INFO", "WARNING"}, levels)
	require.NoError(t, a.set("nodes/1/drives/5", map[string]any{"state": "FAILED"}))
	require.NoError(t, a.set("nodes/1", map[string]any{"state": "FAILED"}))
	assert.EqualValues(t, 16, a.get(boxA, "system/health_state").id("active_cache_ssd_devices"), "those of the failed node are not counted")
}
