package lab_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// TestEveryKind is what each kind passes on its Sample and Change alone.
func TestEveryKind(t *testing.T) {
	t.Parallel()
	for _, k := range newWorld(t).cat.Kinds() {
		if k.Single {
			continue
		}
		t.Run(k.Type.Name(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			// The kind of the new world: catalogs are fresh for each lab.
			b := battery{world: w, k: w.cat.Kind(k.Type.Name())}
			w.switchOn(b.k)
			if k.Forms == nil {
				w.Make("volume") // leaves an event
				w.vasa()
				b.reads(b.first())
				if b.k.Change != nil && !b.k.Fixed {
					b.immutable(b.first())
					b.change(b.first())
					b.deletion(b.first())
				}
				return
			}
			require.NotNil(t, k.Sample, "a kind that can be created needs a sample")
			b.creation()
			o := b.creationWithDefaults()
			b.reads(o)
			b.immutable(o)
			b.change(o)
			b.deletion(o)
		})
	}
}

type battery struct {
	*world
	k *model.Kind
}

func (b battery) item(o object) string { return fmt.Sprintf("%s/%d", b.k.Path, o.id()) }

func (b battery) first() object {
	b.t.Helper()
	_, out := b.request("box-1", http.MethodGet, b.k.Path, nil)
	list := out["result"].([]any)
	require.NotEmpty(b.t, list)
	return list[0].(map[string]any)
}

func (b battery) public() []*schema.Field {
	var out []*schema.Field
	o := b.first()
	for _, f := range b.k.Type.Fields() {
		if _, there := o[f.Name]; there {
			out = append(out, f)
		}
	}
	return out
}

// creation refuses a body with a required field missing, an unknown one, or
// values of a wrong type.
func (b battery) creation() {
	b.t.Helper()
	path := b.k.Path + "?approved=true"
	body := b.k.Sample(b)
	form := b.k.Forms[len(b.k.Forms)-1]
	for _, name := range form.Required {
		less := maps.Clone(body)
		delete(less, name)
		if b.k.Type.Field(name).Default != nil {
			continue
		}
		b.refused(http.StatusBadRequest, "MISSING_REQUIRED_FIELD", http.MethodPost, path, less)
	}
	more := maps.Clone(body)
	more["evil"] = []byte("1")
	b.refused(http.StatusBadRequest, "UNKNOWN_FIELD", http.MethodPost, path, more)
	for name := range body {
		f := b.k.Type.Field(name)
		if f == nil || f.Mode() != schema.Stored || f.Wire() == schema.WireTree {
			continue
		}
		wrong := maps.Clone(body)
		wrong[name] = []byte(`{"x":1}`)
		b.refused(http.StatusBadRequest, "INVALID_FIELD_VALUE", http.MethodPost, path, wrong)
	}
	b.refused(http.StatusBadRequest, "MALFORMED_REQUEST", http.MethodPost, path, `{"name":`)
	b.refused(http.StatusBadRequest, "MALFORMED_REQUEST", http.MethodPost, path, `[1]`)
	b.refused(http.StatusBadRequest, "UNKNOWN_PARAMETER", http.MethodPost, path+"&evil=1", body)
}

// creationWithDefaults has every public field in the answer, and reads back as
// it was answered.
func (b battery) creationWithDefaults() object {
	b.t.Helper()
	status, out := b.request("box-1", http.MethodPost, b.k.Path+"?approved=true", b.k.Sample(b))
	require.Equal(b.t, http.StatusCreated, status, "%v", out["error"])
	o := object(out["result"].(map[string]any))
	for _, f := range b.k.Type.Fields() {
		_, there := o[f.Name]
		if !b.k.Type.Shows(f) {
			assert.False(b.t, there, "private %s is shown", f.Name)
		} else if f.Gate == (schema.Gate{}) {
			assert.True(b.t, there, "%s is missing", f.Name)
		}
	}
	read := b.ok(http.MethodGet, b.item(o), nil)
	if b.k.Made != nil { // it shows what a read has as null
		maps.DeleteFunc(o, func(name string, _ any) bool { return read[name] == nil })
		maps.DeleteFunc(read, func(_ string, v any) bool { return v == nil })
	}
	assert.Equal(b.t, map[string]any(o), map[string]any(read))
	return b.ok(http.MethodGet, b.item(o), nil)
}

