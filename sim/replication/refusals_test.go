package replication_test

import (
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/fabric"
)

func TestRefusals_changeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, snapped := w.volume(boxA), w.volume(boxA)
	snap := w.post(boxA, "volumes", object{"name": "snap", "parent_id": snapped}).ID("id")
	replicated := w.volume(boxA)
	r := w.replicate(replicated, nil)
	initializing := w.volume(boxA)
	w.settle()
	i := w.replicate(initializing, nil).ID("id")
	create := func(local int64, more object) object {
		body := object{
			"link_id": w.link[boxA], "entity_type": "VOLUME", "remote_pool_id": w.pool[boxB],
			"entity_pairs": []object{{"local_entity_id": local, "remote_base_action": "CREATE"}},
		}
		maps.Copy(body, more)
		return body
	}
	replica, target := fmt.Sprintf("replicas/%d", r.ID("id")), fmt.Sprintf("replicas/%d", r.ID("remote_replica_id"))
	there := fmt.Sprintf("volumes/%d", r.ID("remote_entity_id"))
	for name, c := range map[string]struct {
		status       int
		code         string
		box          string
		method, path string
		body         any
	}{
		"missing link":              {404, "LINK_NOT_FOUND", boxA, "POST", "replicas", create(v, object{"link_id": 9})},
		"missing dataset":           {404, "VOLUME_NOT_FOUND", boxA, "POST", "replicas", create(9, nil)},
		"snapshot":                  {409, "REPLICA_ENTITY_IS_NOT_MASTER", boxA, "POST", "replicas", create(snap, nil)},
		"second over the link":      {409, "REPLICA_ALREADY_EXISTS", boxA, "POST", "replicas", create(replicated, nil)},
		"target as a source":        {409, "REPLICA_ENTITY_IS_TARGET", boxB, "POST", "replicas", object{"link_id": w.link[boxB], "entity_type": "VOLUME", "remote_pool_id": w.pool[boxA], "entity_pairs": []object{{"local_entity_id": r.ID("remote_entity_id"), "remote_base_action": "CREATE"}}}},
		"unknown base action":       {400, "REPLICA_BASE_ACTION_NOT_SUPPORTED", boxA, "POST", "replicas", create(v, object{"entity_pairs": []object{{"local_entity_id": v, "remote_base_action": "X"}}})},
		"no pairs":                  {400, "REPLICA_ENTITY_PAIRS_MISMATCH", boxA, "POST", "replicas", create(v, object{"entity_pairs": []object{}})},
		"pairs of a wrong type":     {400, "INVALID_FIELD_VALUE", boxA, "POST", "replicas", create(v, object{"entity_pairs": "x"})},
		"rpo below interval":        {400, "REPLICA_RPO_TOO_LOW", boxA, "POST", "replicas", create(v, object{"sync_interval": 60000, "rpo_value": 59999})},
		"rpo below four seconds":    {400, "REPLICA_RPO_TOO_LOW", boxA, "POST", "replicas", create(v, object{"sync_interval": 0, "rpo_value": 3999})},
		"interval with SYNC":        {400, "REPLICA_PARAMETER_NOT_SUPPORTED_FOR_TYPE", boxA, "POST", "replicas", create(v, object{"replication_type": "SYNC", "sync_interval": 60000})},
		"preferred without AA":      {400, "REPLICA_PARAMETER_NOT_SUPPORTED_FOR_TYPE", boxA, "POST", "replicas", create(v, object{"is_preferred": true})},
		"missing remote pool":       {404, "POOL_NOT_FOUND", boxA, "POST", "replicas", create(v, object{"remote_pool_id": 9})},
		"no remote pool":            {400, "MISSING_REQUIRED_FIELD", boxA, "POST", "replicas", create(v, object{"remote_pool_id": nil})},
		"target's name taken":       {409, "VOLUME_NAME_CONFLICT", boxA, "POST", "replicas", create(v, object{"entity_pairs": []object{{"local_entity_id": v, "remote_base_action": "CREATE", "remote_entity_name": "v3"}}})},
		"type change too early":     {409, "REPLICA_IS_INITIALIZING", boxA, "POST", fmt.Sprintf("replicas/%d/change_type_to_sync", i), object{}},
		"suspend at the target":     {409, "REPLICA_IS_TARGET", boxB, "POST", target + "/suspend", nil},
		"change at the target":      {409, "REPLICA_IS_TARGET", boxB, "PUT", target, object{"sync_interval": 60000}},
		"delete at the target":      {409, "REPLICA_IS_TARGET", boxB, "DELETE", target + "?approved=true", nil},
		"delete a source":           {409, "DATASET_IS_REPLICATED", boxA, "DELETE", fmt.Sprintf("volumes/%d?approved=true", replicated), nil},
		"delete a target":           {409, "DATASET_IS_REPLICATED", boxB, "DELETE", there + "?approved=true", nil},
		"write-enable a target":     {409, "DATASET_IS_REPLICATION_TARGET", boxB, "PUT", there, object{"write_protected": false}},
		"resize a target":           {409, "DATASET_IS_REPLICATION_TARGET", boxB, "PUT", there, object{"size": 2 * volumeSize}},
		"immutable type":            {400, "IMMUTABLE_FIELD", boxA, "PUT", replica, object{"replication_type": "SYNC"}},
		"unknown field":             {400, "UNKNOWN_FIELD", boxA, "PUT", replica, object{"evil": 1}},
		"rpo too low later":         {400, "REPLICA_RPO_TOO_LOW", boxA, "PUT", replica, object{"rpo_value": 5000}},
		"link with replicas":        {409, "LINK_HAS_REPLICAS", boxA, "DELETE", fmt.Sprintf("links/%d?approved=true", w.link[boxA]), nil},
		"second link":               {409, "LINK_ALREADY_EXISTS", boxA, "POST", "links", object{"name": "x", "local_replication_network_space_id": w.space(), "remote_host": w.host()}},
		"link to nowhere":           {409, "LINK_REMOTE_HOST_UNREACHABLE", boxA, "POST", "links", object{"name": "x", "local_replication_network_space_id": w.space(), "remote_host": "10.9.0.1"}},
		"pool with volumes":         {409, "POOL_NOT_EMPTY", boxA, "DELETE", fmt.Sprintf("pools/%d?approved=true", w.pool[boxA]), nil},
		"resume of an active one":   {409, "REPLICA_NOT_SUSPENDED", boxA, "POST", replica + "/resume", nil},
		"wrong credentials at peer": {404, "REPLICA_NOT_FOUND", boxA, "POST", "replicas/1/suspend", nil},
	} {
		before := w.state()
		w.refused(c.status, c.code, c.box, c.method, c.path, c.body)
		require.Equal(t, before, w.state(), name)
	}
}

