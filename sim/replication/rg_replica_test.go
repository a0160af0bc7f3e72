package replication_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/apierr"
	"infinisim/sim/fabric"
	"infinisim/sim/model"
	"infinisim/sim/simtest"
)

// vvolWorld is a world whose pools are for vvols.
func vvolWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	for _, box := range []string{boxA, boxB} {
		require.NoError(t, w.lab.On(t.Context(), box, func(b *model.Box) error { return b.SetFeature("vvol_replication", true) }))
		w.pool[box] = w.post(box, "pools", object{"name": "vp", "type": "VVOL", "physical_capacity": 2_000_000_000_000, "virtual_capacity": 2_000_000_000_000}).ID("id")
	}
	return w
}

func (w *world) vvol(box string) int64 {
	w.t.Helper()
	w.n++
	id, err := w.lab.AddVVol(w.t.Context(), box, model.VVolSpec{Name: fmt.Sprintf("v%d", w.n), Pool: w.pool[box], Size: volumeSize})
	require.NoError(w.t, err)
	return id
}

func (w *world) vvolGroup(members ...int64) int64 {
	w.t.Helper()
	w.n++
	id := w.post(boxA, "replication_groups", object{"name": fmt.Sprintf("g%d", w.n), "pool_id": w.pool[boxA]}).ID("id")
	for _, m := range members {
		require.NoError(w.t, w.lab.AddToGroup(w.t.Context(), boxA, id, m))
	}
	return id
}

func (w *world) rgBody(group int64) object {
	return object{"link_id": w.link[boxA], "replication_group_id": group, "remote_pool_id": w.pool[boxB]}
}

// replicateVVols makes a replica of a group of vvols.
func (w *world) replicateVVols(group int64) simtest.Object {
	w.t.Helper()
	return w.post(boxA, "rg_replicas", w.rgBody(group))
}

func (w *world) rg(id int64, verb string) string {
	return strings.TrimSuffix(fmt.Sprintf("rg_replicas/%d/%s", id, verb), "/")
}

// targets are the vvols of the peer's group, in the order of the source's.
func (w *world) targets(r simtest.Object) []int64 {
	w.t.Helper()
	a := w.lab.Client(boxB).Do(http.MethodGet, fmt.Sprintf("vvols?replication_group_id=eq:%d&sort=id", r.ID("remote_replication_group_id")), nil)
	var out []int64
	for _, v := range a.Result.([]any) {
		out = append(out, simtest.Object(v.(map[string]any)).ID("id"))
	}
	return out
}

// equal compares vvols with their targets.
func (w *world) equal(r simtest.Object, members ...int64) {
	w.t.Helper()
	there := w.targets(r)
	require.Len(w.t, there, len(members))
	for i, m := range members {
		require.Equal(w.t, w.digest(boxA, m), w.digest(boxB, there[i]))
	}
}

func TestRG_jobsCopyAllMembersAtOneInstant(t *testing.T) {
	t.Parallel()
	w := vvolWorld(t)
	a, b := w.vvol(boxA), w.vvol(boxA)
	w.write(boxA, a, 0, gib, 1)
	start := w.lab.Clock.Now()
	r := w.replicateVVols(w.vvolGroup(a, b))
	require.Empty(t, w.settle())
	// The same as a volume: two round trips of 2 ms, 0.5 s, 1 GiB at 100 MB/s.
	assert.Equal(t, 504*time.Millisecond+10737418240*time.Nanosecond, w.lab.Clock.Now().Sub(start))
	w.equal(r, a, b)

	w.write(boxA, a, 0, gib, 2)
	w.write(boxA, b, 0, gib, 3)
	first, second := w.digest(boxA, a), w.digest(boxA, b)
	w.post(boxA, w.rg(r.ID("id"), "sync"), nil)
	w.write(boxA, b, gib, gib, 4) // after the job's image was taken
	w.advance(20 * time.Second)
	there := w.targets(r)
	assert.NotEqual(t, first, w.digest(boxB, there[0]), "nothing of a job shows before its commit")
	w.settle()
	assert.Equal(t, []string{first, second}, []string{w.digest(boxB, there[0]), w.digest(boxB, there[1])})
	w.advance(4*time.Minute + 20*time.Second) // the interval carries the rest
	w.equal(r, a, b)
}

