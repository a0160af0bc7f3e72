package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// operation is one request that the array answers.
type operation struct {
	// reads says that nothing is written.
	reads bool
	// params are the parameters it knows; nil with filters knows the query
	// language.
	params  []string
	filters *schema.Type
	// anonymous operations need no session.
	anonymous bool
	// object demands a JSON object as the body; upload takes a form with a file.
	object, upload bool
	// route is the path under /api/rest with its variables in braces.
	route string
	// kind is the type of the objects that it is about, empty for none.
	kind string
	// gate closes it on arrays without it.
	gate schema.Gate
	// least is the least role that may make it.
	least string
	// created answers 201.
	created bool
	// crud is what every kind answers, in the way of its declaration.
	crud bool
	do   func(b *model.Box, in *model.Input) (any, error)
	// session operations need the server too; they have no do.
	session func(s *Server, b *model.Box, in *model.Input) (any, error)
}

// routed is an operation and the method that it answers to.
type routed struct {
	method string
	op     operation
}

func (t *Routes) route() {
	handle := func(method, path string, op operation) {
		op.route = path
		t.router.Method(method, root+"/"+path, serve(op))
		t.served = append(t.served, Served{Method: method, Path: path, Least: op.least, Kind: op.kind})
		t.table = append(t.table, routed{method: method, op: op})
	}
	for _, k := range t.engine.Catalog.Kinds() {
		if !k.Single {
			crud(k, handle)
		}
	}
	for _, route := range t.engine.Catalog.Routes() {
		handle(route.Method, route.Path, t.extra(route))
	}
	handle(http.MethodPost, "users/login", operation{anonymous: true, object: true, session: (*Server).login})
	handle(http.MethodPost, "users/logout", operation{anonymous: true, session: (*Server).logout})
	t.router.Method(http.MethodPost, "/api/infinisim/echo", serve(operation{least: model.RoleReadOnly, do: echo}))
	t.router.Method(http.MethodPost, "/api/infinisim/return_error", serve(operation{least: model.RoleReadOnly, do: returnError}))
}

// crud routes the requests that every kind answers.
func crud(k *model.Kind, handle func(method, path string, op operation)) {
	item := k.Path + "/{id}"
	plain := handle
	handle = func(method, path string, op operation) {
		op.kind, op.crud = k.Type.Name(), true
		switch {
		case op.reads:
			op.least = model.RoleReadOnly
		case method == http.MethodPut && k.LeastUpdate != "":
			op.least = k.LeastUpdate
		default:
			op.least = k.Least
		}
		plain(method, path, op)
	}
	handle(http.MethodGet, k.Path, operation{
		reads: true, gate: k.Gate, filters: k.Type,
		do: func(b *model.Box, in *model.Input) (any, error) { return b.List(k, in) },
	})
	handle(http.MethodGet, item, operation{
		reads: true, gate: k.Gate, params: []string{"fields"},
		do: func(b *model.Box, in *model.Input) (any, error) {
			id, err := idIn(k, in)
			if err != nil {
				return nil, err
			}
			return b.Show(k, id, in.Fields(k, b))
		},
	})
	handle(http.MethodPut, item, operation{
		object: true, gate: k.Gate, params: k.UpdateParams,
		do: func(b *model.Box, in *model.Input) (any, error) {
			o, err := load(b, k, in)
			if err != nil {
				return nil, err
			}
			return b.Update(k, o.ID(), in)
		},
	})
	handle(http.MethodDelete, item, operation{
		gate: k.Gate, params: k.DeleteParams,
		do: func(b *model.Box, in *model.Input) (any, error) {
			o, err := load(b, k, in)
			if err != nil {
				return nil, err
			}
			if k.Answer != nil {
				return k.Answer(b, o, in)
			}
			was, err := b.Render(o)
			if err != nil {
				return nil, err
			}
			_, err = b.Delete(k, o.ID(), in)
			return was, err
		},
	})
	if k.Forms != nil {
		handle(http.MethodPost, k.Path, operation{
			object: true, gate: k.Gate, params: k.CreateParams, created: true,
			do: func(b *model.Box, in *model.Input) (any, error) {
				o, err := b.Create(k, in)
				if err != nil || k.Made == nil {
					return o, err
				}
				return k.Made(b, o, in)
			},
		})
	}
}

// load finds the object that the path names. Something that is no id names
// nothing.
func load(b *model.Box, k *model.Kind, in *model.Input) (*schema.Object, error) {
	id, err := idIn(k, in)
	if err != nil {
		return nil, err
	}
	return b.Seen(k, id)
}

func idIn(k *model.Kind, in *model.Input) (int64, error) {
	id, err := strconv.ParseInt(in.Vars["id"], 10, 64)
	if err != nil {
		return 0, apierr.New(k.NotFound, "%q is no id", in.Vars["id"])
	}
	return id, nil
}

// extra wraps a route of the catalog; if its path begins with an item of a
// kind, the object is loaded and the guards are asked first.
func (t *Routes) extra(route model.Route) operation {
	k := t.owner(route.Path)
	op := operation{
		reads: route.Reads, params: route.Params, filters: route.Filters, anonymous: route.Anonymous, gate: route.Needs,
		least: route.Least, created: route.Creates, upload: route.Upload,
	}
	if k != nil {
		op.kind = k.Type.Name()
	}
	op.do = func(b *model.Box, in *model.Input) (any, error) {
		if k == nil {
			return route.Do(b, nil, in)
		}
		o, err := load(b, k, in)
		if err != nil {
			return nil, err
		}
		if route.Least == model.RolePoolAdmin && k.Least == model.RolePoolAdmin {
			if err := b.Own(o); err != nil {
				return nil, err
			}
		}
		if route.Name != "" {
			if err := b.Guard(route.Name, nil, o); err != nil {
				return nil, err
			}
		}
		return route.Do(b, o, in)
	}
	return op
}

// owner is the kind whose item the path begins with.
func (t *Routes) owner(path string) *model.Kind {
	for _, k := range t.engine.Catalog.Kinds() {
		if !k.Single && strings.HasPrefix(path, k.Path+"/{id}/") {
			return k
		}
	}
	return nil
}

// number reads an id of a path, 0 for what is none.
func number(text string) int64 {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return id
}

func notFound() operation {
	return operation{anonymous: true, reads: true, params: anyParam(), do: func(_ *model.Box, in *model.Input) (any, error) {
		return nil, apierr.New(apierr.PathNotFound, "nothing is at %s", in.Vars["path"])
	}}
}

func wrongMethod() operation {
	return operation{anonymous: true, reads: true, params: anyParam(), do: func(_ *model.Box, in *model.Input) (any, error) {
		return nil, apierr.New(apierr.MethodNotAllowed, "%s does not take %s", in.Vars["path"], in.Vars["method"])
	}}
}

// anyParam lets every parameter pass.
func anyParam() []string { return []string{"*"} }

// echo answers with what was sent (InfiniSDK tests, tag 225.1.0).
func echo(_ *model.Box, in *model.Input) (any, error) { return in.Raw, nil }

// returnError always refuses (InfiniSDK tests, tag 225.1.0).
func returnError(*model.Box, *model.Input) (any, error) {
	return nil, apierr.New(apierr.Internal, "an error was asked for")
}

func health(w http.ResponseWriter, r *http.Request) {
	s := serverOf(r)
	raw, err := json.Marshal(map[string]string{"status": "ok", "array": s.Key})
	if err != nil {
		s.Log.Error("health failed", "error", err)
		return
	}
	send(w, http.StatusOK, string(raw))
}