func TestRefusals_cutLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	id := w.replicate(w.volume(boxA), nil).ID("id")
	w.settle()
	w.cut(true)
	w.refused(http.StatusConflict, "LINK_IS_NOT_CONNECTED", boxA, http.MethodPost, "replicas", object{
		"link_id": w.link[boxA], "entity_type": "VOLUME", "remote_pool_id": w.pool[boxB], "entity_pairs": []object{{"local_entity_id": v, "remote_base_action": "CREATE"}},
	})
	w.refused(http.StatusConflict, "LINK_IS_NOT_CONNECTED", boxA, http.MethodPost, fmt.Sprintf("replicas/%d/change_type_to_sync", id), object{})
	w.refused(http.StatusConflict, "REMOTE_SYSTEM_UNREACHABLE", boxA, http.MethodDelete, fmt.Sprintf("replicas/%d?approved=true", id), nil)
	w.ok(boxA, http.MethodDelete, fmt.Sprintf("replicas/%d?approved=true&force_if_remote_error=true", id), nil)
	w.cut(false)
}

func TestDelete_targetFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	r := w.replicate(v, nil)
	w.ok(boxB, http.MethodDelete, fmt.Sprintf("replicas/%d?approved=true&force_on_target=true", r.ID("remote_replica_id")), nil)
	assert.Equal(t, false, w.get(boxB, fmt.Sprintf("volumes/%d", r.ID("remote_entity_id")))["rmr_target"])
	w.shows(r.ID("id"), "ACTIVE", "INITIALIZING", true, nil)
	w.settle()
	w.shows(r.ID("id"), "AUTO_SUSPENDED", nil, true, nil)
	gone := w.ok(boxA, http.MethodDelete, fmt.Sprintf("replicas/%d?approved=true", r.ID("id")), nil)
	first := pairs(gone)[0]
	assert.Nil(t, first["_local_reclaimed_snapshot_id"], "nothing was committed yet")
	assert.Equal(t, false, w.get(boxA, fmt.Sprintf("volumes/%d", v))["rmr_source"])
	assert.Equal(t, []any{}, w.get(boxA, fmt.Sprintf("volumes/%d", v))["replica_ids"])
}

func TestRemote_passThrough(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replicate(w.volume(boxA), nil)
	got := w.get(boxA, fmt.Sprintf("remote/%d/api/rest/replicas/%d", w.link[boxA], r.ID("remote_replica_id")))
	assert.Equal(t, "TARGET", got["role"])
	w.path(func(m *fabric.Model) { m.Cut = true })
	w.refused(http.StatusConflict, "LINK_IS_NOT_CONNECTED", boxA, http.MethodGet, fmt.Sprintf("remote/%d/api/rest/pools", w.link[boxA]), nil)
}

func TestExpose_lastImage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	w.write(boxA, v, 0, gib, 1)
	r := w.replicate(v, nil)
	expose := fmt.Sprintf("replicas/%d/expose_last_consistent_snapshot", r.ID("remote_replica_id"))
	assert.Nil(t, pairs(w.post(boxB, expose, nil))[0]["_local_reclaimed_snapshot_id"], "nothing is committed yet")
	w.settle()
	committed := w.digest(boxA, v)
	w.write(boxA, v, 0, gib, 2)
	snap := pairs(w.post(boxB, expose, nil))[0].ID("_local_reclaimed_snapshot_id")
	assert.Equal(t, committed, w.digest(boxB, snap))
	shown := w.get(boxB, fmt.Sprintf("volumes/%d", snap))
	assert.Equal(t, r.ID("remote_entity_id"), shown.ID("parent_id"))
	assert.Equal(t, pairs(w.replica(r.ID("id")))[0]["_consistent_guid"], shown["rmr_snapshot_guid"])
	w.advance(time.Hour)
	assert.Equal(t, committed, w.digest(boxB, snap), "it survives later commits")
	w.ok(boxB, http.MethodDelete, fmt.Sprintf("volumes/%d?approved=true", snap), nil)
}
