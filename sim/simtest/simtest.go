// Package simtest is what a Go test of a storage client imports: a lab that is
// closed and checked when the test ends, and a client that fails the test by
// itself.
package simtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"testing"
	"time"

	"infinisim/sim"
)

// New makes a lab of two linked arrays on a clock that stands still, unless
// the options say otherwise. When the test ends the lab is checked, which fails
// the test if anything in it is not as it must be, and closed.
func New(tb testing.TB, opts ...sim.Option) *Lab {
	tb.Helper()
	l, err := sim.New(opts...)
	if err != nil {
		tb.Fatalf("make a lab: %v", err)
	}
	return Watch(tb, l)
}

// Fork is an independent copy of the lab, checked and closed like its origin.
func (l *Lab) Fork(tb testing.TB) *Lab {
	tb.Helper()
	f, err := l.Lab.Fork()
	if err != nil {
		tb.Fatalf("fork the lab: %v", err)
	}
	return Watch(tb, f)
}

// ForkSnapshot is an independent copy of the lab as a snapshot holds it,
// checked and closed like its origin.
func (l *Lab) ForkSnapshot(tb testing.TB, name string) *Lab {
	tb.Helper()
	f, err := l.Lab.ForkSnapshot(name)
	if err != nil {
		tb.Fatalf("fork snapshot %s: %v", name, err)
	}
	return Watch(tb, f)
}

// Watch has a lab checked and closed when the test ends; a lab that the test
// closed is left alone.
func Watch(tb testing.TB, l *sim.Lab) *Lab {
	tb.Helper()
	w := &Lab{Lab: l, tb: tb}
	tb.Cleanup(func() {
		if w.closed {
			return
		}
		bad, err := l.Check(context.Background())
		if err != nil {
			tb.Errorf("check the lab: %v", err)
		}
		for _, line := range bad {
			tb.Errorf("the lab is not as it must be: %s", line)
		}
		if b := l.Broken(); b != nil {
			tb.Errorf("the first that broke it: %s: %v", b, b.Violations)
		}
		if err := l.Close(); err != nil {
			tb.Errorf("close the lab: %v", err)
		}
	})
	return w
}

// Lab is a lab within a test.
type Lab struct {
	*sim.Lab
	tb     testing.TB
	closed bool
}

// Close ends the lab before the test does.
func (l *Lab) Close() error {
	l.closed = true
	return l.Lab.Close()
}

// Client is a client of one array, as the user admin.
func (l *Lab) Client(key string) *Client {
	return &Client{
		tb: l.tb, base: "http://simulator-" + key + "/api/rest/",
		http: &http.Client{Transport: l.Transport()}, User: sim.Username, Password: sim.Password,
	}
}

// Links lists the lab's links.
func (l *Lab) Links() []sim.Link {
	l.tb.Helper()
	links, err := l.Lab.Links(l.tb.Context())
	if err != nil {
		l.tb.Fatalf("links: %v", err)
	}
	return links
}

// MustSettle moves the lab until nothing that was asked for is left to do, and
// fails the test if something is blocked behind a link that is down.
func (l *Lab) MustSettle() {
	l.tb.Helper()
	r, err := l.Settle(l.tb.Context())
	if err != nil {
		l.tb.Fatalf("settle: %v", err)
	}
	if len(r.Blocked) > 0 {
		l.tb.Fatalf("settle: blocked: %v", r.Blocked)
	}
}

// MustAdvance moves the lab on.
func (l *Lab) MustAdvance(d time.Duration) {
	l.tb.Helper()
	if _, err := l.Advance(l.tb.Context(), d); err != nil {
		l.tb.Fatalf("advance %v: %v", d, err)
	}
}

// MustWrite is a host's write to a dataset.
func (l *Lab) MustWrite(array string, dataset int64, w sim.Write) {
	l.tb.Helper()
	if err := l.Write(l.tb.Context(), array, dataset, w); err != nil {
		l.tb.Fatalf("write to dataset %d of %s: %v", dataset, array, err)
	}
}

