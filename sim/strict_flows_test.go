package sim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/clock"
	"infinisim/sim/simtest"
)

type fields = map[string]any

const (
	post = http.MethodPost
	put  = http.MethodPut
)

// strictLab is an array with a pool p, for flows that need no other.
func strictLab(t *testing.T) (*simtest.Lab, *strict, strictPool) {
	t.Helper()
	l := simtest.New(t)
	c := newStrict(t, l, "box-1")
	pool := do[strictPool](c, post, "/pools", fields{"name": "p", "physical_capacity": 4_000_000_000_000, "virtual_capacity": 4_000_000_000_000})
	return l, c, pool
}

func (c *strict) volume(pool int64, name string) strictVolume {
	c.Helper()
	return do[strictVolume](c, post, "/volumes", fields{"name": name, "pool_id": pool, "size": 1_073_741_824, "provtype": "THIN", "ssd_enabled": true})
}

// TestStrict_block makes a volume as a driver does, a snapshot that is locked
// by the array's time, a clone of the snapshot, and deletes from the leaves.
func TestStrict_block(t *testing.T) {
	t.Parallel()
	l, c, pool := strictLab(t)
	pools := fetch[[]strictPool](c, "pools?name=p")
	require.Len(t, pools, 1)
	assert.Empty(t, pools[0].Policies)
	assert.Empty(t, fetch[[]strictVolume](c, "volumes?name=pvc-1"))
	v := c.volume(pool.ID, "pvc-1")
	assert.Equal(t, int64(1_073_741_824), v.Size)
	got := fetch[strictVolume](c, "/volumes/%d", v.ID)
	assert.Equal(t, "p", got.PoolName)
	assert.Equal(t, "UNLOCKED", got.LockState)
	notes := do[[]strictNote](c, put, fmt.Sprintf("metadata/%d", v.ID), fields{"host.k8s.pvname": "pvc-1", "host.k8s.to_be_deleted": true, "host.k8s.treeqs": 1})
	require.Len(t, notes, 3)
	assert.Equal(t, "true", fetch[strictNote](c, "metadata/%d/host.k8s.to_be_deleted", v.ID).Value)
	assert.Equal(t, "1", fetch[strictNote](c, "metadata/%d/host.k8s.treeqs", v.ID).Value)

	now := fetch[[]strictTime](c, "/system/ntp_status?page=1")
	require.NotEmpty(t, now)
	assert.Equal(t, l.Clock.Now().MS(), now[0].Probed)
	lock := now[0].Probed + time.Hour.Milliseconds()
	snap := do[strictVolume](c, post, "/volumes?approved=true", fields{
		"name": "snap-1", "parent_id": v.ID, "write_protected": true, "ssd_enabled": false, "lock_expires_at": lock,
	})
	assert.Equal(t, "LOCKED", snap.LockState)
	assert.Equal(t, lock, snap.LockExpiresAt)
	clone := do[strictVolume](c, post, "/volumes", fields{"name": "clone-1", "parent_id": snap.ID, "write_protected": false, "ssd_enabled": true})
	assert.Equal(t, 2, clone.Depth)
	assert.Len(t, fetch[[]strictVolume](c, "volumes?name=snap-1"), 1, "volumes lists snapshots too")
	assert.Len(t, fetch[[]strictVolume](c, "/volumes/?parent_id=%d", v.ID), 1)
	assert.Len(t, fetch[[]strictVolume](c, "/datasets?type=SNAPSHOT&page=1"), 2)

	l.MustAdvance(2 * time.Hour)
	assert.Equal(t, int64(2_147_483_648), do[strictVolume](c, put, fmt.Sprintf("volumes/%d", v.ID), fields{"size": 2_147_483_648}).Size)
	for _, id := range []int64{clone.ID, snap.ID, v.ID} {
		assert.Empty(t, fetch[[]strictVolume](c, "/volumes/?parent_id=%d", id))
		c.remove(fmt.Sprintf("metadata/%d?approved=true", id)) // there may be none
		c.remove(fmt.Sprintf("volumes/%d?approved=true", id))
		c.refused("VOLUME_NOT_FOUND", http.MethodGet, fmt.Sprintf("volumes/%d", id), nil)
	}
	c.refused("VOLUME_NOT_FOUND", http.MethodDelete, fmt.Sprintf("volumes/%d?approved=true", v.ID), nil)
}

