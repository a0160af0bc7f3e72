package sim

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// transport calls a lab's handler without a socket.
type transport struct{ lab *Lab }

// HandlerTransport answers requests by a handler without a socket; a handler
// that panics drops the connection.
func HandlerTransport(h http.Handler) http.RoundTripper { return inMemory{h} }

// inMemory is HandlerTransport.
type inMemory struct{ handler http.Handler }

// RoundTrip answers a request. An array that is down answers none.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	arrays := t.lab.Arrays()
	if len(arrays) == 0 {
		return nil, fmt.Errorf("%s: the lab has no array", r.URL.Host)
	}
	return inMemory{t.lab.Handler(arrays[0].Key)}.RoundTrip(r)
}

// RoundTrip answers a request.
func (t inMemory) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if p := recover(); p != nil {
			resp, err = nil, fmt.Errorf("%s %s: connection dropped", r.Method, r.URL)
		}
	}()
	in := r.Clone(r.Context())
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer func() { _ = in.Body.Close() }()
	w := &answer{header: http.Header{}, status: http.StatusOK}
	t.handler.ServeHTTP(w, in)
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// answer keeps what a handler writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header is what the handler sets before it writes.
func (w *answer) Header() http.Header { return w.header }

// WriteHeader keeps the status.
func (w *answer) WriteHeader(status int) { w.status = status }

// Write keeps the body.
func (w *answer) Write(p []byte) (int, error) { return w.body.Write(p) }
