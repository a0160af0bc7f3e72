package model

import (
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
			if err := readRoute(&routes[i], in); err != nil {
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

// readRoute puts a body's values in a route.
func readRoute(r *NetworkRoute, in *Input) error {
	if err := onlyKeys(in, "destination", "gateway", "netmask"); err != nil {
		return err
	}
	for _, at := range []struct {
		key string
		to  *string
	}{{"destination", &r.Destination}, {"gateway", &r.Gateway}} {
		raw, ok := in.Body[at.key]
		if !ok {
			continue
		}
		if *at.to = text(raw); !isAddress(*at.to) {
			return apierr.New(apierr.InvalidValue, "%s: %s is no address", at.key, raw).About(at.key)
		}
	}
	if raw, ok := in.Body["netmask"]; ok {
		r.Netmask = readNetmask(raw)
	}
	if a, err := netip.ParseAddr(r.Destination); err != nil || r.Netmask < 0 || r.Netmask > a.BitLen() {
		return apierr.New(apierr.InvalidValue, "netmask: %s does not fit %s", in.Body["netmask"], r.Destination).About("netmask")
	}
	return nil
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

func addRoute(b *Box, o *schema.Object, in *Input) (any, error) {
	for _, key := range []string{"destination", "gateway", "netmask"} {
		if !in.Body.Has(key) {
			return nil, apierr.New(apierr.MissingField, "%s: required to create a route", key).About(key)
		}
	}
	r := NetworkRoute{ID: b.Tx.Next(b.Key, "id")}
	if err := readRoute(&r, in); err != nil {
		return nil, err
	}
	SpaceRoutes.Set(o, append(SpaceRoutes.Get(o), r))
	return r, b.Save(o)
}
