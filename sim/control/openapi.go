package control

import (
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"infinisim/sim/fault"
)

// paths are those that the route answers: with and without a lab's name.
func (t route) paths() []string {
	if t.path == metricsPath {
		return []string{t.path}
	}
	if t.labs {
		return []string{prefix + t.path}
	}
	return []string{prefix + t.path, prefix + "/labs/{lab}" + t.path}
}

// Served lists what the router answers, as "METHOD /path" with the path's
// variables in braces.
func (s *Server) Served() []string {
	var out []string
	err := chi.Walk(s.router, func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		out = append(out, method+" "+path)
		return nil
	})
	if err != nil {
		panic("control: " + err.Error()) // the callback returns none
	}
	return out
}

type object = map[string]any

// openAPI describes the control plane as an OpenAPI 3.1 document, made of the
// table of routes and the types that they read and answer.
func openAPI(_ *Server, _ *request) (any, error) {
	paths := object{}
	for _, t := range routes() {
		for _, path := range t.paths() {
			path = strings.Replace(path, "*", "{path}", 1)
			if paths[path] == nil {
				paths[path] = object{}
			}
			if at, ok := paths[path].(object); ok {
				at[strings.ToLower(t.method)] = t.describe(path)
			}
		}
	}
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title": "infinisim control plane", "version": "1",
			"description": "What a tester may do to the labs of a process that an administrator of an array may not.",
		},
		"servers":  []any{object{"url": "/"}},
		"security": []any{object{}, object{"token": []any{}}},
		"paths":    paths,
		"components": object{
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer"}},
			"responses":       refusals(),
			"schemas": object{"Refusal": object{
				"type": "object", "required": []string{"error"}, "additionalProperties": false,
				"properties": object{"error": object{
					"type": "object", "required": []string{"code", "message"}, "additionalProperties": false,
					"properties": object{"code": object{"type": "string", "pattern": "^[A-Z][A-Z0-9_]*$"}, "message": object{"type": "string"}},
				}},
			}},
		},
	}, nil
}

var (
	variable  = regexp.MustCompile(`\{(\w+)\}`)
	notInName = regexp.MustCompile(`\W+`)
)

// describe is the route as an operation of one of its paths.
func (t route) describe(path string) object {
	parameters := []any{}
	for _, m := range variable.FindAllStringSubmatch(path, -1) {
		kind := object{"type": "string", "minLength": 1}
		if m[1] == "id" {
			kind = object{"type": "integer"}
		}
		parameters = append(parameters, object{"name": m[1], "in": "path", "required": true, "schema": kind})
	}
	for _, name := range t.query {
		parameters = append(parameters, object{"name": name, "in": "query", "schema": object{"type": "string"}})
	}
	name := strings.Trim(notInName.ReplaceAllString(strings.TrimPrefix(path, prefix), "_"), "_")
	out := object{
		"summary": t.summary, "operationId": strings.ToLower(t.method) + "_" + name, "parameters": parameters,
		"responses": t.responses(len(parameters) > 0),
	}
	if t.body != nil {
		out["requestBody"] = object{"content": object{typeOf(t.body): object{"schema": schemaFor(t.body, false)}}}
	}
	return out
}

// responses describes what the route answers. Whatever names something may name
// nothing, and what writes may be forbidden by a state.
func (t route) responses(names bool) object {
	content := object{typeOf(t.answer): object{"schema": schemaFor(t.answer, true)}}
	for kind, s := range t.also {
		content[kind] = object{"schema": s}
	}
	out := object{"200": object{"description": "done", "content": content}}
	if t.later != nil {
		out["202"] = object{"description": "goes on", "content": object{typeOf(t.later): object{"schema": schemaFor(t.later, true)}}}
	}
	reads := t.method == http.MethodGet
	for status, when := range map[int]bool{
		http.StatusBadRequest:   names || !reads || t.body != nil,
		http.StatusUnauthorized: true, http.StatusForbidden: true, http.StatusNotFound: names || !reads,
		http.StatusConflict: !reads, http.StatusRequestEntityTooLarge: true, http.StatusServiceUnavailable: true,
	} {
		if when {
			out[strconv.Itoa(status)] = object{"$ref": "#/components/responses/" + strings.ReplaceAll(http.StatusText(status), " ", "")}
		}
	}
	return out
}