func TestRG_linkLost(t *testing.T) {
	t.Parallel()
	w := vvolWorld(t)
	v := w.vvol(boxA)
	w.write(boxA, v, 0, gib, 1)
	start := w.lab.Clock.Now()
	r := w.replicateVVols(w.vvolGroup(v))
	id := r.ID("id")
	w.advance(5 * time.Second)
	w.cut(true)
	assert.Equal(t, []string{fmt.Sprintf("box-1: replica %d: ASYNC_INITIAL_STALLED", id)}, w.settle())
	w.advance(time.Hour)
	w.cut(false)
	w.settle()
	want := start.Add(504*time.Millisecond + 10737418240*time.Nanosecond + time.Hour)
	assert.Equal(t, want, w.lab.Clock.Now(), "only the remaining bytes are sent")
	w.equal(r, v)

	w.cut(true)
	w.advance(24 * time.Hour)
	now := w.get(boxA, w.rg(id, ""))
	assert.Equal(t, []any{"AUTO_SUSPENDED", "LINK_LOST"}, []any{now["state"], now["state_reason"]})
	w.refused(http.StatusConflict, "LINK_IS_NOT_CONNECTED", boxA, http.MethodPost, w.rg(id, "resume"), nil)
	w.write(boxA, v, 0, 4096, 2)
	w.cut(false)
	assert.Equal(t, "ACTIVE", w.post(boxA, w.rg(id, "resume"), nil)["state"])
	w.settle()
	w.equal(r, v)
}

func TestRG_commitThatWasNotHeardOf(t *testing.T) {
	t.Parallel()
	w := vvolWorld(t)
	w.path(func(m *fabric.Model) { m.Latency = time.Second })
	v := w.vvol(boxA)
	r := w.replicateVVols(w.vvolGroup(v))
	w.settle()
	w.write(boxA, v, 0, 100_000_000/512*512, 3)
	w.post(boxA, w.rg(r.ID("id"), "sync"), nil)
	w.advance(4500 * time.Millisecond) // applied there, unknown here
	w.equal(r, v)
	w.cut(true)
	w.post(boxA, w.rg(r.ID("id"), "suspend"), nil)
	w.cut(false)
	w.post(boxA, w.rg(r.ID("id"), "resume"), nil)
	w.settle()
	w.equal(r, v)
}

func TestRG_poolLockedUnderAJob(t *testing.T) {
	t.Parallel()
	w := vvolWorld(t)
	v := w.vvol(boxA)
	r := w.replicateVVols(w.vvolGroup(v))
	w.settle()
	w.post(boxB, fmt.Sprintf("pools/%d/lock", w.pool[boxB]), nil)
	w.write(boxA, v, 0, gib, 3)
	w.post(boxA, w.rg(r.ID("id"), "sync"), nil)
	w.advance(time.Second)
	now := w.get(boxA, w.rg(r.ID("id"), ""))
	assert.Equal(t, []any{"AUTO_SUSPENDED", "POOL_IS_LOCKED"}, []any{now["state"], now["state_reason"]})
	w.post(boxB, fmt.Sprintf("pools/%d/unlock", w.pool[boxB]), nil)
}

func TestRG_slotsAreShared(t *testing.T) {
	t.Parallel()
	w := vvolWorld(t)
	w.path(func(m *fabric.Model) { m.Slots = 1 })
	a, b := w.vvol(boxA), w.vvol(boxA)
	w.write(boxA, a, 0, gib, 1)
	first := w.replicateVVols(w.vvolGroup(a))
	second := w.replicateVVols(w.vvolGroup(b))
	w.write(boxA, b, 0, 4096, 1) // in the first image of the one that waits
	require.Empty(t, w.settle())
	w.equal(first, a)
	w.equal(second, b)
}

