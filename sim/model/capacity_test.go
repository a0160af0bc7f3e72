package model_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
)

// TestCapacity_sumsAgree does what comes to mind to pools and what is in them,
// and adds up after each step: whether a step was refused or not, the array is
// the sum of its pools, a pool that of its families, and its counts those of
// its datasets.
func TestCapacity_sumsAgree(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := &storm{arrays: newArrays(t, lab.ArraySetup{}), dice: rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // a test's dice
			for i := range 3 {
				pool := w.post(boxA, "pools", object{
					"name": fmt.Sprintf("p%d", i), "physical_capacity": 1_000_000_000_000, "virtual_capacity": 4_000_000_000_000,
					"max_extend": []int64{-1, 0, 50_000_000_000}[i],
				})
				w.pools = append(w.pools, pool.id("id"))
			}
			for step := range 90 {
				w.step(step)
				w.adds(step)
			}
		})
	}
}

type storm struct {
	*arrays
	dice  *rand.Rand
	pools []int64
}

func (w *storm) pool() int64 { return w.pools[w.dice.IntN(len(w.pools))] }

// dataset picks one, ok is false when there is none.
func (w *storm) dataset() (o object, path string, ok bool) {
	path = []string{"volumes", "volumes", "filesystems"}[w.dice.IntN(3)]
	all := w.list(boxA, path+"?page_size=1000")
	if len(all) == 0 {
		return nil, "", false
	}
	o = all[w.dice.IntN(len(all))]
	return o, fmt.Sprintf("%s/%d", path, o.id("id")), true
}

// step does one thing; being refused is as good.
func (w *storm) step(n int) {
	name := fmt.Sprintf("n%d", n)
	o, path, ok := w.dataset()
	do := func(method, path string, body any) { w.call(boxA, method, path, body) }
	if !ok || w.dice.IntN(4) == 0 {
		do(http.MethodPost, []string{"volumes", "filesystems"}[w.dice.IntN(2)], object{
			"name": name, "size": (1 + w.dice.Int64N(600)) * 1_000_000_000 / 65536 * 65536, "pool_id": w.pool(),
			"provtype": []string{"THIN", "THIN", "THICK"}[w.dice.IntN(3)],
		})
		return
	}
	size := o.id("size")
	switch w.dice.IntN(12) {
	case 0, 1:
		do(http.MethodPost, path[:len(path)-len(fmt.Sprint(o.id("id")))-1], object{"name": name, "parent_id": o.id("id"), "write_protected": false})
	case 2, 3, 4:
		off := w.dice.Int64N(size)
		length := 1 + w.dice.Int64N(min(size-off, 200_000_000_000))
		_ = w.lab.Write(w.t.Context(), boxA, o.id("id"), lab.Write{Offset: off, Length: length, Seed: w.dice.Uint64N(3)})
	case 5:
		do(http.MethodPut, path, object{"size": size + w.dice.Int64N(100)*65536})
	case 6:
		do(http.MethodPut, path, object{"provtype": []string{"THIN", "THICK"}[w.dice.IntN(2)]})
	case 7:
		do(http.MethodDelete, path+"?approved=true", nil)
	case 8:
		do(http.MethodPost, path+"/move", object{"pool_id": w.pool(), "with_capacity": w.dice.IntN(2) == 0})
	case 9:
		do(http.MethodPost, path+"/promote", nil)
	case 10:
		do(http.MethodPost, path+"/refresh", object{"source_id": o.id("parent_id")})
		do(http.MethodPost, path+"/restore", o.id("id")+1)
	case 11:
		do(http.MethodPut, fmt.Sprintf("pools/%d", w.pool()), object{"physical_capacity": 900_000_000_000 + w.dice.Int64N(400_000_000_000)})
	}
}

// adds adds up.
func (w *storm) adds(step int) {
	w.t.Helper()
	bad, err := w.lab.Check(w.t.Context())
	require.NoError(w.t, err)
	require.Empty(w.t, bad, "step %d", step)
	system := w.get(boxA, "system/capacity")
	var physical, virtual, allocated int64
	for _, p := range w.list(boxA, "pools") {
		physical += p.id("physical_capacity")
		virtual += p.id("virtual_capacity")
		allocated += p.id("allocated_physical_space")
		assert.Zero(w.t, p.id("physical_capacity")%393216)
		assert.GreaterOrEqual(w.t, p.id("free_physical_space"), int64(0), "step %d", step)
		assert.GreaterOrEqual(w.t, p.id("free_virtual_space"), int64(0), "step %d", step)
		w.counts(p, step)
	}
	assert.Equal(w.t, allocated, system.id("allocated_physical_space_within_pools"))
	assert.Equal(w.t, system.id("total_physical_capacity"), physical+system.id("free_physical_space"))
	assert.Equal(w.t, system.id("total_virtual_capacity"), virtual+system.id("free_virtual_space"))
}

// counts compares a pool's counts with what is listed in it, and its allocated
// space with its families.
func (w *storm) counts(p object, step int) {
	w.t.Helper()
	var trees int64
	seen := map[string]bool{}
	for _, kind := range []struct{ path, masters, snapshots string }{
		{"volumes", "volumes_count", "snapshots_count"}, {"filesystems", "filesystems_count", "filesystem_snapshots_count"},
	} {
		n := map[any]int64{}
		for _, o := range w.list(boxA, fmt.Sprintf("%s?page_size=1000&pool_id=eq:%d", kind.path, p.id("id"))) {
			n[o["type"]]++
			if family := fmt.Sprint(kind.path, o.id("family_id")); !seen[family] {
				seen[family] = true
				trees += o.id("tree_allocated")
			}
		}
		assert.Equal(w.t, p.id(kind.masters), n["MASTER"], "step %d", step)
		assert.Equal(w.t, p.id(kind.snapshots), n["SNAPSHOT"], "step %d", step)
	}
	for _, o := range w.list(boxA, "volumes/internal_volumes/master?page_size=1000") {
		if o.id("pool_id") == p.id("id") {
			trees += o.id("tree_allocated")
		}
	}
	assert.Equal(w.t, p.id("allocated_physical_space"), trees, "step %d", step)
}
