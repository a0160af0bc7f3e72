package scenario

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"infinisim/sim/document"
)

// The words with which an expectation says something other than equal.
func operators() []string {
	return []string{"at_least", "at_most", "above", "below", "not", "contains", "one_of", "exists"}
}

// checkExpected refuses expectations that cannot be.
func checkExpected(n document.Node) error {
	for _, pair := range n.Pairs() {
		if !isOperation(n) {
			if err := checkExpected(pair.Value); err != nil {
				return err
			}
			continue
		}
		var err error
		switch pair.Key {
		case "at_least", "at_most", "above", "below":
			_, err = pair.Value.Float()
		case "contains":
			_, err = pair.Value.Text()
		case "exists":
			_, err = pair.Value.Bool()
		case "one_of":
			if !pair.Value.IsList() {
				err = pair.Value.Expected("a list")
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isOperation reports whether a mapping says more than equal: all its members
// are operators.
func isOperation(n document.Node) bool {
	for _, pair := range n.Pairs() {
		if !slices.Contains(operators(), pair.Key) {
			return false
		}
	}
	return len(n.Pairs()) > 0
}

// lookup finds what a dotted path leads to in a JSON value.
func lookup(v any, path string) (any, bool) {
	for part := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			var ok bool
			if v, ok = in[part]; !ok {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(in) {
				return nil, false
			}
			v = in[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// members holds the members of a JSON object against those that are expected,
// by dotted paths; others may be there.
func (r *play) members(n document.Node, got any, array string) error {
	for _, pair := range n.Pairs() {
		v, there := lookup(got, pair.Key)
		if err := r.match(pair.Value, v, there, array); err != nil {
			return err
		}
	}
	return nil
}

// match holds a value against what is expected of it.
func (r *play) match(n document.Node, got any, there bool, array string) error {
	if isOperation(n) {
		for _, pair := range n.Pairs() {
			want, err := r.fill(pair.Value, pair.Value.Value(), array)
			if err != nil {
				return err
			}
			if !holds(pair.Key, want, got, there) {
				return r.fail(pair.Value, strings.ReplaceAll(pair.Key, "_", " ")+" "+show(want, true), show(got, there))
			}
		}
		return nil
	}
	want, err := r.fill(n, n.Value(), array)
	if err != nil {
		return err
	}
	if !there || !equal(want, got) {
		return r.fail(n, show(want, true), show(got, there))
	}
	return nil
}

// holds reports whether an operator is true of a value.
func holds(op string, want, got any, there bool) bool {
	if op == "exists" {
		return there == (want == true)
	}
	if !there {
		return false
	}
	w, _ := number(want)
	g, isNumber := number(got)
	switch op {
	case "at_least":
		return isNumber && g >= w
	case "at_most":
		return isNumber && g <= w
	case "above":
		return isNumber && g > w
	case "below":
		return isNumber && g < w
	case "not":
		return !equal(want, got)
	case "contains":
		text, isText := got.(string)
		if list, isList := got.([]any); isList {
			return slices.ContainsFunc(list, func(v any) bool { return equal(want, v) })
		}
		return isText && strings.Contains(text, fmt.Sprint(want))
	}
	list, _ := want.([]any)
	return slices.ContainsFunc(list, func(v any) bool { return equal(v, got) })
}

// number is a JSON number.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// equal compares as JSON does: an object by the members that are wanted.
func equal(want, got any) bool {
	if w, ok := number(want); ok {
		g, isNumber := number(got)
		return isNumber && w == g
	}
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		for key := range w {
			v, there := g[key]
			ok = ok && there && equal(w[key], v)
		}
		return ok
	case []any:
		g, ok := got.([]any)
		return ok && len(w) == len(g) && eachEqual(w, g)
	}
	return reflect.DeepEqual(want, got)
}

func eachEqual(want, got []any) bool {
	for i := range want {
		if !equal(want[i], got[i]) {
			return false
		}
	}
	return true
}

// show is a value for people.
func show(v any, there bool) string {
	if !there {
		return "nothing"
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(raw) > longestShown {
		return string(raw[:longestShown]) + "…"
	}
	return string(raw)
}

const longestShown = 500