func TestRG_membersJoinAndLeave(t *testing.T) {
	t.Parallel()
	w := vvolWorld(t)
	a, b := w.vvol(boxA), w.vvol(boxA)
	group := w.vvolGroup(a)
	r := w.replicateVVols(group)
	w.settle()
	w.write(boxA, b, 0, gib, 9)
	w.cut(true)
	err := w.lab.AddToGroup(t.Context(), boxA, group, b)
	require.Equal(t, apierr.LinkNotConnected, apierr.CodeOf(err))
	w.cut(false)
	require.NoError(t, w.lab.AddToGroup(t.Context(), boxA, group, b))
	assert.Equal(t, true, w.get(boxA, fmt.Sprintf("vvols/%d", b))["is_replicated"])
	w.refused(http.StatusConflict, "REPLICA_IS_INITIALIZING", boxA, http.MethodPost, w.rg(r.ID("id"), "sync"), nil)
	w.advance(4*time.Minute + time.Minute)
	w.equal(r, a, b)

	there := w.targets(r)
	left := fmt.Sprintf("replication_groups/%d/members/%d", group, b)
	assert.InDelta(t, 1, w.ok(boxA, http.MethodDelete, left, nil)["members_count"], 0)
	w.refused(http.StatusConflict, "VVOL_NOT_REPLICATION_GROUP_MEMBER", boxA, http.MethodDelete, left, nil)
	assert.Equal(t, there[:1], w.targets(r))
	gone := w.get(boxB, fmt.Sprintf("vvols/%d", there[1]))
	assert.Equal(t, []any{false, 0.0}, []any{gone["is_replicated"], gone["replication_group_id"]})
	w.write(boxB, there[1], 0, 4096, 1)
	w.equal(r, a)
}

func TestRG_sourceGrows(t *testing.T) {
	t.Parallel()
	w := vvolWorld(t)
	v := w.vvol(boxA)
	r := w.replicateVVols(w.vvolGroup(v))
	w.settle()
	far := w.targets(r)[0]
	_, err := w.lab.AddVVol(t.Context(), boxB, model.VVolSpec{Name: "x", Pool: w.pool[boxB], Size: 300_000_000_000 / 512 * 512})
	require.NoError(t, err)
	err = w.lab.ChangeVVol(t.Context(), boxA, v, model.VVolChange{Size: new(int64(1_900_000_000_000 / 512 * 512))})
	require.Equal(t, apierr.PoolNoVirtualSpace, apierr.CodeOf(err), "there is room here and none there")
	require.NoError(t, w.lab.ChangeVVol(t.Context(), boxA, v, model.VVolChange{Size: new(int64(2 * volumeSize))}))
	assert.Equal(t, int64(volumeSize), w.get(boxB, fmt.Sprintf("vvols/%d", far)).ID("size"))
	w.post(boxA, w.rg(r.ID("id"), "sync"), nil)
	w.settle()
	assert.Equal(t, int64(2*volumeSize), w.get(boxB, fmt.Sprintf("vvols/%d", far)).ID("size"))
	w.equal(r, v)
}

