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
	"io"
	"log/slog"
	"net/http"
	"time"

	"infinisim/sim/clock"
	"infinisim/sim/deliver"
	"infinisim/sim/estate"
	"infinisim/sim/fabric"
	"infinisim/sim/lab"
	"infinisim/sim/model"
)

// Topology says which arrays of a new lab are linked.
type Topology = lab.Topology

// The topologies.
const (
	// None links no arrays.
	None = lab.None
	// Ring links each array to the next, the last to the first; two arrays
	// have one link.
	Ring = lab.Ring
	// Mesh links each array to every other.
	Mesh = lab.Mesh
)

// Lab is one isolated world of arrays. It is safe for concurrent use.
type Lab struct {
	*lab.Lab
}

// Link is a link between two arrays, with its id on each.
type Link = lab.Link

// Write says what a host writes to a dataset.
type Write = lab.Write

// Workload is what hosts do to a dataset, second after second.
type Workload = model.Workload

// ArraySetup is what a new array may be told.
type ArraySetup = lab.ArraySetup

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
	estate   string
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

// WithDelivery has notifications of events taken to the targets that users of
// the arrays name, by deliver.Network{} to the hosts themselves; the default
// takes them nowhere.
func WithDelivery(s deliver.Sender) Option { return func(o *settings) { o.Deliver = s } }

// WithPath makes the lab durable, in a file: what a file keeps comes back as
// it was, whatever the other options say.
func WithPath(file string) Option { return func(s *settings) { s.Path = file } }

// WithEstate has the lab begin as an estate's file says, in place of
// WithArrays and WithLinks; what other options say of its seed, clock and
// profile counts more.
func WithEstate(file string) Option { return func(s *settings) { s.estate = file } }

// New makes a lab with its arrays and links. The caller closes it. It returns
// an error for an unknown profile or topology, a negative number of arrays or
// one above 1000, and an estate that is none.
func New(opts ...Option) (*Lab, error) {
	s := settings{arrays: 2, topology: Ring}
	for _, o := range opts {
		o(&s)
	}
	l, err := s.build(opts)
	if err != nil {
		return nil, err
	}
	return &Lab{Lab: l}, nil
}

func (s settings) build(opts []Option) (*lab.Lab, error) {
	if s.estate == "" {
		return lab.Build(context.Background(), s.Options, s.arrays, s.topology)
	}
	e, err := estate.Read(s.estate)
	if err != nil {
		return nil, err
	}
	var own settings
	e.Set(&own.Options)
	for _, o := range opts {
		o(&own)
	}
	return lab.BuildWith(context.Background(), own.Options, e.Fill)
}

// Import makes a lab of what Export wrote: its seed, limits, release, arrays and
// time are those of the text, whatever the options say. The caller closes it.
// It returns an error that names line and field for a text that is not as it
// must be.
func Import(from io.Reader, opts ...Option) (*Lab, error) {
	var s settings
	for _, o := range opts {
		o(&s)
	}
	l, err := lab.Import(context.Background(), s.Options, from)
	if err != nil {
		return nil, err
	}
	return &Lab{Lab: l}, nil
}

// Fork makes an independent copy of the lab as it is now, in memory: the same
// objects, timetable, time and seed, and a clock of its own. The caller closes
// it. A ready-made lab that each test forks costs a test next to nothing.
func (l *Lab) Fork() (*Lab, error) {
	f, err := l.Lab.Fork(l.Name(), "")
	if err != nil {
		return nil, err
	}
	return &Lab{Lab: f}, nil
}

// ForkSnapshot makes an independent copy of the lab as a snapshot holds it, in
// memory. The caller closes it.
func (l *Lab) ForkSnapshot(name string) (*Lab, error) {
	f, err := l.Lab.ForkSnapshot(name, l.Name(), "")
	if err != nil {
		return nil, err
	}
	return &Lab{Lab: f}, nil
}

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
