// Package lab puts one isolated world together: store, clock, timetable,
// fabric, kinds, and the arrays that can reach each other.
package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"

	"infinisim/sim/api"
	"infinisim/sim/apierr"
	"infinisim/sim/chance"
	"infinisim/sim/clock"
	"infinisim/sim/fabric"
	"infinisim/sim/job"
	"infinisim/sim/journal"
	"infinisim/sim/model"
	"infinisim/sim/replication"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// Options is what a lab is made from. The zero value is a lab without arrays
// on a manual clock.
type Options struct {
	// Clock is the lab's time; nil is a manual clock at clock.Epoch.
	Clock *clock.Clock
	// Seed makes runs repeatable.
	Seed uint64
	// First numbers the first array, 0 for 1.
	First int
	// Profile is the release of arrays that do not name one.
	Profile string
	// NoLimits lifts the limits of the profiles.
	NoLimits bool
	// JournalSize is how many entries the journal keeps, 0 for the usual.
	JournalSize int
	// Log hears what the lab has to say; nil is silent.
	Log *slog.Logger
}

// Array is one array of a lab as the outside sees it.
type Array struct {
	// Key names it for good, Name is what it was made with.
	Key, Name string
	// Serial is its serial number.
	Serial int64
	// Server answers its requests.
	Server *api.Server

	active bool
}

// Host is the name by which the array is reached on a shared port.
func (a *Array) Host() string { return "simulator-" + a.Key }

// Lab is one isolated world. It is safe for concurrent use.
type Lab struct {
	// Clock is the lab's time.
	Clock *clock.Clock
	// Journal remembers the requests.
	Journal *journal.Journal

	opts   Options
	db     *store.DB
	engine *model.Engine
	log    *slog.Logger
	kick   chan struct{}

	// mu guards the table of arrays and the setup; it is a leaf.
	mu     sync.Mutex
	arrays []*Array
	next   int
}

// New makes a lab without arrays.
func New(o Options) (*Lab, error) {
	if o.Clock == nil {
		o.Clock = clock.NewManual(clock.Epoch)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.First == 0 {
		o.First = 1
	}
	if _, err := model.ProfileByName(o.Profile); err != nil {
		return nil, err
	}
	db, err := store.Open(store.Options{})
	if err != nil {
		return nil, err
	}
	jobs := job.New(o.Log)
	l := &Lab{
		Clock: o.Clock, Journal: journal.New(o.JournalSize), opts: o, db: db, log: o.Log,
		kick: make(chan struct{}, 1), next: o.First,
		engine: &model.Engine{
			Catalog: model.NewCatalog(), Fabric: fabric.New(jobs), Jobs: jobs, Chance: chance.New(o.Seed),
			NoLimits: o.NoLimits, Log: o.Log,
		},
	}
	replication.Install(l.engine)
	return l, nil
}

// Close ends the lab. Nothing may use it afterwards; Run must have ended.
func (l *Lab) Close() error { return l.db.Close() }

// ArraySetup is what a new array may be told; zero members are numbered by
// the lab.
type ArraySetup struct {
	Name    string `json:"name"`
	Profile string `json:"profile"`
	Serial  int64  `json:"serial"`
}

// firstSerial is the serial number of array 1, less one.
const firstSerial = 1000

// AddArray makes an array and puts it on the network.
func (l *Lab) AddArray(ctx context.Context, s ArraySetup) (*Array, error) {
	l.mu.Lock()
	n := l.next
	l.next++
	l.mu.Unlock()
	a := &Array{Key: fmt.Sprintf("box-%d", n), Name: s.Name, Serial: s.Serial, active: true}
	if a.Name == "" {
		a.Name = "simulator-" + a.Key
	}
	if a.Serial == 0 {
		a.Serial = firstSerial + int64(n)
	}
	for _, other := range l.Arrays() {
		if other.Serial == a.Serial {
			return nil, apierr.New(apierr.InvalidValue, "serial: %d is that of array %s", a.Serial, other.Key).About("serial")
		}
	}
	profile := s.Profile
	if profile == "" {
		profile = l.opts.Profile
	}
	err := l.Update(ctx, func(tx *store.Tx) error {
		return l.engine.Format(tx, model.Setup{Key: a.Key, Name: a.Name, Profile: profile, Serial: a.Serial})
	})
	if err != nil {
		return nil, err
	}
	a.Server = api.New(api.Options{
		DB: l.db, Engine: l.engine, Clock: l.Clock, Key: a.Key, Log: l.log, Journal: l.Journal, Changed: l.Changed,
	})
	l.mu.Lock()
	l.arrays = append(l.arrays, a)
	l.mu.Unlock()
	return a, nil
}

// Arrays lists the lab's arrays in the order of their making.
func (l *Lab) Arrays() []*Array {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.arrays)
}

