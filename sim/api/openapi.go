package api

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"infinisim/sim/model"
	"infinisim/sim/schema"
)

type document = map[string]any

// OpenAPI describes the requests that an array of a release answers as an
// OpenAPI 3.1 document, made of the declarations of kinds, fields and routes:
// what a closed gate hides from the array's clients is not in it.
func (t *Routes) OpenAPI(release schema.Release) map[string]any {
	d := describer{release: release, engine: t.engine}
	schemas := document{"Refusal": refusalSchema(), "Ready": readySchema(false), "Page": readySchema(true)}
	for _, k := range t.engine.Catalog.Kinds() {
		if k.Gate.Open(release) {
			schemas[k.Type.Name()] = d.object(k.Type)
		}
	}
	paths := map[string]document{}
	for _, r := range t.table {
		if !r.op.gate.Open(release) || strings.HasPrefix(r.op.route, "/") {
			continue
		}
		if t := r.op.filters; t != nil && schemas[t.Name()] == nil {
			schemas[t.Name()] = d.view(t)
		}
		path, variables := bracesOf(r.op.route)
		at := paths[root+"/"+path]
		if at == nil {
			at = document{}
			paths[root+"/"+path] = at
		}
		at[strings.ToLower(r.method)] = d.operation(r, path, variables)
	}
	return document{
		"openapi": "3.1.0",
		"info": document{
			"title": "InfiniBox management API, as infinisim serves it", "version": release.Version,
			"description": "Made from what the simulator declares. Filters of a collection are parameters named as the field, with a value of the form operator:operand.",
		},
		"servers":  []any{document{"url": "/"}},
		"security": []any{document{"basic": []any{}}, document{"session": []any{}}},
		"paths":    paths,
		"components": document{
			"schemas": schemas,
			"securitySchemes": document{
				"basic":   document{"type": "http", "scheme": "basic"},
				"session": document{"type": "apiKey", "in": "cookie", "name": cookieName},
			},
		},
	}
}

var (
	variableOf = regexp.MustCompile(`\{(\w+)(?::[^}]*)?\}`)
	notWord    = regexp.MustCompile(`\W+`)
)

// bracesOf is a path as OpenAPI writes it, and its variables; rest is what a star
// stands for.
func bracesOf(route string) (path string, variables []string) {
	route = strings.Replace(route, "*", "{rest}", 1)
	for _, m := range variableOf.FindAllStringSubmatch(route, -1) {
		variables = append(variables, m[1])
	}
	return variableOf.ReplaceAllString(route, "{$1}"), variables
}

// describer turns declarations into schemas for one release.
type describer struct {
	release schema.Release
	engine  *model.Engine
}

func (d describer) operation(r routed, path string, variables []string) document {
	k := d.kindOf(r.op.kind)
	parameters := []any{}
	for _, name := range variables {
		s := document{"type": "string"}
		if name == "id" {
			s = document{"type": "integer"}
		}
		parameters = append(parameters, document{"name": name, "in": "path", "required": true, "schema": s})
	}
	parameters = append(parameters, d.query(r.op)...)
	status := "200"
	if r.op.created {
		status = "201"
	}
	result, meta := document{}, "Ready"
	switch {
	case r.op.filters != nil:
		result, meta = document{"type": "array", "items": ref(r.op.filters.Name())}, "Page"
	case r.op.crud && k != nil && k.Answer == nil && (k.Made == nil || r.method != "POST"):
		result = ref(k.Type.Name())
	}
	out := document{
		"operationId": strings.ToLower(r.method) + "_" + strings.Trim(notWord.ReplaceAllString(path, "_"), "_"),
		"parameters":  parameters,
		"responses": document{
			status: answer("done", document{
				"type": "object", "required": []string{"result", "error", "metadata"},
				"properties": document{"result": result, "error": document{"type": "null"}, "metadata": ref(meta)},
			}),
			"default": answer("refused", ref("Refusal")),
		},
	}
	if k != nil {
		out["tags"] = []string{k.Path}
	}
	if r.op.anonymous {
		out["security"] = []any{}
	} else if r.op.least != "" {
		out["description"] = "The least role that may: " + r.op.least + "."
	}
	if body := d.body(r, k); body != nil {
		out["requestBody"] = body
	}
	return out
}

func ref(name string) document { return document{"$ref": "#/components/schemas/" + name} }

