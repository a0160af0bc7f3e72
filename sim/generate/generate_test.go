package generate_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/apierr"
	"infinisim/sim/generate"
	"infinisim/sim/simtest"
)

// small is a plan of everything.
func small() generate.Plan {
	return generate.Plan{Seed: 7, Pools: 3, Volumes: 40, Filesystems: 10, Snapshots: 120, Hosts: 4, Mappings: 30, Used: 40}
}

func run(t *testing.T, l *simtest.Lab, p generate.Plan) generate.Made {
	t.Helper()
	made, err := generate.Run(t.Context(), l.Lab.Lab, p, nil)
	require.NoError(t, err)
	return made
}

func export(t *testing.T, l *simtest.Lab) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, l.Export(t.Context(), &out))
	return out.String()
}

func TestRun(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "lab.db"} {
		t.Run("file "+path, func(t *testing.T) {
			t.Parallel()
			opts := []sim.Option{sim.WithSeed(1)}
			if path != "" {
				opts = append(opts, sim.WithPath(filepath.Join(t.TempDir(), path)))
			}
			l := simtest.New(t, opts...) // and checked in the end
			made := run(t, l, small())
			assert.Equal(t, 3+40+10+120+4+30, made.Objects)
			assert.Positive(t, made.Used)
			c := l.Client("box-1")
			pools := c.Do(http.MethodGet, "pools", nil)
			assert.Equal(t, 3, pools.Metadata.Objects)
			entities, size := int64(0), int64(0)
			for _, p := range pools.Result.([]any) {
				o := simtest.Object(p.(map[string]any))
				entities += o.ID("entities_count")
				size += o.ID("virtual_capacity") - o.ID("free_virtual_space")
			}
			assert.Equal(t, int64(170), entities)
			assert.Equal(t, made.Size, size)
			hosts := c.Do(http.MethodGet, "hosts", nil).Result.([]any)
			require.Len(t, hosts, 4)
			first := simtest.Object(hosts[0].(map[string]any))
			assert.Len(t, first["luns"], 8)
			assert.Len(t, first["ports"], 2)
			// What was generated can be worked with.
			v := simtest.Object(c.Do(http.MethodGet, "volumes?type=MASTER&sort=id&page_size=1", nil).Result.([]any)[0].(map[string]any))
			assert.Equal(t, true, v["mapped"])
			assert.Equal(t, true, v["has_children"])
			assert.Positive(t, v.ID("used"))
			before := l.MustDigest("box-1", v.ID("id"))
			for _, one := range c.Do(http.MethodGet, fmt.Sprintf("volumes?parent_id=eq:%d", v.ID("id")), nil).Result.([]any) {
				c.Delete(fmt.Sprintf("volumes/%d", simtest.Object(one.(map[string]any)).ID("id")))
			}
			assert.Equal(t, before, l.MustDigest("box-1", v.ID("id")), "the content is still there without its snapshots")
			snap := c.Post("volumes", map[string]any{"name": "s", "parent_id": v.ID("id")})
			l.MustWrite("box-1", v.ID("id"), sim.Write{Offset: 0, Length: 1 << 20, Seed: 3})
			c.Post(fmt.Sprintf("volumes/%d/restore", v.ID("id")), map[string]any{"source_id": snap.ID("id")})
			c.Post("pools", map[string]any{"name": "p", "physical_capacity": 1_000_000_000_000, "virtual_capacity": 1_000_000_000_000})
		})
	}
}

func TestRun_sameSeedSameLab(t *testing.T) {
	t.Parallel()
	var all []string
	for _, seed := range []uint64{7, 7, 8} {
		l := simtest.New(t)
		p := small()
		p.Seed = seed
		run(t, l, p)
		all = append(all, export(t, l))
	}
	assert.Equal(t, all[0], all[1])
	assert.NotEqual(t, all[0], all[2])
	l, err := sim.Import(bytes.NewReader([]byte(all[0])))
	require.NoError(t, err)
	assert.Equal(t, all[0], export(t, simtest.Watch(t, l)))
}

