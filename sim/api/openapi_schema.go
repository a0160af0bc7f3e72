package api

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// query lists the parameters after the question mark.
func (d describer) query(op operation) []any {
	named := map[string]document{"approved": {"type": "boolean"}}
	if op.reads {
		delete(named, "approved")
	}
	for _, name := range op.params {
		if name != "*" {
			named[name] = document{"type": "string"}
		}
	}
	if op.filters != nil || slices.Contains(op.params, "page") {
		named["page"] = document{"type": "integer", "minimum": 1, "maximum": schema.MaxPage}
		named["page_size"] = document{"type": "integer", "minimum": 1, "maximum": schema.MaxPageSize}
	}
	if op.filters != nil {
		named["sort"], named["fields"] = document{"type": "string"}, document{"type": "string"}
		for _, f := range op.filters.Fields() {
			if op.filters.Shows(f) && f.Gate.Open(d.release) && named[f.Name] == nil {
				named[f.Name] = document{"type": "string"}
			}
		}
	}
	out := []any{}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		out = append(out, document{"name": name, "in": "query", "schema": named[name]})
	}
	return out
}

// body describes what a request sends, nil for nothing.
func (d describer) body(r routed, k *model.Kind) document {
	said := d.shapes[r.method+" "+r.op.route]
	switch {
	case r.op.upload:
		one := document{"type": "object", "properties": document{}, "additionalProperties": false, "minProperties": 1}
		parts, _ := one["properties"].(document)
		for _, name := range fileParts() {
			parts[name] = document{"type": "string", "format": "binary"}
		}
		return document{"required": true, "content": document{"multipart/form-data": document{"schema": one}}}
	case said.takes != nil:
		return document{"required": !said.spare, "content": document{"application/json": document{"schema": d.shape(said.takes, false)}}}
	case r.op.reads || r.method == "DELETE" || !r.op.crud || k == nil:
		return nil
	case r.method == "POST":
		needs := !slices.ContainsFunc(k.Forms, func(f model.Form) bool { return len(f.Required) == 0 })
		return document{"required": needs, "content": document{"application/json": document{"schema": d.takes(k, schema.Create)}}}
	}
	return document{"required": false, "content": document{"application/json": document{"schema": d.takes(k, schema.Update)}}}
}

// takes describes the body that creates or changes an object of a kind: a
// schema of its own for each way of creation.
func (d describer) takes(k *model.Kind, flag schema.Flags) document {
	if flag == schema.Update {
		return d.named("change_"+k.Type.Name(), d.settable(k, flag))
	}
	var ways []any
	for i := range k.Forms {
		form := &k.Forms[i]
		one := d.settable(k, flag)
		properties, _ := one["properties"].(document)
		for _, name := range form.Refused {
			delete(properties, name)
		}
		for _, name := range append(slices.Clone(form.Extra), form.Required...) {
			if properties[name] == nil {
				properties[name] = document{}
			}
		}
		if len(form.Required) > 0 {
			one["required"] = form.Required
		}
		if form.Name != "" {
			one["description"] = "Makes " + form.Name + "."
		}
		name := "new_" + k.Type.Name()
		if i < len(k.Forms)-1 { // the last is the usual one
			name += "_as_" + notWord.ReplaceAllString(strings.ToLower(form.Name), "_")
		}
		ways = append(ways, d.named(name, one))
	}
	if len(ways) == 1 {
		one, _ := ways[0].(document)
		return one
	}
	return document{"anyOf": ways}
}

// named keeps a schema under a name, and refers to it.
func (d describer) named(name string, s document) document {
	d.schemas[name] = s
	return ref("schemas", name)
}

// settable describes what a body may set.
func (d describer) settable(k *model.Kind, flag schema.Flags) document {
	properties := document{}
	for _, f := range k.Type.Fields() {
		if k.Type.May(f, flag) && f.Gate.Open(d.release) {
			s := d.field(f, false)
			if s["enum"] != nil {
				s = document{"type": s["type"], "description": "Any spelling of " + strings.Join(f.Enum, ", ") + "."}
			}
			properties[f.Name] = s
		}
	}
	return document{"type": "object", "properties": properties, "additionalProperties": false}
}

// object describes what answers show of a type. What a client may ask to leave
// out is not required.
func (d describer) object(t *schema.Type) document {
	return document{"type": "object", "properties": d.properties(t), "additionalProperties": false}
}

func (d describer) properties(t *schema.Type) document {
	properties := document{}
	for _, f := range t.Fields() {
		if !t.Shows(f) || !f.Gate.Open(d.release) {
			continue
		}
		s := d.field(f, true)
		if !t.May(f, schema.Create) && !t.May(f, schema.Update) {
			s["readOnly"] = true
		}
		properties[f.Name] = s
	}
	return properties
}

