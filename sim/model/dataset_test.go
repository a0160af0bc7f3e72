package model_test

import (
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/simtest"
)

const gb = 1_000_000_000

// disks is a lab with a pool of 1 TB on its first array.
type disks struct {
	*simtest.Client
	lab  *simtest.Lab
	pool int64
}

func newDisks(tb testing.TB) *disks {
	tb.Helper()
	l := simtest.New(tb, sim.WithArrays(1))
	c := l.Client("box-1")
	pool := c.Post("pools", map[string]any{"name": "p", "physical_capacity": 1000 * gb, "virtual_capacity": 1000 * gb})
	return &disks{Client: c, lab: l, pool: pool.ID("id")}
}

func (d *disks) volume(name string, more map[string]any) simtest.Object {
	body := map[string]any{"name": name, "size": 2 * gb, "pool_id": d.pool, "provtype": "THIN"}
	maps.Copy(body, more)
	return d.Post("volumes", body)
}

func path(kind string, o simtest.Object) string { return fmt.Sprintf("%s/%d", kind, o.ID("id")) }

func TestDataset_refusals(t *testing.T) {
	t.Parallel()
	d := newDisks(t)
	v := d.volume("v", nil)
	snap := d.Post("volumes", map[string]any{"name": "s", "parent_id": v.ID("id")})
	create := func(more map[string]any) map[string]any {
		body := map[string]any{"name": "n", "size": 2 * gb, "pool_id": d.pool}
		maps.Copy(body, more)
		return body
	}
	before := string(d.Do(http.MethodGet, "volumes", nil).Raw) + string(d.Do(http.MethodGet, "pools", nil).Raw)
	for _, c := range []struct {
		status       int
		code, method string
		path         string
		body         map[string]any
	}{
		{400, "INVALID_FIELD_VALUE", "POST", "volumes", create(map[string]any{"size": "big"})},
		{400, "INVALID_FIELD_VALUE", "POST", "volumes", create(map[string]any{"size": 512})},
		{400, "INVALID_FIELD_VALUE", "POST", "volumes", create(map[string]any{"size": 2*gb + 1})},
		{400, "INVALID_FIELD_VALUE", "POST", "volumes", create(map[string]any{"name": ""})},
		{400, "INVALID_FIELD_VALUE", "POST", "volumes", create(map[string]any{"name": " x"})},
		{400, "INVALID_FIELD_VALUE", "POST", "volumes", create(map[string]any{"provtype": "FAT"})},
		{404, "POOL_NOT_FOUND", "POST", "volumes", create(map[string]any{"pool_id": 9})},
		{409, "POOL_NOT_ENOUGH_VIRTUAL_CAPACITY", "POST", "volumes", create(map[string]any{"size": 1024 * gb})},
		{409, "VOLUME_NAME_CONFLICT", "POST", "volumes", create(map[string]any{"name": "v"})},
		{404, "VOLUME_NOT_FOUND", "POST", "volumes", map[string]any{"name": "n", "parent_id": 9}},
		{400, "IMMUTABLE_FIELD", "POST", "volumes", map[string]any{"name": "n", "parent_id": v.ID("id"), "size": gb}},
		{403, "APPROVAL_REQUIRED", "POST", "volumes", map[string]any{"name": "n", "parent_id": v.ID("id"), "lock_expires_at": 1}},
		{409, "DATASET_SIZE_CANNOT_SHRINK", "PUT", path("volumes", v), map[string]any{"size": gb}},
		{409, "DATASET_IS_NOT_SNAPSHOT", "PUT", path("volumes", v), map[string]any{"lock_expires_at": 5}},
		{400, "IMMUTABLE_FIELD", "PUT", path("volumes", snap), map[string]any{"size": 3 * gb}},
		{409, "DATASET_IS_NOT_SNAPSHOT", "POST", path("volumes", v) + "/refresh", map[string]any{"source_id": snap.ID("id")}},
		{409, "DATASET_NOT_IN_FAMILY", "POST", path("volumes", snap) + "/restore", map[string]any{"source_id": v.ID("id")}},
		{400, "MISSING_REQUIRED_FIELD", "POST", path("volumes", v) + "/restore", nil},
		{403, "APPROVAL_REQUIRED_VOLUME_HAS_CHILDREN", "DELETE", path("volumes", v), nil},
		{403, "APPROVAL_REQUIRED", "DELETE", path("volumes", snap), nil},
		{409, "SYSTEM_NOT_ENOUGH_CAPACITY", "POST", "pools", map[string]any{"name": "x", "physical_capacity": 105056050741248, "virtual_capacity": 1000 * gb}},
		{409, "POOL_NOT_ENOUGH_VIRTUAL_CAPACITY", "PUT", fmt.Sprintf("pools/%d", d.pool), map[string]any{"virtual_capacity": 1000 * gb, "evil": 1}},
	} {
		if c.body["evil"] != nil {
			c.code, c.status = "UNKNOWN_FIELD", 400
		}
		d.Refused(c.status, c.code, c.method, c.path, c.body)
	}
	assert.Equal(t, before, string(d.Do(http.MethodGet, "volumes", nil).Raw)+string(d.Do(http.MethodGet, "pools", nil).Raw))
}

