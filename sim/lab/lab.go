// Package lab puts one isolated world together: store, clock, timetable,
// fabric, kinds, and the arrays that can reach each other.
package lab

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"infinisim/sim/api"
	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/deliver"
	"infinisim/sim/fabric"
	"infinisim/sim/fault"
	"infinisim/sim/journal"
	"infinisim/sim/model"
	"infinisim/sim/store"
)

// Options is what a lab is made from. The zero value is a lab without arrays
// on a manual clock, in memory.
type Options struct {
	// Name is the lab's, empty for DefaultName; the host names of its arrays
	// follow from it.
	Name string
	// Path is the file of a durable lab; empty keeps the lab in memory. What a
	// file has of seed, limits, profile and arrays counts more than the options.
	Path string
	// Clock is the lab's time; nil is a manual clock at clock.Epoch. A durable
	// lab resumes where it stopped.
	Clock *clock.Clock
	// Seed makes runs repeatable.
	Seed uint64
	// First numbers the first array, 0 for 1.
	First int
	// Profile is the release of arrays that do not name one.
	Profile string
	// NoLimits lifts the limits of the profiles.
	NoLimits bool
	// EventLog is how many events an array keeps, 0 for the real one's 500,000.
	EventLog int
	// JournalSize and JournalBytes bound the journal, 0 as usual.
	JournalSize, JournalBytes int
	// MaxBytes is how long a durable lab's file may grow, 0 for as long as the
	// disk has room.
	MaxBytes int
	// Peers are the arrays of other processes by their keys, with the URLs of
	// the fabric listeners that lead to them.
	Peers map[string]string
	// Secret is what the processes know of each other.
	Secret string
	// Follows has the clock move to the time of every message that comes in.
	Follows bool
	// Step is called at the numbered steps of a durable write and of an
	// exchange between processes; nil is not called.
	Step func(name string)
	// Check has the lab look after every request, every job and every change of
	// a tester whether everything is as it must be: see Broken.
	Check bool
	// History is how many bytes of former states are kept for Travel, 0 for
	// DefaultHistory, below 0 for none.
	History int
	// Deliver takes notifications of events to the targets that users name; nil
	// takes them nowhere. It must be safe for concurrent use.
	Deliver deliver.Sender
	// Observers hear of what happens in the lab, each of everything.
	Observers []Observer
	// Log hears what the lab has to say; nil is silent.
	Log *slog.Logger

	machines *machines // of the labs of one process, nil for a lab by itself
}

// DefaultHistory is how many bytes of former states a lab keeps unless told
// otherwise: those of ten thousand requests that change something, or so.
const DefaultHistory = 64 << 20

// DefaultName is the name of the lab that speaks where none is named.
const DefaultName = "default"

// Lab is one isolated world. It is safe for concurrent use.
type Lab struct {
	// Clock is the lab's time.
	Clock *clock.Clock
	// Journal remembers the requests.
	Journal *journal.Journal

	opts   Options
	db     *store.DB
	engine *model.Engine
	routes *api.Routes
	log    *slog.Logger
	kick   chan struct{}
	kept   bool // it was there before

	faults  *fault.Set
	notices *deliver.Queue
	runner  *fabric.Runner
	origin  string // tells this store's messages from those of another
	watch   watch

	// mu guards everything below; it is a leaf.
	mu      sync.Mutex
	arrays  []*Array
	next    int // number of the next array
	built   bool
	waiting []*waiter
	broken  *Broken
	// silent are the arrays of other processes that did not answer last.
	silent map[string]bool
	// snapshots are the states that were kept, by name.
	snapshots map[string]*Snapshot
}

// New makes a lab without arrays, or opens one that was kept. It returns an
// error for an unknown profile, and those of store.Open.
func New(o Options) (*Lab, error) {
	o = o.whole()
	if _, err := model.ProfileByName(o.Profile); err != nil {
		return nil, err
	}
	m, own := o.machines.get(o), newOwner(o, new(fault.Set))
	db, err := openStore(o, m, own)
	if err != nil {
		return nil, err
	}
	return begin(o, db, m, own)
}