// reads filters and sorts by every public field with every operator that
// fits, pages, projects, and refuses what makes no sense.
func (b battery) reads(o object) {
	b.t.Helper()
	for _, f := range b.public() {
		b.filters(o, f)
		for _, sort := range []string{f.Name, "-" + f.Name} {
			b.count(query("sort", sort))
		}
	}
	all := b.count("")
	b.refused(http.StatusBadRequest, "UNKNOWN_PARAMETER", http.MethodGet, b.k.Path+query("evilmonkey", "true"), nil)
	b.refused(http.StatusBadRequest, "UNKNOWN_PARAMETER", http.MethodGet, b.k.Path+query("sort", "evilmonkey"), nil)
	b.refused(http.StatusBadRequest, "INVALID_PAGE", http.MethodGet, b.k.Path+query("page", "0"), nil)
	b.refused(http.StatusBadRequest, "INVALID_PAGE", http.MethodGet, b.k.Path+query("page_size", "5000"), nil)
	b.refused(http.StatusBadRequest, "INVALID_PAGE", http.MethodGet, b.k.Path+query("page_size", "x"), nil)
	b.refused(http.StatusNotFound, string(b.k.NotFound), http.MethodGet, b.k.Path+"/987654", nil)
	b.refused(http.StatusNotFound, string(b.k.NotFound), http.MethodGet, b.k.Path+"/no-id", nil)
	b.refused(http.StatusNotFound, "PATH_NOT_FOUND", http.MethodGet, b.item(o)+"/bla", nil)
	b.refused(http.StatusBadRequest, "UNKNOWN_PARAMETER", http.MethodGet, b.item(o)+query("page", "1"), nil)

	_, out := b.request("box-1", http.MethodGet, b.k.Path+query("page", "1", "page_size", "1"), nil)
	require.Len(b.t, out["result"], 1)
	meta := out["metadata"].(map[string]any)
	assert.Equal(b.t, map[string]any{"ready": true, "number_of_objects": float64(all), "page": 1.0, "page_size": 1.0, "pages_total": float64(all)}, meta)
	_, out = b.request("box-1", http.MethodGet, b.k.Path+query("page", "1000000", "page_size", "1"), nil)
	assert.Equal(b.t, []any{}, out["result"])
	assert.Equal(b.t, float64(all), out["metadata"].(map[string]any)["number_of_objects"])

	some := b.ok(http.MethodGet, b.item(o)+query("fields", "id,evil"), nil)
	assert.Equal(b.t, object{"id": float64(o.id())}, some)
}

// count lists the collection and gives the number of all that match.
func (b battery) count(params string) int {
	b.t.Helper()
	status, out := b.request("box-1", http.MethodGet, b.k.Path+params, nil)
	require.Equal(b.t, http.StatusOK, status, "%s%s: %v", b.k.Path, params, out["error"])
	meta := out["metadata"].(map[string]any)
	n := int(meta["number_of_objects"].(float64))
	require.LessOrEqual(b.t, len(out["result"].([]any)), n)
	return n
}

// filters proves that an operator and its opposite split the collection.
func (b battery) filters(o object, f *schema.Field) {
	b.t.Helper()
	all := b.count("")
	is, not := b.count(query(f.Name, "is:null")), b.count(query(f.Name, "isnot:null"))
	assert.Equal(b.t, all, is+not, f.Name)
	v := o[f.Name]
	if v == nil || f.Wire() == schema.WireRef && v == 0.0 || f.Wire() == schema.WireTree || f.Wire() == schema.WireList {
		return
	}
	text := strings.TrimSuffix(fmt.Sprintf("%v", v), "e+00")
	if n, ok := v.(float64); ok {
		text = fmt.Sprintf("%.0f", n)
	}
	for _, pair := range [][2]string{{"eq:%s", "ne:%s"}, {"in:(%s)", "notin:(%s)"}, {"gt:%s", "le:%s"}, {"lt:%s", "ge:%s"}} {
		if strings.Contains(text, ",") {
			continue
		}
		a, c := b.count(query(f.Name, fmt.Sprintf(pair[0], text))), b.count(query(f.Name, fmt.Sprintf(pair[1], text)))
		if strings.HasPrefix(pair[0], "eq") || strings.HasPrefix(pair[0], "in") {
			assert.Equal(b.t, all, a+c, "%s %s", f.Name, pair[0])
			assert.Positive(b.t, a, "%s %s %s", f.Name, pair[0], text)
		} else {
			assert.Equal(b.t, not, a+c, "%s %s", f.Name, pair[0])
		}
	}
	assert.Positive(b.t, b.count(query(f.Name, fmt.Sprintf("between:(%s,%s)", text, text))), f.Name)
	assert.Positive(b.t, b.count(query(f.Name, text)), "plain %s", f.Name)
	if f.Wire() == schema.WireText {
		assert.Positive(b.t, b.count(query(f.Name, "like:"+text[:(len(text)+1)/2])), f.Name)
	}
}

// immutable refuses every field that a PUT may not set.
func (b battery) immutable(o object) {
	b.t.Helper()
	for _, f := range b.k.Type.Fields() {
		if b.k.Type.May(f, schema.Update) || !b.k.Type.Shows(f) {
			continue
		}
		if _, there := o[f.Name]; !there {
			continue
		}
		b.refused(http.StatusBadRequest, "IMMUTABLE_FIELD", http.MethodPut, b.item(o), object{f.Name: o[f.Name]})
	}
	b.refused(http.StatusBadRequest, "UNKNOWN_FIELD", http.MethodPut, b.item(o), object{"evil": 1})
	b.refused(http.StatusNotFound, string(b.k.NotFound), http.MethodPut, b.k.Path+"/987654", object{})
}

// change answers with the whole object, changed.
func (b battery) change(o object) {
	b.t.Helper()
	var changed object
	var body model.Body
	require.NoError(b.t, b.lab.View(b.t.Context(), "box-1", func(box *model.Box) error {
		stored, err := box.Load(b.k, o.id())
		body = b.k.Change(stored)
		return err
	}))
	changed = b.ok(http.MethodPut, b.item(o), body)
	for name := range body {
		assert.NotEqual(b.t, o[name], changed[name], name)
	}
	assert.Len(b.t, changed, len(o))
}

// deletion answers with the object as it was; a second one finds none.
func (b battery) deletion(o object) {
	b.t.Helper()
	gone := b.ok(http.MethodDelete, b.item(o)+"?approved=true", nil)
	assert.Equal(b.t, o["id"], gone["id"])
	b.refused(http.StatusNotFound, string(b.k.NotFound), http.MethodDelete, b.item(o)+"?approved=true", nil)
	b.refused(http.StatusNotFound, string(b.k.NotFound), http.MethodGet, b.item(o)+"?fields=id", nil)
}