// MustDigest is the digest of a dataset's content.
func (l *Lab) MustDigest(array string, dataset int64) string {
	l.tb.Helper()
	d, _, err := l.Digest(l.tb.Context(), array, dataset)
	if err != nil {
		l.tb.Fatalf("digest of dataset %d of %s: %v", dataset, array, err)
	}
	return d
}

// Client sends requests to one array.
type Client struct {
	// User and Password go with every request.
	User, Password string
	// Header goes with every request too.
	Header http.Header

	tb   testing.TB
	base string
	http *http.Client
}

// Object is a JSON object of an answer.
type Object map[string]any

// ID reads a whole number of an object, 0 for null.
func (o Object) ID(key string) int64 {
	n, _ := o[key].(float64)
	return int64(n)
}

// Answer is the envelope of an answer, decoded.
type Answer struct {
	// Status is the HTTP status.
	Status int `json:"-"`
	// Raw is the answer as it came.
	Raw []byte `json:"-"`
	// Result is an object, a list, or a bare value.
	Result any `json:"result"`
	// Error is set when the array refused.
	Error *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Remote  bool   `json:"is_remote"`
	} `json:"error"`
	// Metadata has the totals of a list.
	Metadata struct {
		Objects int `json:"number_of_objects"`
		Page    int `json:"page"`
		Size    int `json:"page_size"`
		Pages   int `json:"pages_total"`
	} `json:"metadata"`
}

// Do sends a request, whatever the answer. The path is what follows
// /api/rest/; a body of []byte is sent as it is, any other as JSON.
func (c *Client) Do(method, path string, body any) *Answer {
	c.tb.Helper()
	raw, isRaw := body.([]byte)
	if body != nil && !isRaw {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			c.tb.Fatalf("%s %s: %v", method, path, err)
		}
	}
	r, err := http.NewRequestWithContext(c.tb.Context(), method, c.base+path, bytes.NewReader(raw))
	if err != nil {
		c.tb.Fatalf("%s %s: %v", method, path, err)
	}
	maps.Copy(r.Header, c.Header)
	if c.User != "" {
		r.SetBasicAuth(c.User, c.Password)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		c.tb.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	a := &Answer{Status: resp.StatusCode}
	if a.Raw, err = io.ReadAll(resp.Body); err == nil {
		err = json.Unmarshal(a.Raw, a)
	}
	if err != nil {
		c.tb.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// Must sends a request that has to succeed and gives its result's object,
// empty for any other result.
func (c *Client) Must(method, path string, body any) Object {
	c.tb.Helper()
	a := c.Do(method, path, body)
	if a.Error != nil || a.Status >= http.StatusBadRequest {
		c.tb.Fatalf("%s %s: %d %s", method, path, a.Status, a.Raw)
	}
	o, _ := a.Result.(map[string]any)
	return o
}

// Get reads an object.
func (c *Client) Get(path string) Object {
	c.tb.Helper()
	return c.Must(http.MethodGet, path, nil)
}

// Post sends a POST with approval.
func (c *Client) Post(path string, body any) Object {
	c.tb.Helper()
	return c.Must(http.MethodPost, path+"?approved=true", body)
}

// Put sends a PUT with approval.
func (c *Client) Put(path string, body any) Object {
	c.tb.Helper()
	return c.Must(http.MethodPut, path+"?approved=true", body)
}

// Delete sends a DELETE with approval.
func (c *Client) Delete(path string) Object {
	c.tb.Helper()
	return c.Must(http.MethodDelete, path+"?approved=true", nil)
}

// Refused sends a request that has to be refused with a status and code.
func (c *Client) Refused(status int, code, method, path string, body any) {
	c.tb.Helper()
	a := c.Do(method, path, body)
	got := ""
	if a.Error != nil {
		got = a.Error.Code
	}
	if a.Status != status || got != code {
		c.tb.Fatalf("%s %s: got %d %s, want %d %s: %s", method, path, a.Status, got, status, code, fmt.Sprintf("%.500s", a.Raw))
	}
}
