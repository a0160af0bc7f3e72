package control_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/control"
)

// operation is one of the description's.
type operation struct {
	method, path string // as the router spells it
	pattern      *regexp.Regexp
	body, answer map[string]any
	later        map[string]any
}

// at reads a member of a member of a document.
func at(v any, path ...string) map[string]any {
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	m, _ := v.(map[string]any)
	return m
}

func (p *plane) operations() []operation {
	p.t.Helper()
	doc := p.ok(http.MethodGet, "openapi.json", "")
	require.Equal(p.t, "3.1.0", doc["openapi"])
	var out []operation
	ids := map[any]bool{}
	for path, methods := range at(doc, "paths") {
		for method := range at(methods) {
			o := at(methods, method)
			require.False(p.t, ids[o["operationId"]], o["operationId"])
			ids[o["operationId"]] = true
			require.NotEmpty(p.t, o["summary"])
			names := regexp.MustCompile(`\{\w+\}`).FindAllString(path, -1)
			declared := 0
			for _, parameter := range o["parameters"].([]any) {
				if at(parameter)["in"] == "path" {
					declared++
				}
			}
			require.Len(p.t, names, declared, path)
			pattern := regexp.QuoteMeta(path)
			pattern = strings.ReplaceAll(pattern, `\{path\}`, `\S+?`)
			pattern = regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(pattern, `[^/\s'?]+`)
			op := operation{
				method: strings.ToUpper(method), path: strings.Replace(path, "{path}", "*", 1), pattern: regexp.MustCompile("^" + pattern + "$"),
				body: at(o, "requestBody", "content", "application/json", "schema"), answer: at(o, "responses", "200", "content"),
				later: at(o, "responses", "202", "content"),
			}
			out = append(out, op)
		}
	}
	slices.SortFunc(out, func(a, b operation) int { return strings.Compare(a.method+a.path, b.method+b.path) })
	return out
}

// TestOpenAPI_isComplete holds the description against the router.
func TestOpenAPI_isComplete(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	var described []string
	for _, o := range p.operations() {
		described = append(described, o.method+" "+o.path)
	}
	assert.ElementsMatch(t, p.server.Served(), described)
	assert.Greater(t, len(described), 100)
}

// TestOpenAPI_bodies has each request refuse a member that none has, and reads
// in the refusal which it takes.
func TestOpenAPI_bodies(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	fill := strings.NewReplacer("{key}", "box-1", "{id}", fmt.Sprint(p.link.AID), "{lab}", "default", "{user}", "admin", "{feature}", "x")
	checked := 0
	for _, o := range p.operations() {
		either, ok := o.body["anyOf"].([]any)
		if !ok {
			either = []any{o.body}
		}
		for i, schema := range either {
			if at(schema, "properties") == nil || strings.HasSuffix(o.path, "/components/*") {
				continue
			}
			body := []string{`{"evil":1}`, `{"preset":"x","evil":1}`}[i]
			status, text := p.do(o.method, strings.TrimPrefix(fill.Replace(o.path), "/_sim/v1/"), body)
			require.Equal(t, http.StatusBadRequest, status, "%s %s: %s", o.method, o.path, text)
			_, list, found := strings.Cut(at(parsed(t, text), "error")["message"].(string), "this takes")
			require.True(t, found, "%s %s: %s", o.method, o.path, text)
			takes := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
			assert.ElementsMatch(t, slices.Collect(maps.Keys(at(schema, "properties"))), takes, "%s %s", o.method, o.path)
			checked++
		}
	}
	assert.Greater(t, checked, 50)
}

func parsed(tb testing.TB, text string) map[string]any {
	tb.Helper()
	out := map[string]any{}
	require.NoError(tb, json.Unmarshal([]byte(text), &out), text)
	return out
}

// line is a curl line of the manual.
type line struct{ method, url, host, body, to string }

func curlLines(tb testing.TB) map[string][]line {
	tb.Helper()
	files, err := filepath.Glob("../../docs/*.md")
	require.NoError(tb, err)
	word := regexp.MustCompile(`'[^']*'|\S+`)
	out := map[string][]line{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(tb, err)
		for text := range strings.Lines(string(raw)) {
			if !strings.HasPrefix(text, "    curl ") { // those that scripts/docs.sh runs
				continue
			}
			l, words := line{method: http.MethodGet}, word.FindAllString(strings.TrimSpace(text), -1)
			for i, w := range words {
				w = strings.Trim(w, "'")
				switch {
				case i > 0 && words[i-1] == "-X":
					l.method = w
				case i > 0 && words[i-1] == "-d":
					l.body = w
					if !slices.Contains(words, "-X") {
						l.method = http.MethodPost
					}
				case i > 0 && words[i-1] == "-o":
					l.to = w
				case i > 0 && words[i-1] == "--data-binary":
					l.body = w // @file
				case i > 0 && words[i-1] == "-H":
					l.host = strings.TrimPrefix(w, "Host: ")
				case strings.Contains(w, "localhost:") || strings.Contains(w, "127.0.0.1:"):
					l.url = "http://" + strings.TrimPrefix(w, "http://")
				}
			}
			out[filepath.Base(file)] = append(out[filepath.Base(file)], l)
		}
	}
	return out
}

