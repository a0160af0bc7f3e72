package model

import (
	"encoding/json"
	"net/http"

	"infinisim/sim/apierr"
	"infinisim/sim/data"
	"infinisim/sim/job"
	"infinisim/sim/schema"
)

// Kind is an object type with its behaviour: the fields, what a client may do
// with them, and what happens when it does. A kind is declared once, in a file
// of its own.
type Kind struct {
	// Type has the fields.
	Type *schema.Type
	// Path is the collection under /api/rest, such as "volumes".
	Path string
	// NotFound is the code for an id that no object of the kind has.
	NotFound apierr.Code
	// Conflict is the code for a unique value that another object has.
	Conflict apierr.Code
	// Gate closes the kind on arrays that do not have it.
	Gate schema.Gate
	// Forms are the ways to create one, the first that fits counts. A kind
	// without forms cannot be created by a client.
	Forms []Form
	// Fixed kinds refuse PUT and DELETE by a client.
	Fixed bool
	// Single kinds have one object and routes of their own alone.
	Single bool
	// Least is the least role that creates, updates and deletes, and that the
	// kind's routes need which write and do not say; LeastUpdate is that for
	// updates where it differs.
	Least, LeastUpdate string
	// InPool finds the pool that an object is in: pools' administrators change
	// what is in theirs. nil means that the kind is in none.
	InPool func(b *Box, o *schema.Object) (int64, error)
	// Most is how many objects an array has, 0 for any number; TooMany is the
	// code for one more.
	Most    int64
	TooMany apierr.Code
	// ApproveDelete demands approved=true for a DELETE.
	ApproveDelete bool
	// CreateParams, UpdateParams and DeleteParams are the query parameters
	// that the requests know besides approved.
	CreateParams, UpdateParams, DeleteParams []string
	// ListParams are the switches that a collection's GET knows besides its
	// query language.
	ListParams []string
	// Hooks are the kind's own behaviour.
	Hooks Hooks
	// Computed says how each computed field is worked out.
	Computed map[*schema.Field]Compute
	// Answer does a client's DELETE and gives its answer; nil answers with the
	// object as it was.
	Answer func(b *Box, o *schema.Object, in *Input) (any, error)
	// Made gives the answer of a creation that shows more than a read does; nil
	// answers with the object.
	Made func(b *Box, o *schema.Object, in *Input) (any, error)
	// Hidden is the stored field that, where it is true, leaves an object out of
	// the collection; nil hides none.
	Hidden *schema.Field
	// Hides reports whether any object is hidden now; it goes with Hidden.
	Hides func(b *Box) bool
	// Sees is what a caller sees of the kind's objects, nil for all: the others
	// are in no answer, and not found by their ids.
	Sees func(b *Box) *schema.Filter
	// NextID gives the id of a new object; nil draws from the array's one
	// sequence.
	NextID func(b *Box) int64
	// Routes are the requests beyond create, read, update, delete.
	Routes []Route
	// Sample is a valid creation in a world that makes its parents.
	Sample func(w World) Body
	// Change is a valid update of what Sample made.
	Change func(o *schema.Object) Body
}

// Body is a request's JSON object, undecoded.
type Body map[string]json.RawMessage

// NewBody encodes values as a body; it panics on what JSON cannot hold.
func NewBody(values map[string]any) Body {
	b := Body{}
	for k, v := range values {
		raw, err := json.Marshal(v)
		if err != nil {
			panic("model: body: " + err.Error())
		}
		b[k] = raw
	}
	return b
}

// Has reports whether the client sent the key with a value other than null.
func (b Body) Has(key string) bool {
	raw, ok := b[key]
	return ok && string(raw) != "null"
}

// Form is one way to create an object of a kind.
type Form struct {
	// Name is for error messages: "a snapshot".
	Name string
	// When picks the form; nil fits every body.
	When func(Body) bool
	// Required are the keys that must be there.
	Required []string
	// Extra are keys that are no fields of the type; the hooks read them.
	Extra []string
	// Refused are fields that this form does not take.
	Refused []string
}

// Hooks are optional functions, one for each moment, inside the request's
// savepoint. A hook that returns an error ends the request and undoes it.
type Hooks struct {
	BeforeCreate func(b *Box, o *schema.Object, in *Input) error
	AfterCreate  func(b *Box, o *schema.Object, in *Input) error
	BeforeUpdate func(b *Box, old, o *schema.Object, in *Input) error
	AfterUpdate  func(b *Box, old, o *schema.Object, in *Input) error
	BeforeDelete func(b *Box, o *schema.Object, in *Input) error
	AfterDelete  func(b *Box, o *schema.Object, in *Input) error
}

// Compute works out a field that no row stores; the result is what JSON
// encodes.
type Compute func(b *Box, o *schema.Object) (any, error)

// Moment is when a guard is asked.
type Moment string

// The moments of the engine; every route's name is a moment too.
const (
	OnCreate Moment = "create"
	OnUpdate Moment = "update"
	OnDelete Moment = "delete"
	// OnWrite is a host's write to a dataset.
	OnWrite Moment = "write"
)

