package api

import (
	"strings"

	"infinisim/sim/journal"
)

// journalHeaders are those that an entry lists.
func journalHeaders() []string {
	return []string{"Authorization", "Content-Type", "X-Infinidat-Raw-Response", headerTenant, "X-Remote-Authorization"}
}

// query is the parameters in the order of their names.
func (x *exchange) query() string {
	if x.in == nil { // it was refused before
		return x.r.URL.Query().Encode()
	}
	return x.asked
}

func (s *Server) journal(x *exchange) {
	s.Log.Debug("request", "array", s.Key, "method", x.r.Method, "path", shownPath(x.r.URL.Path, x.op.route), "status", x.status, "code", x.code, "user", x.who)
	if s.Journal == nil {
		return
	}
	e := journal.Entry{
		Time: x.now, Array: s.Key, Method: x.r.Method, Path: x.r.URL.Path, Route: x.op.route, Query: x.query(),
		Body: string(x.raw), Status: x.status, Answer: strings.TrimSpace(x.answer), Plain: x.plain, Faults: x.struck.ids,
		User: x.who, Code: string(x.code), Lost: x.struck.drop && x.status != 0,
	}
	if x.got != x.now {
		e.Received = x.got
	}
	e.Touch(x.wrote)
	if len(x.raw) > maxBody {
		e.Body = ""
	}
	for _, name := range journalHeaders() {
		if v := x.r.Header.Get(name); v != "" {
			if e.Headers == nil {
				e.Headers = map[string]string{}
			}
			e.Headers[name] = v
		}
	}
	if x.before.Time == 0 { // it was refused before its time was known
		s.noteBefore(x)
	}
	before := x.before
	e.Before = &before
	e.Seq = s.Journal.Record(e)
	if x.told != nil {
		x.told(e)
		x.told = nil
	}
}
