package lab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/coverage"
)

// Labs are the labs of one process by their names. Each runs by itself, on its
// own clock. It is safe for concurrent use.
type Labs struct {
	opts Options
	dir  string

	// mu guards everything below; it is a leaf.
	mu  sync.Mutex
	all map[string]*member
	// past is what labs reached that are deleted.
	past *coverage.Report
}

// member is a lab with its Run.
type member struct {
	lab   *Lab
	stop  context.CancelFunc
	ended chan error
}

// NewLabs makes an empty table. Labs are made with the given options where
// they say nothing else; a directory makes them durable, in a file each.
func NewLabs(o Options, dir string) *Labs {
	o.machines = new(machines)
	return &Labs{opts: o, dir: dir, all: map[string]*member{}, past: new(coverage.Report)}
}

// Plan is what a new lab is to be.
type Plan struct {
	// Name is the lab's: lower-case letters, digits and hyphens, at most 63.
	Name string `json:"name"`
	// Arrays is their number, nil for two; Links which are linked, empty for
	// ring.
	Arrays *int     `json:"arrays"`
	Links  Topology `json:"links"`
	// Seed is the lab's, nil for that of the process.
	Seed *uint64 `json:"seed"`
	// Profile is the release of the arrays, empty for that of the process.
	Profile string `json:"profile"`
	// Clock is manual or system, empty for that of the process.
	Clock string `json:"clock"`
	// First numbers the first array, 0 for 1.
	First int `json:"first"`
	// Check has the lab look after every change whether everything is as it must
	// be, nil as the process does.
	Check *bool `json:"check"`
	// Set changes what the lab is made with, and Fill makes its arrays in place
	// of Arrays and Links; nil is neither.
	Set  func(o *Options)                        `json:"-"`
	Fill func(ctx context.Context, l *Lab) error `json:"-"`
}

// labName is what can stand in a host name.
var labName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

const fileEnd = ".db"

func (s *Labs) path(name string) string {
	if s.dir == "" {
		return ""
	}
	return filepath.Join(s.dir, name+fileEnd)
}

// Create makes a lab and lets it run, or brings back the one that its file
// keeps. It returns INVALID_VALUE for a name, clock or topology that is none,
// and LAB_EXISTS for a name that another lab has.
func (s *Labs) Create(ctx context.Context, p Plan) (*Lab, error) {
	o := s.opts
	o.Name, o.Path = p.Name, s.path(p.Name)
	if p.Name != DefaultName {
		o.Peers, o.Follows, o.Step = nil, false, nil // other processes know the lab default alone
	}
	if err := s.free(p.Name); err != nil {
		return nil, err
	}
	if p.Seed != nil {
		o.Seed = *p.Seed
	}
	if p.Profile != "" {
		o.Profile = p.Profile
	}
	if p.First != 0 {
		o.First = p.First
	}
	if p.Check != nil {
		o.Check = *p.Check
	}
	var err error
	if o.Clock, err = s.clock(p.Clock); err != nil {
		return nil, err
	}
	l, err := p.build(ctx, o)
	if err != nil {
		return nil, err
	}
	return l, s.run(l)
}

// build makes the lab that is planned.
func (p Plan) build(ctx context.Context, o Options) (*Lab, error) {
	if p.Set != nil {
		p.Set(&o)
		if p.Seed != nil {
			o.Seed = *p.Seed
		}
		switch p.Clock {
		case "manual":
			o.Clock.Freeze()
		case "system":
			o.Clock.SetSpeed(1)
		}
	}
	if p.Fill != nil {
		return BuildWith(ctx, o, p.Fill)
	}
	arrays := 2
	if p.Arrays != nil {
		arrays = *p.Arrays
	}
	links := p.Links
	if links == "" {
		links = Ring
	}
	return Build(ctx, o, arrays, links)
}

// clock is a new lab's: system and manual by name, else like that of the
// process.
func (s *Labs) clock(mode string) (*clock.Clock, error) {
	like := s.opts.Clock
	if like == nil {
		like = clock.NewManual(clock.Epoch)
	}
	switch mode {
	case "":
		if like.Manual() {
			return clock.NewManual(clock.Epoch), nil
		}
		return clock.NewSystem(0, like.Speed()), nil
	case "manual":
		return clock.NewManual(clock.Epoch), nil
	case "system":
		return clock.NewSystem(0, 1), nil
	}
	return nil, apierr.New(apierr.InvalidValue, "clock: %q is neither manual nor system", mode).About("clock")
}