// Array finds an array by its key.
func (l *Lab) Array(key string) (*Array, error) {
	for _, a := range l.Arrays() {
		if a.Key == key {
			return a, nil
		}
	}
	return nil, apierr.New(apierr.ObjectNotFound, "array %q does not exist", key).About(key)
}

// SetActive puts an array on the network or takes it off: its requests are
// dropped and its links are down.
func (l *Lab) SetActive(ctx context.Context, key string, active bool) error {
	a, err := l.Array(key)
	if err != nil {
		return err
	}
	var others []string
	for _, o := range l.Arrays() {
		if o != a {
			others = append(others, o.Key)
		}
	}
	if err := l.Update(ctx, func(tx *store.Tx) error { return l.engine.Fabric.SetDown(tx, key, !active, others) }); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a.active = active
	return nil
}

// RemoveArray takes an array out of the lab. Its peers see it as lost.
func (l *Lab) RemoveArray(ctx context.Context, key string) error {
	if err := l.SetActive(ctx, key, false); err != nil {
		return err
	}
	err := l.On(ctx, key, func(b *model.Box) error {
		return b.Tx.Each(key, model.NetworkSpace, func(o *schema.Object) (bool, error) {
			for _, ip := range model.SpaceIPs.Get(o) {
				fabric.Withdraw(b.Tx, ip.Address)
			}
			return true, nil
		})
	})
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrays = slices.DeleteFunc(l.arrays, func(a *Array) bool { return a.Key == key })
	return nil
}

// Active reports whether the array is on the network.
func (l *Lab) Active(a *Array) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return a.active
}

// Update changes the lab's state at the lab's time, after the jobs that are
// due by then.
func (l *Lab) Update(ctx context.Context, fn func(tx *store.Tx) error) error {
	err := l.db.Update(ctx, l.Clock.Now(), func(tx *store.Tx) error {
		for !l.engine.Jobs.Run(tx, tx.Now(), 1000, func(job.Job) {}) {
		}
		return fn(tx)
	})
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
	return l.db.View(ctx, max(l.Clock.Now(), l.db.Now()), func(tx *store.Tx) error { return fn(l.engine.Box(tx, key, system())) })
}

func system() model.Identity {
	return model.Identity{ID: -1, Name: "infinidat", Role: model.RoleInfinidat, Password: "123456"}
}

// Changed tells Run that the timetable may have changed.
func (l *Lab) Changed() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// Handler serves the lab's arrays by the name in Host, any other name by the
// array of the given key.
func (l *Lab) Handler(key string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := strings.Cut(r.Host, ":")
		target := key
		for _, a := range l.Arrays() {
			if strings.EqualFold(host, a.Host()) {
				target = a.Key
			}
		}
		a, err := l.Array(target)
		if err != nil || !l.Active(a) {
			panic(http.ErrAbortHandler) // an array that is down drops the connection
		}
		a.Server.ServeHTTP(w, r)
	})
}

// Write is a host's write to a dataset of an array.
func (l *Lab) Write(ctx context.Context, key string, dataset int64, w Write) error {
	return l.On(ctx, key, func(b *model.Box) error { return b.WriteData(dataset, w.Offset, w.Length, w.Seed) })
}

// Write says what a host writes: the seed stands for the content, 0 for
// zeros; offset and length are in bytes.
type Write struct {
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	Seed   uint64 `json:"seed"`
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

// Check names everything in the lab that is not as it must be.
func (l *Lab) Check(ctx context.Context) ([]string, error) {
	bad := l.Journal.Gaps()
	err := l.db.View(ctx, max(l.Clock.Now(), l.db.Now()), func(tx *store.Tx) error {
		var boxes []*model.Box
		for _, a := range l.Arrays() {
			b := l.engine.Box(tx, a.Key, system())
			boxes = append(boxes, b)
			bad = append(bad, tx.Check(a.Key, l.engine.Catalog.Types())...)
			more, err := model.Check(b)
			if err != nil {
				return err
			}
			bad = append(bad, more...)
		}
		more, err := replication.Check(boxes)
		bad = append(bad, more...)
		for _, p := range job.ParkedJobs(tx) {
			raw, _ := json.Marshal(p) // a Parked always encodes
			bad = append(bad, "job failed: "+string(raw))
		}
		return err
	})
	return bad, err
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