func TestPool_accounts(t *testing.T) {
	t.Parallel()
	d := newDisks(t)
	pool := fmt.Sprintf("pools/%d", d.pool)
	allocated := func() int64 { return d.Get(pool).ID("allocated_physical_space") }
	v := d.volume("thin", nil)
	assert.Zero(t, allocated())
	d.lab.MustWrite("box-1", v.ID("id"), sim.Write{Offset: 0, Length: gb, Seed: 1})
	assert.Equal(t, int64(gb), allocated())
	snap := d.Post("volumes", map[string]any{"name": "s", "parent_id": v.ID("id")})
	assert.Equal(t, int64(gb), allocated(), "a snapshot shares")
	d.lab.MustWrite("box-1", v.ID("id"), sim.Write{Offset: 0, Length: gb / 2, Seed: 2})
	assert.Equal(t, int64(gb+gb/2), allocated())
	assert.Equal(t, int64(gb/2), d.Get(path("volumes", snap)).ID("allocated"))
	thick := d.volume("thick", map[string]any{"provtype": "THICK"})
	assert.Equal(t, int64(3*gb+gb/2), allocated(), "thick counts in full")
	d.lab.MustWrite("box-1", thick.ID("id"), sim.Write{Length: gb, Seed: 3})
	assert.Equal(t, int64(3*gb+gb/2), allocated(), "and what is written to it is within that")
	p := d.Get(pool)
	assert.Equal(t, int64(2), p.ID("volumes_count"))
	assert.Equal(t, int64(1), p.ID("snapshots_count"))
	assert.Equal(t, int64(3), p.ID("entities_count"))
	assert.Equal(t, p.ID("virtual_capacity")-4*gb, p.ID("free_virtual_space"))
	d.Delete(path("volumes", v))
	d.Delete(path("volumes", thick))
	assert.Zero(t, allocated())
	assert.Zero(t, d.Get(pool).ID("entities_count"))
}

func TestPool_fullAndLocked(t *testing.T) {
	t.Parallel()
	d := newDisks(t)
	big := d.volume("big", map[string]any{"size": 900 * gb, "provtype": "THICK"})
	d.Refused(http.StatusConflict, "POOL_NOT_ENOUGH_VIRTUAL_CAPACITY", http.MethodPut, path("volumes", big), map[string]any{"size": 1100 * gb / 512 * 512})
	lock := fmt.Sprintf("pools/%d/lock", d.pool)
	d.Post(lock, nil)
	d.Refused(http.StatusConflict, "POOL_IS_LOCKED", http.MethodPost, "volumes", map[string]any{"name": "n", "size": gb, "pool_id": d.pool})
	require.ErrorContains(t, d.lab.Write(t.Context(), "box-1", big.ID("id"), sim.Write{Length: 512, Seed: 1}), "POOL_IS_LOCKED")
	d.Post(fmt.Sprintf("pools/%d/unlock", d.pool), nil)
	d.lab.MustWrite("box-1", big.ID("id"), sim.Write{Length: 512, Seed: 1})
}

