package scenario

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"infinisim/sim/document"
	"infinisim/sim/model"
	"infinisim/sim/replication"
	"infinisim/sim/schema"
)

// address names an object: north/volumes/goods. A replica is named by what it
// copies, north/replicas/goods, and where there are several by the array that
// it leads to as well, north/replicas/goods@south.
type address struct {
	array, kind, name, peer string
	node                    document.Node
}

// address reads an object's name. Without an array it is the given one's,
// empty for none.
func (p *parser) address(n document.Node, array string) (a address, err error) {
	text, err := n.Text()
	if err != nil {
		return a, n.Expected("the name of an object, such as box-1/volumes/v")
	}
	return p.addressOf(n, text, array)
}

func (p *parser) addressOf(n document.Node, text, array string) (a address, err error) {
	a = address{node: n, array: array}
	if _, known := p.cutKind(text); array == "" || known == "" {
		first, rest, _ := strings.Cut(text, "/")
		if a.array, err = p.estate.Array(n.Named(first)); err != nil {
			return a, err
		}
		text = rest
	}
	a.name, a.kind = p.cutKind(text)
	if a.kind == "" || a.name == "" {
		return a, n.Errorf("%q is no object, such as volumes/v or replicas/v", text)
	}
	if a.kind != replication.Replica.Name() {
		return a, nil
	}
	name, peer, ok := strings.Cut(a.name, "@")
	if ok {
		a.name = name
		a.peer, err = p.estate.Array(n.Named(peer))
	}
	return a, err
}

// cutKind cuts the path of a kind from what follows it, and gives the name of
// its type, empty for none.
func (p *parser) cutKind(text string) (rest, kind string) {
	if name, ok := strings.CutPrefix(text, "consistency_groups/"); ok {
		return name, model.ConsGroup.Name()
	}
	for _, k := range p.kinds {
		if name, ok := strings.CutPrefix(text, k[0]+"/"); ok {
			return name, k[1]
		}
	}
	return text, ""
}

// named lists the paths of the kinds whose objects have names, with those of
// their types.
func named() [][2]string {
	out := [][2]string{{"links", replication.Link.Name()}, {"replicas", replication.Replica.Name()}}
	for _, k := range model.NewCatalog().Kinds() {
		if f := k.Type.Field("name"); f != nil && f.Mode() == schema.Stored && !k.Single {
			out = append(out, [2]string{k.Path, k.Type.Name()})
		}
	}
	return out
}

// errAbsent says that no object has the name.
var errAbsent = errors.New("is not there")

// find is the id of the object and what a client would read of it.
func (r *play) find(a address) (id int64, shown map[string]any, err error) {
	err = r.lab.View(r.ctx, a.array, func(b *model.Box) error {
		k := b.Eng.Catalog.Kind(a.kind)
		var found *schema.Object
		err := b.Tx.Each(a.array, k.Type, func(o *schema.Object) (bool, error) {
			if fits, err := a.fits(b, o); err != nil || !fits {
				return true, err
			}
			if found != nil {
				return false, fmt.Errorf("several of array %s are named %s; a replica is told from another by where it leads, as in %s@box-2", a.array, a.name, a.name)
			}
			found = o
			return true, nil
		})
		if err != nil {
			return err
		}
		if found == nil {
			return errAbsent
		}
		id = found.ID()
		raw, err := b.Render(found)
		if err != nil {
			return err
		}
		return json.Unmarshal(raw, &shown)
	})
	return id, shown, err
}

// fits reports whether an object has the address's name.
func (a address) fits(b *model.Box, o *schema.Object) (bool, error) {
	if o.Type() != replication.Replica {
		return textOf(o, "name") == a.name, nil
	}
	names := []*schema.Field{replication.ReplicaLocalName.Field(), replication.ReplicaLocalCGName.Field()}
	raw, err := b.RenderFields(b.Kind(o), o, names)
	if err != nil {
		return false, err
	}
	var shown struct {
		Entity *string `json:"local_entity_name"`
		Group  *string `json:"local_cg_name"`
	}
	if err := json.Unmarshal(raw, &shown); err != nil {
		return false, err
	}
	named := shown.Entity != nil && *shown.Entity == a.name || shown.Group != nil && *shown.Group == a.name
	if !named || a.peer == "" {
		return named, nil
	}
	link, err := b.Must(replication.Link, replication.ReplicaLink.Get(o))
	return err == nil && replication.Peer(link) == a.peer, err
}

func textOf(o *schema.Object, field string) string {
	var text string
	if json.Unmarshal(o.Raw(o.Type().Field(field)), &text) != nil {
		return ""
	}
	return text
}

// reference is a place in a text for a value: ${name} for what a step saved,
// ${volumes/v} for an object's id.
var reference = regexp.MustCompile(`\$\{([^}]*)\}`)

// references refuses places for what nothing saved and for what is no object.
func (p *parser) references(n document.Node, array string) error {
	for _, pair := range n.Pairs() {
		if err := p.references(pair.Value, array); err != nil {
			return err
		}
	}
	for _, item := range n.Items() {
		if err := p.references(item, array); err != nil {
			return err
		}
	}
	if !n.IsText() {
		return nil
	}
	for _, m := range reference.FindAllStringSubmatch(fmt.Sprint(n.Value()), -1) {
		if p.saved[m[1]] {
			continue
		}
		if !strings.Contains(m[1], "/") {
			return n.Errorf("${%s}: no step before saved it", m[1])
		}
		if _, err := p.addressOf(n, m[1], array); err != nil {
			return err
		}
	}
	return nil
}

// fill puts values in the places of texts, in lists and mappings too. A text
// that is nothing but a place becomes the value.
func (r *play) fill(n document.Node, v any, array string) (any, error) {
	switch v := v.(type) {
	case []any:
		for i := range v {
			var err error
			if v[i], err = r.fill(n, v[i], array); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range v {
			var err error
			if v[key], err = r.fill(n, v[key], array); err != nil {
				return nil, err
			}
		}
	case string:
		if m := reference.FindStringSubmatch(v); m != nil && m[0] == v {
			return r.valueOf(n, m[1], array)
		}
		return r.fillText(n, v, array)
	}
	return v, nil
}

func (r *play) fillText(n document.Node, text, array string) (string, error) {
	var failed error
	out := reference.ReplaceAllStringFunc(text, func(ref string) string {
		v, err := r.valueOf(n, ref[2:len(ref)-1], array)
		failed = errors.Join(failed, err)
		return fmt.Sprint(v)
	})
	return out, failed
}

// valueOf is what a step saved, or an object's id.
func (r *play) valueOf(n document.Node, name, array string) (any, error) {
	if v, ok := r.saved[name]; ok {
		return v, nil
	}
	a, err := r.parser.addressOf(n, name, array)
	if err != nil {
		return nil, err
	}
	id, _, err := r.find(a)
	if err != nil {
		return nil, r.fail(n, fmt.Sprintf("%s of array %s", name, a.array), err.Error())
	}
	return id, nil
}