// TestStrict_slashes asks with the slashes of a client that glues paths.
func TestStrict_slashes(t *testing.T) {
	t.Parallel()
	_, c, pool := strictLab(t)
	for _, path := range []string{"pools", "/pools", "//pools", "pools/", "/pools/", "pools/?name=p", "//pools/?name=p"} {
		rows := fetch[[]strictPool](c, "%s", path)
		require.Len(t, rows, 1, path)
		assert.Equal(t, pool.ID, rows[0].ID, path)
	}
}

// TestStrict_pages reads more objects than a page has, to the end.
func TestStrict_pages(t *testing.T) {
	t.Parallel()
	_, c, pool := strictLab(t)
	for i := range 7 {
		c.volume(pool.ID, fmt.Sprintf("v%d", i))
	}
	rows := all[strictVolume](c, "volumes?page_size=3")
	require.Len(t, rows, 7)
	for i, v := range rows {
		assert.Equal(t, fmt.Sprintf("v%d", i), v.Name)
	}
	assert.Empty(t, all[strictVolume](c, "volumes?page_size=3&name=none"))
}

// TestStrict_publish maps a volume to a host by a name, and takes it away as
// a driver does that asks twice.
func TestStrict_publish(t *testing.T) {
	t.Parallel()
	_, c, pool := strictLab(t)
	v := c.volume(pool.ID, "v")
	require.Empty(t, fetch[[]strictHost](c, "hosts?name=node-1"))
	host := do[strictHost](c, post, "hosts", fields{"name": "node-1"})
	assert.Equal(t, "NONE", host.Security)
	do[[]strictNote](c, put, fmt.Sprintf("metadata/%d", host.ID), fields{"csi-created-host": "true"})
	assert.Empty(t, all[strictLUN](c, fmt.Sprintf("hosts/%d/luns?page_size=1000", host.ID)))
	lun := do[strictLUN](c, post, fmt.Sprintf("hosts/%d/luns?approved=true", host.ID), fields{"volume_id": v.ID})
	assert.Equal(t, 1, lun.LUN)
	c.refused("MAPPING_ALREADY_EXISTS", post, fmt.Sprintf("hosts/%d/luns?approved=true", host.ID), fields{"volume_id": v.ID})
	const address = "iqn.1993-08.org.debian:01:ABCdef"
	port := fields{"type": "ISCSI", "address": address}
	do[json.RawMessage](c, post, fmt.Sprintf("hosts/%d/ports?approved=true", host.ID), port)
	c.refused("PORT_ALREADY_BELONGS_TO_HOST", post, fmt.Sprintf("hosts/%d/ports?approved=true", host.ID), port)
	listed := fetch[[]strictHost](c, "hosts?name=node-1")
	require.Len(t, listed, 1)
	require.Len(t, listed[0].LUNs, 1, "the list tells the LUNs")
	require.Len(t, listed[0].Ports, 1)
	assert.Equal(t, v.ID, listed[0].LUNs[0].VolumeID)
	chap := do[strictHost](c, put, fmt.Sprintf("hosts/%d?approved=true", host.ID), fields{
		"security_method": "CHAP", "security_chap_inbound_username": "someone", "security_chap_inbound_secret": "0123456789abcd",
	})
	assert.Equal(t, "CHAP", chap.Security)
	unmap := fmt.Sprintf("hosts/%d/luns/volume_id/%d?approved=true", host.ID, v.ID)
	c.remove(unmap)
	c.refused("LUN_NOT_FOUND", http.MethodDelete, unmap, nil)
	assert.Len(t, all[strictNote](c, fmt.Sprintf("metadata/%d?page_size=1000", host.ID)), 1)
	c.remove(fmt.Sprintf("hosts/%d", host.ID))
	c.refused("HOST_NOT_FOUND", http.MethodDelete, fmt.Sprintf("hosts/%d", host.ID), nil)
}