// TestRun_asAClientWould makes by REST what was generated, and compares.
func TestRun_asAClientWould(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	p := small()
	p.Used, p.Volumes, p.Filesystems, p.Snapshots, p.Hosts, p.Mappings = 0, 1, 1, 2, 0, 0
	run(t, l, p)
	c := l.Client("box-1")
	for _, kind := range []string{"volumes", "filesystems"} {
		list := func() []any { return c.Do(http.MethodGet, kind+"?sort=id", nil).Result.([]any) }
		master := simtest.Object(list()[0].(map[string]any))
		made := c.Post(kind, map[string]any{"name": "m", "size": master.ID("size"), "pool_id": master.ID("pool_id")})
		c.Post(kind, map[string]any{"name": "s", "parent_id": made.ID("id")})
		all := list()
		require.Len(t, all, 4)
		for i := range 2 {
			got, want := all[i].(map[string]any), all[i+2].(map[string]any)
			for _, own := range []string{"id", "name", "family_id", "parent_id", "serial", "nguid", "data_snapshot_guid", "nfs_filesystem_id"} {
				assert.Equal(t, got[own] == nil, want[own] == nil, own)
				delete(got, own)
				delete(want, own)
			}
			assert.Equal(t, want, got, kind)
		}
	}
}

func TestRun_refusals(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	before := export(t, l)
	for field, change := range map[string]func(p *generate.Plan){
		"volumes:":         func(p *generate.Plan) { p.Volumes = -1 },
		"pools: 10001":     func(p *generate.Plan) { p.Pools = 10001 },
		"pools: 0":         func(p *generate.Plan) { p.Pools = 0 },
		"snapshots: 120":   func(p *generate.Plan) { p.Volumes, p.Filesystems, p.Mappings = 0, 0, 0 },
		"hosts: 0":         func(p *generate.Plan) { p.Hosts = 0 },
		"mappings: 41":     func(p *generate.Plan) { p.Mappings = 41 },
		"used: 101":        func(p *generate.Plan) { p.Used = 101 },
		"prefix:":          func(p *generate.Plan) { p.Prefix = "a b" },
		"array":            func(p *generate.Plan) { p.Array = "box-9" },
		"parent_id":        func(p *generate.Plan) { p.Volumes, p.Filesystems, p.Mappings, p.Snapshots = 1, 0, 0, 1000 },
		"virtual capacity": func(p *generate.Plan) { p.Volumes = 9_000_000 },
	} {
		p := small()
		change(&p)
		_, err := generate.Run(t.Context(), l.Lab.Lab, p, nil)
		require.ErrorContains(t, err, field)
		_, ok := apierr.As(err)
		assert.True(t, ok, "%v", err)
		assert.Equal(t, before, export(t, l), field)
	}
	run(t, l, small())
	_, err := generate.Run(t.Context(), l.Lab.Lab, small(), nil)
	assert.Equal(t, apierr.PoolNameConflict, apierr.CodeOf(err), "%v", err)
	p := small()
	p.Prefix = "second-"
	run(t, l, p)
}

func TestRun_progress(t *testing.T) {
	t.Parallel()
	l := simtest.New(t)
	var said []string
	p := generate.Plan{Pools: 1, Volumes: 5000, Used: 10}
	_, err := generate.Run(t.Context(), l.Lab.Lab, p, func(done, all int) { said = append(said, fmt.Sprint(done, " of ", all)) })
	require.NoError(t, err)
	assert.Equal(t, []string{"5000 of 5001", "5001 of 5001"}, said)
}

func Example() {
	l, err := sim.New(sim.WithArrays(1))
	if err != nil {
		panic(err)
	}
	defer func() { _ = l.Close() }()
	made, err := generate.Run(context.Background(), l.Lab, generate.Plan{Pools: 2, Volumes: 100, Seed: 7}, nil)
	fmt.Println(made.Objects, made.Array, err)
	// Output: 102 box-1 <nil>
}
