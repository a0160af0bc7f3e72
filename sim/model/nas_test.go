package model_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
	"infinisim/sim/model"
)

// filesystem makes one in a pool of its own.
func (a *arrays) filesystem(more object) int64 {
	a.t.Helper()
	pool := a.do(boxA, http.MethodPost, "pools", object{"name": "p", "physical_capacity": 1_000_000_000_000, "virtual_capacity": 1_000_000_000_000})
	body := object{"name": "fs", "size": 1_000_000_000, "pool_id": pool.id("id")}
	maps.Copy(body, more)
	return a.do(boxA, http.MethodPost, "filesystems", body).id("id")
}

// TestTreeQ_limit fills a filesystem's tree queues up to what config/limits
// says.
func TestTreeQ_limit(t *testing.T) {
	t.Parallel()
	a := newArrays(t, lab.ArraySetup{})
	fs := a.filesystem(nil)
	most := a.do(boxA, http.MethodGet, "config/limits?fields=nas.treeq_max_count_per_filesystem", nil).id("nas.treeq_max_count_per_filesystem")
	require.NoError(t, a.lab.On(t.Context(), boxA, func(b *model.Box) error {
		for i := range most - 1 {
			q := b.New(b.Eng.Catalog.Kind("treeq"))
			model.TreeQFilesystem.Set(q, fs)
			model.TreeQName.Set(q, fmt.Sprint("q", i))
			model.TreeQPath.Set(q, fmt.Sprint("/q", i))
			if err := b.Insert(q); err != nil {
				return err
			}
		}
		return nil
	}))
	path := fmt.Sprintf("filesystems/%d/treeqs", fs)
	a.do(boxA, http.MethodPost, path, object{"path": "/last"})
	status, out := a.call(boxA, http.MethodPost, path, object{"path": "/more"})
	assert.Equal(t, http.StatusConflict, status)
	assert.Contains(t, fmt.Sprint(out["error"]), "TREEQ_LIMIT_EXCEEDED")
}

// TestStyle_oneProtocol lets clients of one protocol at a filesystem on a
// release that has no dual protocol.
func TestStyle_oneProtocol(t *testing.T) {
	t.Parallel()
	for version, dual := range map[string]bool{"7.0.1.0": false, "7.2.0.0": true} {
		a := newArrays(t, lab.ArraySetup{})
		windows := a.filesystem(object{"security_style": "WINDOWS"})
		pool := a.do(boxA, http.MethodGet, fmt.Sprintf("filesystems/%d", windows), nil).id("pool_id")
		unix := a.do(boxA, http.MethodPost, "filesystems", object{"name": "u", "size": 1_000_000_000, "pool_id": pool}).id("id")
		require.NoError(t, a.lab.Tweak(t.Context(), boxA, model.Tweak{Version: &version}))
		for _, c := range []struct {
			path string
			body object
			ok   bool
		}{
			{"exports", object{"export_path": "/u", "filesystem_id": unix}, true},
			{"exports", object{"export_path": "/w", "filesystem_id": windows}, dual},
			{"shares", object{"name": "w", "filesystem_id": windows}, true},
			{"shares", object{"name": "u", "filesystem_id": unix}, dual},
		} {
			status, out := a.call(boxA, http.MethodPost, c.path, c.body)
			raw, err := json.Marshal(c.body)
			require.NoError(t, err)
			if c.ok {
				assert.Equal(t, http.StatusCreated, status, "%s %s %s: %v", version, c.path, raw, out["error"])
				continue
			}
			assert.Equal(t, http.StatusBadRequest, status, "%s %s %s", version, c.path, raw)
			assert.Contains(t, fmt.Sprint(out["error"]), "security style")
		}
	}
}
