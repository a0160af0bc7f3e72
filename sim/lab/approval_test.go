package lab_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dangerous are the kinds whose deletion asks for approval: what holds data
// (InfiniSDK tests; a host goes without, as the documentation's getting
// started shows, and so do a tree queue and everything that the CSI driver
// deletes without).
func dangerous() []string { return []string{"pool", "volume", "filesystem", "cons_group"} }

// TestApproval_matrix creates, changes and deletes one of every kind without
// approval.
func TestApproval_matrix(t *testing.T) {
	t.Parallel()
	for _, kind := range newWorld(t).cat.Kinds() {
		if kind.Single || kind.Sample == nil {
			continue
		}
		t.Run(kind.Type.Name(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			k := w.cat.Kind(kind.Type.Name())
			w.switchOn(k)
			status, out := w.request("box-1", http.MethodPost, k.Path, k.Sample(w))
			require.Equal(t, http.StatusCreated, status, "a creation: %v", out["error"])
			o := object(out["result"].(map[string]any))
			b := battery{world: w, k: k}
			if k.Change != nil {
				b.change(o)
			}
			if k.Fixed {
				return
			}
			status, out = w.request("box-1", http.MethodDelete, b.item(o)+"?approved=false", nil)
			e, _ := out["error"].(map[string]any)
			if assert.Equal(t, slices.Contains(dangerous(), k.Type.Name()), e["code"] == "APPROVAL_REQUIRED", "deletion: %v", e) && e["code"] == "APPROVAL_REQUIRED" {
				assert.Equal(t, http.StatusForbidden, status)
				assert.NotEmpty(t, e["reasons"], "what the client shows before it asks")
				w.ok(http.MethodGet, b.item(o), nil) // it is still there
				w.ok(http.MethodDelete, b.item(o)+"?approved=true", nil)
			}
		})
	}
}

// TestApproval_snapshots: a dataset with snapshots asks in its own way, and a
// snapshot that is made locked asks at once.
func TestApproval_snapshots(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"volume", "filesystem"} {
		w := newWorld(t)
		path := w.cat.Kind(kind).Path
		id := w.Make(kind)
		snap := w.ok(http.MethodPost, path, object{"name": "s", "parent_id": id})
		item := fmt.Sprintf("%s/%d", path, id)
		status, out := w.request("box-1", http.MethodDelete, item, nil)
		e := out["error"].(map[string]any)
		assert.Equal(t, http.StatusForbidden, status)
		assert.Equal(t, "APPROVAL_REQUIRED_VOLUME_HAS_CHILDREN", e["code"])
		assert.Equal(t, []any{float64(snap.id())}, e["reasons"].([]any)[0].(map[string]any)["affected_entities"])
		w.refused(http.StatusForbidden, "APPROVAL_REQUIRED", http.MethodPost, path, object{"name": "l", "parent_id": id, "lock_expires_at": 1735689700000})
		w.ok(http.MethodPost, path+"?approved=true", object{"name": "l", "parent_id": id, "lock_expires_at": 1735689700000})
		w.refused(http.StatusConflict, "SNAPSHOT_IS_LOCKED", http.MethodDelete, item+"?approved=true", nil)
	}
}