// TestOpenAPI_everyRouteHasAnExample asks for a curl line in the manual, and
// plays those of the tour: what comes back is what the description says.
func TestOpenAPI_everyRouteHasAnExample(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	operations := p.operations()
	lines := curlLines(t)
	bare := func(path string) string { return strings.Replace(path, "/labs/{lab}/", "/", 1) }
	shown, played := map[string]bool{}, map[string]bool{}
	find := func(l line) *operation {
		path, _, _ := strings.Cut(strings.TrimPrefix(l.url, "http://localhost:8079"), "?")
		for i, o := range operations {
			if o.method == l.method && o.pattern.MatchString(path) {
				return &operations[i]
			}
		}
		return nil
	}
	for _, file := range lines {
		for _, l := range file {
			if o := find(l); o != nil {
				shown[o.method+" "+bare(o.path)] = true
			}
		}
	}
	files := map[string]string{}
	for _, l := range lines["tour.md"] {
		var h http.Handler = p.server
		if name, ok := strings.CutPrefix(l.body, "@"); ok {
			l.body = files[name]
		}
		r := httptest.NewRequestWithContext(t.Context(), l.method, l.url, strings.NewReader(l.body))
		if l.host != "" {
			h, r.Host = p.labs.Handler(p.lab, "box-1"), l.host
			r.SetBasicAuth("admin", "123456")
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		require.Less(t, rec.Code, 300, "%v: %s", l, rec.Body)
		files[l.to] = rec.Body.String()
		if o := find(l); o != nil && l.host == "" {
			played[o.method+" "+bare(o.path)] = true
			answers(t, o, rec)
		}
	}
	for _, o := range operations {
		assert.True(t, shown[o.method+" "+bare(o.path)], "no curl line in docs/ has %s %s", o.method, o.path)
		assert.True(t, played[o.method+" "+bare(o.path)], "docs/tour.md does not have %s %s", o.method, o.path)
	}
	_, err := p.labs.Get("tour")
	require.Error(t, err)
}

func answers(tb testing.TB, o *operation, rec *httptest.ResponseRecorder) {
	tb.Helper()
	given := o.answer
	if rec.Code == http.StatusAccepted {
		given = o.later
	}
	content := at(given, rec.Header().Get("Content-Type"))
	require.NotNil(tb, content, o.path)
	if kind := rec.Header().Get("Content-Type"); strings.HasSuffix(kind, "ndjson") || strings.HasSuffix(kind, "event-stream") {
		return
	}
	var v any
	require.NoError(tb, json.Unmarshal(rec.Body.Bytes(), &v))
	for _, bad := range fits(v, at(content, "schema"), o.method+" "+o.path) {
		assert.Fail(tb, bad)
	}
}

// fits holds a value against a schema, as far as the description goes.
func fits(v any, schema map[string]any, where string) (bad []string) {
	if some, ok := schema["anyOf"].([]any); ok {
		for _, one := range some {
			if bad = fits(v, at(one), where); len(bad) == 0 {
				return nil
			}
		}
		return bad
	}
	if schema != nil && len(schema) == 0 {
		return nil // anything
	}
	kind := map[bool]string{true: "null"}[v == nil]
	switch v := v.(type) {
	case string:
		kind = "string"
	case bool:
		kind = "boolean"
	case float64:
		kind = "number"
	case []any:
		kind = "array"
		for i, one := range v {
			bad = append(bad, fits(one, at(schema, "items"), fmt.Sprintf("%s[%d]", where, i))...)
		}
	case map[string]any:
		kind = "object"
		for name, one := range v {
			member := at(schema, "properties", name)
			if member == nil {
				if member = at(schema, "additionalProperties"); member == nil {
					bad = append(bad, fmt.Sprintf("%s has %s, of which nothing is said", where, name))
				}
			}
			bad = append(bad, fits(one, member, where+"."+name)...)
		}
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if _, ok := v[name.(string)]; !ok {
				bad = append(bad, fmt.Sprintf("%s lacks %s", where, name))
			}
		}
	}
	kinds, ok := schema["type"].([]any)
	if !ok && schema["type"] != nil {
		kinds = []any{schema["type"]}
	}
	if len(kinds) > 0 && !slices.Contains(kinds, any(kind)) && (kind != "number" || !slices.Contains(kinds, any("integer"))) {
		bad = append(bad, fmt.Sprintf("%s is %s, not %v", where, kind, kinds))
	}
	return bad
}

