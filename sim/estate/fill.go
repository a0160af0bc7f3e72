package estate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"infinisim/sim/clock"
	"infinisim/sim/document"
	"infinisim/sim/fabric"
	"infinisim/sim/lab"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// atOnce is how many objects are made in one transaction.
const atOnce = 500

// made is an object that is there, with what is left to do for it.
type made struct {
	object
	id int64
}

// filling is an estate on its way into a lab.
type filling struct {
	*Estate
	lab  *lab.Lab
	keys []string
	made [][]made // of each array
}

// key is the key of an array of the estate by itself.
func (e *Estate) key(i int) string { return fmt.Sprintf("box-%d", max(e.First, 1)+i) }

// Fill makes the arrays of the estate in a new lab. An error leaves the lab
// half made: its caller drops it, as lab.BuildWith does.
func (e *Estate) Fill(ctx context.Context, l *lab.Lab) error {
	f := &filling{Estate: e, lab: l, made: make([][]made, len(e.arrays))}
	for _, a := range e.arrays {
		got, err := l.AddArray(ctx, a.setup)
		if err != nil {
			return refused(a.node, err)
		}
		f.keys = append(f.keys, got.Key)
	}
	for _, step := range []func(context.Context, int) error{f.features, f.objects, f.belongings} {
		for i := range e.arrays {
			if err := step(ctx, i); err != nil {
				return err
			}
		}
	}
	if err := f.join(ctx); err != nil {
		return err
	}
	for i := range e.arrays {
		if err := f.workloads(ctx, i); err != nil {
			return err
		}
	}
	if !e.Settle {
		return nil
	}
	r, err := l.Settle(ctx)
	if err == nil && len(r.Blocked) > 0 {
		err = e.node.Get("settle").Errorf("blocked: %s", strings.Join(r.Blocked, "; "))
	}
	if err != nil {
		return err
	}
	// What begins now begins at a whole second: windows of faults do so too.
	whole := clock.Time(time.Second)
	_, err = l.AdvanceTo(ctx, (l.Clock.Now()+whole-1)/whole*whole)
	return err
}

// join links the arrays, makes the replicas, and has the links behave.
func (f *filling) join(ctx context.Context) error {
	for _, l := range f.links {
		if err := f.link(ctx, l); err != nil {
			return err
		}
	}
	for _, r := range f.replicas {
		if err := f.replica(ctx, r); err != nil {
			return err
		}
	}
	for _, l := range f.links {
		if err := l.behave(ctx, f.lab, f.ends(l)); err != nil {
			return err
		}
	}
	return nil
}

func (f *filling) ends(l linkPlan) fabric.Ends {
	return fabric.Ends{From: f.keys[l.a], To: f.keys[l.b]}
}

func (f *filling) features(ctx context.Context, i int) error {
	for _, p := range f.arrays[i].features {
		on, err := p.Value.Bool()
		if err == nil {
			err = f.lab.On(ctx, f.keys[i], func(b *model.Box) error { return b.SetFeature(p.Key, on) })
		}
		if err != nil {
			return refused(p.KeyNode, err)
		}
	}
	return nil
}

