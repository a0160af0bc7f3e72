package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Asked describes requests. Members that are left out fit everything.
type Asked struct {
	// Method is the request's.
	Method string `json:"method,omitempty"`
	// Path is what follows /api/rest/, without the query; a star stands for one
	// part, two at the end for all that follow. A route such as volumes/{id}
	// fits too.
	Path string `json:"path,omitempty"`
	// Array is the key of the array that was asked.
	Array string `json:"array,omitempty"`
	// User is who asked; a request that did not get as far as its session has
	// none.
	User string `json:"user,omitempty"`
	// Status and Code are the answer's; a status of 0 in JSON is a connection
	// that was dropped.
	Status *int   `json:"status,omitempty"`
	Code   string `json:"code,omitempty"`
	// Fields are members that the body has with these values, objects with at
	// least these members; null asks only for the member.
	Fields map[string]json.RawMessage `json:"fields,omitempty"`
}

// UnmarshalJSON refuses members that no request has.
func (a *Asked) UnmarshalJSON(raw []byte) error {
	type plain Asked
	return strictly(raw, (*plain)(a))
}

func strictly(raw []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// String is the description in short.
func (a Asked) String() string {
	out := []string{orStar(a.Method), orStar(a.Path)}
	add := func(name, value string) {
		if value != "" {
			out = append(out, name+"="+value)
		}
	}
	add("array", a.Array)
	add("user", a.User)
	add("code", a.Code)
	if a.Status != nil {
		add("status", fmt.Sprint(*a.Status))
	}
	for _, name := range slices.Sorted(maps.Keys(a.Fields)) {
		add("fields."+name, string(a.Fields[name]))
	}
	return strings.Join(out, " ")
}

func orStar(text string) string {
	if text == "" {
		return "*"
	}
	return text
}

// Miss is a member of a request that differs from what was asked for.
type Miss struct {
	Member string          `json:"member"`
	Want   json.RawMessage `json:"want"`
	// Have is null where the request has no such member.
	Have json.RawMessage `json:"have"`
}

// String is the difference in words.
func (m Miss) String() string { return fmt.Sprintf("%s is %s, not %s", m.Member, m.Have, m.Want) }

// far reports whether the request is for something else at all.
func (m Miss) far() bool { return m.Member == "method" || m.Member == "path" }

// Misses tells which members of an entry differ; none do if it fits.
func (a Asked) Misses(e Entry) []Miss {
	var out []Miss
	text := func(member, want, have string) {
		if want != "" && want != have {
			out = append(out, Miss{member, encoded(want), encoded(have)})
		}
	}
	text("method", a.Method, e.Method)
	path, short := strings.TrimPrefix(a.Path, root), strings.TrimPrefix(e.Path, root)
	if a.Path != "" && path != e.Route && !fits(path, strings.Trim(short, "/")) {
		text("path", path, short)
	}
	text("array", a.Array, e.Array)
	text("user", a.User, e.User)
	if a.Status != nil && *a.Status != e.Status {
		out = append(out, Miss{"status", encoded(*a.Status), encoded(e.Status)})
	}
	text("code", a.Code, e.Code)
	if len(a.Fields) == 0 {
		return out
	}
	body := map[string]json.RawMessage{}
	_ = json.Unmarshal([]byte(e.Body), &body) // what is no object has no members
	return append(out, differ("fields", a.Fields, body)...)
}

func encoded(v any) json.RawMessage {
	raw, _ := json.Marshal(v) // texts and numbers always encode
	return raw
}

// differ compares the members that are wanted.
func differ(name string, want, have map[string]json.RawMessage) []Miss {
	var out []Miss
	for _, key := range slices.Sorted(maps.Keys(want)) {
		w, h, there := want[key], have[key], have[key] != nil
		member := name + "." + key
		var inner, outer map[string]json.RawMessage
		switch {
		case !there:
			out = append(out, Miss{member, w, json.RawMessage("null")})
		case string(w) == "null":
		case json.Unmarshal(w, &inner) == nil && json.Unmarshal(h, &outer) == nil:
			out = append(out, differ(member, inner, outer)...)
		case !same(w, h):
			out = append(out, Miss{member, w, h})
		}
	}
	return out
}

// same compares values, not how they are written.
func same(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
