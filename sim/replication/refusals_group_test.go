package replication_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/model"
	"infinisim/sim/simtest"
)

// group makes a consistency group of n volumes.
func (w *world) groupOf(box string, n int) (cg int64, members []int64) {
	w.t.Helper()
	for range n {
		v := w.volume(box)
		w.write(box, v, 0, gib, uint64(v))
		members = append(members, v)
	}
	return w.group(box, members...), members
}

func (w *world) replicateCG(cg int64, more object) simtest.Object {
	w.t.Helper()
	body := object{"link_id": w.link[boxA], "entity_type": "CONSISTENCY_GROUP", "remote_pool_id": w.pool[boxB], "local_cg_id": cg}
	maps.Copy(body, more)
	return w.post(boxA, "replicas", body)
}

func TestGroup_refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cg, _ := w.groupOf(boxA, 1)
	plain, _ := w.groupOf(boxA, 0)
	r := w.replicateCG(cg, nil)
	single := w.volume(boxA)
	w.replicate(single, nil)
	w.settle()
	members := fmt.Sprintf("cgs/%d/members", cg)
	w.refused(http.StatusConflict, "CG_MEMBER_IS_REPLICATED", boxA, http.MethodPost, fmt.Sprintf("cgs/%d/members", plain), object{"dataset_id": single})
	there := fmt.Sprintf("cgs/%d/members", r.ID("remote_cg_id"))
	w.refused(http.StatusConflict, "CG_IS_REPLICATION_TARGET", boxB, http.MethodPost, there, object{"dataset_id": w.volume(boxB)})
	w.refused(http.StatusConflict, "CG_IS_REPLICATION_TARGET", boxB, http.MethodDelete, fmt.Sprintf("%s/%d?approved=true", there, pairs(r)[0].ID("remote_entity_id")), nil)
	w.refused(http.StatusBadRequest, "REPLICA_BASE_ACTION_NOT_SUPPORTED", boxA, http.MethodPost, members, object{"dataset_id": w.volume(boxA), "active_active_info": object{"base_action": "X"}})
	w.refused(http.StatusConflict, "CG_IS_REPLICATED", boxA, http.MethodDelete, fmt.Sprintf("cgs/%d?approved=true", cg), nil)
	w.cut(true)
	w.refused(http.StatusConflict, "LINK_IS_NOT_CONNECTED", boxA, http.MethodPost, members, object{"dataset_id": w.volume(boxA)})
	w.cut(false)
}

// A group with several replicas wants to be told of each how a new member is
// replicated; one with a form for each takes it.
func TestGroup_memberOfSeveralReplicas(t *testing.T) {
	t.Parallel()
	l := simtest.New(t, sim.WithArrays(3))
	a := l.Client(boxA)
	pool := object{"name": "p", "physical_capacity": 1_000_000_000_000, "virtual_capacity": 1_000_000_000_000}
	here := a.Post("pools", pool).ID("id")
	cg := a.Post("cgs", object{"name": "g", "pool_id": here}).ID("id")
	infos := []object{}
	for _, link := range l.Links() {
		if link.A != boxA {
			continue
		}
		r := a.Post("replicas", object{
			"link_id": link.AID, "entity_type": "CONSISTENCY_GROUP", "remote_pool_id": l.Client(link.B).Post("pools", pool).ID("id"),
			"local_cg_id": cg, "entity_pairs": []object{},
		})
		infos = append(infos, object{"replica_id": r.ID("id"), "local_base_action": "NO_BASE_DATA", "remote_base_action": "CREATE", "remote_entity_id": nil})
	}
	l.MustSettle()
	v := a.Post("volumes", object{"name": "v", "size": gib, "pool_id": here}).ID("id")
	members := fmt.Sprintf("cgs/%d/members", cg)
	a.Refused(http.StatusBadRequest, "CG_REPLICATION_INFO_REQUIRED", http.MethodPost, members, object{"dataset_id": v})
	a.Refused(http.StatusBadRequest, "CG_REPLICATION_INFO_REQUIRED", http.MethodPost, members, object{"dataset_id": v, "replication_pairs_info": infos[:1]})
	a.Post(members, object{"dataset_id": v, "replication_pairs_info": infos})
	assert.Len(t, a.Get(fmt.Sprintf("cgs/%d", cg))["replica_ids"], 2)
	l.MustAdvance(time.Hour)
	change := fmt.Sprintf("replicas/%d/change_type_to_sync", infos[0]["replica_id"])
	a.Refused(http.StatusConflict, "REPLICA_TYPE_CHANGE_NOT_SUPPORTED", http.MethodPost, change, object{}) // both have to be ASYNC
}

