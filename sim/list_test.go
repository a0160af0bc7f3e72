package sim_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"infinisim/sim/simtest"
)

// seenVolume is what the test knows of a volume that it made.
type seenVolume struct {
	id, size, pool int64
	name           string
	ssd            bool
}

// TestList_isWhatItSays compares pages of every way to find volumes (the whole
// kind, an index, rows alone, things worked out) with what was made.
func TestList_isWhatItSays(t *testing.T) {
	t.Parallel()
	a := simtest.New(t).Client("box-1")
	var all []seenVolume
	for p := range 2 {
		pool := a.Post("pools", map[string]any{"name": fmt.Sprint("p", p), "physical_capacity": int64(1e12), "virtual_capacity": int64(1e12)}).ID("id")
		for i := range 20 {
			v := seenVolume{size: int64(1+i*7%5) * 1_000_000_000, pool: pool, name: fmt.Sprintf("v%d-%d", p, i), ssd: i%3 == 0}
			v.id = a.Post("volumes", map[string]any{"name": v.name, "size": v.size, "pool_id": pool, "ssd_enabled": v.ssd}).ID("id")
			all = append(all, v)
		}
	}
	byID := func(x, y seenVolume) int { return cmp.Compare(x.id, y.id) }
	for _, c := range []struct {
		query string
		keep  func(v seenVolume) bool
		order func(x, y seenVolume) int
	}{
		{"", nil, byID},
		{fmt.Sprint("pool_id=eq:", all[0].pool), func(v seenVolume) bool { return v.pool == all[0].pool }, byID},
		{"name=eq:v1-3", func(v seenVolume) bool { return v.name == "v1-3" }, byID},
		{"name=eq:nobody", func(seenVolume) bool { return false }, byID},
		{"size=gt:2000000000", func(v seenVolume) bool { return v.size > 2_000_000_000 }, byID},
		{"ssd_enabled=eq:true&size=lt:4000000000", func(v seenVolume) bool { return v.ssd && v.size < 4_000_000_000 }, byID},
		{"sort=-size", nil, func(x, y seenVolume) int { return cmp.Or(-cmp.Compare(x.size, y.size), byID(x, y)) }},
		{"sort=size,-name", nil, func(x, y seenVolume) int { return cmp.Or(cmp.Compare(x.size, y.size), -cmp.Compare(x.name, y.name)) }},
		{"pool_name=eq:p1&sort=-name", func(v seenVolume) bool { return v.pool != all[0].pool }, func(x, y seenVolume) int { return -cmp.Compare(x.name, y.name) }},
		{"used=eq:0&sort=-id", nil, func(x, y seenVolume) int { return -byID(x, y) }},
	} {
		var want []int64
		for _, v := range slices.SortedFunc(slices.Values(all), c.order) {
			if c.keep == nil || c.keep(v) {
				want = append(want, v.id)
			}
		}
		for _, size := range []int{7, 50} {
			var got []int64
			for page := 1; ; page++ {
				r := a.Do(http.MethodGet, fmt.Sprintf("volumes?fields=id&page_size=%d&page=%d&%s", size, page, c.query), nil)
				require.Equal(t, http.StatusOK, r.Status, string(r.Raw))
				var ids struct{ Result []struct{ ID int64 } }
				require.NoError(t, json.Unmarshal(r.Raw, &ids))
				for _, o := range ids.Result {
					got = append(got, o.ID)
				}
				require.Equal(t, len(want), r.Metadata.Objects, c.query)
				if page >= r.Metadata.Pages {
					break
				}
			}
			require.Equal(t, want, got, "%s, pages of %d", c.query, size)
		}
	}
}
