// Package sim is infinisim in process: a lab of simulated InfiniBox arrays
// that a Go program makes, drives through time and asks over the arrays' own
// management REST API, without a socket.
//
//	l, err := sim.New(sim.WithArrays(2), sim.WithLinks(sim.Ring))
//	…
//	defer l.Close()
//	client := &http.Client{Transport: l.Transport()}
//	client.Get("http://simulator-box-1/api/rest/_features")
//
// A lab's clock stands still unless told otherwise: Advance and Settle move
// it, and run what is due on the way.
package sim

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"infinisim/sim/clock"
	"infinisim/sim/fabric"
	"infinisim/sim/lab"
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

// Lab is one isolated world of arrays. It is safe for concurrent use.
type Lab struct {
	*lab.Lab
	links []lab.Link
}

// Link is a link between two arrays, with its id on each.
type Link = lab.Link

// Write says what a host writes to a dataset.
type Write = lab.Write

// Report says what moving the clock ran.
type Report = lab.Report

// The accounts of every new array (InfiniSDK documentation).
const (
	Username = "admin"
	Password = "123456"
)

type settings struct {
	lab.Options
	arrays   int
	topology Topology
}

// Option changes how New makes a lab.
type Option func(*settings)

// WithArrays sets the number of arrays; the default is two.
func WithArrays(n int) Option { return func(s *settings) { s.arrays = n } }

// WithLinks sets which arrays are linked; the default is Ring.
func WithLinks(t Topology) Option { return func(s *settings) { s.topology = t } }

// WithSeed makes everything that looks random a function of the seed.
func WithSeed(seed uint64) Option { return func(s *settings) { s.Seed = seed } }

// WithProfile sets the release of the arrays, such as "8.6" or "7.2".
func WithProfile(name string) Option { return func(s *settings) { s.Profile = name } }

// WithClock sets the lab's clock; the default stands at
// 2025-01-01T00:00:00Z.
func WithClock(c *clock.Clock) Option { return func(s *settings) { s.Clock = c } }

// WithFirst numbers the first array; keys, serial numbers and addresses
// follow from it. The default is 1.
func WithFirst(n int) Option { return func(s *settings) { s.First = n } }

// WithoutLimits lifts the limits of the arrays' release.
func WithoutLimits() Option { return func(s *settings) { s.NoLimits = true } }

// WithLog has the lab write to a logger; the default is silent.
func WithLog(log *slog.Logger) Option { return func(s *settings) { s.Log = log } }

// mostArrays keeps a slip in a number from making a lab of millions.
const mostArrays = 1000

// New makes a lab with its arrays and links. The caller closes it. It returns
// an error for an unknown profile or topology and a negative number of arrays
// or one above 1000.
func New(opts ...Option) (*Lab, error) {
	s := settings{arrays: 2, topology: Ring}
	for _, o := range opts {
		o(&s)
	}
	if s.arrays < 0 || s.arrays > mostArrays {
		return nil, fmt.Errorf("%d arrays: a lab has up to %d", s.arrays, mostArrays)
	}
	pairs, err := s.topology.pairs(s.arrays)
	if err != nil {
		return nil, err
	}
	inner, err := lab.New(s.Options)
	if err != nil {
		return nil, err
	}
	l := &Lab{Lab: inner}
	if err := l.build(context.Background(), s.arrays, pairs); err != nil {
		_ = inner.Close() // the first error tells more
		return nil, err
	}
	return l, nil
}

func (l *Lab) build(ctx context.Context, arrays int, pairs [][2]int) error {
	for range arrays {
		if _, err := l.AddArray(ctx, lab.ArraySetup{}); err != nil {
			return err
		}
	}
	all := l.Arrays()
	for _, p := range pairs {
		link, err := l.Link(ctx, all[p[0]].Key, all[p[1]].Key)
		if err != nil {
			return err
		}
		l.links = append(l.links, link)
	}
	l.Journal.Reset()
	return nil
}

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
		return nil, fmt.Errorf("links %q: none, ring or mesh", string(t))
	}
	return out, nil
}

// Links lists the links that New made.
func (l *Lab) Links() []Link { return l.links }

// Advance moves a lab's clock on and runs everything that is due on the way.
func (l *Lab) Advance(ctx context.Context, d time.Duration) (*Report, error) {
	return l.AdvanceTo(ctx, l.Clock.Now().Add(d))
}

// Cut takes the path between two arrays down; Restore brings it back.
func (l *Lab) Cut(ctx context.Context, a, b string) error {
	return l.SetPath(ctx, fabric.Ends{From: a, To: b}, func(m *fabric.Model) { m.Cut = true })
}

// Restore brings the path between two arrays back.
func (l *Lab) Restore(ctx context.Context, a, b string) error {
	return l.SetPath(ctx, fabric.Ends{From: a, To: b}, func(m *fabric.Model) { m.Cut = false })
}

// Transport answers requests in memory: the array is the one whose name,
// simulator-<key>, is the URL's host; any other host is the first array.
func (l *Lab) Transport() http.RoundTripper { return transport{l} }
