package infinisim_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/api"
	"infinisim/sim/lab"
	"infinisim/sim/model"
)

var update = flag.Bool("update", false, "write docs/fidelity.md and the table of clients anew")

// TestFidelity holds docs/fidelity.md against what it tells of: the kinds, the
// routes, the comments that begin with unsourced:, and what clients asked in
// the last run. make docs writes it.
func TestFidelity(t *testing.T) {
	t.Parallel()
	page := fidelityPage(t)
	if *update {
		require.NoError(t, os.WriteFile("docs/fidelity.md", []byte(page), 0o600))
	}
	kept, err := os.ReadFile("docs/fidelity.md")
	require.NoError(t, err)
	if string(kept) != page { // without printing both
		assert.Fail(t, "docs/fidelity.md is out of date: make docs")
	}
}

// surface is fixtures/facts/surface.json.
type surface struct {
	Source string
	Kinds  []struct{ Name, Path string }
	// Endpoints are the requests that clients send.
	Endpoints []struct {
		Method, Path string
		Clients      []string
	}
}

func fidelityPage(t *testing.T) string {
	t.Helper()
	var facts surface
	readJSON(t, "fixtures/facts/surface.json", &facts)
	var driven map[string][]string
	readJSON(t, "fixtures/driven.json", &driven)
	l, err := lab.New(lab.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	a, err := l.AddArray(t.Context(), lab.ArraySetup{})
	require.NoError(t, err)
	f := fidelity{t: t, facts: facts, driven: driven, find: a.Server.Routes.Find}
	var catalog *model.Catalog
	require.NoError(t, l.View(t.Context(), a.Key, func(b *model.Box) error { catalog = b.Eng.Catalog; return nil }))
	kinds, kindsServed := f.kinds(catalog.Kinds())
	endpoints, endpointsServed := f.endpoints()
	choices := f.choices()
	var b strings.Builder
	b.WriteString("# How faithful this is\n\n`make docs` writes this page from the code, the facts under `fixtures/` and the last run of the clients.\n\n")
	fmt.Fprintf(&b, "| | |\n|---|---|\n| kinds of objects that the vendor's SDK knows, served | %d of %d |\n", kindsServed, len(facts.Kinds))
	fmt.Fprintf(&b, "| requests that known clients send, served | %d of %d |\n", endpointsServed, len(facts.Endpoints))
	for _, c := range f.clients() {
		fmt.Fprintf(&b, "| routes that `%s` asked in its last run | %d |\n", c, len(driven[c]))
	}
	fmt.Fprintf(&b, "| pages of InfiniSDK's documentation whose own contexts mock the answers | %s |\n", strings.Join(driven[mocked], ", "))
	fmt.Fprintf(&b, "| choices that no public source backs | %d |\n\n", len(choices))
	fmt.Fprintf(&b, "The requests come from: %s.\n\n## Kinds\n\n| kind | path | served by | what its file cites |\n|---|---|---|---|\n%s", facts.Source, kinds)
	fmt.Fprintf(&b, "\n## Requests\n\nServed says by which route; driven, by which client's last run.\n\n| request | sent by | served | driven |\n|---|---|---|---|\n%s", endpoints)
	fmt.Fprintf(&b, "\n## What no public source shows\n\nEach line is a choice of infinisim's own; the place named is where it is made.\n\n| where | choice |\n|---|---|\n%s", strings.Join(choices, ""))
	return b.String()
}

// mocked is the member of driven.json that names pages, not routes.
const mocked = "pages that mocks answer"

type fidelity struct {
	t      *testing.T
	facts  surface
	driven map[string][]string
	find   func(method, path string) (api.Served, bool)
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, into), path)
}

func (f fidelity) clients() []string {
	var all []string
	for name := range f.driven {
		if name != mocked {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

var (
	variable = regexp.MustCompile(`\{[^}]*\}`)
	citation = regexp.MustCompile(`InfiniSDK(?: 289\.1\.4|'s documentation|(?:'s)? tests)|vendor KB \d+|vendor documentation|CSI driver|Ansible collection(?: [\d.]+)?|published payloads?|Go client`)
)

// kinds is a line for each kind that the SDK knows.
func (f fidelity) kinds(served []*model.Kind) (lines string, n int) {
	cited := map[string]string{}
	for _, s := range sources(f.t) {
		if s.test || !strings.HasPrefix(s.dir, "sim/model") && !strings.HasPrefix(s.dir, "sim/replication") {
			continue
		}
		for _, m := range regexp.MustCompile(`schema\.NewType\("(\w+)"`).FindAllSubmatch(s.raw, -1) {
			found := []string{"InfiniSDK 289.1.4"} // the fields: fixtures/facts
			for _, c := range citation.FindAllString(strings.ReplaceAll(string(s.raw), "\n// ", " "), -1) {
				if !slices.Contains(found, c) {
					found = append(found, c)
				}
			}
			slices.Sort(found)
			cited[string(m[1])] = "`" + s.path + "` | " + strings.Join(found, ", ")
		}
	}
	for _, k := range f.facts.Kinds {
		by := "| "
		for _, s := range served {
			if variable.ReplaceAllString(s.Path, "{}") == variable.ReplaceAllString(k.Path, "{}") {
				by = cited[s.Type.Name()]
				n++
			}
		}
		lines += fmt.Sprintf("| %s | `%s` | %s |\n", k.Name, k.Path, by)
	}
	return lines, n
}

// endpoints is a line for each request that a client is known to send.
func (f fidelity) endpoints() (lines string, n int) {
	for _, e := range f.facts.Endpoints {
		s, ok := f.find(e.Method, variable.ReplaceAllString(e.Path, "0"))
		if ok && s.Path == "system/{field}" {
			ok = model.SystemType.Field(strings.TrimPrefix(e.Path, "system/")) != nil
		}
		by, drove := "", []string{}
		if ok {
			n++
			by = "`" + s.Path + "`"
			for _, c := range f.clients() {
				if slices.Contains(f.driven[c], s.Method+" "+s.Path) {
					drove = append(drove, c)
				}
			}
		}
		lines += fmt.Sprintf("| `%s %s` | %s | %s | %s |\n", e.Method, e.Path, strings.Join(e.Clients, ", "), by, strings.Join(drove, ", "))
	}
	return lines, n
}

// choices is a line for each comment that begins with unsourced:.
func (f fidelity) choices() []string {
	var lines []string
	for _, s := range sources(f.t) {
		if s.test {
			continue
		}
		for _, group := range s.ast.Comments {
			for paragraph := range strings.SplitSeq(group.Text(), "\n\n") {
				_, choice, ok := strings.Cut(strings.Join(strings.Fields(paragraph), " "), "unsourced: ")
				if ok {
					lines = append(lines, fmt.Sprintf("| `%s` | %s |\n", s.path, strings.ReplaceAll(choice, "|", `\|`)))
				}
			}
		}
	}
	sort.Strings(lines)
	return lines
}
