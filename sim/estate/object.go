package estate

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/document"
	"infinisim/sim/model"
	"infinisim/sim/replication"
	"infinisim/sim/schema"
)

// object is one object that is to be made. Of an entry with a count there are
// many, with an index each.
type object struct {
	node   document.Node
	kind   *model.Kind
	index  int64
	parts  parts
	snaps  []object
	array  int // of a replica
	target int // the array that a replica leads to
}

// parts are what an entry has besides the members of the array's own request.
type parts struct {
	Write     []writeForm     `yaml:"write"`
	Workload  *Workload       `yaml:"workload"`
	Snapshots document.Node   `yaml:"snapshots"`
	Metadata  document.Node   `yaml:"metadata"`
	Members   []document.Node `yaml:"members"`
	Ports     []document.Node `yaml:"ports"`
	LUNs      []document.Node `yaml:"luns"`
	Hosts     []document.Node `yaml:"hosts"`
	Schedules []document.Node `yaml:"schedules"`
}

// writeForm is a host's write as it is written.
type writeForm struct {
	Offset document.Size `yaml:"offset"`
	Length document.Size `yaml:"length,required"`
	Seed   uint64        `yaml:"seed"`
}

const (
	keyCount = "count"
	keyFirst = "first"
)

// mostObjects keeps a slip in a count from making millions.
const mostObjects = 1_000_000

// partsOf are the members of an entry that no request of the array has.
func partsOf(t *schema.Type) []string {
	switch t {
	case model.Volume, model.Filesystem:
		return []string{"write", "workload", "snapshots", "metadata"}
	case model.ConsGroup:
		return []string{"members", "metadata"}
	case model.Host:
		return []string{"ports", "luns", "metadata"}
	case model.Cluster:
		return []string{"hosts", "luns", "metadata"}
	case model.SnapshotPolicy:
		return []string{"schedules", "metadata"}
	case model.User, replication.Replica:
		return nil
	}
	return []string{"metadata"}
}

// placeholder is where the number of an object goes.
var placeholder = regexp.MustCompile(`%(0\d{1,2})?d`)

// expand reads an entry and lists the objects that it stands for.
func expand(n document.Node, k *model.Kind) ([]object, error) {
	if err := n.Only(keysOf(k)...); err != nil {
		return nil, err
	}
	count, first := int64(1), int64(1)
	for key, to := range map[string]*int64{keyCount: &count, keyFirst: &first} {
		if v := n.Get(key); v.There() {
			var err error
			if *to, err = v.Int(); err != nil {
				return nil, err
			}
		}
	}
	many := n.Get(keyCount).There()
	name := n.Get("name")
	switch {
	case count < 1 || count > mostObjects:
		return nil, n.Get(keyCount).Expected(fmt.Sprintf("a number from 1 to %d", mostObjects))
	case first < 0 || !many && n.Get(keyFirst).There():
		return nil, n.Get(keyFirst).Errorf("a first number is not negative, and goes with count")
	case many && name.There() && (!name.IsText() || !placeholder.MatchString(fmt.Sprint(name.Value()))):
		return nil, name.Errorf("%d objects need a place for their number in the name, such as vol-%%04d", count)
	}
	one := object{node: n, kind: k}
	if err := one.readParts(); err != nil {
		return nil, err
	}
	out := make([]object, 0, count)
	for i := range count {
		each := one
		each.index = -1
		if many {
			each.index = first + i
		}
		out = append(out, each)
	}
	return out, nil
}

// readParts reads what the entry has besides the array's own members.
func (o *object) readParts() error {
	names := partsOf(o.kind.Type)
	for key, to := range map[string]any{
		"write": &o.parts.Write, "workload": &o.parts.Workload, "snapshots": &o.parts.Snapshots, "metadata": &o.parts.Metadata,
		"members": &o.parts.Members, "ports": &o.parts.Ports, "luns": &o.parts.LUNs, "hosts": &o.parts.Hosts, "schedules": &o.parts.Schedules,
	} {
		if v := o.node.Get(key); v.There() && slices.Contains(names, key) {
			if err := v.Into(to); err != nil {
				return err
			}
		}
	}
	if o.parts.Metadata.There() && !o.parts.Metadata.IsMap() {
		return o.parts.Metadata.Expected("a mapping")
	}
	if o.parts.Snapshots.There() && !o.parts.Snapshots.IsList() {
		return o.parts.Snapshots.Expected("a list")
	}
	for _, item := range o.parts.Snapshots.Items() {
		some, err := expand(item, o.kind)
		if err != nil {
			return err
		}
		o.snaps = append(o.snaps, some...)
	}
	return nil
}

