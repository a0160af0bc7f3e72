// Package generate fills an array of a lab with pools, volumes, filesystems,
// snapshots, hosts and mappings by the thousand: names, sizes and shares of
// what is used look like those of an installation that has grown, and follow
// from a seed alone.
package generate

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/chance"
	"infinisim/sim/lab"
	"infinisim/sim/model"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// Plan says how much there is to be.
type Plan struct {
	// Array is the key of the array, empty for the lab's first.
	Array string `json:"array"`
	// Seed is what everything follows from.
	Seed uint64 `json:"seed"`
	// Prefix begins all names: a second plan for one array needs another one.
	Prefix string `json:"prefix"`
	// Pools are filled evenly.
	Pools int `json:"pools"`
	// Volumes and Filesystems are masters.
	Volumes     int `json:"volumes"`
	Filesystems int `json:"filesystems"`
	// Snapshots are of the masters in turn.
	Snapshots int `json:"snapshots"`
	// Hosts have two FC ports each.
	Hosts int `json:"hosts"`
	// Mappings map the first volumes to the hosts in turn.
	Mappings int `json:"mappings"`
	// Used is how full the datasets are on average, in percent of their sizes;
	// 0 leaves them empty.
	Used int `json:"used"`
}

// Made is what became of a plan.
type Made struct {
	Array   string `json:"array"`
	Objects int    `json:"objects"`
	// Size and Used are the bytes of the masters.
	Size int64 `json:"size"`
	Used int64 `json:"used"`
}

// most bounds each number of a plan, mostHosts that of the hosts, which are
// made one by one.
const (
	most       = 10_000_000
	mostHosts  = 10_000
	mostPools  = 10_000
	mostPrefix = 20
)

// Validate returns INVALID_VALUE for numbers that cannot be.
func (p Plan) Validate() error {
	bad := func(field, format string, a ...any) error {
		return apierr.New(apierr.InvalidValue, field+": "+format, a...).About(field)
	}
	bounds := map[string]int64{"pools": mostPools, "hosts": mostHosts, "used": 100}
	v := reflect.ValueOf(p)
	for f, value := range v.Fields() {
		name, limit := f.Tag.Get("json"), int64(most)
		if f.Type.Kind() != reflect.Int {
			continue
		}
		if b, ok := bounds[name]; ok {
			limit = b
		}
		if n := value.Int(); n < 0 || n > limit {
			return bad(name, "%d is not between 0 and %d", n, limit)
		}
	}
	datasets := p.Volumes + p.Filesystems
	switch {
	case len(p.Prefix) > mostPrefix || strings.ContainsFunc(p.Prefix, func(r rune) bool { return r <= ' ' || r > '~' }):
		return bad("prefix", "%q is longer than %d characters, or has others than those of ASCII", p.Prefix, mostPrefix)
	case datasets > 0 && p.Pools == 0:
		return bad("pools", "0: %d datasets need one", datasets)
	case p.Snapshots > 0 && datasets == 0:
		return bad("snapshots", "%d: there is nothing to make them of", p.Snapshots)
	case p.Mappings > 0 && p.Hosts == 0:
		return bad("hosts", "0: %d mappings need one", p.Mappings)
	case p.Mappings > p.Volumes:
		return bad("mappings", "%d are more than volumes, %d", p.Mappings, p.Volumes)
	}
	return nil
}

// Run makes what the plan says, all or nothing, and tells of its progress now
// and then; nil is not told. It returns what Validate and creating the objects
// return.
func Run(ctx context.Context, l *lab.Lab, p Plan, progress func(done, all int)) (Made, error) {
	if err := p.Validate(); err != nil {
		return Made{}, err
	}
	if p.Array == "" {
		arrays := l.Arrays()
		if len(arrays) == 0 {
			return Made{}, apierr.New(apierr.ObjectNotFound, "array: the lab has none").About("array")
		}
		p.Array = arrays[0].Key
	}
	if progress == nil {
		progress = func(int, int) {}
	}
	r := &run{Plan: p, chance: chance.New(p.Seed), progress: progress, made: Made{Array: p.Array}}
	err := l.Load(ctx, p.Array, r.all)
	return r.made, err
}

