package model

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/chance"
	"infinisim/sim/fabric"
	"infinisim/sim/job"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// Engine is what all arrays of a lab have in common. It holds no state outside
// the store but which passwords it found right.
type Engine struct {
	// Catalog has the kinds.
	Catalog *Catalog
	// Fabric leads to other arrays.
	Fabric *fabric.Fabric
	// Jobs is the timetable.
	Jobs *job.Timetable
	// NoLimits lifts the limits of the profiles.
	NoLimits bool
	// EventLog is how many events an array keeps, 0 for the real one's 500,000.
	EventLog int
	// Log hears of our own bugs and, at the level of debugging, of each move of
	// a replica.
	Log *slog.Logger

	proven proofs
}

// NewEngine makes the engine of a lab: the kinds of NewCatalog, whose jobs the
// timetable knows from now on.
func NewEngine(f *fabric.Fabric, jobs *job.Timetable, log *slog.Logger) *Engine {
	e := &Engine{Catalog: NewCatalog(), Fabric: f, Jobs: jobs, Log: log}
	for name, do := range e.Catalog.work {
		jobs.Handle(name, func(tx *store.Tx, j job.Job) error {
			b := e.Box(tx, j.Owner.Array, Identity{})
			o, err := b.Must(e.Catalog.Kind(j.Owner.Kind).Type, j.Owner.ID)
			if err != nil {
				return err
			}
			return do(b, o, j)
		})
	}
	return e
}

// Chance is the seed of the lab that the transaction belongs to, 0 outside a
// lab: labs with different seeds can share an engine.
func (b *Box) Chance() *chance.Source {
	if owner, ok := b.Tx.Owner().(interface{ Chance() *chance.Source }); ok {
		return owner.Chance()
	}
	return chance.New(0)
}

// Identity is who asks.
type Identity struct {
	// ID is the user's, 0 for the array itself.
	ID int64
	// Name is the user's.
	Name string
	// Role is the user's, in upper snake case.
	Role string
	// Tenant is the tenant that the request selects, 0 for none.
	Tenant int64
	// Password is kept for calls to a peer; it is never stored or logged.
	Password string
	// Remote are the credentials for other arrays that the client sent.
	Remote []Credentials
}

// Credentials are a user name and a password.
type Credentials struct {
	User, Password string
}

// Request is what a client asked, off the wire.
type Request struct {
	// Vars are the path's variables.
	Vars map[string]string
	// Query is the parameters.
	Query url.Values
	// Raw is the body, nil if there was none.
	Raw json.RawMessage
	// File is the file that was sent in a form, nil if there was none.
	File []byte
	// Approved says that the client approves what is dangerous.
	Approved bool
	// PageSize is the array's default length of a page, 0 for the usual.
	PageSize int
}

// Flag reads a parameter that is true or false in any spelling; def stands for
// a parameter that was not sent.
func (r *Request) Flag(name string, def bool) (bool, error) {
	text := r.Query.Get(name)
	if text == "" {
		return def, nil
	}
	v, err := strconv.ParseBool(strings.ToLower(text))
	if err != nil {
		return false, apierr.New(apierr.InvalidValue, "%s: %q is not true or false", name, text).About(name)
	}
	return v, nil
}

// Box is one array in one transaction, as one caller sees it.
type Box struct {
	// Tx is the transaction.
	Tx *store.Tx
	// Key is the array's key.
	Key string
	// Who asks.
	Who Identity
	// Eng is the lab's engine.
	Eng *Engine

	hostWrites bool // what is written now may use a pool's emergency buffer

	release once[schema.Release]
	profile once[*Profile]
	system  once[*schema.Object]
	shown   map[*Kind]*once[[]*schema.Field] // the public fields
	fc      once[[]Target]                   // what FC ports are logged in to; forgotten by a change
}

// once is something that a box works out once, with what it read for it.
type once[T any] struct {
	v     T
	err   error
	known bool
	reads store.Reads
}

// get gives what find finds, which it found before unless it failed.
func (o *once[T]) get(tx *store.Tx, find func() (T, error)) (T, error) {
	if o.known {
		tx.Again(o.reads)
		return o.v, nil
	}
	o.reads = tx.Trace(func() { o.v, o.err = find() })
	o.known = o.err == nil
	return o.v, o.err
}

