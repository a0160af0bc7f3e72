package replication_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/scripts/recipes"
	"infinisim/sim/replication"
	"infinisim/sim/simtest"
)

const atlasPage = "../../docs/replication.md"

// TestAtlas holds docs/replication.md against the table and against what the
// recipes of fixtures/recipes.json lead to. make docs writes it.
func TestAtlas(t *testing.T) {
	t.Parallel()
	book, err := recipes.Read("../../fixtures/recipes.json")
	require.NoError(t, err)
	page := page(t, book)
	if *update {
		require.NoError(t, os.WriteFile(atlasPage, []byte(page), 0o600))
	}
	kept, err := os.ReadFile(atlasPage)
	require.NoError(t, err)
	if string(kept) != page { // without printing both
		assert.Fail(t, "docs/replication.md is out of date: make docs")
	}
}

// dish is a recipe that was played: what was sent, and what shows then.
type dish struct {
	recipes.Recipe
	shown
	sent []recipes.Request
}

// cook plays the setup and then the words, on two arrays of its own.
func cook(t *testing.T, book *recipes.Book, words []string) (w *walker, p *recipes.Player) {
	t.Helper()
	w = newWalker(t)
	p = &recipes.Player{Book: book, Send: func(r recipes.Request) ([]byte, error) {
		var body any
		if len(r.Body) > 0 {
			body = json.RawMessage(r.Body)
		}
		if r.To == recipes.Control {
			return w.send(w.plane, "http://localhost/_sim/v1/", r.Method+" "+r.Path, body), nil
		}
		return w.send(w.labs.Handler(w.lab, r.To), "/api/rest/", r.Method+" "+r.Path, body), nil
	}}
	require.NoError(t, p.Play(book.Setup...))
	p.Sent = nil
	require.NoError(t, p.Play(words...), words)
	bad, err := w.lab.Check(t.Context())
	require.NoError(t, err)
	require.Empty(t, bad, words)
	return w, p
}

// mostCalls is how many requests a recipe sends to the control plane at most.
const mostCalls = 3

func dishOf(t *testing.T, book *recipes.Book, r recipes.Recipe) dish {
	t.Helper()
	w, p := cook(t, book, r.Steps)
	calls := 0
	for _, s := range p.Sent {
		if s.To == recipes.Control {
			calls++
		}
	}
	require.LessOrEqual(t, calls, mostCalls, r.Name)
	id := p.Fill(map[string]string{boxA: "{replica}", boxB: "{remote}"}[r.Read])
	half := w.rest(r.Read, "GET replicas/"+id, nil)
	w.replica[r.Read] = half.ID("id")
	require.Equal(t, r.State, w.state(r.Read), r.Name)
	require.Equal(t, r.Type, half["replication_type"], r.Name)
	return dish{r, shown{half}, p.Sent}
}

// TestRecipes says that the recipes lead to every state, and that every
// predicate is true in one of them.
func TestRecipes(t *testing.T) {
	t.Parallel()
	book, err := recipes.Read("../../fixtures/recipes.json")
	require.NoError(t, err)
	states, predicate := map[string]bool{}, map[string]bool{}
	for _, r := range book.Recipes {
		d := dishOf(t, book, r)
		states[r.State] = true
		for _, p := range predicates() {
			predicate[p] = predicate[p] || d.says(p) == yes
		}
	}
	for _, s := range replication.States() {
		assert.True(t, states[s], "no recipe leads to %s", s)
	}
	for _, p := range predicates() {
		assert.True(t, predicate[p], "%s is true in no state that a recipe leads to", p)
	}
	for _, l := range book.Links {
		w, p := cook(t, book, l.Steps)
		assert.Equal(t, l.Name, w.rest(boxA, p.Fill("GET links/{link}"), nil)["link_state"])
	}
}

func page(t *testing.T, book *recipes.Book) string {
	t.Helper()
	var dishes []dish
	for _, r := range book.Recipes {
		dishes = append(dishes, dishOf(t, book, r))
	}
	var b strings.Builder
	b.WriteString("# Replication: the atlas of states\n\n`make docs` writes this page from the table (`sim/replication/table.go`), and from what the recipes of\n" +
		"[`fixtures/recipes.json`](../fixtures/recipes.json) lead to. What a job, a role, a snapshot is: [replication-concepts.md](replication-concepts.md).\n")
	b.WriteString(diagrams())
	b.WriteString(stateTable(dishes))
	b.WriteString(predicateTable(dishes))
	b.WriteString(recipeSection(t, book, dishes))
	b.WriteString(ruleTables())
	return b.String()
}

