package api

import (
	"context"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"infinisim/sim/apierr"
	"infinisim/sim/model"
	"infinisim/sim/store"
)

// Ask answers a GET of a path under /api/rest as the built-in user infinidat
// is answered, for somebody who only looks: there is no session, no fault
// strikes, the journal hears nothing of it, and what is due is left to whoever
// moves the lab. It returns PATH_NOT_FOUND for what no GET answers that writes
// nothing, and the errors of the request itself.
func (s *Server) Ask(ctx context.Context, path string, query url.Values) (answer []byte, err error) {
	op, in, ok := s.Routes.reading(path)
	if !ok {
		return nil, apierr.New(apierr.PathNotFound, "no request that only reads is at %s", path)
	}
	u := url.URL{Path: root + "/" + path, RawQuery: query.Encode()}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, apierr.New(apierr.InvalidValue, "path: %v", err).About("path")
	}
	in.Query = query
	in.Vars["path"], in.Vars["method"] = u.Path, http.MethodGet
	x := &exchange{op: op, r: r, in: in}
	err = s.Runner.View(ctx, max(s.Clock.Now(), s.Runner.DB.Now()), func(tx *store.Tx) error {
		b := s.engine.Box(tx, s.Key, model.Identity{ID: -1, Name: "infinidat", Role: model.RoleInfinidat})
		if err := s.allow(b, x); err != nil {
			return err
		}
		in.PageSize = b.DefaultPageSize()
		v, err := op.do(b, in)
		if err != nil {
			return err
		}
		text, _, err := envelope(b, v)
		answer = []byte(text)
		return err
	})
	return answer, err
}

// reading finds the operation that answers a GET of a path under /api/rest and
// writes nothing.
func (t *Routes) reading(path string) (operation, *model.Input, bool) {
	ctx := chi.NewRouteContext()
	if !t.router.Match(ctx, http.MethodGet, root+"/"+path) {
		return operation{}, nil, false
	}
	in := &model.Input{Body: model.Body{}, Request: model.Request{Vars: map[string]string{}}}
	for i, key := range ctx.URLParams.Keys {
		in.Vars[key] = ctx.URLParams.Values[i]
	}
	for _, one := range t.table {
		if one.method == http.MethodGet && root+"/"+one.op.route == ctx.RoutePattern() {
			return one.op, in, one.op.reads && one.op.do != nil
		}
	}
	return operation{}, nil, false
}
