package lab_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"infinisim/sim/lab"
)

// FuzzRequest sends any request to an array that holds an object of every kind:
// it is answered with the envelope and no status above 499; refused, it has
// changed nothing, and accepted, all is as it must be.
func FuzzRequest(f *testing.F) {
	w := ready(f)
	for _, a := range w.requests() {
		f.Add(a.method, a.target, a.body)
	}
	before, err := w.lab.Fingerprint(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, target, body string) {
		r, ok := ask{method: method, target: target, body: body}.request(t.Context())
		if !ok || slow(target, body) {
			return
		}
		l, err := w.lab.Fork(lab.DefaultName, "")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		out, err := send(l, "box-1", r)
		if err != nil {
			t.Fatal(err)
		}
		after, err := l.Fingerprint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if after == before {
			return
		}
		if out.status >= http.StatusBadRequest && !leavesAnEvent(out.status) {
			t.Fatalf("refused with %d, and something has changed", out.status)
		}
		if err := sound(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	})
}

// leavesAnEvent tells the refusals that an array remembers: a login that fails.
func leavesAnEvent(status int) bool { return status == http.StatusUnauthorized }

// slow tells what would take longer than a fuzzer has.
func slow(target, body string) bool { return len(target)+len(body) > 1<<16 }

// requests are the seeds: of every kind its creation, its change, its deletion
// and what is refused of these, and every request beyond with an object's id in
// its path.
func (w *world) requests() []ask {
	w.t.Helper()
	var out []ask
	for _, k := range w.cat.Kinds() {
		if k.Sample != nil && k.Forms != nil && !k.Single {
			body := k.Sample(w)
			out = append(out, ask{method: http.MethodPost, target: k.Path + "?approved=true", body: text(body)})
			delete(body, "name")
			out = append(out, ask{method: http.MethodPost, target: k.Path, body: text(body)})
		}
		for i, id := range w.idsOf(k) {
			if i > 0 {
				break
			}
			item := fmt.Sprintf("%s/%d", k.Path, id)
			out = append(
				out, ask{method: http.MethodGet, target: item + "?fields=id,name"},
				ask{method: http.MethodPut, target: item + "?approved=true", body: text(w.changeOf(k, id))},
				ask{method: http.MethodDelete, target: item + "?approved=true"},
			)
		}
	}
	for _, s := range w.lab.Routes() {
		out = append(out, ask{method: s.Method, target: w.fill(s.Path, s.Kind), body: `{}`})
	}
	return out
}

// fill puts ids in a path's variables: of the kind's first object, else 1.
func (w *world) fill(path, kind string) string {
	id := int64(1)
	for _, k := range w.cat.Kinds() {
		if k.Type.Name() == kind {
			if ids := w.idsOf(k); len(ids) > 0 {
				id = ids[0]
			}
		}
	}
	for strings.Contains(path, "{") {
		from, to := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
		path = path[:from] + fmt.Sprint(id) + path[to+1:]
	}
	return path
}

func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}
