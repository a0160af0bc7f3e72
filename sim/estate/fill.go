package estate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"infinisim/sim/clock"
	"infinisim/sim/document"
	"infinisim/sim/fabric"
	"infinisim/sim/lab"
	"infinisim/sim/model"
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
	if e.Settle {
		if err := f.settle(ctx); err != nil {
			return err
		}
	}
	return f.faults(ctx)
}

// settle moves the clock until the first copies are made.
func (f *filling) settle(ctx context.Context) error {
	r, err := f.lab.Settle(ctx)
	if err == nil && len(r.Blocked) > 0 {
		err = f.node.Get("settle").Errorf("blocked: %s", strings.Join(r.Blocked, "; "))
	}
	if err != nil {
		return err
	}
	// What begins now begins at a whole second: windows of faults do so too.
	whole := clock.Time(time.Second)
	_, err = f.lab.AdvanceTo(ctx, (f.lab.Clock.Now()+whole-1)/whole*whole)
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
	if parts := o.parts; parts.Workload != nil || parts.Metadata.There() || parts.Members != nil || parts.Ports != nil || parts.LUNs != nil || parts.Hosts != nil || parts.Schedules != nil {
		f.made[array] = append(f.made[array], made{o, got.ID()})
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
