package control

import (
	"net/http"

	"infinisim/sim/apierr"
	"infinisim/sim/lab"
)

// travelAsk is the entry before which a lab is to be seen, and the copy's name.
type travelAsk struct {
	Entry *int64 `json:"entry"`
	Name  string `json:"name"`
	Ports bool   `json:"ports"`
}

// travelView is the copy, and the request or job that came next.
type travelView struct {
	labView
	Entry   int64  `json:"entry"`
	Kind    string `json:"entry_kind"`
	Array   string `json:"array"`
	URL     string `json:"url"`
	Host    string `json:"host"`
	Method  string `json:"method"`
	Path    string `json:"path"`
	Query   string `json:"query"`
	Body    string `json:"body"`
	User    string `json:"user"`
	Cookie  string `json:"cookie"`
	Status  int    `json:"status"`
	Answer  string `json:"answer"`
	State   string `json:"state"`
	TimeNow int64  `json:"time_ns"`
}

// travel makes a copy of a lab as it was just before an entry of its journal,
// and tells how to repeat the request there: secrets of its body are not kept.
func travel(s *Server, r *request) (any, error) {
	ask := travelAsk{Ports: true}
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	if ask.Entry == nil {
		return nil, apierr.New(apierr.MissingField, "entry: required").About("entry")
	}
	p, err := s.Labs.Travel(r.lab.Name(), ask.Name, *ask.Entry)
	if err != nil {
		return nil, err
	}
	if err := s.give(r, p.Lab, ask.Ports); err != nil {
		return nil, err
	}
	e := p.Entry
	v := travelView{
		Entry: e.Seq, Kind: string(e.Kind), Array: e.Array, Method: e.Method, Path: e.Path, Query: e.Query, Body: e.Body, User: e.User,
		Status: e.Status, Answer: e.Answer, TimeNow: int64(e.Before.Time),
	}
	if p.Session != "" {
		v.Cookie = (&http.Cookie{Name: lab.SessionCookie, Value: p.Session}).String() //nolint:gosec // the text of a header Cookie, which has no attributes
	}
	for _, a := range p.Lab.Arrays() {
		if a.Key == e.Array {
			one := s.array(p.Lab, a)
			v.URL, v.Host = one.URL, one.Host
		}
	}
	if v.State, err = p.Lab.Fingerprint(r.Context()); err != nil {
		return nil, err
	}
	v.labView, err = s.labView(r.Context(), p.Lab)
	return v, err
}
