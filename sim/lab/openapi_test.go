package lab_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/model"
)

// restDocument is the description of the first array's REST API, whose schemas
// answers are held against.
type restDocument struct {
	*world
	paths    map[string]map[string]any
	compiler *jsonschema.Compiler
}

func (w *world) document() restDocument {
	w.t.Helper()
	doc, err := w.lab.OpenAPI(w.t.Context(), "box-1")
	require.NoError(w.t, err)
	plain := parsedJSON(w.t, doc)
	c := jsonschema.NewCompiler()
	require.NoError(w.t, c.AddResource("rest.json", plain))
	d := restDocument{world: w, compiler: c, paths: map[string]map[string]any{}}
	for path, methods := range plain["paths"].(map[string]any) {
		d.paths[strings.TrimPrefix(path, "/api/rest/")] = methods.(map[string]any)
	}
	return d
}

// fits holds the answer to a request against what is said of it.
func (d restDocument) fits(method, path, request string) any {
	d.t.Helper()
	status, out := d.request("box-1", method, request, nil)
	s, err := d.compiler.Compile("rest.json#" + d.answer(method, path, status) + "/content/application~1json/schema")
	require.NoError(d.t, err)
	assert.NoError(d.t, s.Validate(map[string]any(out)), "%s %s", method, request)
	return out["result"]
}

// answer points at the description of an answer.
func (d restDocument) answer(method, path string, status int) string {
	d.t.Helper()
	responses := d.paths[path][strings.ToLower(method)].(map[string]any)["responses"].(map[string]any)
	said, ok := responses[fmt.Sprint(status)].(map[string]any)
	require.True(d.t, ok, "%s %s is not said to answer %d", method, path, status)
	if to, ok := said["$ref"].(string); ok {
		return strings.TrimPrefix(to, "#")
	}
	return operationAt(method, path) + "/responses/" + fmt.Sprint(status)
}

// operationAt points at the description of a request.
func operationAt(method, path string) string {
	escaped := strings.ReplaceAll(strings.ReplaceAll("/api/rest/"+path, "~", "~0"), "/", "~1")
	return "/paths/" + url.PathEscape(escaped) + "/" + strings.ToLower(method)
}

// TestOpenAPI_answersAreAsSaid reads every collection, and one object of each,
// of an array that has one of every kind.
func TestOpenAPI_answersAreAsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, k := range w.cat.Kinds() {
		if !k.Single && k.Forms != nil {
			w.switchOn(k)
			w.Make(k.Type.Name())
		}
	}
	d := w.document()
	read, objects := 0, 0
	for path, methods := range d.paths {
		if methods["get"] == nil || strings.Contains(path, "{") {
			continue
		}
		read++
		list, ok := d.fits(http.MethodGet, path, path).([]any)
		if !ok || len(list) == 0 || d.paths[path+"/{id}"]["get"] == nil {
			continue
		}
		objects++
		d.fits(http.MethodGet, path+"/{id}", fmt.Sprintf("%s/%v", path, list[0].(map[string]any)["id"]))
		d.fits(http.MethodGet, path+"/{id}", path+"/999999999")
	}
	t.Logf("%d collections and single objects, %d objects", read, objects)
	assert.Greater(t, read, 60)
	assert.Greater(t, objects, 30)
}

// TestOpenAPI_hasWhatIsServed finds in the description every request whose gate
// is open, and none whose gate is closed.
func TestOpenAPI_hasWhatIsServed(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"8.6", "7.2"} {
		w := newWorldAs(t, profile)
		d := w.document()
		for _, k := range w.cat.Kinds() {
			if k.Single {
				continue
			}
			open := false
			require.NoError(t, w.lab.View(t.Context(), "box-1", func(b *model.Box) error { open = k.Gate.Open(b.Release()); return nil }))
			assert.Equal(t, open, d.paths[k.Path]["get"] != nil, k.Path)
			assert.Equal(t, open && k.Forms != nil, d.paths[k.Path]["post"] != nil, k.Path)
			for _, f := range k.Type.Fields() {
				if open && f.Gate.Feature != "" {
					status, _ := w.request("box-1", http.MethodGet, k.Path+"?sort="+f.Name, nil)
					assert.Equal(t, status == http.StatusOK, d.hasParameter(k.Path, f.Name), "%s.%s", k.Path, f.Name)
				}
			}
		}
	}
}

func (d restDocument) hasParameter(path, name string) bool {
	for _, p := range d.paths[path]["get"].(map[string]any)["parameters"].([]any) {
		if p.(map[string]any)["name"] == name {
			return true
		}
	}
	return false
}

func parsedJSON(tb testing.TB, v any) map[string]any {
	tb.Helper()
	raw, err := json.Marshal(v)
	require.NoError(tb, err)
	out := map[string]any{}
	require.NoError(tb, json.Unmarshal(raw, &out))
	return out
}
