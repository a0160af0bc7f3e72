package sim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/simtest"
)

// strict is a client as a driver written in Go is one: HTTP Basic on every
// request, no session, paths put together carelessly, filters without an
// operator, and answers decoded into structs, where an integer with a point or
// a member of another type is an error.
type strict struct {
	testing.TB
	http *http.Client
	base string
}

func newStrict(tb testing.TB, l *simtest.Lab, key string) *strict {
	tb.Helper()
	return &strict{TB: tb, http: &http.Client{Transport: l.Transport()}, base: "http://simulator-" + key + "/api/rest/"}
}

// envelope is what every answer is; the members are looked at one by one.
type envelope struct {
	Result   json.RawMessage `json:"result"`
	Error    json.RawMessage `json:"error"`
	Metadata paging          `json:"metadata"`
}

type paging struct {
	Ready   bool `json:"ready"`
	Objects int  `json:"number_of_objects"`
	Size    int  `json:"page_size"`
	Pages   int  `json:"pages_total"`
	Page    int  `json:"page"`
}

// failure is a refusal: a driver dies on one without a code or a message.
type failure struct {
	Code    *string `json:"code"`
	Message *string `json:"message"`
}

// send asks and opens the envelope. The status is not looked at: such clients
// do not.
func (c *strict) send(method, path string, body any) envelope {
	c.Helper()
	raw := []byte(nil)
	if body != nil {
		var err error
		raw, err = json.Marshal(body)
		require.NoError(c, err)
	}
	r, err := http.NewRequestWithContext(c.Context(), method, c.base+path, bytes.NewReader(raw))
	require.NoError(c, err)
	r.SetBasicAuth("admin", "123456")
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(r)
	require.NoError(c, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(c, err)
	var e envelope
	require.NoError(c, json.Unmarshal(text, &e), "%s %s: %s", method, path, text)
	require.NotEmpty(c, e.Error, "%s %s: error is left out: %s", method, path, text)
	return e
}

// asked sends a request that must succeed, and decodes its result.
func asked[T any](c *strict, method, path string, body any) (T, paging) {
	c.Helper()
	e := c.send(method, path, body)
	require.Equal(c, "null", string(e.Error), "%s %s", method, path)
	require.NotEmpty(c, e.Result, "%s %s has no result", method, path)
	require.NotEqual(c, "null", string(e.Result), "%s %s: such clients take an empty result for a failure", method, path)
	var v T
	require.NoError(c, json.Unmarshal(e.Result, &v), "%s %s: %s", method, path, e.Result)
	return v, e.Metadata
}

func do[T any](c *strict, method, path string, body any) T {
	c.Helper()
	v, _ := asked[T](c, method, path, body)
	return v
}

func fetch[T any](c *strict, path string, args ...any) T {
	c.Helper()
	return do[T](c, http.MethodGet, fmt.Sprintf(path, args...), nil)
}

// refused sends a request that must be refused with a code, whole.
func (c *strict) refused(code, method, path string, body any) {
	c.Helper()
	e := c.send(method, path, body)
	var f failure
	require.NoError(c, json.Unmarshal(e.Error, &f), string(e.Error))
	require.NotNil(c, f.Code, "%s %s", method, path)
	require.NotNil(c, f.Message, "%s %s", method, path)
	assert.Equal(c, code, *f.Code, *f.Message)
	assert.NotEmpty(c, *f.Message)
}

// remove deletes; the answer's result is an object, a list or a bool.
func (c *strict) remove(path string) {
	c.Helper()
	raw := do[json.RawMessage](c, http.MethodDelete, path, nil)
	assert.NotEmpty(c, strings.TrimSpace(string(raw)))
}

// all reads a collection page by page, to the last that the first one tells.
func all[T any](c *strict, path string) []T {
	c.Helper()
	var out []T
	for page, pages := 1, 1; page <= pages; page++ {
		rows, meta := asked[[]T](c, http.MethodGet, fmt.Sprintf("%s&page=%d", path, page), nil)
		require.Equal(c, page, meta.Page)
		out, pages = append(out, rows...), meta.Pages
	}
	return out
}

// The rows of an array, with the types that a driver has for their members.
type (
	strictVolume struct {
		ID            int64  `json:"id"`
		Size          int64  `json:"size"`
		CreatedAt     int64  `json:"created_at"`
		UpdatedAt     int64  `json:"updated_at"`
		LockExpiresAt int64  `json:"lock_expires_at"`
		PoolID        int64  `json:"pool_id"`
		ParentID      int64  `json:"parent_id"`
		FamilyID      int64  `json:"family_id"`
		NumBlocks     int64  `json:"num_blocks"`
		Allocated     int64  `json:"allocated"`
		Used          int64  `json:"used"`
		TreeAllocated int64  `json:"tree_allocated"`
		Savings       int64  `json:"capacity_savings"`
		CGID          int64  `json:"cg_id"`
		Depth         int    `json:"depth"`
		Name          string `json:"name"`
		Serial        string `json:"serial"`
		Type          string `json:"type"`
		DatasetType   string `json:"dataset_type"`
		Provtype      string `json:"provtype"`
		GUID          string `json:"rmr_snapshot_guid"`
		PoolName      string `json:"pool_name"`
		LockState     string `json:"lock_state"`
		SSD           bool   `json:"ssd_enabled"`
		Protected     bool   `json:"write_protected"`
		Mapped        bool   `json:"mapped"`
		HasChildren   bool   `json:"has_children"`
		Source        bool   `json:"rmr_source"`
		Target        bool   `json:"rmr_target"`
		Compressed    bool   `json:"compression_enabled"`
		Suppressed    bool   `json:"compression_suppressed"`
	}
	strictMember struct {
		strictVolume
		CGName    string  `json:"cg_name"`
		UDID      int     `json:"udid"`
		Paths     bool    `json:"paths_available"`
		Retention *string `json:"snapshot_retention"`
	}
	strictPool struct {
		ID       int64    `json:"id"`
		Name     string   `json:"name"`
		Virtual  int64    `json:"virtual_capacity"`
		Physical int64    `json:"physical_capacity"`
		Free     int64    `json:"free_physical_space"`
		State    string   `json:"state"`
		Owners   []int64  `json:"owners"`
		Policies []string `json:"qos_policies"`
	}
	strictLUN struct {
		ID        int64 `json:"id"`
		LUN       int   `json:"lun"`
		VolumeID  int64 `json:"volume_id"`
		HostID    int64 `json:"host_id"`
		ClusterID int64 `json:"host_cluster_id"`
		Clustered bool  `json:"clustered"`
	}
	strictPort struct {
		HostID  int64  `json:"host_id"`
		Type    string `json:"type"`
		Address string `json:"address"`
	}
	strictHost struct {
		ID        int64        `json:"id"`
		ClusterID int64        `json:"host_cluster_id"`
		Name      string       `json:"name"`
		Security  string       `json:"security_method"`
		Ports     []strictPort `json:"ports"`
		LUNs      []strictLUN  `json:"luns"`
	}
	strictRight struct {
		Access string `json:"access"`
		Client string `json:"client"`
		Root   bool   `json:"no_root_squash"`
	}
	strictExport struct {
		ID           int64         `json:"id"`
		FilesystemID int64         `json:"filesystem_id"`
		TenantID     int64         `json:"tenant_id"`
		CreatedAt    int64         `json:"created_at"`
		UpdatedAt    int64         `json:"updated_at"`
		MaxRead      int64         `json:"max_read"`
		MaxWrite     int64         `json:"max_write"`
		PrefRead     int64         `json:"pref_read"`
		UID          int64         `json:"anonymous_uid"`
		GID          int64         `json:"anonymous_gid"`
		Enabled      bool          `json:"enabled"`
		Short        bool          `json:"32bit_file_id"`
		Privileged   bool          `json:"privileged_port"`
		Visible      bool          `json:"snapdir_visible"`
		Anonymous    bool          `json:"make_all_users_anonymous"`
		Path         string        `json:"export_path"`
		Inner        string        `json:"inner_path"`
		Protocols    string        `json:"transport_protocols"`
		Permissions  []strictRight `json:"permissions"`
	}
	strictTree struct {
		ID           int64  `json:"id"`
		FilesystemID int64  `json:"filesystem_id"`
		Hard         int64  `json:"hard_capacity"`
		Used         int64  `json:"used_capacity"`
		Name         string `json:"name"`
		Path         string `json:"path"`
	}
	strictNote struct {
		ID       int64  `json:"id"`
		ObjectID int64  `json:"object_id"`
		Key      string `json:"key"`
		Value    string `json:"value"`
		Type     string `json:"object_type"`
	}
	strictGroup struct {
		ID        int64    `json:"id"`
		ParentID  int64    `json:"parent_id"`
		PoolID    int64    `json:"pool_id"`
		Members   int      `json:"members_count"`
		Expires   int64    `json:"lock_expires_at"`
		Retention int64    `json:"snapshot_retention"`
		Type      string   `json:"type"`
		Name      string   `json:"name"`
		PoolName  string   `json:"pool_name"`
		LockState string   `json:"lock_state"`
		Kinds     []string `json:"replication_types"`
	}
	strictPeer struct {
		Tally   string  `json:"tally_code"`
		Stratum int     `json:"stratum"`
		Delay   float64 `json:"delay_milliseconds"`
	}
	strictTime struct {
		NodeID int          `json:"node_id"`
		Probed int64        `json:"last_probe_timestamp"`
		Peers  []strictPeer `json:"ntp_peers"`
	}
)