// whole are the options with what they leave out.
func (o Options) whole() Options {
	if o.Clock == nil {
		o.Clock = clock.NewManual(clock.Epoch)
	}
	if o.Log == nil {
		o.Log = quiet()
	}
	if o.First == 0 {
		o.First = 1
	}
	if o.Name == "" {
		o.Name = DefaultName
	}
	if o.History == 0 {
		o.History = DefaultHistory
	}
	return o
}

func openStore(o Options, m *machine, own *owner) (*store.DB, error) {
	return store.Open(store.Options{
		Path: o.Path, MaxBytes: o.MaxBytes, Types: m.engine.Catalog.Types(), Step: o.Step, Log: o.Log, Owner: own,
		History: max(0, o.History), ProveMemo: o.Check,
	})
}

// begin makes a lab of what a store holds, which it closes if that fails.
func begin(o Options, db *store.DB, m *machine, own *owner) (*Lab, error) {
	kept, err := readSetup(db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if kept != nil {
		o.Seed, o.NoLimits, o.Profile, o.First = kept.Seed, kept.NoLimits, kept.Profile, kept.Next
		o.Clock.AdvanceTo(db.Now())
		own.seed(o.Seed)
		m = o.machines.get(o)
	}
	l := assemble(o, db, m, own)
	if kept != nil {
		l.kept = true
		l.resume(kept)
		err = l.resumeFaults()
	}
	if err == nil {
		err = l.meetPeers()
	}
	if err == nil {
		err = l.findSnapshots()
	}
	if err != nil {
		l.notices.Close()
		return nil, errors.Join(err, db.Close())
	}
	return l, nil
}

func assemble(o Options, db *store.DB, m *machine, own *owner) *Lab {
	own.lab, own.clock, own.observers = o.Name, o.Clock, o.Observers
	l := &Lab{
		Clock: o.Clock, Journal: own.journal, opts: o, db: db, engine: m.engine, routes: m.routes, log: o.Log,
		faults: own.faults, notices: own.notices, kick: make(chan struct{}, 1), next: o.First,
		snapshots: map[string]*Snapshot{},
	}
	l.runner = &fabric.Runner{Fabric: m.engine.Fabric, DB: db, Jobs: m.engine.Jobs, Step: o.Step}
	if len(o.Peers) > 0 {
		l.runner.Send = l.send
	}
	if o.Check {
		l.runner.Ran = l.lookAfterJob
	}
	l.notices.Start()
	return l
}

// Close ends the lab; a durable one is kept as it is, its time too. Nothing
// may use it afterwards; Run must have ended. Notifications that are not sent
// by then never are.
func (l *Lab) Close() error {
	l.notices.Close()
	var err error
	if l.db.Durable() {
		err = l.db.Update(context.Background(), l.Clock.Now(), func(tx *store.Tx) error { tx.Touch(); return nil })
	}
	return errors.Join(err, l.closeSnapshots(), l.db.Close())
}

// Name is the lab's name.
func (l *Lab) Name() string { return l.opts.Name }

// Seed is what the lab's chance was made from.
func (l *Lab) Seed() uint64 { return l.opts.Seed }

// Durable reports whether the lab survives its process.
func (l *Lab) Durable() bool { return l.db.Durable() }

// Update changes the lab's state at the lab's time, after the jobs that are
// due by then.
func (l *Lab) Update(ctx context.Context, fn func(tx *store.Tx) error) error {
	err := l.runner.Update(ctx, l.Clock.Now(), fn, l.lookAfterTester)
	l.Changed()
	return err
}

// On runs fn on an array as its built-in user infinidat.
func (l *Lab) On(ctx context.Context, key string, fn func(b *model.Box) error) error {
	if _, err := l.Array(key); err != nil {
		return err
	}
	return l.Update(ctx, func(tx *store.Tx) error { return fn(l.engine.Box(tx, key, system())) })
}

// View reads an array's state.
func (l *Lab) View(ctx context.Context, key string, fn func(b *model.Box) error) error {
	if _, err := l.Array(key); err != nil {
		return err
	}
	return l.runner.View(ctx, max(l.Clock.Now(), l.db.Now()), func(tx *store.Tx) error { return fn(l.engine.Box(tx, key, system())) })
}

func system() model.Identity {
	return model.Identity{ID: -1, Name: "infinidat", Role: model.RoleInfinidat, Password: "123456"}
}

// Changed tells Run that the timetable may have changed, and those who watch
// that anything may have.
func (l *Lab) Changed() {
	l.watch.change()
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// Handler serves the lab's arrays by the name in Host, any other name by the
// array of the given key.
func (l *Lab) Handler(key string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target := l.meant(r.Host, key)
		a, err := l.Array(target)
		if err != nil || !l.Active(a) {
			l.Journal.Record(journal.Entry{Time: l.Clock.Now(), Array: target, Method: r.Method, Path: r.URL.Path, Before: l.before()})
			l.dropped(target, r)
			panic(http.ErrAbortHandler) // an array that is down drops the connection
		}
		a.Server.ServeHTTP(w, r)
	})
}