func stateTable(dishes []dish) string {
	about := map[string]string{}
	states, _, _, _ := replication.Terms()
	for _, s := range states {
		about[s.Name] = s.About
	}
	var b strings.Builder
	b.WriteString("\n## What a state shows\n\nThe fields of `GET replicas/{id}` in each state, as a recipe finds them; `jobs` are the states of the jobs, the running one first.\n" +
		"A suspended replica is initial if it was. A target is what its source is.\n\n" +
		"| state | what it is | role | `state` | `jobs` | `is_initial` | `sync_state` | `async_mode` |\n|---|---|---|---|---|---|---|---|\n")
	for _, d := range dishes {
		fmt.Fprintf(&b, "| %s | %s | %v | %s | %s | %v | %s | %s |\n", d.Name, about[d.State], d.Object["role"], null(d.Object["state"]), d.jobs(),
			d.Object["is_initial"], null(d.Object["sync_state"]), null(d.Object["async_mode"]))
	}
	return b.String()
}

func null(v any) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprint(v)
}

func (s shown) jobs() string {
	var out []string
	list, _ := s.Object["jobs"].([]any)
	for _, j := range list {
		one, _ := j.(map[string]any)
		out = append(out, fmt.Sprint(simtest.Object(one)["state"]))
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

func predicateTable(dishes []dish) string {
	var b strings.Builder
	b.WriteString("\n## What InfiniSDK says\n\nThe predicates of InfiniSDK 289.1.4's `Replica` in each state; *raises* is `CannotGetReplicaState`. `scripts/clients/atlas` asks the real\n" +
		"one, on a frozen clock, and compares. A PENDING job counts as idle there, except for ACTIVE_ACTIVE.\n\n| state |")
	for _, p := range predicates() {
		b.WriteString(" " + p + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(predicates())) + "\n")
	for _, d := range dishes {
		b.WriteString("| " + d.Name + " |")
		for _, p := range predicates() {
			b.WriteString(" " + string(d.says(p)) + " |")
		}
		b.WriteString("\n")
	}
	b.WriteString("\n`Link`: `is_up` is true in UP, `is_down` in DOWN and UNKNOWN, neither in DEGRADED.\n")
	return b.String()
}

func recipeSection(t *testing.T, book *recipes.Book, dishes []dish) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("\n## Recipes\n\nAt most three requests to the control plane bring a replica to each state. They begin with two arrays that nobody has touched,\n" +
		"`infinisim serve --clock manual`, whose ids are then as they stand here; `fixtures/recipes.json` has the same for programs.\n\n")
	b.WriteString("| to have | go to one of |\n|---|---|\n")
	for _, p := range predicates() {
		var in []string
		for _, d := range dishes {
			if d.says(p) == yes {
				in = append(in, fmt.Sprintf("[%s](#%s)", d.Name, anchor(d.Name)))
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", p, strings.Join(in, ", "))
	}
	b.WriteString("| `Link.is_up` | [link UP](#link-up) |\n| `Link.is_down` | [link DOWN](#link-down) |\n| neither | [link DEGRADED](#link-degraded) |\n")
	w := newWalker(t)
	p := &recipes.Player{Book: book, Send: func(r recipes.Request) ([]byte, error) {
		return w.send(w.labs.Handler(w.lab, r.To), "/api/rest/", r.Method+" "+r.Path, rawOrNil(r.Body)), nil
	}}
	require.NoError(t, p.Play(book.Setup...))
	b.WriteString("\n### First\n\nThe link is 1 ms and 100 MB/s; the volume has 10 GB.\n\n```sh\n" + curls(p.Sent) + "```\n")
	for _, d := range dishes {
		read := recipes.Request{To: d.Read, Method: http.MethodGet, Path: fmt.Sprintf("replicas/%d?fields=role,state,jobs,is_initial,sync_state", d.ID("id"))}
		fmt.Fprintf(&b, "\n### %s\n\n%s.\n\n```sh\n%s```\n", d.Name, strings.Join(d.Steps, "; "), curls(append(slices.Clone(d.sent), read)))
	}
	for _, l := range book.Links {
		_, p := cook(t, book, l.Steps)
		read := recipes.Request{To: boxA, Method: http.MethodGet, Path: p.Fill("links/{link}?fields=link_state")}
		fmt.Fprintf(&b, "\n### Link %s\n\n```sh\n%s```\n", l.Name, curls(append(slices.Clone(p.Sent), read)))
	}
	return b.String()
}

func rawOrNil(body []byte) any {
	if len(body) == 0 {
		return nil
	}
	return json.RawMessage(body)
}

func anchor(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(name), ",", ""), " ", "-")
}

// curls are the requests as somebody types them.
func curls(sent []recipes.Request) string {
	var b strings.Builder
	for _, r := range sent {
		b.WriteString("curl")
		switch {
		case r.Method == http.MethodPut:
			b.WriteString(" -X PUT")
		case r.Method == http.MethodPost && len(r.Body) == 0:
			b.WriteString(" -X POST")
		}
		if r.To == recipes.Control {
			b.WriteString(" 'http://127.0.0.1:8079/_sim/v1/" + r.Path + "'")
		} else {
			port := map[string]int{boxA: 8080, boxB: 8081}[r.To]
			fmt.Fprintf(&b, " -u admin:123456 'http://127.0.0.1:%d/api/rest/%s'", port, r.Path)
		}
		if len(r.Body) > 0 {
			b.WriteString(" -d '" + string(r.Body) + "'")
		}
		b.WriteString("\n")
	}
	return b.String()
}
