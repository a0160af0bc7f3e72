package simtest

import (
	"net/http"
	"testing"

	"infinisim/sim"
)

// Travel makes a copy of the lab as it was just before an entry of its journal,
// checked and closed when the test ends, with a client of the entry's array that
// is whoever made the request.
func (l *Lab) Travel(tb testing.TB, entry int64) (*Lab, *Client) {
	tb.Helper()
	p, err := l.Lab.Travel(entry)
	if err != nil {
		tb.Fatalf("travel to #%d: %v", entry, err)
	}
	past := Watch(tb, p.Lab)
	c := past.Client(p.Entry.Array)
	c.User, c.Password = "", ""
	if p.Session != "" {
		c.Header = http.Header{"Cookie": {"JSESSIONID=" + p.Session}}
	}
	return past, c
}

// Repeat sends the request of an entry once more, without its secrets, which
// the journal does not have.
func (c *Client) Repeat(e sim.Entry) *Answer {
	c.tb.Helper()
	path := e.Path[len("/api/rest/"):]
	if e.Query != "" {
		path += "?" + e.Query
	}
	var body any
	if e.Body != "" {
		body = []byte(e.Body)
	}
	return c.Do(e.Method, path, body)
}