// TestStrict_nfs exports a filesystem, lets a node in and out, and makes tree
// queues in it.
func TestStrict_nfs(t *testing.T) {
	t.Parallel()
	_, c, pool := strictLab(t)
	fs := do[strictVolume](c, post, "/filesystems/", fields{"name": "csit_1", "pool_id": pool.ID, "size": 2_000_000_000, "provtype": "THIN"})
	export := do[strictExport](c, post, "/exports", fields{
		"filesystem_id": fs.ID, "transport_protocols": "TCP", "privileged_port": false, "export_path": "/csit_1",
		"permissions": []fields{}, "snapdir_visible": true,
	})
	rights := []fields{{"access": "RW", "client": "10.0.0.9", "no_root_squash": true}, {"access": "RO", "client": "10.0.0.1-10.0.0.5", "no_root_squash": false}}
	changed := do[strictExport](c, put, fmt.Sprintf("exports/%d", export.ID), fields{"permissions": rights})
	require.Len(t, changed.Permissions, 2)
	assert.Equal(t, strictRight{"RW", "10.0.0.9", true}, changed.Permissions[0], "the order stays")
	assert.Len(t, fetch[[]strictExport](c, "exports?filesystem_id=%d", fs.ID), 1)

	found := fetch[[]strictVolume](c, "/filesystems?pool_id=%d&name=like:csit_&sort=size&page=1&page_size=1000&fields=id,size,name", pool.ID)
	require.Len(t, found, 1)
	trees := fmt.Sprintf("filesystems/%d/treeqs", fs.ID)
	assert.Empty(t, fetch[[]strictTree](c, "%s?name=pvc", trees))
	tree := do[strictTree](c, post, trees, fields{"path": "/pvc", "name": "pvc", "hard_capacity": 1_000_000_000})
	assert.Zero(t, tree.Used)
	_, meta := asked[[]strictTree](c, http.MethodGet, trees, nil)
	assert.Equal(t, 1, meta.Objects)
	assert.Equal(t, int64(1_500_000_000), do[strictTree](c, put, fmt.Sprintf("%s/%d", trees, tree.ID), fields{"hard_capacity": 1_500_000_000}).Hard)
	c.remove(fmt.Sprintf("%s/%d", trees, tree.ID))
	c.refused("TREEQ_ID_DOES_NOT_EXIST", http.MethodGet, fmt.Sprintf("%s/%d", trees, tree.ID), nil)
	c.remove(fmt.Sprintf("exports/%d?approved=true", export.ID))
	c.refused("EXPORT_NOT_FOUND", http.MethodDelete, fmt.Sprintf("exports/%d?approved=true", export.ID), nil)
	c.remove(fmt.Sprintf("filesystems/%d?approved=true", fs.ID))
	c.refused("FILESYSTEM_NOT_FOUND", http.MethodGet, fmt.Sprintf("filesystems/%d", fs.ID), nil)
}

// TestStrict_group takes a snapshot of a group of volumes.
func TestStrict_group(t *testing.T) {
	t.Parallel()
	_, c, pool := strictLab(t)
	group := do[strictGroup](c, post, "/cgs?replicate_to_async_target=false", fields{"name": "g", "pool_id": pool.ID})
	for i := range 2 {
		v := c.volume(pool.ID, fmt.Sprintf("v%d", i))
		do[json.RawMessage](c, post, fmt.Sprintf("cgs/%d/members", group.ID), fields{"dataset_id": v.ID})
	}
	snap := do[strictGroup](c, post, "/cgs", fields{"name": "s", "parent_id": group.ID, "snap_prefix": "s_", "snap_suffix": ""})
	assert.Equal(t, group.ID, snap.ParentID)
	assert.Equal(t, 2, snap.Members)
	assert.Len(t, all[strictGroup](c, "cgs?name=s&page_size=1000"), 1)
	members := all[strictMember](c, fmt.Sprintf("cgs/%d/members?page_size=1000", snap.ID))
	require.Len(t, members, 2)
	for _, m := range members {
		assert.NotZero(t, m.FamilyID)
		assert.Equal(t, int64(1_073_741_824), m.Size)
		assert.Nil(t, m.Retention)
	}
	c.remove(fmt.Sprintf("cgs/%d?approved=true&delete_members=true", snap.ID))
	assert.Empty(t, all[strictGroup](c, "cgs?name=s&page_size=1000"))
}

type strictReplica struct {
	ID         int64  `json:"id"`
	State      string `json:"state"`
	Role       string `json:"role"`
	EntityType string `json:"entity_type"`
	Type       string `json:"replication_type"`
	JobState   string `json:"job_state"`
	EntityID   int64  `json:"local_entity_id"`
	LinkID     int64  `json:"link_id"`
	Interval   int64  `json:"sync_interval"`
	RPO        int64  `json:"rpo_value"`
	Progress   int    `json:"progress"`
	Throughput int64  `json:"throughput"`
	CreatedAt  int64  `json:"created_at"`
	Pending    int    `json:"pending_job_count"`
	Jobs       []struct {
		ID      int64  `json:"id"`
		State   string `json:"state"`
		Type    string `json:"type"`
		Initial bool   `json:"is_initial"`
		Start   int64  `json:"start_time"`
	} `json:"jobs"`
	Pairs []struct {
		Local        int64 `json:"local_entity_id"`
		Remote       int64 `json:"remote_entity_id"`
		RestorePoint int64 `json:"restore_point"`
	} `json:"entity_pairs"`
}

