package lab_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// FuzzList asks for a kind's collection with any query. What is answered is
// held against plain words over the whole collection: which objects match, in
// which order, which of them are on the page, and which members are shown. What
// is refused says so with 400.
func FuzzList(f *testing.F) {
	w := ready(f)
	all := map[string]*collection{}
	for _, k := range w.cat.Kinds() {
		if k.Single || !w.lists(k) {
			continue
		}
		all[k.Path] = w.collect(k)
		for _, query := range seedsOfLists(all[k.Path]) {
			f.Add(k.Path, query)
		}
	}
	before, err := w.lab.Fingerprint(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		c := all[path]
		if c == nil {
			return
		}
		r, _ := ask{method: http.MethodGet, target: path + "?" + query}.request(t.Context())
		out, err := send(w.lab, "box-1", r)
		if err != nil {
			t.Fatal(err)
		}
		switch out.status {
		case http.StatusBadRequest:
		case http.StatusOK:
			if err := c.judge(r.URL.Query(), out); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatalf("status %d", out.status)
		}
		if after, err := w.lab.Fingerprint(t.Context()); err != nil || after != before {
			t.Fatalf("a list has changed something: %v", err)
		}
	})
}

// lists reports whether a kind has a collection that is paged.
func (w *world) lists(k *model.Kind) bool {
	w.t.Helper()
	status, out := w.request("box-1", http.MethodGet, k.Path, nil)
	meta, _ := out["metadata"].(map[string]any)
	return status == http.StatusOK && meta["number_of_objects"] != nil
}

// row is an object as a list shows it.
type row map[string]json.RawMessage

func (o row) id() int64 {
	id, _ := strconv.ParseInt(string(o["id"]), 10, 64)
	return id
}

// collection is all that a kind's list shows.
type collection struct {
	kind *model.Kind
	rows []row
}

func (w *world) collect(k *model.Kind) *collection {
	w.t.Helper()
	c := &collection{kind: k}
	for page := 1; ; page++ {
		r, _ := ask{method: http.MethodGet, target: fmt.Sprintf("%s?page_size=1000&page=%d", k.Path, page)}.request(w.t.Context())
		out, err := send(w.lab, "box-1", r)
		if err != nil {
			w.t.Fatal(err)
		}
		var rows []row
		if err := json.Unmarshal(out.result, &rows); err != nil {
			w.t.Fatal(err)
		}
		c.rows = append(c.rows, rows...)
		if len(rows) < 1000 {
			return c
		}
	}
}

// seedsOfLists are queries as tests and clients send them, over each field.
func seedsOfLists(c *collection) []string {
	out := []string{"page=2&page_size=1", "sort=name,-id", "fields=id,name,evil&page_size=0", "id=in:(1,2,3)&evil=1"}
	if len(c.rows) == 0 {
		return out
	}
	last := c.rows[len(c.rows)-1]
	ops := []string{"eq", "ne", "gt", "le", "like", "in", "notin", "between", "is", "isnot", "anyof", "noneof", "allof"}
	for i, name := range slices.Sorted(maps.Keys(last)) {
		v := url.QueryEscape(strings.Trim(string(last[name]), `"`))
		op := ops[(i+len(c.kind.Path))%len(ops)]
		switch op {
		case "in", "notin", "between":
			v = "(" + v + "," + v + ")"
		case "is", "isnot":
			v = "null"
		}
		out = append(out, name+"="+op+":"+v+"&sort=-"+name)
	}
	return out
}

// judge holds an answer against the collection.
func (c *collection) judge(params url.Values, out reply) error {
	var got []row
	if err := json.Unmarshal(out.result, &got); err != nil {
		return err
	}
	want, size, page, plain := slices.Clone(c.rows), schema.DefaultPageSize, 1, true
	var sorts []string
	fields := ""
	for name, texts := range params {
		for _, text := range texts {
			switch {
			case name == "page":
				page, _ = strconv.Atoi(text)
			case name == "page_size":
				size, _ = strconv.Atoi(text)
			case name == "fields":
				fields = text + ",id"
			case name == "sort":
				sorts = append(sorts, strings.Split(text, ",")...)
			case name == "approved" || slices.Contains(c.kind.ListParams, name):
				plain = plain && name == "approved"
			default:
				field := c.kind.Type.Field(name)
				if field == nil {
					return fmt.Errorf("%q is no field, and not refused", name)
				}
				want = slices.DeleteFunc(want, func(o row) bool { return passes(field, o[name], text) == no })
				plain = plain && c.known(field, text)
			}
		}
	}
	if out.meta.Page != page || out.meta.Size != size || out.meta.Pages != max(1, (out.meta.Total+size-1)/size) {
		return fmt.Errorf("page %d of size %d: %+v", page, size, out.meta)
	}
	if err := c.shown(got, fields); err != nil || !plain {
		return err
	}
	if len(want) != out.meta.Total {
		return fmt.Errorf("%d objects match, not %d", out.meta.Total, len(want))
	}
	if !c.order(want, sorts) {
		return nil
	}
	from := min((page-1)*size, len(want))
	return sameIDs(got, want[from:min(from+size, len(want))])
}

// shown finds each object of an answer in the collection, with the members that
// were asked for; empty asks for all.
func (c *collection) shown(got []row, fields string) error {
	for _, o := range got {
		i := slices.IndexFunc(c.rows, func(p row) bool { return p.id() == o.id() })
		if i < 0 {
			return fmt.Errorf("object %d is not in the whole list", o.id())
		}
		whole, n := c.rows[i], 0
		for name, raw := range whole {
			asked := fields == "" || slices.ContainsFunc(strings.Split(fields, ","), func(s string) bool { return strings.TrimSpace(s) == name })
			if !asked {
				continue
			}
			if n++; string(o[name]) != string(raw) {
				return fmt.Errorf("object %d: %s is %s, not %s", o.id(), name, o[name], raw)
			}
		}
		if n != len(o) {
			return fmt.Errorf("object %d has %d members, not %d", o.id(), len(o), n)
		}
	}
	return nil
}

// order sorts as a query asks; ok is false where words do not say how.
func (c *collection) order(rows []row, sorts []string) (ok bool) {
	ok = true
	slices.SortStableFunc(rows, func(a, b row) int {
		for _, key := range sorts {
			name, down := strings.CutPrefix(strings.TrimSpace(key), "-")
			field := c.kind.Type.Field(name)
			if field == nil || !sortable(field) {
				ok = false
				return 0
			}
			d := compareCells(field, cellOf(field, a[name]), cellOf(field, b[name]))
			if down {
				d = -d
			}
			if d != 0 {
				return d
			}
		}
		return int(a.id() - b.id())
	})
	return ok
}

func sameIDs(got, want []row) error {
	ids := func(rows []row) (out []int64) {
		for _, o := range rows {
			out = append(out, o.id())
		}
		return out
	}
	if g, w := ids(got), ids(want); !slices.Equal(g, w) {
		return fmt.Errorf("the page has %v, not %v", g, w)
	}
	return nil
}