// objects makes an array's objects in the order of the catalog and the file. One
// that names an object which is not there yet comes later; when nothing comes
// along any more the first name is missing for good.
func (f *filling) objects(ctx context.Context, i int) error {
	left := f.arrays[i].objects
	for len(left) > 0 {
		var later []object
		var first error
		for chunk := range slices.Chunk(left, atOnce) {
			err := f.lab.On(ctx, f.keys[i], func(b *model.Box) error {
				for _, o := range chunk {
					err := f.create(b, i, o, 0)
					m, isMissing := errors.AsType[*missing](err)
					switch {
					case isMissing:
						later = append(later, o)
						if first == nil {
							first = m.at
						}
					case err != nil:
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		if len(later) == len(left) {
			return first
		}
		left = later
	}
	return nil
}

// create makes an object, writes to it, and takes its snapshots; a parent of 0
// is none.
func (f *filling) create(b *model.Box, array int, o object, parent int64) error {
	body, err := o.body(b)
	if err != nil {
		return err
	}
	if parent != 0 {
		body["parent_id"] = json.RawMessage(fmt.Sprint(parent))
	}
	got, err := b.Create(b.Eng.Catalog.Kind(o.kind.Type.Name()), &model.Input{Request: model.Request{Approved: true}, Body: body})
	if err != nil {
		return refused(o.node, err)
	}
	for i, w := range o.parts.Write {
		if err := b.WriteData(got.ID(), int64(w.Offset), int64(w.Length), w.Seed); err != nil {
			return refused(o.node.Get("write").Items()[i], err)
		}
	}
	for _, snap := range o.snaps {
		if snap.index < 0 {
			snap.index = o.index
		}
		if err := f.create(b, array, snap, got.ID()); err != nil {
			return err
		}
	}
	if parts := o.parts; parts.Workload != nil || parts.Metadata.There() || parts.Members != nil || parts.Ports != nil || parts.LUNs != nil || parts.Hosts != nil {
		f.made[array] = append(f.made[array], made{o, got.ID()})
	}
	return nil
}

// belongings puts members in groups and clusters, ports on hosts, and volumes
// before them.
func (f *filling) belongings(ctx context.Context, i int) error {
	for chunk := range slices.Chunk(f.made[i], atOnce) {
		err := f.lab.On(ctx, f.keys[i], func(b *model.Box) error {
			for _, part := range []func(*model.Box, *caller, made) error{addMembers, addPorts, addHosts} {
				if err := each(b, chunk, part); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(f.made[i], atOnce) {
		err := f.lab.On(ctx, f.keys[i], func(b *model.Box) error {
			if err := each(b, chunk, mapVolumes); err != nil {
				return err
			}
			return each(b, chunk, setMetadata)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func each(b *model.Box, all []made, do func(*model.Box, *caller, made) error) error {
	c := &caller{routes: b.Eng.Catalog.Routes()}
	for _, m := range all {
		if err := do(b, c, m); err != nil {
			return err
		}
	}
	return nil
}

// workloads has hosts work from now on.
func (f *filling) workloads(ctx context.Context, i int) error {
	for _, m := range f.made[i] {
		if m.parts.Workload == nil {
			continue
		}
		n := m.node.Get("workload")
		if err := f.lab.SetWorkload(ctx, f.keys[i], m.id, m.parts.Workload.Model()); err != nil {
			return refused(n, err)
		}
	}
	return nil
}

// caller makes requests of the catalog.
type caller struct{ routes []model.Route }

// do makes a request about an object, as a client with approval would.
func (c *caller) do(b *model.Box, method, path string, m made, vars map[string]string, body map[string]any) error {
	i := slices.IndexFunc(c.routes, func(r model.Route) bool { return r.Method == method && r.Path == path })
	if i < 0 {
		return fmt.Errorf("nothing does %s %s", method, path)
	}
	in := &model.Input{Request: model.Request{Vars: vars, Approved: true}, Body: model.NewBody(body)}
	raw, err := json.Marshal(in.Body)
	if err != nil {
		return err
	}
	in.Raw = raw
	var o *schema.Object
	if strings.Contains(path, "{id}") {
		if o, err = b.Load(b.Eng.Catalog.Kind(m.kind.Type.Name()), m.id); err != nil {
			return err
		}
		if name := c.routes[i].Name; name != "" {
			if err := b.Guard(name, nil, o); err != nil {
				return err
			}
		}
	}
	_, err = c.routes[i].Do(b, o, in)
	return err
}

func addMembers(b *model.Box, c *caller, m made) error {
	for _, n := range m.parts.Members {
		id, err := m.named(b, n, model.Volume.Name(), model.Filesystem.Name())
		if err == nil {
			err = c.do(b, http.MethodPost, "cgs/{id}/members", m, nil, map[string]any{"dataset_id": id})
		}
		if err != nil {
			return refused(n, err)
		}
	}
	return nil
}

func addPorts(b *model.Box, c *caller, m made) error {
	for _, n := range m.parts.Ports {
		if err := n.Only("type", "address"); err != nil {
			return err
		}
		port, isMap := m.value(n.Value()).(map[string]any)
		if !isMap {
			return n.Expected("a mapping")
		}
		if err := c.do(b, http.MethodPost, "hosts/{id}/ports", m, nil, port); err != nil {
			return refused(n, err)
		}
	}
	return nil
}

func addHosts(b *model.Box, c *caller, m made) error {
	for _, n := range m.parts.Hosts {
		id, err := m.named(b, n, model.Host.Name())
		if err == nil {
			err = c.do(b, http.MethodPost, "clusters/{id}/hosts", m, nil, map[string]any{"id": id})
		}
		if err != nil {
			return refused(n, err)
		}
	}
	return nil
}

// lunForm is a mapping as it is written.
type lunForm struct {
	Volume document.Node `yaml:"volume,required"`
	LUN    *int64        `yaml:"lun"`
}

func mapVolumes(b *model.Box, c *caller, m made) error {
	for _, n := range m.parts.LUNs {
		var lun lunForm
		if err := n.Into(&lun); err != nil {
			return err
		}
		id, err := m.named(b, lun.Volume, model.Volume.Name())
		if err != nil {
			return refused(n, err)
		}
		body := map[string]any{"volume_id": id}
		if lun.LUN != nil {
			body["lun"] = *lun.LUN
		}
		if err := c.do(b, http.MethodPost, m.kind.Path+"/{id}/luns", m, nil, body); err != nil {
			return refused(n, err)
		}
	}
	return nil
}

func setMetadata(b *model.Box, c *caller, m made) error {
	if !m.parts.Metadata.There() {
		return nil
	}
	all, _ := m.value(m.parts.Metadata.Value()).(map[string]any)
	vars := map[string]string{"object": fmt.Sprint(m.id)}
	if err := c.do(b, http.MethodPut, "metadata/{object}", m, vars, all); err != nil {
		return refused(m.parts.Metadata, err)
	}
	return nil
}

// named is the id of an object that a text names.
func (m made) named(b *model.Box, n document.Node, kinds ...string) (int64, error) {
	text, err := n.Text()
	if err != nil {
		return 0, err
	}
	return m.find(b, n, text, kinds...)
}

// find is the id of an object by its name, which has to be there by now.
func (o *object) find(b *model.Box, n document.Node, text string, kinds ...string) (int64, error) {
	id, err := find(b, n, o.fill(text), kinds...)
	if m, ok := errors.AsType[*missing](err); ok {
		err = m.at
	}
	return id, err
}