func TestSnapshot_restoreRefreshAndLock(t *testing.T) {
	t.Parallel()
	d := newDisks(t)
	v := d.volume("v", nil)
	id := v.ID("id")
	d.lab.MustWrite("box-1", id, sim.Write{Length: gb, Seed: 1})
	first := d.lab.MustDigest("box-1", id)
	snap := d.Post("volumes", map[string]any{"name": "s", "parent_id": id})
	assert.Equal(t, true, snap["write_protected"])
	require.ErrorContains(t, d.lab.Write(t.Context(), "box-1", snap.ID("id"), sim.Write{Length: 512, Seed: 9}), "DATASET_IS_WRITE_PROTECTED")
	d.lab.MustWrite("box-1", id, sim.Write{Length: gb, Seed: 2})
	second := d.lab.MustDigest("box-1", id)
	d.Post(path("volumes", v)+"/restore", []byte(fmt.Sprint(snap.ID("id"))))
	assert.Equal(t, first, d.lab.MustDigest("box-1", id))
	d.lab.MustWrite("box-1", id, sim.Write{Length: gb, Seed: 2})
	d.Post(path("volumes", snap)+"/refresh", map[string]any{"source_id": id})
	assert.Equal(t, second, d.lab.MustDigest("box-1", snap.ID("id")))

	until := d.lab.Clock.Now().Add(time.Hour).MS()
	d.Put(path("volumes", snap), map[string]any{"lock_expires_at": until})
	assert.Equal(t, "LOCKED", d.Get(path("volumes", snap))["lock_state"])
	d.Refused(http.StatusConflict, "SNAPSHOT_IS_LOCKED", http.MethodPut, path("volumes", snap), map[string]any{"lock_expires_at": until - 1})
	d.Refused(http.StatusConflict, "SNAPSHOT_IS_LOCKED", http.MethodDelete, path("volumes", snap)+"?approved=true", nil)
	d.Refused(http.StatusConflict, "SNAPSHOT_IS_LOCKED", http.MethodPost, path("volumes", snap)+"/refresh", map[string]any{"source_id": id})
	d.lab.MustAdvance(time.Hour)
	assert.Equal(t, "UNLOCKED", d.Get(path("volumes", snap))["lock_state"])
	d.Delete(path("volumes", v))
	assert.Zero(t, d.Do(http.MethodGet, "volumes", nil).Metadata.Objects, "the whole subtree goes")
}

func TestGroups(t *testing.T) {
	t.Parallel()
	d := newDisks(t)
	a, b := d.volume("a", nil), d.volume("b", nil)
	cg := d.Post("cgs", map[string]any{"name": "g", "pool_id": d.pool})
	snapshot := map[string]any{"name": "sg", "parent_id": cg.ID("id"), "snap_prefix": "x-", "snap_suffix": nil}
	d.Refused(http.StatusConflict, "CG_IS_EMPTY", http.MethodPost, "cgs", snapshot)
	for _, v := range []simtest.Object{a, b} {
		d.Post(path("cgs", cg)+"/members", map[string]any{"dataset_id": v.ID("id")})
	}
	d.Refused(http.StatusConflict, "DATASET_IS_CG_MEMBER", http.MethodPost, path("cgs", cg)+"/members", map[string]any{"dataset_id": a.ID("id")})
	d.Refused(http.StatusConflict, "DATASET_IS_CG_MEMBER", http.MethodDelete, path("volumes", a)+"?approved=true", nil)
	sg := d.Post("cgs", snapshot)
	assert.Equal(t, "SNAPSHOT", sg["type"])
	members := d.Do(http.MethodGet, path("cgs", sg)+"/members?sort=name", nil)
	assert.Equal(t, 2, members.Metadata.Objects)
	first := simtest.Object(members.Result.([]any)[0].(map[string]any))
	assert.Equal(t, "x-a", first["name"])
	assert.Equal(t, a.ID("id"), first.ID("parent_id"))
	before := d.lab.MustDigest("box-1", a.ID("id"))
	d.lab.MustWrite("box-1", a.ID("id"), sim.Write{Length: gb, Seed: 1})
	d.Post(path("cgs", cg)+"/restore", map[string]any{"source_id": sg.ID("id")})
	assert.Equal(t, before, d.lab.MustDigest("box-1", a.ID("id")))
	d.Refused(http.StatusConflict, "CG_NOT_EMPTY", http.MethodDelete, path("cgs", cg)+"?approved=true", nil)
	d.Delete(path("cgs", sg))
	d.Delete(path("cgs", cg) + "/members/" + fmt.Sprint(b.ID("id")))
	d.Refused(http.StatusConflict, "DATASET_NOT_CG_MEMBER", http.MethodDelete, path("cgs", cg)+"/members/"+fmt.Sprint(b.ID("id")), nil)
	d.Must(http.MethodDelete, path("cgs", cg)+"?approved=true&delete_members=true", nil)
	assert.Equal(t, 1, d.Do(http.MethodGet, "volumes", nil).Metadata.Objects)
}

func TestFilesystem_sizeIsRoundedUp(t *testing.T) {
	t.Parallel()
	d := newDisks(t)
	fs := d.Post("filesystems", map[string]any{"name": "fs", "size": 1_000_000_512, "pool_id": d.pool})
	assert.Equal(t, int64(1_000_013_824), fs.ID("size"))
	v := d.volume("v", map[string]any{"size": 1_000_000_512})
	assert.Equal(t, int64(1_000_000_512), v.ID("size"))
	assert.Len(t, v["serial"], 31)
	all := d.Do(http.MethodGet, "datasets?sort=name", nil)
	assert.Equal(t, 2, all.Metadata.Objects)
	assert.Equal(t, "FILESYSTEM", all.Result.([]any)[0].(map[string]any)["dataset_type"])
}