func answer(text string, s document) document {
	return document{"description": text, "content": document{"application/json": document{"schema": s}}}
}

func (d describer) kindOf(name string) *model.Kind {
	for _, k := range d.engine.Catalog.Kinds() {
		if k.Type.Name() == name {
			return k
		}
	}
	return nil
}

// query lists the parameters after the question mark.
func (d describer) query(op operation) []any {
	named := map[string]document{"approved": {"type": "boolean"}}
	if op.reads {
		delete(named, "approved")
	}
	for _, name := range op.params {
		named[name] = document{"type": "string"}
	}
	if op.filters != nil {
		named["page"] = document{"type": "integer", "minimum": 1}
		named["page_size"] = document{"type": "integer", "minimum": 1, "maximum": schema.MaxPageSize}
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
	switch {
	case r.op.upload:
		return document{"content": document{"multipart/form-data": document{"schema": document{"type": "object"}}}}
	case r.op.reads || r.method == "DELETE":
		return nil
	case !r.op.crud || k == nil:
		return document{"content": document{"application/json": document{"schema": document{}}}}
	}
	flag := schema.Update
	var some []any
	extra := map[string]bool{}
	if r.method == "POST" {
		flag = schema.Create
		for _, form := range k.Forms {
			one := document{"title": cmp.Or(form.Name, k.Type.Name())}
			if len(form.Required) > 0 {
				one["required"] = form.Required
			}
			some = append(some, one)
			for _, name := range append(slices.Clone(form.Extra), form.Required...) {
				extra[name] = true
			}
		}
	}
	properties := document{}
	for name := range extra {
		properties[name] = document{}
	}
	for _, f := range k.Type.Fields() {
		if k.Type.May(f, flag) && f.Gate.Open(d.release) {
			s := d.field(f)
			if s["enum"] != nil {
				s = document{"type": s["type"], "description": "Any spelling of " + strings.Join(f.Enum, ", ") + "."}
			}
			properties[f.Name] = s
		}
	}
	s := document{"type": "object", "properties": properties}
	if len(some) > 0 {
		s["anyOf"] = some
	}
	return document{"required": true, "content": document{"application/json": document{"schema": s}}}
}

// object describes what answers show of a type. What a client may ask to leave
// out is not required.
func (d describer) object(t *schema.Type) document {
	return document{"type": "object", "properties": d.properties(t)}
}

func (d describer) properties(t *schema.Type) document {
	properties := document{}
	for _, f := range t.Fields() {
		if !t.Shows(f) || !f.Gate.Open(d.release) {
			continue
		}
		s := d.field(f)
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

func (d describer) field(f *schema.Field) document {
	kind := map[schema.Wire]string{
		schema.WireInt: "integer", schema.WireFloat: "number", schema.WireBool: "boolean", schema.WireText: "string",
		schema.WireEnum: "string", schema.WireRef: "integer", schema.WireList: "array",
	}[f.Wire()]
	if kind == "" {
		return document{}
	}
	s := document{"type": kind}
	if kind == "array" {
		s["items"] = document{"type": []string{"integer", "string"}}
	}
	words := make([]any, 0, len(f.Enum)+1)
	for _, word := range f.Enum {
		words = append(words, word)
	}
	if !f.Has(schema.NotNull) && (f.Wire() != schema.WireRef || !f.NoneZero) {
		s["type"], words = []string{kind, "null"}, append(words, nil)
	}
	if f.Wire() == schema.WireEnum && len(f.Enum) > 0 {
		s["enum"] = words
	}
	if f.Refers() != "" {
		s["description"] = "The id of a " + strings.ReplaceAll(f.Refers(), "_", " ") + "."
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
	return document{"type": "object", "properties": properties, "required": required}
}

func refusalSchema() document {
	return document{
		"type": "object", "required": []string{"result", "error", "metadata"},
		"properties": document{
			"result":   document{"type": "null"},
			"metadata": ref("Ready"),
			"error": document{
				"type": "object", "required": []string{"code", "message", "reasons", "severity", "is_remote", "data"},
				"properties": document{
					"code": document{"type": "string"}, "message": document{"type": "string"}, "severity": document{"type": "string"},
					"reasons": document{"type": "array"}, "is_remote": document{"type": "boolean"}, "data": document{},
				},
			},
		},
	}
}