// TestGuard_otherOrigins is what browsers send for pages that are not ours.
func TestGuard_otherOrigins(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	withToken := control.New(control.Options{Labs: p.labs, Token: "t"})
	for _, c := range []struct {
		host, name, value string
		token             bool
		want              int
	}{
		{"localhost:8079", "Origin", "http://evil.example", false, 403},
		{"localhost:8079", "Origin", "null", false, 403},
		{"localhost:8079", "Origin", "http://localhost:8080", false, 403},
		{"localhost:8079", "Origin", "http://localhost:8079", false, 200},
		{"localhost:8079", "Sec-Fetch-Site", "cross-site", false, 403},
		{"localhost:8079", "Sec-Fetch-Site", "same-site", false, 403},
		{"localhost:8079", "Sec-Fetch-Site", "same-origin", false, 200},
		{"localhost:8079", "Sec-Fetch-Site", "none", false, 200},
		{"evil.example:8079", "", "", false, 403},
		{"evil.example:8079", "Origin", "http://evil.example:8079", false, 403},
		{"localhost.evil.example", "", "", false, 403},
		{"127.0.0.1:8079", "", "", false, 200},
		{"[::1]:8079", "", "", false, 200},
		{"10.0.0.7", "", "", false, 200},
		{"sim.test:8079", "", "", true, 200},
		{"sim.test:8079", "Origin", "http://evil.example", true, 403},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			path := map[string]string{http.MethodGet: "clock", http.MethodPost: "clock/freeze"}[method]
			r := httptest.NewRequestWithContext(t.Context(), method, "http://"+c.host+"/_sim/v1/"+path, nil)
			if c.name != "" {
				r.Header.Set(c.name, c.value)
			}
			server := p.server
			if c.token {
				server = withToken
				r.Header.Set("Authorization", "Bearer t")
			}
			rec := httptest.NewRecorder()
			server.ServeHTTP(rec, r)
			assert.Equal(t, c.want, rec.Code, "%s %v", method, c)
			if c.want != http.StatusOK {
				assert.Contains(t, rec.Body.String(), `"code":"PERMISSION_DENIED"`)
			}
			assert.Empty(t, rec.Header().Get("Access-Control-Allow-Origin"))
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://infinisim:8079/_sim/v1/health", nil)
	rec := httptest.NewRecorder()
	p.server.ServeHTTP(rec, r)
	assert.Equal(t, http.StatusOK, rec.Code, "whoever starts containers asks by any name")
}

func TestPresets(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	status, text := p.do(http.MethodGet, "faults/presets", "")
	require.Equal(t, http.StatusOK, status)
	var presets []struct {
		Name    string         `json:"name"`
		Needs   []string       `json:"needs"`
		Example map[string]any `json:"example"`
	}
	require.NoError(t, json.Unmarshal([]byte(text), &presets))
	pool := p.array("box-1", http.MethodPost, "pools", `{"name":"p","physical_capacity":1000000000000,"virtual_capacity":1000000000000}`)["id"]
	values := map[string]string{"array": `"box-1"`, "peer": `"box-2"`, "pool": fmt.Sprint(pool)}
	assert.Len(t, presets, 10)
	for _, preset := range presets {
		ask := fmt.Sprintf(`{"preset":%q`, preset.Name)
		for _, need := range preset.Needs {
			status, text := p.do(http.MethodPost, "faults", ask+"}")
			assert.Equal(t, http.StatusBadRequest, status, text)
			ask += fmt.Sprintf(",%q:%s", need, values[need])
		}
		before := p.lab.Clock.Now()
		plan := p.ok(http.MethodPost, "faults", ask+"}")
		rules, want := plan["rules"].([]any), preset.Example["rules"].([]any)
		assert.Len(t, rules, len(want), preset.Name)
		for i, r := range rules {
			assert.Equal(t, at(want[i])["id"], at(r)["id"])
			assert.Equal(t, at(want[i])["effect"], at(r)["effect"])
		}
		assert.Equal(t, preset.Name == "clock_jump", p.lab.Clock.Now() > before)
		assert.Equal(t, float64(len(rules)), p.ok(http.MethodDelete, "faults", "")["removed"])
	}
	for body, want := range map[string]string{
		`{"preset":"storm"}`: "preset:",
		`{"preset":"node_down","array":"box-1","odds":0.5}`:                      "odds:",
		`{"preset":"node_down","array":"box-9"}`:                                 "array:",
		`{"preset":"node_down","array":"box-1","component":"nodes/9"}`:           "nodes/9",
		`{"preset":"link_flap","array":"box-1","peer":"box-2","count":1000}`:     "count:",
		`{"preset":"link_flap","array":"box-1","peer":"box-2","after":"-1s"}`:    "after:",
		`{"preset":"drive_failures","array":"box-1","count":60,"component":"x"}`: "component",
		`{"preset":1}`: "body:",
	} {
		status, text := p.do(http.MethodPost, "faults", body)
		assert.GreaterOrEqual(t, status, 400, body)
		assert.Contains(t, text, want, body)
	}
	assert.Empty(t, p.lab.Faults(), "what is refused leaves nothing")
}
