package control

import (
	"encoding/json"
	"errors"

	"infinisim/sim/lab"
)

// arrayView is an array as the control plane shows it.
type arrayView struct {
	Key    string `json:"key"`
	Name   string `json:"name"`
	Serial int64  `json:"serial"`
	Host   string `json:"host"`
	Active bool   `json:"active"`
	Address
}

func (s *Server) array(l *lab.Lab, a *lab.Array) arrayView {
	v := arrayView{Key: a.Key, Name: a.Name, Serial: a.Serial, Host: a.Host(), Active: l.Active(a)}
	if s.Describe != nil {
		v.Address = s.Describe(a)
	}
	return v
}

func listArrays(s *Server, r *request) (any, error) { return s.arrays(r.lab), nil }

func (s *Server) arrays(l *lab.Lab) []arrayView {
	out := []arrayView{}
	for _, a := range l.Arrays() {
		out = append(out, s.array(l, a))
	}
	return out
}

func restAPI(_ *Server, r *request) (any, error) {
	return r.lab.OpenAPI(r.Context(), r.key())
}

func addArray(s *Server, r *request) (any, error) {
	var ask lab.ArraySetup
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	a, err := r.lab.AddArray(r.Context(), ask)
	if err != nil {
		return nil, err
	}
	if s.Added != nil {
		if err := s.Added(r.Context(), r.lab, a); err != nil {
			return nil, errors.Join(err, r.lab.RemoveArray(r.Context(), a.Key))
		}
	}
	return s.array(r.lab, a), nil
}

func removeArray(s *Server, r *request) (any, error) {
	a, err := r.lab.Array(r.key())
	if err != nil {
		return nil, err
	}
	if err := r.lab.RemoveArray(r.Context(), a.Key); err != nil {
		return nil, err
	}
	if s.Removed != nil {
		s.Removed(a)
	}
	return removed{r.key()}, nil
}

func activate(active bool) handler {
	return func(s *Server, r *request) (any, error) {
		if err := r.lab.SetActive(r.Context(), r.key(), active); err != nil {
			return nil, err
		}
		a, err := r.lab.Array(r.key())
		if err != nil {
			return nil, err
		}
		return s.array(r.lab, a), nil
	}
}

// ipAsk is the network space that an address is for, by name or id.
type ipAsk struct {
	Space json.RawMessage `json:"network_space"`
}

// ipView is an address that is free.
type ipView struct {
	Address string `json:"ip_address"`
}

// digestView is what a dataset holds.
type digestView struct {
	Digest string `json:"digest"`
	Used   int64  `json:"used"`
}

// allocateIP finds a free address; adding it is the array's own business.
func allocateIP(s *Server, r *request) (any, error) {
	var ask ipAsk
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	var name string
	if json.Unmarshal(ask.Space, &name) != nil {
		name = string(ask.Space)
	}
	ip, err := r.lab.AllocateIP(r.Context(), r.key(), name)
	return ipView{ip}, err
}

func write(s *Server, r *request) (any, error) {
	var ask lab.Write
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	if err := r.lab.Write(r.Context(), r.key(), id, ask); err != nil {
		return nil, err
	}
	return digest(s, r)
}

func digest(s *Server, r *request) (any, error) {
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	d, used, err := r.lab.Digest(r.Context(), r.key(), id)
	return digestView{d, used}, err
}
