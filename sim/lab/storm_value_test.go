package lab_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// value is JSON that fits a schema, most of the time; ids are those of objects.
func (k *deck) value(s map[string]any, name string, depth int) string {
	if k.dice.IntN(30) == 0 || depth > 5 {
		return k.any()
	}
	if ref, ok := s["$ref"].(string); ok {
		return k.value(k.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...), name, depth+1)
	}
	for _, word := range []string{"oneOf", "anyOf"} {
		if all, ok := s[word].([]any); ok && len(all) > 0 {
			one, _ := all[k.dice.IntN(len(all))].(map[string]any)
			return k.value(one, name, depth+1)
		}
	}
	if all, ok := s["enum"].([]any); ok && len(all) > 0 {
		raw, _ := json.Marshal(all[k.dice.IntN(len(all))])
		return string(raw)
	}
	if v, ok := s["const"]; ok {
		raw, _ := json.Marshal(v)
		return string(raw)
	}
	switch k.typeOf(s) {
	case "object":
		return k.members(s, depth)
	case "array":
		items, _ := s["items"].(map[string]any)
		var out []string
		for range k.dice.IntN(3) {
			out = append(out, k.value(items, name, depth+1))
		}
		return "[" + strings.Join(out, ",") + "]"
	case "integer", "number":
		return k.number(name)
	case "boolean":
		return []string{"true", "false"}[k.dice.IntN(2)]
	case "string":
		return fmt.Sprintf("%q", k.Name())
	}
	if strings.HasSuffix(name, "id") {
		return k.number(name)
	}
	return k.any()
}

func (k *deck) typeOf(s map[string]any) string {
	switch t := s["type"].(type) {
	case string:
		return t
	case []any:
		if len(t) > 0 {
			one, _ := t[0].(string)
			return one
		}
	}
	if s["properties"] != nil {
		return "object"
	}
	return ""
}

func (k *deck) members(s map[string]any, depth int) string {
	properties, _ := s["properties"].(map[string]any)
	required, _ := s["required"].([]any)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if !slices.Contains(required, any(name)) && k.dice.IntN(4) > 0 || slices.Contains(required, any(name)) && k.dice.IntN(30) == 0 {
			continue
		}
		one, _ := properties[name].(map[string]any)
		out = append(out, fmt.Sprintf("%q:%s", name, k.value(one, name, depth+1)))
	}
	return "{" + strings.Join(out, ",") + "}"
}

// number is an object's id where the name says so.
func (k *deck) number(name string) string {
	kind, ok := strings.CutSuffix(name, "_id")
	if !ok && name != "id" {
		return fmt.Sprint(int64(1) << k.dice.IntN(45))
	}
	switch kind {
	case "dataset", "source", "parent", "local_entity", "entity", "id", "new_base":
		kind = []string{"volume", "filesystem", "cons_group"}[k.dice.IntN(3)]
	}
	return k.some(k.box, kindOf(kind))
}

// kindOf is the kind that a name of an id means.
func kindOf(name string) string {
	switch name {
	case "cg", "local_cg":
		return "cons_group"
	case "remote_pool":
		return "pool"
	}
	return name
}
