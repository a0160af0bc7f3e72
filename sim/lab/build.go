package lab

import (
	"context"
	"errors"
	"fmt"
	"os"

	"infinisim/sim/apierr"
	"infinisim/sim/model"
	"infinisim/sim/replication"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// Topology says which arrays of a new lab are linked.
type Topology string

// The topologies.
const (
	// None links no arrays.
	None Topology = "none"
	// Ring links each array to the next, the last to the first; two arrays
	// have one link.
	Ring Topology = "ring"
	// Mesh links each array to every other.
	Mesh Topology = "mesh"
)

// mostArrays keeps a slip in a number from making a lab of millions.
const mostArrays = 1000

// pairs lists which of n arrays are linked.
func (t Topology) pairs(n int) ([][2]int, error) {
	var out [][2]int
	switch t {
	case None:
	case Ring:
		for i := range n - 1 {
			out = append(out, [2]int{i, i + 1})
		}
		if n > 2 {
			out = append(out, [2]int{n - 1, 0})
		}
	case Mesh:
		for i := range n {
			for j := i + 1; j < n; j++ {
				out = append(out, [2]int{i, j})
			}
		}
	default:
		return nil, apierr.New(apierr.InvalidValue, "links: %q is none of none, ring, mesh", string(t)).About("links")
	}
	return out, nil
}

// Build makes a lab with its arrays and links, as New makes one without; a
// lab that was kept comes back as it was. It returns INVALID_VALUE for an
// unknown topology and a negative number of arrays or one above 1000, besides
// the errors of New.
func Build(ctx context.Context, o Options, arrays int, links Topology) (*Lab, error) {
	if arrays < 0 || arrays > mostArrays {
		return nil, apierr.New(apierr.InvalidValue, "arrays: %d is not between 0 and %d", arrays, mostArrays).About("arrays")
	}
	pairs, err := links.pairs(arrays)
	if err != nil {
		return nil, err
	}
	return BuildWith(ctx, o, func(ctx context.Context, l *Lab) error { return l.fill(ctx, arrays, pairs) })
}

// BuildWith makes a lab and has fill put its arrays there, and what they hold;
// a lab that was kept comes back as it was. Where fill fails nothing is left
// of the lab. The journal begins when it is made.
func BuildWith(ctx context.Context, o Options, fill func(ctx context.Context, l *Lab) error) (*Lab, error) {
	l, err := New(o)
	if err != nil {
		return nil, err
	}
	if l.kept && l.built {
		return l, nil
	}
	if l.kept { // its process ended while it was made: nobody was told of it
		if err := l.discard(); err != nil {
			return nil, err
		}
		return BuildWith(ctx, o, fill)
	}
	if err = fill(ctx, l); err == nil {
		err = l.finish(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, l.discard())
	}
	return l, nil
}

// discard closes the lab and removes what was kept of it.
func (l *Lab) discard() error {
	err := l.Close()
	if l.opts.Path != "" {
		err = errors.Join(err, os.Remove(l.opts.Path))
	}
	return err
}

// fill makes the arrays of a plan.
func (l *Lab) fill(ctx context.Context, arrays int, pairs [][2]int) error {
	for range arrays {
		if _, err := l.AddArray(ctx, ArraySetup{}); err != nil {
			return err
		}
	}
	all := l.Arrays()
	for _, p := range pairs {
		if _, err := l.Link(ctx, all[p[0]].Key, all[p[1]].Key); err != nil {
			return err
		}
	}
	return nil
}

// finish says that the lab is made.
func (l *Lab) finish(ctx context.Context) error {
	l.Journal.Reset()
	l.mu.Lock()
	l.built = true
	l.mu.Unlock()
	return l.Update(ctx, func(tx *store.Tx) error { return l.setup(l.Arrays()).write(tx) })
}

// Links lists the links between the lab's arrays, each once, in the order of
// the arrays.
func (l *Lab) Links(ctx context.Context) ([]Link, error) {
	out, seen := []Link{}, map[string]bool{}
	for _, a := range l.Arrays() {
		err := l.View(ctx, a.Key, func(b *model.Box) error {
			return b.Tx.Each(a.Key, replication.Link, func(o *schema.Object) (bool, error) {
				link := Link{
					Name: replication.LinkName.Get(o), A: a.Key, AID: o.ID(), B: replication.Peer(o), BID: replication.LinkRemoteID.Get(o),
				}
				if !seen[fmt.Sprint(link.B, link.BID)] {
					out = append(out, link)
				}
				seen[fmt.Sprint(link.A, link.AID)] = true
				return true, nil
			})
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
