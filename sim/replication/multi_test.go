package replication_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"infinisim/sim"
	"infinisim/sim/simtest"
)

// TestMultiTarget replicates one volume to two arrays, which is possible from
// release 8.4 on.
func TestMultiTarget(t *testing.T) {
	t.Parallel()
	for profile, possible := range map[string]bool{"8.6": true, "7.2": false} {
		l := simtest.New(t, sim.WithArrays(3), sim.WithProfile(profile))
		a := l.Client("box-1")
		pool := map[string]any{"name": "p", "physical_capacity": 1_000_000_000_000, "virtual_capacity": 1_000_000_000_000}
		here := a.Post("pools", pool).ID("id")
		v := a.Post("volumes", map[string]any{"name": "v", "size": 1_000_000_000, "pool_id": here, "provtype": "THIN"}).ID("id")
		l.MustWrite("box-1", v, sim.Write{Length: 1 << 20, Seed: 5})
		ask := func(link, there int64) map[string]any {
			return map[string]any{
				"link_id": link, "entity_type": "VOLUME", "remote_pool_id": there,
				"entity_pairs": []map[string]any{{"local_entity_id": v, "remote_base_action": "CREATE"}},
			}
		}
		links := a.Do(http.MethodGet, "links", nil).Result.([]any)
		first, second := simtest.Object(links[0].(map[string]any)), simtest.Object(links[1].(map[string]any))
		r := a.Post("replicas", ask(first.ID("id"), l.Client("box-2").Post("pools", pool).ID("id")))
		other := ask(second.ID("id"), l.Client("box-3").Post("pools", pool).ID("id"))
		if !possible {
			a.Refused(http.StatusConflict, "REPLICA_ALREADY_EXISTS", http.MethodPost, "replicas", other)
			continue
		}
		s := a.Post("replicas", other)
		l.MustSettle()
		assert.Equal(t, l.MustDigest("box-1", v), l.MustDigest("box-2", r.ID("remote_entity_id")))
		assert.Equal(t, l.MustDigest("box-1", v), l.MustDigest("box-3", s.ID("remote_entity_id")))
		volume := fmt.Sprintf("volumes/%d", v)
		assert.Len(t, a.Get(volume)["replica_ids"], 2)
		a.Delete(fmt.Sprintf("replicas/%d", r.ID("id")))
		assert.Equal(t, true, a.Get(volume)["rmr_source"])
		a.Delete(fmt.Sprintf("replicas/%d", s.ID("id")))
		assert.Equal(t, false, a.Get(volume)["rmr_source"])
	}
}
