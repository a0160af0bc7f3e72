package model

import (
	"net/http"
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// subRoutes are create, read, update and delete of a kind whose objects live
// under one of another: parent/{id}/name/{sub}. by refers to the parent, and
// stands in every answer, also a trimmed one (InfiniSDK 289.1.4).
func subRoutes(parent, k *Kind, name string, by schema.Attr[int64]) []Route {
	path := parent.Path + "/{id}/" + name
	item := path + "/{sub}"
	return []Route{
		{Needs: k.Gate, Method: http.MethodGet, Path: path, Reads: true, Filters: k.Type, Do: func(b *Box, o *schema.Object, in *Input) (any, error) {
			withParent(in, by)
			return b.List(k, in, schema.Filter{Field: by.Field(), Op: schema.EQ, Values: []schema.Value{schema.RefValue(o.ID())}})
		}},
		{Needs: k.Gate, Name: Moment("add_" + k.Type.Name()), Method: http.MethodPost, Path: path, Creates: true, Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
			return b.Create(k, in) // its hook reads the parent from the path
		}},
		{Needs: k.Gate, Method: http.MethodGet, Path: item, Reads: true, Params: []string{"fields"}, Do: onSub(k, by, func(b *Box, o *schema.Object, in *Input) (any, error) {
			withParent(in, by)
			return b.RenderFields(k, o, in.Fields(k, b))
		})},
		{Needs: k.Gate, Method: http.MethodPut, Path: item, Do: onSub(k, by, func(b *Box, o *schema.Object, in *Input) (any, error) {
			return b.Update(k, o.ID(), in)
		})},
		{Needs: k.Gate, Method: http.MethodDelete, Path: item, Do: onSub(k, by, func(b *Box, o *schema.Object, in *Input) (any, error) {
			return b.Delete(k, o.ID(), in)
		})},
	}
}

// subPost declares an action on an object of subRoutes: POST
// parent/{id}/name/{sub}/action.
func subPost(parent, k *Kind, name, action string, by schema.Attr[int64], do func(b *Box, o *schema.Object, in *Input) (any, error)) Route {
	return Route{
		Name: Moment(action), Method: http.MethodPost, Path: parent.Path + "/{id}/" + name + "/{sub}/" + action, Do: onSub(k, by, do),
	}
}

// onSub finds the object that {sub} names under the one of the path.
func onSub(k *Kind, by schema.Attr[int64], do func(b *Box, o *schema.Object, in *Input) (any, error)) func(b *Box, o *schema.Object, in *Input) (any, error) {
	return func(b *Box, parent *schema.Object, in *Input) (any, error) {
		id, err := strconv.ParseInt(in.Vars["sub"], 10, 64)
		if err != nil {
			return nil, apierr.New(k.NotFound, "%q is no id", in.Vars["sub"])
		}
		o, err := b.Load(k, id)
		if err != nil {
			return nil, err
		}
		if by.Get(o) != parent.ID() {
			return nil, apierr.New(k.NotFound, "%s %d has no %s %d", words(parent.Type()), parent.ID(), words(k.Type), id)
		}
		return do(b, o, in)
	}
}

// withParent adds the parent to the fields that a client asks for.
func withParent(in *Input, by schema.Attr[int64]) {
	if fields := in.Query.Get("fields"); fields != "" {
		in.Query.Set("fields", fields+","+by.Name())
	}
}

// parentOf is the object that the path of a request names.
func parentOf(in *Input) int64 {
	id, err := strconv.ParseInt(in.Vars["id"], 10, 64)
	if err != nil {
		return 0
	}
	return id
}
