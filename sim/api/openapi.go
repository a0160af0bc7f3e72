package api

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"infinisim/sim/model"
	"infinisim/sim/schema"
)

type document = map[string]any

// OpenAPI describes the requests that an array of a release answers as an
// OpenAPI 3.1 document, made of the declarations of kinds, fields and routes:
// what a closed gate hides from the array's clients is not in it.
func (t *Routes) OpenAPI(release schema.Release) map[string]any {
	d := describer{release: release, routes: t, shapes: shapes(), schemas: document{
		"Refusal": refusalSchema(), "Ready": readySchema(false), "Page": readySchema(true),
	}}
	for _, k := range t.engine.Catalog.Kinds() {
		if k.Gate.Open(release) {
			d.schemas[k.Type.Name()] = d.object(k.Type)
		}
	}
	for name, s := range common() {
		d.schemas[name] = d.shape(s, true)
	}
	paths := map[string]document{}
	for _, r := range t.open(release) {
		if t := r.op.filters; t != nil && d.schemas[t.Name()] == nil {
			d.schemas[t.Name()] = d.view(t)
		}
		path, variables := bracesOf(r.op.route)
		at := paths[root+"/"+path]
		if at == nil {
			at = document{}
			paths[root+"/"+path] = at
		}
		at[strings.ToLower(r.method)] = d.operation(r, path, variables)
	}
	linkUp(paths)
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
			"schemas": d.schemas, "headers": headers(), "responses": refusals(),
			"securitySchemes": document{
				"basic":   document{"type": "http", "scheme": "basic"},
				"session": document{"type": "apiKey", "in": "cookie", "name": cookieName},
			},
		},
	}
}

// open lists the requests that a release answers.
func (t *Routes) open(release schema.Release) []routed {
	var out []routed
	never := shapes()
	for _, r := range t.table {
		k, changes := t.kind(r.op.kind), r.op.crud && !r.op.reads
		if r.op.gate.Open(release) && !strings.HasPrefix(r.op.route, "/") && (!changes || !k.Fixed) && !never[r.method+" "+r.op.route].never {
			out = append(out, r)
		}
	}
	return out
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
	routes  *Routes
	shapes  map[string]shape
	schemas document
}