// Box opens an array in a transaction.
func (e *Engine) Box(tx *store.Tx, key string, who Identity) *Box {
	return &Box{Tx: tx, Key: key, Who: who, Eng: e}
}

// Release is the array's version and features, as gates ask for them.
func (b *Box) Release() schema.Release {
	r, _ := b.release.get(b.Tx, func() (schema.Release, error) {
		return store.Memo(b.Tx, store.Name{Group: "release", Array: b.Key}, func() (schema.Release, error) { return releaseOf(b), nil })
	})
	return r
}

// Open reports whether the array has the field.
func (b *Box) Open(f *schema.Field) bool {
	return f.Gate == schema.Gate{} || f.Gate.Open(b.Release())
}

// Load finds an object of a kind by id; the kind's NotFound code tells that
// there is none.
func (b *Box) Load(k *Kind, id int64) (*schema.Object, error) {
	o, err := b.Tx.Get(b.Key, k.Type, id)
	if err != nil {
		return nil, err
	}
	if o == nil {
		return nil, b.notFound(k, id)
	}
	return o, nil
}

// notFound is the refusal of an id that no object of the kind has.
func (b *Box) notFound(k *Kind, id int64) error {
	// "Pool not found" is what the Ansible collection's playbooks look for.
	noun := words(k.Type)
	title := strings.ToUpper(noun[:1]) + noun[1:]
	return apierr.New(k.NotFound, "%s not found: %s %d does not exist", title, noun, id).About(strconv.FormatInt(id, 10))
}

// Must loads an object that a reference of our own points at; its absence is
// our bug.
func (b *Box) Must(t *schema.Type, id int64) (*schema.Object, error) {
	o, err := b.Tx.Get(b.Key, t, id)
	if err == nil && o == nil {
		err = fmt.Errorf("%s %d of %s is gone", t.Name(), id, b.Key)
	}
	return o, err
}

// Save writes an object that was changed, with its time of change.
func (b *Box) Save(o *schema.Object) error {
	if o.Type().Has(UpdatedAt.Field()) {
		UpdatedAt.Set(o, b.Tx.Now().MS())
	}
	if err := b.Tx.Put(b.Key, o); err != nil {
		return err
	}
	if slices.Contains(stores(), o.Type()) {
		return b.pace(o)
	}
	return nil
}

// Kind is the kind of an object.
func (b *Box) Kind(o *schema.Object) *Kind { return b.Eng.Catalog.Kind(o.Type().Name()) }

// Guard asks the guards of an object's kind whether something may happen.
func (b *Box) Guard(m Moment, old, o *schema.Object) error {
	for _, g := range b.Eng.Catalog.guards[o.Type().Name()] {
		if err := g(b, m, old, o); err != nil {
			return err
		}
	}
	return nil
}

// UUID draws a UUID from the lab's seed.
func (b *Box) UUID() string {
	return b.Chance().UUID("uuid/"+b.Key, uint64(b.Tx.Next(b.Key, "uuid"))) //nolint:gosec // sequences count up from 1
}

// After puts a job of an object on the timetable.
func (b *Box) After(d time.Duration, class job.Class, name string, o *schema.Object) {
	job.Add(b.Tx, job.Job{Due: b.Tx.Now().Add(d), Class: class, Name: name, Owner: b.Owner(o)})
}

// Try runs fn in a savepoint of its own: if it returns an error, what it wrote
// is undone alone.
func (b *Box) Try(fn func(b *Box) error) error {
	return b.Tx.Savepoint(b.Tx.Now(), func(tx *store.Tx) error { return fn(b.Eng.Box(tx, b.Key, b.Who)) })
}

// Owner names an object on the timetable.
func (b *Box) Owner(o *schema.Object) job.Owner {
	return job.Owner{Array: b.Key, Kind: o.Type().Name(), ID: o.ID()}
}

// words is a type's name in running text: "consistency group" for "cons_group".
func words(t *schema.Type) string {
	words := strings.Split(t.Name(), "_")
	for i, w := range words {
		switch w {
		case "cons":
			words[i] = "consistency"
		case "qos":
			words[i] = "QoS"
		case "treeq":
			words[i] = "tree queue"
		case "lun", "ldap", "smb", "nfs", "fc", "sso", "s3", "rg":
			words[i] = strings.ToUpper(w)
		}
	}
	return strings.Join(words, " ")
}
