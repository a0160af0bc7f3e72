package lab_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/model"
)

// route is the path of the description that a request is one of.
func (d restDocument) route(method, path string) string {
	paths := make([]string, 0, len(d.paths))
	for p := range d.paths {
		paths = append(paths, p)
	}
	slices.SortFunc(paths, func(a, b string) int { // those with fewer variables first
		if n := strings.Count(a, "{") - strings.Count(b, "{"); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	for _, p := range paths {
		form := regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(strings.ReplaceAll(regexp.QuoteMeta(p), `\{rest\}`, ".+"), "[^/]+")
		if d.paths[p][strings.ToLower(method)] != nil && regexp.MustCompile("^"+form+"$").MatchString(path) {
			return p
		}
	}
	return ""
}

// TestOpenAPI_scripts holds what the golden scripts show against the
// description of an array with all features: each status, each result, and
// each body that was taken.
func TestOpenAPI_scripts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.lab.On(t.Context(), "box-1", func(b *model.Box) error {
		for _, f := range b.Features() {
			if err := b.SetFeature(f.Name, true); err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
		}
		return nil
	}))
	d := w.document()
	files, err := filepath.Glob("../*/testdata/*.script")
	require.NoError(t, err)
	asked := regexp.MustCompile(`^(?:as \S+ |box-\d )?> (\w+) (\S+) ?(.*)$`)
	told := regexp.MustCompile(`^< (\d+) (.*)$`)
	count := map[string]int{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		var request []string
		for line := range strings.Lines(string(raw)) {
			line = strings.TrimSuffix(line, "\n")
			if m := asked.FindStringSubmatch(line); m != nil {
				request = m
				continue
			}
			m := told.FindStringSubmatch(line)
			if m == nil || request == nil {
				continue
			}
			path, _, _ := strings.Cut(request[2], "?")
			if route := d.route(request[1], strings.Trim(path, "/")); route != "" {
				status, err := strconv.Atoi(m[1])
				require.NoError(t, err)
				count[request[1]+" "+route]++
				d.holds(request[1], route, status, m[2], line)
				d.takes(request[1], route, status, request[3])
			}
			request = nil
		}
	}
	t.Logf("%d requests of %d routes", sum(count), len(count))
	assert.Greater(t, len(count), 150)
}

func sum(count map[string]int) (n int) {
	for _, c := range count {
		n += c
	}
	return n
}

// holds checks a status and a result as a script shows them.
func (d restDocument) holds(method, route string, status int, shown, line string) {
	d.t.Helper()
	at := d.answer(method, route, status)
	if status >= 400 {
		return
	}
	var result any
	dec := json.NewDecoder(strings.NewReader(shown))
	require.NoError(d.t, dec.Decode(&result), line)
	s, err := d.compiler.Compile("rest.json#" + at + "/content/application~1json/schema/properties/result")
	require.NoError(d.t, err)
	assert.NoError(d.t, s.Validate(result), "%s %s", method, route)
}

// takes checks that a body which was taken is one that the description has.
func (d restDocument) takes(method, route string, status int, body string) {
	d.t.Helper()
	body = regexp.MustCompile(`\$\d+`).ReplaceAllString(body, "1007")
	var v any
	if status >= 400 || body == "" || body == "{}" || json.Unmarshal([]byte(body), &v) != nil {
		return
	}
	operation := d.paths[route][strings.ToLower(method)].(map[string]any)
	if !assert.NotNil(d.t, operation["requestBody"], "%s %s takes no body: %s", method, route, body) {
		return
	}
	s, err := d.compiler.Compile("rest.json#" + operationAt(method, route) + "/requestBody/content/application~1json/schema")
	require.NoError(d.t, err)
	assert.NoError(d.t, s.Validate(v), "%s %s: %s", method, route, body)
}

// TestOpenAPI_saysWhatIsAnswered finds a schema of the answer, and of the body
// that is needed, of every request but those that other arrays answer.
func TestOpenAPI_saysWhatIsAnswered(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"8.6", "7.2"} {
		d := newWorldAs(t, profile).document()
		for path, methods := range d.paths {
			for method, what := range methods {
				responses := what.(map[string]any)["responses"].(map[string]any)
				done, ok := responses["200"].(map[string]any)
				if !ok {
					done = responses["201"].(map[string]any)
				}
				content := done["content"].(map[string]any)["application/json"].(map[string]any)["schema"].(map[string]any)
				if !strings.HasPrefix(path, "remote/") {
					assert.NotEmpty(t, content["properties"].(map[string]any)["result"], "%s %s", method, path)
				}
				assert.NotContains(t, responses, "default")
			}
		}
	}
}

// TestOpenAPI_boundsAreThose tries what a description says of a number or a text
// at its edges.
func TestOpenAPI_boundsAreThose(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, k := range newWorld(t).cat.Kinds() {
		for _, f := range k.Type.Fields() {
			try := func(ok bool, v any) {
				t.Helper()
				raw, err := json.Marshal(v)
				require.NoError(t, err)
				_, err = f.Accept(raw)
				assert.Equal(t, ok, err == nil, "%s.%s: %s", k.Path, f.Name, raw)
				checked++
			}
			if f.Most != 0 {
				try(true, f.Least)
				try(true, f.Most)
				try(false, f.Least-1)
				try(false, f.Most+1)
			}
			if f.Unit != 0 {
				try(false, f.Least+1)
			}
			if f.Pattern == "" {
				continue
			}
			form := regexp.MustCompile(f.Pattern)
			for _, text := range []string{"", " ", "a", "a b", " a", "a ", "é", "a\tb", strings.Repeat("é", 65), strings.Repeat("a", 66), "\x7f"} {
				try(form.MatchString(text), text)
			}
		}
	}
	assert.Greater(t, checked, 100)
}
