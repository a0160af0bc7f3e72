// Package estate reads a description of arrays and what they hold, and makes
// it so, by the arrays' own operations.
package estate

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"infinisim/sim/clock"
	"infinisim/sim/document"
	"infinisim/sim/lab"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// Estate is a description that was read: arrays, their objects, links and
// replicas.
type Estate struct {
	form
	node     document.Node
	arrays   []arrayPlan
	links    []linkPlan
	replicas []object
	faults   []Fault
}

// form is an estate as it is written.
type form struct {
	Seed    *uint64   `yaml:"seed"`
	Profile string    `yaml:"profile"`
	Limits  string    `yaml:"limits"`
	First   int       `yaml:"first"`
	Clock   clockForm `yaml:"clock"`
	// The lists are read one by one.
	Arrays   document.Node `yaml:"arrays,required"`
	Links    document.Node `yaml:"links"`
	Replicas document.Node `yaml:"replicas"`
	Faults   document.Node `yaml:"faults"`
	Settle   bool          `yaml:"settle"`
}

// clockForm is the clock as it is written.
type clockForm struct {
	Start time.Time `yaml:"start"`
	Mode  string    `yaml:"mode"`
	Speed float64   `yaml:"speed"`
}

// arrayPlan is an array that is to be made, with its objects.
type arrayPlan struct {
	node     document.Node
	setup    lab.ArraySetup
	features []document.Pair
	objects  []object
}

// Read reads a file. It returns a document.Error for what is no estate.
func Read(file string) (*Estate, error) {
	raw, err := os.ReadFile(file) //nolint:gosec // the file that the user names
	if err != nil {
		return nil, err
	}
	return Parse(file, raw)
}

// Parse reads a text; the file's name is for errors alone. JSON is YAML too. It
// returns a document.Error for what is no estate.
func Parse(file string, raw []byte) (*Estate, error) {
	n, err := document.Parse(file, raw)
	if err != nil {
		return nil, err
	}
	return From(n)
}

// From reads a part of a document. It returns a document.Error for what is no
// estate.
func From(n document.Node) (*Estate, error) {
	e := &Estate{node: n}
	if err := n.Into(&e.form); err != nil {
		return nil, err
	}
	if err := e.checkForm(n); err != nil {
		return nil, err
	}
	kinds := sections()
	for _, item := range e.Arrays.Items() {
		a, err := readArray(item, kinds)
		if err != nil {
			return nil, err
		}
		e.arrays = append(e.arrays, a)
	}
	for _, item := range e.Links.Items() {
		l, err := readLink(item, e)
		if err != nil {
			return nil, err
		}
		e.links = append(e.links, l)
	}
	for _, item := range e.Replicas.Items() {
		some, err := readReplica(item, e)
		if err != nil {
			return nil, err
		}
		e.replicas = append(e.replicas, some...)
	}
	for _, item := range e.Faults.Items() {
		one, err := e.ReadFault(item)
		if err != nil {
			return nil, err
		}
		e.faults = append(e.faults, one)
	}
	return e, nil
}

func (e *Estate) checkForm(n document.Node) error {
	for _, list := range []document.Node{e.Arrays, e.Links, e.Replicas, e.Faults} {
		if list.There() && !list.IsList() {
			return list.Expected("a list")
		}
	}
	if _, err := model.ProfileByName(e.Profile); err != nil {
		return n.Get("profile").Errorf("%v", err)
	}
	when := n.Get("clock")
	switch {
	case !slices.Contains([]string{"", "on", "off"}, e.Limits):
		return n.Get("limits").Expected("on or off")
	case e.First < 0 || e.First == 0 && n.Get("first").There():
		return n.Get("first").Expected("a number from 1 on")
	case !slices.Contains([]string{"", "manual", "system"}, e.Clock.Mode):
		return when.Get("mode").Expected("manual or system")
	case when.Get("start").There() && clock.FromTime(e.Clock.Start) <= 0:
		return when.Get("start").Expected("a time after 1970")
	case when.Get("speed").There() && (e.Clock.Speed <= 0 || e.Clock.Mode != "system"):
		return when.Get("speed").Errorf("a speed is above 0, and goes with the mode system")
	}
	return nil
}

