package lab_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/lab"
	"infinisim/sim/schema"
)

// catalogue is fixtures/facts/catalogue-289.1.4.json: what the vendor's SDK
// asks of an array.
type catalogue struct {
	// Features are the names of features that it knows.
	Features []string
	// Gates are when it takes an array to have something.
	Gates map[string]gateFact
	// Endpoints are its requests.
	Endpoints []struct{ Method, Path string }
	// Collections are those of objects of several kinds.
	Collections []struct {
		Path, By string
		Kinds    map[string]string
	}
	// Kinds are its types of objects, of what stands below them, and of
	// components.
	Kinds []kindFact
}

// gateFact opens by one of the features, from its version AtLeast on and on the
// Versions of the array alone if there are any; without all of the features, by
// the versions of Without.
type gateFact struct {
	Features []string
	AtLeast  int `json:"at_least"`
	Versions []versions
	Without  []versions
}

type versions struct{ From, Before string }

type kindFact struct {
	Name, Sort, Path, Item, Key, Gate string
	Does                              []string
	Fields                            []fieldFact
}

type fieldFact struct {
	Name, Wire, Gate, From               string
	Create, Update, Filter, Sort, Hidden bool
	// Client fields are worked out by the SDK itself.
	Client bool
}

func (f fieldFact) wire() string {
	if f.Wire != "" {
		return f.Wire
	}
	return f.Name
}

func theCatalogue(tb testing.TB) catalogue {
	tb.Helper()
	raw, err := os.ReadFile("../../fixtures/facts/catalogue-289.1.4.json")
	require.NoError(tb, err)
	var c catalogue
	require.NoError(tb, json.Unmarshal(raw, &c))
	fields := 0
	for _, k := range c.Kinds {
		fields += len(k.Fields)
	}
	require.Len(tb, c.Endpoints, 356)
	require.Equal(tb, 849, fields)
	return c
}

// declined are requests that the array refuses on purpose, with the reason: at
// most five.
func declined() map[string]string {
	return map[string]string{
		"POST vvols": "a hypervisor makes vvols, over VASA: of their fields the SDK could send two switches, and neither a name nor a size nor a pool",
	}
}

// release is what the SDK learns of an array when it logs in.
type release struct {
	version  string
	features map[string]int
	gates    map[string]gateFact
}

// newWorldAs is newWorld with arrays of a profile.
func newWorldAs(tb testing.TB, profile string) *world {
	tb.Helper()
	l, err := lab.New(lab.Options{Seed: 3, Profile: profile})
	require.NoError(tb, err)
	tb.Cleanup(func() {
		bad, err := l.Check(context.WithoutCancel(tb.Context()))
		require.NoError(tb, err)
		require.Empty(tb, bad)
		require.NoError(tb, l.Close())
	})
	for range 2 {
		_, err := l.AddArray(tb.Context(), lab.ArraySetup{})
		require.NoError(tb, err)
	}
	return &world{t: tb, lab: l, cat: l.Catalog(), once: map[string]int64{}}
}

func (w *world) release(c catalogue) release {
	w.t.Helper()
	r := release{version: w.ok(http.MethodGet, "system?fields=version", nil)["version"].(string), features: map[string]int{}, gates: c.Gates}
	_, out := w.request("box-1", http.MethodGet, "_features", nil)
	for _, one := range out["result"].([]any) {
		f := one.(map[string]any)
		if f["enabled"] == true {
			r.features[f["name"].(string)] = int(f["version"].(float64))
		}
	}
	return r
}

func (r release) among(all []versions) bool {
	return slices.ContainsFunc(all, func(v versions) bool {
		return schema.Gate{From: v.From, Before: v.Before}.Open(schema.Release{Version: r.version})
	})
}

// open reports whether the SDK takes the array to have what a gate guards.
func (r release) open(gate, from string) bool {
	if from != "" && schema.CompareVersions(r.version, from) < 0 {
		return false
	}
	if gate == "" {
		return true
	}
	g := r.gates[gate]
	listed := false
	for _, name := range g.Features {
		if v, ok := r.features[name]; ok {
			listed = true
			if v >= g.AtLeast && (g.Versions == nil || r.among(g.Versions)) {
				return true
			}
		}
	}
	return !listed && r.among(g.Without)
}

var alternatives = regexp.MustCompile(`\{([^}]*\|[^}]*)\}`)

// spread gives the paths that one with alternatives in braces stands for.
func spread(path string) []string {
	at := alternatives.FindStringSubmatchIndex(path)
	if at == nil {
		return []string{path}
	}
	var out []string
	for word := range strings.SplitSeq(path[at[2]:at[3]], "|") {
		out = append(out, spread(path[:at[0]]+word+path[at[1]:])...)
	}
	return out
}

var variable = regexp.MustCompile(`\{[^}]*\}`)

// answers reports whether the array knows a request at all: by its routes, and
// by what it answers.
func (w *world) answers(method, path string) bool {
	w.t.Helper()
	a, err := w.lab.Array("box-1")
	require.NoError(w.t, err)
	plain := variable.ReplaceAllString(path, "0")
	if _, ok := a.Server.Routes.Find(method, plain); !ok {
		return false
	}
	_, out := w.request("box-1", method, plain, nil)
	e, _ := out["error"].(map[string]any)
	return e["code"] != "PATH_NOT_FOUND" && e["code"] != "METHOD_NOT_ALLOWED"
}

// TestCatalogue_endpoints sends every request of the vendor's SDK.
func TestCatalogue_endpoints(t *testing.T) {
	t.Parallel()
	c, w := theCatalogue(t), newWorld(t)
	_, out := w.request("box-1", http.MethodGet, "_features", nil)
	for _, f := range out["result"].([]any) { // some are off on a new array
		w.feature(f.(map[string]any)["name"].(string), true)
	}
	why := declined()
	require.LessOrEqual(t, len(why), 5)
	served, refused := 0, 0
	for _, e := range c.Endpoints {
		var missing []string
		for _, path := range spread(e.Path) {
			if path = strings.TrimSuffix(path, "/"); !w.answers(e.Method, path) {
				missing = append(missing, path)
			}
		}
		reason := why[e.Method+" "+e.Path]
		if reason != "" {
			refused++
			assert.NotEmpty(t, missing, "%s %s is served, though declined: %s", e.Method, e.Path, reason)
			continue
		}
		served++
		assert.Empty(t, missing, "%s %s is not served", e.Method, e.Path)
	}
	t.Logf("%d requests of InfiniSDK: %d served, %d declined", len(c.Endpoints), served, refused)
}