type strictLink struct {
	ID         int64    `json:"id"`
	RemoteID   int64    `json:"remote_link_id"`
	Serial     int64    `json:"remote_system_serial_number"`
	Timeout    int64    `json:"connect_timeout"`
	Name       string   `json:"name"`
	RemoteName string   `json:"remote_system_name"`
	RemoteHost string   `json:"remote_host"`
	State      string   `json:"link_state"`
	Mode       string   `json:"link_mode"`
	Resiliency string   `json:"resiliency_mode"`
	AsyncOnly  bool     `json:"async_only"`
	Ready      bool     `json:"is_local_link_ready_for_sync"`
	Kinds      []string `json:"link_replication_type"`
}

// TestStrict_replica replicates a volume as a controller does that reads lists
// without pages and knows no pairs.
func TestStrict_replica(t *testing.T) {
	t.Parallel()
	l, c, pool := strictLab(t)
	far := newStrict(t, l, "box-2")
	there := do[strictPool](far, post, "pools", fields{"name": "p", "physical_capacity": 4_000_000_000_000, "virtual_capacity": 4_000_000_000_000})
	v := c.volume(pool.ID, "v")
	links := fetch[[]strictLink](c, "/links")
	require.Len(t, links, 1)
	assert.Equal(t, "simulator-box-2", links[0].RemoteName)
	assert.Empty(t, fetch[[]strictReplica](c, "/replicas"))
	made := do[strictReplica](c, post, "/replicas?approved=true", fields{
		"sync_interval": 240_000, "description": "d", "entity_type": "VOLUME", "local_entity_id": v.ID, "replication_type": "ASYNC",
		"base_action": "NEW", "link_id": links[0].ID, "rpo_value": 300_000, "remote_pool_id": there.ID,
	})
	assert.Equal(t, "ACTIVE", fetch[strictReplica](c, "/replicas/%d", made.ID).State)
	l.MustSettle()
	got := fetch[strictReplica](c, "/replicas/%d", made.ID)
	assert.Equal(t, v.ID, got.EntityID)
	assert.True(t, fetch[strictVolume](c, "volumes/%d", v.ID).Source)
	c.remove(fmt.Sprintf("replicas/%d?approved=true", made.ID))
	assert.Empty(t, fetch[[]strictReplica](far, "/replicas"))
}

// TestStrict_exporter reads what an exporter of metrics reads.
func TestStrict_exporter(t *testing.T) {
	t.Parallel()
	l := simtest.New(t, sim.WithClock(clock.NewManual(clock.Epoch)))
	c := newStrict(t, l, "box-1")
	system := fetch[struct {
		Name   string `json:"name"`
		Serial int64  `json:"serial_number"`
		Health struct {
			Charge     map[string]float64 `json:"bbu_charge_level"`
			Protection map[string]string  `json:"node_bbu_protection"`
			Failed     int                `json:"failed_drives"`
		} `json:"health_state"`
	}](c, "system")
	assert.Equal(t, "simulator-box-1", system.Name)
	assert.NotEmpty(t, system.Health.Charge)
	assert.NotEmpty(t, system.Health.Protection)
	collector := do[struct {
		ID int64 `json:"id"`
	}](c, post, "metrics/collectors", fields{
		"collected_fields": []string{"ops", "throughput", "external_latency_wout_err"}, "type": "COUNTER", "filters": fields{"protocol_type": "SAN"},
	})
	require.NotZero(t, collector.ID)
	l.MustAdvance(5 * time.Second)
	data := fetch[struct {
		Collectors []struct {
			ID       int64     `json:"id"`
			Fields   []string  `json:"fields"`
			Data     [][]int64 `json:"data"`
			Type     string    `json:"collector_type"`
			Interval int64     `json:"interval_milliseconds"`
			End      int64     `json:"end_timestamp_milliseconds"`
		} `json:"collectors"`
	}](c, "metrics/collectors/data?collector_id=%d", collector.ID)
	require.Len(t, data.Collectors, 1)
	require.NotEmpty(t, data.Collectors[0].Data)
	for _, row := range data.Collectors[0].Data {
		assert.Len(t, row, 3)
	}
	c.remove(fmt.Sprintf("metrics/collectors/%d", collector.ID))
}