// keysOf are the members that an entry of a kind can have: what its creation
// takes, references by name too, and the parts.
func keysOf(k *model.Kind) []string {
	out := []string{}
	for _, f := range k.Type.Fields() {
		if !k.Type.May(f, schema.Create) {
			continue
		}
		if short, ok := strings.CutSuffix(f.Name, "_id"); ok && f.Wire() == schema.WireRef {
			out = append(out, short)
		}
		out = append(out, f.Name)
	}
	for _, form := range k.Forms {
		for _, name := range append(slices.Clone(form.Extra), form.Required...) {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	for _, name := range append(partsOf(k.Type), keyCount, keyFirst) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// fill puts the object's number in the places of a text.
func (o *object) fill(text string) string {
	if o.index < 0 {
		return text
	}
	return placeholder.ReplaceAllStringFunc(text, func(verb string) string { return fmt.Sprintf(verb, o.index) })
}

// value is a node with the number of the object in its texts.
func (o *object) value(v any) any {
	switch v := v.(type) {
	case string:
		return o.fill(v)
	case []any:
		for i := range v {
			v[i] = o.value(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = o.value(v[key])
		}
	}
	return v
}

// missing is a name that no object has yet.
type missing struct{ at error }

// Error names it.
func (m *missing) Error() string { return m.at.Error() }

// Unwrap is the place in the file.
func (m *missing) Unwrap() error { return m.at }

// body is the request that makes the object. It returns missing for a name
// that no object of the array has.
func (o *object) body(b *model.Box) (model.Body, error) {
	body := model.Body{}
	for _, p := range o.node.Pairs() {
		if slices.Contains(partsOf(o.kind.Type), p.Key) || p.Key == keyCount || p.Key == keyFirst {
			continue
		}
		name, v := p.Key, o.value(p.Value.Value())
		f := o.kind.Type.Field(name)
		if f == nil {
			if ref := o.kind.Type.Field(name + "_id"); ref != nil && ref.Wire() == schema.WireRef {
				name, f = name+"_id", ref
			}
		}
		if text, ok := v.(string); ok && f != nil {
			var err error
			if v, err = o.convert(b, f, p.Value, text); err != nil {
				return nil, err
			}
		}
		raw, err := json.Marshal(v)
		if err != nil {
			return nil, p.Value.Errorf("%v", err)
		}
		body[name] = raw
	}
	return body, nil
}

// convert makes of a text what the array wants there: the id of an object that
// is named, bytes of 10TB, milliseconds of 30s.
func (o *object) convert(b *model.Box, f *schema.Field, n document.Node, text string) (any, error) {
	switch f.Wire() {
	case schema.WireRef:
		kind := f.Refers()
		if kind == "" { // a parent is of the same kind
			kind = o.kind.Type.Name()
		}
		return find(b, n, text, kind)
	case schema.WireInt:
		if size, ok := document.ParseSize(text); ok {
			return size, nil
		}
		if d, err := time.ParseDuration(text); err == nil {
			return d.Milliseconds(), nil
		}
	}
	return text, nil
}

// find is the id of the object of one of the kinds that has a name.
func find(b *model.Box, n document.Node, name string, kinds ...string) (int64, error) {
	for _, kind := range kinds {
		i := slices.IndexFunc(b.Eng.Catalog.Types(), func(t *schema.Type) bool { return t.Name() == kind })
		if i < 0 || nameField(b.Eng.Catalog.Types()[i]) == nil {
			return 0, n.Errorf("%q: objects of the kind %s have no names, an id is needed", name, kind)
		}
		t := b.Eng.Catalog.Types()[i]
		if ids := b.Tx.IDsBy(b.Key, t, nameField(t), schema.TextValue(name)); len(ids) > 0 {
			return ids[0], nil
		}
	}
	return 0, &missing{n.Errorf("no %s of array %s is named %q", strings.ReplaceAll(strings.Join(kinds, " or "), "_", " "), b.Key, name)}
}

// refused is what an array says, with the place in the file.
func refused(n document.Node, err error) error {
	e, ok := apierr.As(err)
	if !ok {
		if document.As(err) != nil {
			return err
		}
		return n.Errorf("%v", err)
	}
	at := n.Near(e.Subject)
	if at.Field() == n.Field() {
		at = n.Near(strings.TrimSuffix(e.Subject, "_id"))
	}
	return at.Errorf("%v", e)
}