func (s *Labs) free(name string) error {
	if !labName.MatchString(name) {
		return apierr.New(apierr.InvalidValue, "name: %q is no lab's name: lower-case letters, digits and hyphens", name).About("name")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all[name] != nil {
		return apierr.New(apierr.LabExists, "name: lab %q exists", name).About("name")
	}
	return nil
}

// run puts a lab in the table and starts it; remove ends it.
func (s *Labs) run(l *Lab) error {
	s.mu.Lock()
	if s.all[l.Name()] != nil { // another one came first
		s.mu.Unlock()
		return errors.Join(apierr.New(apierr.LabExists, "name: lab %q exists", l.Name()).About("name"), l.Close())
	}
	defer s.mu.Unlock()
	ctx, stop := context.WithCancel(context.Background()) // ended by end
	m := &member{lab: l, stop: stop, ended: make(chan error, 1)}
	s.all[l.Name()] = m
	go func() { m.ended <- l.Run(ctx) }()
	return nil
}

// Open brings back the labs that the directory keeps, but for the lab default,
// whose plan is the caller's, and those that run.
func (s *Labs) Open() error {
	if s.dir == "" {
		return nil
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("labs: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "*"+fileEnd))
	if err != nil {
		return fmt.Errorf("labs: %w", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), fileEnd)
		if name == DefaultName || s.free(name) != nil {
			continue
		}
		if err := s.open(name); err != nil {
			return err
		}
	}
	return nil
}

// open brings back one lab. A file whose lab was never finished goes: nobody
// was told of it.
func (s *Labs) open(name string) error {
	o := s.opts
	o.Name, o.Path, o.Peers, o.Follows, o.Step = name, s.path(name), nil, false, nil
	var err error
	if o.Clock, err = s.clock(""); err != nil {
		return err
	}
	l, err := New(o)
	if err != nil {
		return err
	}
	if !l.built {
		return errors.Join(l.Close(), os.Remove(o.Path))
	}
	return s.run(l)
}

// Handler serves the arrays of all labs by the name in Host, any other name by
// one array.
func (s *Labs) Handler(l *Lab, key string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target := l
		host, _, _ := strings.Cut(r.Host, ":")
		if array, name, _ := strings.Cut(strings.ToLower(host), "."); strings.HasPrefix(array, hostPrefix) {
			if name == "" {
				name = DefaultName
			}
			if named, err := s.Get(name); err == nil {
				target = named
			}
		}
		target.Handler(key).ServeHTTP(w, r)
	})
}

// Get finds a lab; it returns LAB_NOT_FOUND if there is none of that name.
func (s *Labs) Get(name string) (*Lab, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.all[name]; m != nil {
		return m.lab, nil
	}
	return nil, apierr.New(apierr.LabNotFound, "lab %q does not exist", name).About(name)
}

// List is all labs in the order of their names.
func (s *Labs) List() []*Lab {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*Lab, 0, len(s.all))
	for _, m := range s.all {
		out = append(out, m.lab)
	}
	slices.SortFunc(out, func(a, b *Lab) int { return strings.Compare(a.Name(), b.Name()) })
	return out
}

// Fork copies a lab under another name and lets the copy run: as it is now, or
// as a snapshot of it holds it if one is named.
func (s *Labs) Fork(from, name, snapshot string) (*Lab, error) {
	if err := s.free(name); err != nil {
		return nil, err
	}
	origin, err := s.Get(from)
	if err != nil {
		return nil, err
	}
	var l *Lab
	if snapshot == "" {
		l, err = origin.Fork(name, s.path(name))
	} else {
		l, err = origin.ForkSnapshot(snapshot, name, s.path(name))
	}
	if err != nil {
		return nil, err
	}
	return l, s.run(l)
}

// Delete ends a lab and removes what was kept of it. The lab default stays:
// it returns INVALID_VALUE for it.
func (s *Labs) Delete(name string) error {
	if name == DefaultName {
		return apierr.New(apierr.InvalidValue, "lab: %q cannot be deleted; reset makes it fresh", name).About("lab")
	}
	s.mu.Lock()
	m := s.all[name]
	delete(s.all, name)
	s.mu.Unlock()
	if m == nil {
		return apierr.New(apierr.LabNotFound, "lab %q does not exist", name).About(name)
	}
	reached := m.lab.Coverage()
	s.mu.Lock()
	s.past.Merge(reached)
	s.mu.Unlock()
	err := m.end()
	if path := s.path(name); path != "" {
		err = errors.Join(err, os.Remove(path), os.RemoveAll(snapshotsDir(path)))
	}
	return err
}

func (m *member) end() error {
	m.stop()
	return errors.Join(<-m.ended, m.lab.Close())
}

// Close ends all labs; durable ones are kept.
func (s *Labs) Close() error {
	s.mu.Lock()
	all := s.all
	s.all = map[string]*member{}
	s.mu.Unlock()
	var err error
	for _, m := range all {
		err = errors.Join(err, m.end())
	}
	return err
}