func TestRG_targetIsOnlyReplications(t *testing.T) {
	t.Parallel()
	w := vvolWorld(t)
	v, other := w.vvol(boxA), w.vvol(boxB)
	snap, err := w.lab.AddVVol(t.Context(), boxA, model.VVolSpec{Name: "s", Parent: v})
	require.NoError(t, err)
	r := w.replicateVVols(w.vvolGroup(v))
	w.settle()
	far, group := w.targets(r)[0], r.ID("remote_replication_group_id")
	id, there := r.ID("id"), r.ID("remote_replica_id")
	code := func(want apierr.Code, err error) {
		t.Helper()
		require.Equal(t, want, apierr.CodeOf(err))
	}
	code(apierr.DatasetWriteProtected, w.lab.On(t.Context(), boxB, func(b *model.Box) error { return b.WriteData(far, 0, 4096, 1) }))
	code(apierr.DatasetIsTarget, w.lab.ChangeVVol(t.Context(), boxB, far, model.VVolChange{Size: new(int64(2 * volumeSize))}))
	code(apierr.DatasetIsReplicated, w.lab.RevertVVol(t.Context(), boxA, v, snap))
	code(apierr.ReplicationGroupIsTarget, w.lab.AddToGroup(t.Context(), boxB, group, other))
	w.refused(http.StatusConflict, "REPLICATION_GROUP_IS_REPLICATION_TARGET", boxB, http.MethodDelete, fmt.Sprintf("replication_groups/%d/members/%d", group, far), nil)
	w.refused(http.StatusConflict, "REPLICATION_GROUP_IS_REPLICATED", boxB, http.MethodDelete, fmt.Sprintf("replication_groups/%d", group), nil)
	for _, verb := range []string{"sync", "suspend", "resume"} {
		w.refused(http.StatusConflict, "REPLICA_IS_TARGET", boxB, http.MethodPost, w.rg(there, verb), nil)
	}
	w.refused(http.StatusConflict, "REPLICA_IS_TARGET", boxB, http.MethodDelete, w.rg(there, ""), nil)
	w.refused(http.StatusConflict, "LINK_HAS_REPLICAS", boxA, http.MethodDelete, fmt.Sprintf("links/%d?approved=true", w.link[boxA]), nil)

	// A recovery test: a hypervisor binds the target, and clones it to write.
	vm, err := w.lab.AddVM(t.Context(), boxB, model.VMSpec{Name: "test"})
	require.NoError(t, err)
	clone, err := w.lab.AddVVol(t.Context(), boxB, model.VVolSpec{Name: "c", Source: far, VM: vm})
	require.NoError(t, err)
	w.write(boxB, clone, 0, 4096, 5)
	w.equal(r, v)

	// Removed by force at the target, the source's half stays and is removed
	// by itself.
	w.ok(boxB, http.MethodDelete, w.rg(there, "")+"?force_on_target=true", nil)
	w.write(boxB, far, 0, 4096, 1)
	w.post(boxA, w.rg(id, "sync"), nil)
	w.advance(time.Minute)
	assert.Equal(t, "AUTO_SUSPENDED", w.get(boxA, w.rg(id, ""))["state"])
	w.ok(boxA, http.MethodDelete, w.rg(id, ""), nil)
	assert.Equal(t, false, w.get(boxA, fmt.Sprintf("vvols/%d", v))["is_replicated"])
}

func TestRG_deleteWithoutThePeer(t *testing.T) {
	t.Parallel()
	w := vvolWorld(t)
	v := w.vvol(boxA)
	r := w.replicateVVols(w.vvolGroup(v))
	w.settle()
	w.cut(true)
	path := w.rg(r.ID("id"), "")
	w.refused(http.StatusConflict, "REMOTE_SYSTEM_UNREACHABLE", boxA, http.MethodDelete, path, nil)
	w.ok(boxA, http.MethodDelete, path+"?force_if_remote_error=true&retain_staging_area=false", nil)
	w.refused(http.StatusNotFound, "RG_REPLICA_NOT_FOUND", boxA, http.MethodGet, path, nil)
	assert.Equal(t, "TARGET", w.get(boxB, w.rg(r.ID("remote_replica_id"), ""))["role"])
	assert.Zero(t, w.get(boxA, fmt.Sprintf("pools/%d", w.pool[boxA])).ID("vvol_snapshots_count"))
	w.cut(false)
}

// TestRG_refusedLeavesNothing has the target's half refused at its last member.
func TestRG_refusedLeavesNothing(t *testing.T) {
	t.Parallel()
	w := vvolWorld(t)
	members := []int64{w.vvol(boxA)}
	big, err := w.lab.AddVVol(t.Context(), boxA, model.VVolSpec{Name: "big", Pool: w.pool[boxA], Size: 1_900_000_000_000 / 512 * 512})
	require.NoError(t, err)
	for range 10 { // the target's pool has less room
		_, err := w.lab.AddVVol(t.Context(), boxB, model.VVolSpec{Name: "x", Pool: w.pool[boxB], Size: 10_000_000_000 / 512 * 512})
		require.NoError(t, err)
	}
	group := w.vvolGroup(append(members, big)...)
	all := func() (out []string) {
		for _, box := range []string{boxA, boxB} {
			for _, path := range []string{"vvols", "replication_groups", "rg_replicas", "pools", "events?page_size=1&sort=-id"} {
				out = append(out, string(w.call(box, http.MethodGet, path, nil).Raw))
			}
		}
		return out
	}
	before := all()
	w.refused(http.StatusConflict, "POOL_NOT_ENOUGH_VIRTUAL_CAPACITY", boxA, http.MethodPost, "rg_replicas", w.rgBody(group))
	assert.Equal(t, before, all())
}