func (d describer) operation(r routed, path string, variables []string) document {
	k := d.routes.kind(r.op.kind)
	parameters := []any{}
	for _, name := range variables {
		s := document{"type": "string", "minLength": 1}
		if name == "id" {
			s = document{"type": "integer"}
		}
		parameters = append(parameters, document{"name": name, "in": "path", "required": true, "schema": s})
	}
	parameters = append(parameters, d.query(r.op)...)
	out := document{
		"operationId": operationID(r.method, path),
		"parameters":  parameters,
		"responses":   d.responses(r, k, len(variables) > 0),
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

func operationID(method, path string) string {
	return strings.ToLower(method) + "_" + strings.Trim(notWord.ReplaceAllString(path, "_"), "_")
}

// responses describes what a request may be answered with, without faults but
// those that a rule injects.
func (d describer) responses(r routed, k *model.Kind, names bool) document {
	said := d.shapes[r.method+" "+r.op.route]
	done, result, meta := http.StatusOK, d.result(r, k), "Ready"
	if r.op.created {
		done = http.StatusCreated
	}
	if r.op.filters != nil || said.page {
		meta = "Page"
	}
	success := answer("done", document{
		"type": "object", "required": []string{"result", "error", "metadata"}, "additionalProperties": false,
		"properties": document{"result": result, "error": document{"type": "null"}, "metadata": ref("schemas", meta)},
	})
	if r.op.route == "users/login" {
		shown, _ := success["headers"].(document)
		shown["Set-Cookie"] = document{"required": true, "schema": document{"type": "string"}}
	}
	out := document{strconv.Itoa(done): success}
	for _, status := range []int{http.StatusBadRequest, http.StatusServiceUnavailable} {
		out[strconv.Itoa(status)] = ref("responses", http.StatusText(status))
	}
	also := func(status int, when bool) {
		if when {
			out[strconv.Itoa(status)] = ref("responses", http.StatusText(status))
		}
	}
	also(http.StatusUnauthorized, !r.op.anonymous || r.op.session != nil)
	also(http.StatusForbidden, !r.op.anonymous)
	also(http.StatusNotFound, names || !r.op.anonymous) // also what the body or the tenant's header names
	also(http.StatusConflict, !r.op.reads || said.state)
	also(http.StatusRequestEntityTooLarge, true) // a body is read of every request
	return out
}

// remotePath is answered by another array.
const remotePath = "remote/{link}/api/rest/*"

// result describes the member result of an answer.
func (d describer) result(r routed, k *model.Kind) document {
	said := d.shapes[r.method+" "+r.op.route]
	switch {
	case said.gives != nil:
		return d.shape(said.gives, true)
	case r.op.filters != nil:
		return document{"type": "array", "items": ref("schemas", r.op.filters.Name())}
	case r.op.crud && k != nil:
		return ref("schemas", k.Type.Name())
	}
	return document{}
}

func ref(where, name string) document {
	return document{"$ref": "#/components/" + where + "/" + strings.ReplaceAll(name, " ", "")}
}

// answer describes one, with the headers that all answers have.
func answer(text string, s document) document {
	shown := document{}
	for name := range headers() {
		shown[name] = ref("headers", name)
	}
	return document{"description": text, "headers": shown, "content": document{"application/json": document{"schema": s}}}
}

// headers describes those of every answer.
func headers() document {
	return document{
		"Cache-Control":          document{"required": true, "schema": document{"const": "no-cache"}},
		"X-Content-Type-Options": document{"required": true, "schema": document{"const": "nosniff"}},
		headerNextSettle:         document{"description": "When the next thing falls due that somebody asked for, in milliseconds since 1970.", "schema": document{"type": "integer"}},
		headerFault:              document{"description": "The fault rules that struck the request.", "schema": document{"type": "string"}},
	}
}

// refusals describes the answers to what is refused, by the name of the status.
func refusals() document {
	out := document{}
	for status, text := range map[int]string{
		http.StatusBadRequest: "an argument cannot be right", http.StatusUnauthorized: "there is no session, or the password is wrong",
		http.StatusForbidden: "the role may not, or an approval is missing", http.StatusNotFound: "there is nothing of that name",
		http.StatusConflict: "the state forbids it", http.StatusRequestEntityTooLarge: "the body is too long",
		http.StatusServiceUnavailable: "the array is not ready, or a fault rule answers",
	} {
		out[strings.ReplaceAll(http.StatusText(status), " ", "")] = answer(text, ref("schemas", "Refusal"))
	}
	return out
}

// kind finds a kind by its type's name, nil for none.
func (t *Routes) kind(name string) *model.Kind {
	for _, k := range t.engine.Catalog.Kinds() {
		if k.Type.Name() == name {
			return k
		}
	}
	return nil
}

// linkUp links each answer of a creation to the requests about what it made:
// the id is in the answer.
func linkUp(paths map[string]document) {
	for path, methods := range paths {
		post, _ := methods["post"].(document)
		responses, _ := post["responses"].(document)
		made, ok := responses["201"].(document)
		if !ok {
			continue
		}
		links := document{}
		for other, them := range paths {
			rest, below := strings.CutPrefix(other, path+"/{")
			name, _, _ := strings.Cut(rest, "}")
			if !below {
				continue
			}
			for _, what := range them {
				operation, _ := what.(document)
				id, _ := operation["operationId"].(string)
				parameters := document{name: "$response.body#/result/id"}
				if strings.Contains(path, "{id}") { // what it was made in
					parameters["id"] = "$request.path.id"
				}
				links[id] = document{"operationId": id, "parameters": parameters}
			}
		}
		if len(links) > 0 {
			made["links"] = links
		}
	}
}