// A member that leaves with create_replica goes on by itself, from the same
// image: its next job sends the difference alone.
func TestGroup_memberLeavesAndStaysReplicated(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"ASYNC", "SYNC", "ACTIVE_ACTIVE"} {
		w := newWorld(t)
		cg, members := w.groupOf(boxA, 2)
		r := w.replicateCG(cg, object{"replication_type": kind})
		leave := fmt.Sprintf("cgs/%d/members/%d?approved=true&create_replica=true", cg, members[0])
		w.refused(http.StatusConflict, "REPLICA_IS_INITIALIZING", boxA, http.MethodDelete, leave, nil)
		w.settle()
		there := pairs(w.replica(r.ID("id")))[0].ID("remote_entity_id")
		w.ok(boxA, http.MethodDelete, leave, nil)
		ids, _ := w.get(boxA, fmt.Sprintf("volumes/%d", members[0]))["replica_ids"].([]any)
		require.Len(t, ids, 1)
		own := w.replica(int64(ids[0].(float64)))
		assert.Equal(t, []any{"VOLUME", kind, false}, []any{own["entity_type"], own["replication_type"], own["is_initial"]})
		assert.Equal(t, there, own.ID("remote_entity_id"))
		assert.Len(t, pairs(w.replica(r.ID("id"))), 1)
		w.write(boxA, members[0], 4096, 4096, 99)
		w.settle()
		w.advance(5 * time.Minute)
		assert.Equal(t, w.digest(boxA, members[0]), w.digest(boxB, there), kind)
		w.ok(boxA, http.MethodDelete, fmt.Sprintf("replicas/%d?approved=true", own.ID("id")), nil)
		w.ok(boxA, http.MethodDelete, fmt.Sprintf("replicas/%d?approved=true", r.ID("id")), nil)
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.volume(boxA)
	body := object{
		"link_id": w.link[boxA], "entity_type": "VOLUME", "remote_pool_id": w.pool[boxB],
		"entity_pairs": []object{{"local_entity_id": v, "remote_base_action": "CREATE"}},
	}
	c := w.lab.Client(boxB)
	require.NoError(t, w.lab.On(t.Context(), boxB, func(b *model.Box) error { return b.SetPassword(c.User, "other-1A") }))
	w.refused(http.StatusForbidden, "REMOTE_PERMISSION_REQUIRED", boxA, http.MethodPost, "replicas", body)
	a := w.lab.Client(boxA)
	code := base64.StdEncoding.EncodeToString
	right, wrong := code([]byte(c.User+":other-1A")), code([]byte(c.User+":wrong"))
	for header, status := range map[string]int{"Basic " + wrong: http.StatusForbidden, "Basic box-9=" + wrong + ";box-2=" + right: 0, "Basic " + right: 0} {
		a.Header = http.Header{"X-Remote-Authorization": {header}}
		if status != 0 {
			a.Refused(status, "REMOTE_PERMISSION_REQUIRED", http.MethodPost, "replicas", body)
			continue
		}
		id := a.Post("replicas", body).ID("id")
		w.refused(http.StatusForbidden, "REMOTE_PERMISSION_REQUIRED", boxA, http.MethodDelete, fmt.Sprintf("replicas/%d?approved=true", id), nil)
		a.Must(http.MethodDelete, fmt.Sprintf("replicas/%d?approved=true", id), nil)
	}
	a.Header = http.Header{"X-Remote-Authorization": {"Basic " + right}}
	gone := fmt.Sprintf("replicas/%d?approved=true", a.Post("replicas", body).ID("id"))
	w.refused(http.StatusForbidden, "REMOTE_PERMISSION_REQUIRED", boxA, http.MethodDelete, gone, nil)
	w.ok(boxA, http.MethodDelete, gone+"&force_if_no_remote_credentials=true", nil)
	c.Password = "other-1A"
	left, _ := c.Do(http.MethodGet, "replicas", nil).Result.([]any)
	assert.Len(t, left, 1, "its own administrator has to delete that half")
}
