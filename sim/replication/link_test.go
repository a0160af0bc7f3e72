package replication_test

import (
	"fmt"
	"maps"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/apierr"
	"infinisim/sim/lab"
	"infinisim/sim/model"
	"infinisim/sim/simtest"
)

func TestLink_refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine := w.get(boxA, fmt.Sprintf("links/%d", w.link[boxA]))
	space := func(name, service string, net int) int64 {
		return w.post(boxA, "network/spaces", object{
			"name": name, "service": service, "interfaces": []int64{},
			"network_config": object{"network": fmt.Sprintf("10.%d.0.0", net), "netmask": 24, "default_gateway": fmt.Sprintf("10.%d.0.254", net)},
		}).ID("id")
	}
	third, err := w.lab.AddArray(t.Context(), lab.ArraySetup{})
	require.NoError(t, err)
	far, err := w.lab.Link(t.Context(), boxB, third.Key)
	require.NoError(t, err)
	host := w.lab.Client(boxB).Get(fmt.Sprintf("links/%d", far.AID))["remote_host"]
	ask := func(more object) object {
		body := object{"name": "n", "local_replication_network_space_id": w.space(), "remote_host": host}
		maps.Copy(body, more)
		return body
	}
	w.refused(http.StatusConflict, "LINK_NAME_CONFLICT", boxA, http.MethodPost, "links", ask(object{"name": mine["name"]}))
	for _, id := range []int64{space("nas", "NAS_SERVICE", 77), space("no addresses", model.ReplicationService, 78)} {
		w.refused(http.StatusConflict, "NETWORK_SPACE_NOT_SUITABLE", boxA, http.MethodPost, "links", ask(object{"local_replication_network_space_id": id}))
		w.refused(http.StatusConflict, "LINK_IS_ATTACHED", boxA, http.MethodPut, fmt.Sprintf("links/%d", w.link[boxA]), object{"local_replication_network_space_id": id})
	}
	// A space that is async-only makes an async-only link.
	w.ok(boxA, http.MethodPut, fmt.Sprintf("network/spaces/%d", w.space()), object{"properties": object{"is_async_only": true}})
	id := w.post(boxA, "links", ask(nil)).ID("id")
	assert.Equal(t, true, w.get(boxA, fmt.Sprintf("links/%d", id))["async_only"])
	pool := w.lab.Client(third.Key).Post("pools", object{"name": "p", "physical_capacity": 2_000_000_000_000, "virtual_capacity": 2_000_000_000_000}).ID("id")
	w.refused(http.StatusConflict, "LINK_IS_ASYNC_ONLY", boxA, http.MethodPost, "replicas", object{
		"link_id": id, "entity_type": "VOLUME", "remote_pool_id": pool, "replication_type": "SYNC",
		"entity_pairs": []object{{"local_entity_id": w.volume(boxA), "remote_base_action": "CREATE"}},
	})
}

// An array has sixteen links (vendor documentation).
func TestLink_limit(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	for range 15 {
		one, err := l.AddArray(t.Context(), lab.ArraySetup{})
		require.NoError(t, err)
		_, err = l.Link(t.Context(), boxA, one.Key)
		require.NoError(t, err)
	}
	one, err := l.AddArray(t.Context(), lab.ArraySetup{})
	require.NoError(t, err)
	_, err = l.Link(t.Context(), boxA, one.Key)
	assert.Equal(t, apierr.LinkLimitExceeded, apierr.CodeOf(err))
}

func TestReplica_limit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	small := func() int64 {
		w.n++
		return w.post(boxA, "volumes", object{"name": fmt.Sprintf("v%d", w.n), "size": gib, "pool_id": w.pool[boxA]}).ID("id")
	}
	for range 250 {
		w.replicate(small(), nil)
	}
	w.refused(http.StatusConflict, "REPLICA_LIMIT_EXCEEDED", boxA, http.MethodPost, "replicas", object{
		"link_id": w.link[boxA], "entity_type": "VOLUME", "remote_pool_id": w.pool[boxB],
		"entity_pairs": []object{{"local_entity_id": small(), "remote_base_action": "CREATE"}},
	})
}

func TestTarget_refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	body := func(target int64) object {
		return object{"link_id": w.link[boxA], "entity_type": "VOLUME", "entity_pairs": []object{
			{"local_entity_id": v, "remote_entity_id": target, "remote_base_action": "TAKE_SNAP", "local_base_action": "TAKE_SNAP"},
		}}
	}
	r := w.replicate(w.volume(boxA), nil)
	w.refused(http.StatusConflict, "REPLICA_TARGET_ALREADY_REPLICATED", boxA, http.MethodPost, "replicas", body(r.ID("remote_entity_id")))
	there := w.volume(boxB)
	w.post(boxB, "volumes", object{"name": "locked", "parent_id": there, "lock_expires_at": w.lab.Clock.Now().MS() + 3_600_000})
	w.refused(http.StatusConflict, "REPLICA_TARGET_HAS_LOCKED_SNAPSHOT", boxA, http.MethodPost, "replicas", body(there))
	require.NoError(t, w.lab.On(t.Context(), boxA, func(b *model.Box) error { return b.SetFeature("active_active", false) }))
	w.refused(http.StatusBadRequest, "REPLICATION_TYPE_NOT_OFFERED", boxA, http.MethodPost, "replicas", object{
		"link_id": w.link[boxA], "entity_type": "VOLUME", "remote_pool_id": w.pool[boxB], "replication_type": "ACTIVE_ACTIVE",
		"entity_pairs": []object{{"local_entity_id": v, "remote_base_action": "CREATE"}},
	})
}

// A replica whose halves have no image in common cannot be resumed: here the
// pair's halves were turned twice while they could not speak.
func TestResume_refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replicate(w.volume(boxA), nil)
	here, there := fmt.Sprintf("replicas/%d", r.ID("id")), fmt.Sprintf("replicas/%d", r.ID("remote_replica_id"))
	w.settle()
	w.post(boxA, here+"/suspend", nil)
	w.refused(http.StatusConflict, "REPLICA_IS_SUSPENDED", boxA, http.MethodPost, here+"/sync", nil)
	w.refused(http.StatusConflict, "REPLICA_IS_SUSPENDED", boxA, http.MethodPost, here+"/change_type_to_sync", object{})
	w.post(boxB, there+"/change_role", nil)
	w.refused(http.StatusConflict, "REPLICA_ROLE_CONFLICT", boxA, http.MethodPost, here+"/resume", nil)
	w.refused(http.StatusConflict, "REPLICA_ROLE_CONFLICT", boxB, http.MethodPost, there+"/resume", nil)
}
