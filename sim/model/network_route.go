package model

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// networkRoutes are the requests about a space's static routes.
func networkRoutes() []Route {
	const one = "network/spaces/{id}/routes/{route}"
	return []Route{
		{Method: http.MethodGet, Path: "network/spaces/{id}/routes", Reads: true, Do: func(_ *Box, o *schema.Object, _ *Input) (any, error) {
			return SpaceRoutes.Get(o), nil
		}},
		{Method: http.MethodPost, Path: "network/spaces/{id}/routes", Do: addRoute},
		{Method: http.MethodGet, Path: one, Reads: true, Params: []string{"fields"}, Do: func(_ *Box, o *schema.Object, in *Input) (any, error) {
			routes, i, err := findRoute(o, in)
			if err != nil {
				return nil, err
			}
			return routes[i], nil
		}},
		{Method: http.MethodPut, Path: one, Do: func(b *Box, o *schema.Object, in *Input) (any, error) {
			routes, i, err := findRoute(o, in)
			if err != nil {
				return nil, err
			}
			if err := readRoute(&routes[i], in.Raw); err != nil {
				return nil, err
			}
			SpaceRoutes.Set(o, routes)
			return routes[i], b.Save(o)
		}},
		{Method: http.MethodDelete, Path: one, Do: func(b *Box, o *schema.Object, in *Input) (any, error) {
			routes, i, err := findRoute(o, in)
			if err != nil {
				return nil, err
			}
			gone := routes[i]
			SpaceRoutes.Set(o, slices.Delete(routes, i, i+1))
			return gone, b.Save(o)
		}},
	}
}

func findRoute(o *schema.Object, in *Input) ([]NetworkRoute, int, error) {
	routes := SpaceRoutes.Get(o)
	id, err := strconv.ParseInt(in.Vars["route"], 10, 64)
	i := slices.IndexFunc(routes, func(r NetworkRoute) bool { return r.ID == id })
	if err != nil || i < 0 {
		return nil, 0, apierr.New(apierr.RouteNotFound, "network space %d has no route %q", o.ID(), in.Vars["route"])
	}
	return routes, i, nil
}

func readRoute(r *NetworkRoute, raw json.RawMessage) error {
	id := r.ID
	if err := json.Unmarshal(raw, r); err != nil {
		return apierr.New(apierr.InvalidValue, "route: %v", err)
	}
	r.ID = id
	for _, a := range []string{r.Destination, r.Gateway} {
		if _, err := netip.ParseAddr(a); err != nil {
			return apierr.New(apierr.InvalidValue, "route: %q is no address", a)
		}
	}
	return nil
}

func addRoute(b *Box, o *schema.Object, in *Input) (any, error) {
	r := NetworkRoute{ID: b.Tx.Next(b.Key, "id")}
	if err := readRoute(&r, in.Raw); err != nil {
		return nil, err
	}
	SpaceRoutes.Set(o, append(SpaceRoutes.Get(o), r))
	return r, b.Save(o)
}
