package audit

import (
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"infinisim/sim"
	"infinisim/sim/clock"
)

// Target is the lab that one run of the client works on. Its arrays have to be
// reached through Handler or Transport: what goes wrong, goes wrong there.
type Target struct {
	// Lab is a fork of the base.
	Lab *sim.Lab

	late  *Call
	delay time.Duration

	// mu guards everything below; it is a leaf.
	mu     sync.Mutex
	seen   int
	struck bool
}

// Transport answers requests in memory, as that of the lab does.
func (t *Target) Transport() http.RoundTripper {
	key := ""
	if arrays := t.Lab.Arrays(); len(arrays) > 0 {
		key = arrays[0].Key
	}
	return sim.HandlerTransport(t.Handler(key))
}

// Handler serves an array, and any other that Host names.
func (t *Target) Handler(key string) http.Handler {
	inner := t.Lab.Handler(key)
	if t.late == nil {
		return inner
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !t.strikes(key, r) {
			inner.ServeHTTP(w, r)
			return
		}
		// What the client does meanwhile no longer matters: it is applied.
		held, err := sim.HandlerTransport(inner).RoundTrip(r.WithContext(context.WithoutCancel(r.Context())))
		if err != nil || clock.Pause(r.Context(), t.delay) != nil {
			panic(http.ErrAbortHandler) // nobody answers, or nobody waits for it any more
		}
		defer func() { _ = held.Body.Close() }()
		maps.Copy(w.Header(), held.Header)
		w.WriteHeader(held.StatusCode)
		_, _ = io.Copy(w, held.Body) // the client is gone: nobody to tell
	})
}

// strikes reports whether a request is the one that is answered late.
func (t *Target) strikes(key string, r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	for _, a := range t.Lab.Arrays() {
		if strings.EqualFold(host, a.Host()) {
			key = a.Key
		}
	}
	path := strings.TrimPrefix(strings.TrimSuffix(r.URL.Path, "/"), root)
	if key != t.late.Array || r.Method != t.late.Method || path != t.late.Path {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen++
	if t.seen-1 != t.late.skip {
		return false
	}
	t.struck = true
	return true
}

func (t *Target) wasLate() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.struck
}