// refusals describes the answers to what is refused, by the name of the status.
func refusals() object {
	out := object{}
	for status, text := range map[int]string{
		http.StatusBadRequest: "an argument cannot be right", http.StatusUnauthorized: "the token is missing",
		http.StatusForbidden: "a page of another origin asks, or the array's users may not", http.StatusNotFound: "there is nothing of that name",
		http.StatusConflict: "the state forbids it", http.StatusRequestEntityTooLarge: "the body is too long",
		http.StatusServiceUnavailable: "not everything serves, or the control plane ends",
	} {
		out[strings.ReplaceAll(http.StatusText(status), " ", "")] = object{
			"description": text, "content": object{"application/json": object{"schema": object{"$ref": "#/components/schemas/Refusal"}}},
		}
	}
	return out
}

// typeOf is the content type of a body or an answer.
func typeOf(v any) string {
	switch v.(type) {
	case lines:
		return "application/x-ndjson"
	case plain:
		return "text/plain"
	case stream:
		return "text/event-stream"
	}
	return "application/json"
}

// schemaFor describes the type of a value, or those of either.
func schemaFor(v any, answer bool) object {
	all, ok := v.(either)
	if !ok {
		return schemaOf(reflect.TypeOf(v), answer)
	}
	some := []object{}
	for _, one := range all {
		some = append(some, schemaOf(reflect.TypeOf(one), answer))
	}
	return object{"anyOf": some}
}

// schemaOf describes a type as JSON shows it. Of an answer the members that are
// always there are required, and no body has members that the type does not.
func schemaOf(t reflect.Type, answer bool) object {
	switch t {
	case reflect.TypeFor[fault.Duration]():
		return object{"type": []string{"string", "number"}, "description": "A duration like 1m30s, or milliseconds."}
	case reflect.TypeFor[json.RawMessage]():
		return object{}
	case reflect.TypeFor[stream](): // of each event
		text := object{"type": "string"}
		return object{"type": "object", "properties": object{"event": text, "data": text}, "required": []string{"event", "data"}}
	case reflect.TypeFor[lines]():
		return object{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		s := schemaOf(t.Elem(), answer)
		if kind, ok := s["type"].(string); ok {
			s["type"] = []string{kind, "null"}
		}
		return s
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return object{"type": "integer"}
	case reflect.Slice:
		s := object{"type": "array", "items": schemaOf(t.Elem(), answer)}
		if answer {
			s["type"] = []string{"array", "null"}
		}
		return s
	case reflect.Map:
		return object{"type": "object", "additionalProperties": schemaOf(t.Elem(), answer)}
	case reflect.Struct:
		return structOf(t, answer)
	}
	return object{}
}

func structOf(t reflect.Type, answer bool) object {
	properties, required := object{}, []string{}
	for _, m := range membersOf(t) {
		properties[m.name] = schemaOf(m.kind, answer)
		if !m.optional {
			required = append(required, m.name)
		}
	}
	s := object{"type": "object", "properties": properties, "additionalProperties": false}
	if answer {
		s["required"] = required
	}
	return s
}

// member is one member of a struct as JSON shows it.
type member struct {
	name     string
	kind     reflect.Type
	optional bool
}

// membersOf lists a struct's members; those of embedded structs are its own.
func membersOf(t reflect.Type) []member {
	var out []member
	for f := range t.Fields() {
		tag, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && tag == "":
			out = append(out, membersOf(f.Type)...)
		case f.IsExported() && tag != "" && tag != "-":
			out = append(out, member{tag, f.Type, strings.Contains(rest, "omitempty")})
		}
	}
	return out
}

// keysOf are the members of a struct that a body is read as.
func keysOf(v any) []string {
	out := []string{}
	for _, m := range membersOf(reflect.TypeOf(v)) {
		out = append(out, m.name)
	}
	return out
}