// Set puts into the options what the estate says of a lab: seed, profile,
// limits, the number of the first array, the clock.
func (e *Estate) Set(o *lab.Options) {
	if e.Seed != nil {
		o.Seed = *e.Seed
	}
	if e.Profile != "" {
		o.Profile = e.Profile
	}
	if e.Limits != "" {
		o.NoLimits = e.Limits == "off"
	}
	if e.First != 0 {
		o.First = e.First
	}
	if e.Clock == (clockForm{}) {
		return
	}
	start, speed := clock.Epoch, 0.0
	if o.Clock != nil {
		start, speed = o.Clock.Now(), o.Clock.Speed()
	}
	if !e.Clock.Start.IsZero() {
		start = clock.FromTime(e.Clock.Start)
	}
	switch e.Clock.Mode {
	case "manual":
		speed = 0
	case "system":
		if speed = e.Clock.Speed; speed == 0 {
			speed = 1
		}
	}
	o.Clock = clock.NewManual(start)
	if speed > 0 {
		o.Clock = clock.NewSystem(start, speed)
	}
}

// Build makes a lab of its own, as lab.Build does: all of the estate, or
// nothing. It returns a document.Error for what the arrays refuse, with the
// place in the file.
func (e *Estate) Build(ctx context.Context, o lab.Options) (*lab.Lab, error) {
	e.Set(&o)
	return lab.BuildWith(ctx, o, e.Fill)
}

// Plan is the plan of a lab of this name.
func (e *Estate) Plan(name string) lab.Plan { return lab.Plan{Name: name, Set: e.Set, Fill: e.Fill} }

// index is the place of an array that is named by its name or its key, -1 for
// none.
func (e *Estate) index(name string) int {
	for i := range e.arrays {
		if name != "" && (e.arrays[i].setup.Name == name || e.key(i) == name) {
			return i
		}
	}
	return -1
}

// Array reads the name of an array, or its key, and gives the key.
func (e *Estate) Array(n document.Node) (string, error) {
	i, err := e.array(n)
	if err != nil {
		return "", err
	}
	return e.key(i), nil
}

// Keys lists the keys of the arrays.
func (e *Estate) Keys() []string {
	out := make([]string, len(e.arrays))
	for i := range e.arrays {
		out[i] = e.key(i)
	}
	return out
}

// array reads the name of an array and finds its place.
func (e *Estate) array(n document.Node) (int, error) {
	name, err := n.Text()
	if err != nil {
		return 0, err
	}
	if i := e.index(name); i >= 0 {
		return i, nil
	}
	var names []string
	for i, a := range e.arrays {
		names = append(names, e.key(i))
		if a.setup.Name != "" {
			names = append(names, a.setup.Name)
		}
	}
	return 0, n.Errorf("%q is no array, the estate has %s", name, strings.Join(names, ", "))
}

// readArray reads an array and lists its objects.
func readArray(n document.Node, kinds []section) (a arrayPlan, err error) {
	a.node = n
	keys := []string{"name", "profile", "serial", "features"}
	for _, s := range kinds {
		keys = append(keys, s.key)
	}
	if err := n.Only(keys...); err != nil {
		return a, err
	}
	for key, to := range map[string]any{"name": &a.setup.Name, "profile": &a.setup.Profile, "serial": &a.setup.Serial} {
		if v := n.Get(key); v.There() {
			if err := v.Into(to); err != nil {
				return a, err
			}
		}
	}
	if _, err := model.ProfileByName(a.setup.Profile); err != nil {
		return a, n.Get("profile").Errorf("%v", err)
	}
	features := n.Get("features")
	if features.There() && !features.IsMap() {
		return a, features.Expected("a mapping of names to true or false")
	}
	for _, p := range features.Pairs() {
		if _, err := p.Value.Bool(); err != nil {
			return a, err
		}
		a.features = append(a.features, p)
	}
	for _, s := range kinds {
		list := n.Get(s.key)
		if list.There() && !list.IsList() {
			return a, list.Expected("a list")
		}
		for _, item := range list.Items() {
			some, err := expand(item, s.kind)
			if err != nil {
				return a, err
			}
			a.objects = append(a.objects, some...)
		}
	}
	return a, nil
}

// section is the list of one kind of objects in an array.
type section struct {
	key  string
	kind *model.Kind
}

// sections are what an array can have, in the order in which it is made: that
// of the catalog.
func sections() []section {
	var out []section
	for _, k := range model.NewCatalog().Kinds() {
		if k.Forms == nil || k.Single || k.Type == model.VVol {
			continue
		}
		key := strings.ReplaceAll(k.Path, "/", "_")
		if k.Type == model.ConsGroup {
			key = "consistency_groups"
		}
		out = append(out, section{key, k})
	}
	return out
}

// nameField is the field by which objects of a type are found, nil for none.
func nameField(t *schema.Type) *schema.Field {
	if f := t.Field("name"); f != nil && f.Indexed() {
		return f
	}
	return nil
}