// meant is the array that a request is for: the one whose name is its host, or
// the one with the key.
func (l *Lab) meant(host, key string) string {
	host, _, _ = strings.Cut(host, ":")
	if len(host) < len(hostPrefix) || !strings.EqualFold(host[:len(hostPrefix)], hostPrefix) {
		return key
	}
	for _, a := range l.Arrays() {
		if strings.EqualFold(host, a.Host()) {
			return a.Key
		}
	}
	return key
}

// Write is a host's write to a dataset of an array.
func (l *Lab) Write(ctx context.Context, key string, dataset int64, w Write) error {
	err := l.On(ctx, key, func(b *model.Box) error {
		write := func() error {
			if w.Length == 0 && w.TreeQ != 0 {
				return nil
			}
			return b.WriteData(dataset, w.Offset, w.Length, w.Seed)
		}
		if w.TreeQ == 0 {
			return write()
		}
		return b.WriteTreeQ(dataset, w.TreeQ, w.Inodes, write)
	})
	if e, ok := apierr.As(err); ok && e.Code == apierr.PoolNoPhysicalSpace {
		// What was written is undone; what it did to the pool stays.
		return errors.Join(err, l.On(ctx, key, func(b *model.Box) error { return b.LockFull(dataset) }))
	}
	return err
}

// Write says what a host writes: the seed stands for the content, 0 for
// zeros; offset and length are in bytes.
type Write struct {
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	Seed   uint64 `json:"seed"`
	// TreeQ is the tree queue that the write is in, 0 for none; Inodes is how
	// many files it adds there, or takes away.
	TreeQ  int64 `json:"treeq_id,omitempty"`
	Inodes int64 `json:"inodes,omitempty"`
}

// SetWorkload has hosts work on a dataset of an array from now on, in place of
// what they did before.
func (l *Lab) SetWorkload(ctx context.Context, key string, dataset int64, w model.Workload) error {
	return l.On(ctx, key, func(b *model.Box) error { return b.SetWorkload(dataset, w) })
}

// Digest is the digest of a dataset's content and the bytes it uses.
func (l *Lab) Digest(ctx context.Context, key string, dataset int64) (digest string, used int64, err error) {
	err = l.View(ctx, key, func(b *model.Box) error {
		digest, used, err = b.DigestOf(dataset)
		return err
	})
	return digest, used, err
}

// Missing counts the requests that no array had a route for; Unread the body
// keys that nothing knew.
func (l *Lab) Missing() map[string]int { return l.sum((*api.Server).Missing) }

// Unread counts the body keys that nothing knew.
func (l *Lab) Unread() map[string]int { return l.sum((*api.Server).Unread) }

func (l *Lab) sum(of func(*api.Server) map[string]int) map[string]int {
	out := map[string]int{}
	for _, a := range l.Arrays() {
		for k, n := range of(a.Server) {
			out[a.Key+" "+k] += n
		}
	}
	return out
}

// SpeedUp lets a clock run, also a frozen one.
func (l *Lab) SpeedUp(factor float64) error {
	if factor <= 0 || factor > maxSpeed {
		return apierr.New(apierr.InvalidValue, "factor: %v is not above 0 and at most %d", factor, maxSpeed).About("factor")
	}
	l.Clock.SetSpeed(factor)
	return nil
}

const maxSpeed = 1_000_000

// Catalog has the lab's kinds. The caller must not change it.
func (l *Lab) Catalog() *model.Catalog { return l.engine.Catalog }

// Routes lists the requests that the lab's arrays answer. The caller must not
// change the list.
func (l *Lab) Routes() []api.Served { return l.routes.Served() }