// view describes what answers show of a type that no kind has: objects of
// several kinds, or what has a word for its id.
func (d describer) view(t *schema.Type) document {
	properties := d.properties(t)
	properties["id"] = document{"type": []string{"integer", "string"}}
	return document{"type": "object", "properties": properties}
}

// field describes the values of a field in answers, or in bodies.
func (d describer) field(f *schema.Field, answers bool) document {
	kind := map[schema.Wire]string{
		schema.WireInt: "integer", schema.WireFloat: "number", schema.WireBool: "boolean", schema.WireText: "string",
		schema.WireEnum: "string", schema.WireRef: "integer", schema.WireList: "array",
	}[f.Wire()]
	switch {
	case kind != "":
	case answers && f.Has(schema.NotNull):
		return goSchema(f.Value())
	case answers:
		return orNull(goSchema(f.Value()))
	default:
		return document{} // clients write these in several ways
	}
	s := document{"type": kind}
	if kind == "array" {
		s["items"] = goSchema(f.Value().Elem())
	}
	words := make([]any, 0, len(f.Enum)+1)
	for _, word := range f.Enum {
		words = append(words, word)
	}
	if !f.Has(schema.NotNull) && (f.Wire() != schema.WireRef || !f.NoneZero || !answers) {
		s["type"], words = []string{kind, "null"}, append(words, nil)
	}
	if f.Wire() == schema.WireEnum && len(f.Enum) > 0 {
		s["enum"] = words
	}
	if !answers {
		bounds(s, f)
	}
	if f.Refers() != "" {
		s["description"] = "The id of a " + strings.ReplaceAll(f.Refers(), "_", " ") + "."
	}
	return s
}

// bounds puts what a field lets pass in its schema.
func bounds(s document, f *schema.Field) {
	if f.Most != 0 {
		s["minimum"], s["maximum"] = f.Least, f.Most
	}
	if f.Unit != 0 {
		s["multipleOf"] = f.Unit
	}
	if f.Pattern != "" {
		s["pattern"] = f.Pattern
	}
}

// goSchema describes the JSON of a Go type, as far as the type says.
func goSchema(t reflect.Type) document {
	switch t.Kind() {
	case reflect.Int, reflect.Int64:
		return document{"type": "integer"}
	case reflect.String:
		return document{"type": "string"}
	case reflect.Bool:
		return document{"type": "boolean"}
	case reflect.Slice:
		return document{"type": "array", "items": goSchema(t.Elem())}
	case reflect.Map:
		return document{"type": "object"}
	case reflect.Pointer:
		return orNull(goSchema(t.Elem()))
	case reflect.Struct:
		properties, required := document{}, []string{}
		for f := range t.Fields() {
			name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
			properties[name] = goSchema(f.Type)
			if !strings.Contains(rest, "omitempty") {
				required = append(required, name)
			}
		}
		return document{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
	}
	return document{}
}

// orNull lets a schema of one type have no value too.
func orNull(s document) document {
	if kind, ok := s["type"].(string); ok {
		s["type"] = []string{kind, "null"}
	}
	return s
}

// readySchema describes an answer's metadata, of a collection or not.
func readySchema(page bool) document {
	properties, required := document{"ready": document{"type": "boolean"}}, []string{"ready"}
	if page {
		for _, name := range []string{"number_of_objects", "page", "page_size", "pages_total"} {
			properties[name] = document{"type": "integer"}
			required = append(required, name)
		}
	}
	return document{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

func refusalSchema() document {
	reason := document{
		"type": "object", "required": []string{"message", "affected_entities"}, "additionalProperties": false,
		"properties": document{"message": document{"type": "string"}, "affected_entities": document{"type": []string{"array", "null"}, "items": document{"type": "integer"}}},
	}
	return document{
		"type": "object", "required": []string{"result", "error", "metadata"}, "additionalProperties": false,
		"properties": document{
			"result":   document{"type": "null"},
			"metadata": ref("schemas", "Ready"),
			"error": document{
				"type": "object", "required": []string{"code", "message", "reasons", "severity", "is_remote", "data"}, "additionalProperties": false,
				"properties": document{
					"code": document{"type": "string", "pattern": "^[A-Z][A-Z0-9_]*$"}, "message": document{"type": "string"},
					"severity": document{"const": "ERROR"}, "reasons": document{"type": "array", "items": reason},
					"is_remote": document{"type": "boolean"}, "data": document{"type": "null"},
				},
			},
		},
	}
}