// run is a plan under way.
type run struct {
	Plan
	chance   *chance.Source
	progress func(done, all int)
	made     Made
	sizes    []int64 // of the masters
	used     []int64
	pools    []int64
	masters  []*schema.Object
}

// step is how many objects lie between two words of progress.
const step = 5000

func (r *run) did() {
	r.made.Objects++
	all := r.Pools + r.Volumes + r.Filesystems + r.Snapshots + r.Hosts + r.Mappings
	if r.made.Objects%step == 0 || r.made.Objects == all {
		r.progress(r.made.Objects, all)
	}
}

func (r *run) all(b *model.Box, into *store.Loader) error {
	physical, virtual, err := b.FreeCapacity()
	if err != nil {
		return err
	}
	if err := r.measure(physical, virtual); err != nil {
		return err
	}
	if err := r.makePools(b, physical, virtual); err != nil {
		return err
	}
	hosts, err := r.makeHosts(b)
	if err != nil {
		return err
	}
	bulk, err := b.Bulk(into)
	if err != nil {
		return err
	}
	if err := r.makeMasters(bulk); err != nil {
		return err
	}
	for i := range r.Snapshots {
		of := r.masters[i%len(r.masters)]
		if err := bulk.Snapshot(of, fmt.Sprintf("%s-snap-%03d", model.DatasetName.Get(of), i/len(r.masters)+1)); err != nil {
			return err
		}
		r.did()
	}
	for i := range r.Mappings {
		if err := bulk.Map(hosts[i%len(hosts)], r.masters[i].ID()); err != nil {
			return err
		}
		r.did()
	}
	return bulk.Close()
}

func (r *run) makeMasters(bulk *model.Bulk) error {
	for i := range r.Volumes + r.Filesystems {
		t, name := model.Volume, r.volumeName(i)
		if i >= r.Volumes {
			t, name = model.Filesystem, r.filesystemName(i-r.Volumes)
		}
		o, err := bulk.Dataset(t, r.pools[i%len(r.pools)], model.BulkDataset{
			Name: name, Size: r.sizes[i], Used: r.used[i], Seed: r.chance.Uint64("content", uint64(i)) | 1, //nolint:gosec // counts up
		})
		if err != nil {
			return err
		}
		if i < max(r.Snapshots, r.Mappings) { // of the others nothing is made
			r.masters = append(r.masters, o)
		}
		r.did()
	}
	return nil
}

func (r *run) makePools(b *model.Box, physical, virtual int64) error {
	kind := b.Eng.Catalog.Kind(model.Pool.Name())
	for i := range r.Pools {
		var size, used int64
		for n := i; n < len(r.sizes); n += r.Pools {
			size += r.sizes[n]
			used += r.used[n]
		}
		// A third more than what is in it, as far as the array has room.
		share := func(want, free int64) int64 {
			return max(want, min(max(want/3*4, leastPool), free/int64(r.Pools)))
		}
		o, err := b.Create(kind, &model.Input{Body: model.NewBody(map[string]any{
			"name": r.poolName(i), "physical_capacity": whole(share(max(used, leastPool), physical)), "virtual_capacity": whole(share(max(size, leastPool), virtual)),
		})})
		if err != nil {
			return err
		}
		r.pools = append(r.pools, o.ID())
		r.did()
	}
	return nil
}

func (r *run) makeHosts(b *model.Box) ([]int64, error) {
	kind := b.Eng.Catalog.Kind(model.Host.Name())
	var ids []int64
	for i := range r.Hosts {
		o, err := b.Create(kind, &model.Input{Body: model.NewBody(map[string]any{"name": r.hostName(i)})})
		if err != nil {
			return nil, err
		}
		for port := range 2 {
			if err := b.AddPort(o, "FC", r.address(i, port)); err != nil {
				return nil, err
			}
		}
		ids = append(ids, o.ID())
		r.did()
	}
	return ids, nil
}
