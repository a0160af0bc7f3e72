package model

import (
	"encoding/json"
	"strings"

	"infinisim/sim/journal"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// Shown is an object as JSON; Plain says that none of its members has the name
// of a secret.
type Shown struct {
	JSON  json.RawMessage
	Plain bool
}

// Size is about how many bytes it takes.
func (s Shown) Size() int { return len(s.JSON) }

// Show gives an object that the caller may see with the given fields, nil for
// all.
func (b *Box) Show(k *Kind, id int64, fields []*schema.Field) (Shown, error) {
	if len(b.sees(k)) > 0 {
		if _, err := b.Seen(k, id); err != nil {
			return Shown{}, err
		}
	}
	return b.shownAs(memoName(k, fields), k, id, fields)
}

func (b *Box) shownAs(name string, k *Kind, id int64, fields []*schema.Field) (Shown, error) {
	return store.Memo(b.Tx, store.Name{Group: name, Array: b.Key, ID: id}, func() (Shown, error) {
		o, err := b.Load(k, id)
		if err != nil {
			return Shown{}, err
		}
		raw, err := b.RenderFields(k, o, fields)
		return Shown{JSON: raw, Plain: !journal.NamesSecret(string(raw))}, err
	})
}

// memoName tells apart what is kept of the objects of a kind.
func memoName(k *Kind, fields []*schema.Field) string {
	if fields == nil {
		return k.Type.Name()
	}
	var name strings.Builder
	name.WriteString(k.Type.Name())
	for _, f := range fields {
		name.WriteByte(',')
		name.WriteString(f.Name)
	}
	return name.String()
}

func (b *Box) publicFields(k *Kind) []*schema.Field {
	list := func() []*schema.Field {
		out := make([]*schema.Field, 0, len(k.Type.Fields()))
		for _, f := range k.Type.Fields() {
			if k.Type.Shows(f) && b.Open(f) {
				out = append(out, f)
			}
		}
		return out
	}
	if !b.Tx.ReadOnly() { // a writer may change the release
		return list()
	}
	shown := b.shown[k]
	if shown == nil {
		shown = &once[[]*schema.Field]{}
		if b.shown == nil {
			b.shown = map[*Kind]*once[[]*schema.Field]{}
		}
		b.shown[k] = shown
	}
	out, _ := shown.get(b.Tx, func() ([]*schema.Field, error) {
		return store.Memo(b.Tx, store.Name{Group: "shown " + k.Type.Name(), Array: b.Key}, func() ([]*schema.Field, error) { return list(), nil })
	})
	return out
}