// Guard is a refusal that another package adds to a kind. old is nil but for
// OnUpdate.
type Guard func(b *Box, m Moment, old, o *schema.Object) error

// Route is a request beyond create, read, update and delete of a kind.
type Route struct {
	// Name is the moment that guards are asked about; empty asks none.
	Name Moment
	// Method is the HTTP method.
	Method string
	// Path is the whole path under /api/rest; "{id}" is the object's id.
	Path string
	// Reads says that nothing is written; everybody may read.
	Reads bool
	// Least is the least role that may make the request, empty for the kind's.
	Least string
	// Creates says that it makes an object, and answers as a creation does.
	Creates bool
	// Upload says that the body is a form with a file: Input.File.
	Upload bool
	// Params are the query parameters that the route knows.
	Params []string
	// Filters names the type whose query language the route speaks.
	Filters *schema.Type
	// Anonymous routes need no session.
	Anonymous bool
	// Needs closes the route on arrays without it.
	Needs schema.Gate
	// Do answers. o is nil where the path has no {id}.
	Do func(b *Box, o *schema.Object, in *Input) (any, error)
}

// Input is one request as hooks and routes see it.
type Input struct {
	Request
	// Body is the JSON object that was sent, nil for none.
	Body Body
	// Form is the way of creation.
	Form *Form
}

// World makes the parents of a sample.
type World interface {
	// Make creates an object of the named kind from its own Sample and returns
	// its id.
	Make(kind string) int64
	// Name is a name that nothing else has.
	Name() string
	// Peer is an address of another array's replication space.
	Peer() string
	// PeerPool is a pool of the array that a link leads to.
	PeerPool(link int64) int64
	// VVolPool is a pool for vvols, PeerVVolPool one of the array that a link
	// leads to.
	VVolPool() int64
	PeerVVolPool(link int64) int64
	// Text reads a stored field of an object that Make returned.
	Text(kind string, id int64, field string) string
}

// Catalog is the kinds of a lab, in an order that never changes.
type Catalog struct {
	kinds   []*Kind
	byType  map[string]*Kind
	guards  map[string][]Guard
	routes  []Route
	writes  []func(b *Box, o *schema.Object, im data.Image) error
	streams []func(b *Box, o *schema.Object) error
	joins   []Membership
	leaves  []Membership
	format  []func(b *Box) error
	blocks  []func(b *Box) ([]string, error)
	work    map[string]Work
}

// Work is what a job of an object does when it falls due. An object that is
// gone has no jobs.
type Work func(b *Box, o *schema.Object, j job.Job) error

// OnDue says who does the jobs of a name.
func (c *Catalog) OnDue(name string, do Work) { c.work[name] = do }

// Kind finds a kind by its type's name. It panics for a name that is no kind:
// a programmer's mistake.
func (c *Catalog) Kind(typeName string) *Kind {
	k := c.byType[typeName]
	if k == nil {
		panic("model: no kind " + typeName)
	}
	return k
}

// Kinds lists all kinds. The caller must not change the list.
func (c *Catalog) Kinds() []*Kind { return c.kinds }

// Types lists the types of all kinds.
func (c *Catalog) Types() []*schema.Type {
	out := make([]*schema.Type, len(c.kinds))
	for i, k := range c.kinds {
		out[i] = k.Type
	}
	return out
}

// Routes lists the requests that belong to no single kind and those of the
// kinds.
func (c *Catalog) Routes() []Route {
	n := len(c.routes)
	for _, k := range c.kinds {
		n += len(k.Routes)
	}
	out := append(make([]Route, 0, n), c.routes...)
	for _, k := range c.kinds {
		for _, r := range k.Routes {
			if r.Needs == (schema.Gate{}) {
				r.Needs = k.Gate
			}
			if r.Least == "" {
				r.Least = k.Least
			}
			out = append(out, r)
		}
	}
	for i := range out {
		if out[i].Reads {
			out[i].Least = RoleReadOnly
		}
	}
	return out
}

// Add puts kinds in the catalog. It panics if a type is there already.
func (c *Catalog) Add(kinds ...*Kind) {
	for _, k := range kinds {
		if c.byType[k.Type.Name()] != nil {
			panic("model: two kinds " + k.Type.Name())
		}
		c.kinds = append(c.kinds, k)
		c.byType[k.Type.Name()] = k
	}
}

// AddRoutes puts requests in the catalog that belong to no kind.
func (c *Catalog) AddRoutes(routes ...Route) { c.routes = append(c.routes, routes...) }

// Guard adds a refusal to a kind; guards are asked in the order of adding.
func (c *Catalog) Guard(typeName string, g Guard) {
	c.Kind(typeName)
	c.guards[typeName] = append(c.guards[typeName], g)
}

// Post declares an action on one object: POST path/{id}/name.
func Post(k *Kind, name string, do func(b *Box, o *schema.Object, in *Input) (any, error)) Route {
	return Route{Name: Moment(name), Method: http.MethodPost, Path: k.Path + "/{id}/" + name, Do: do}
}
