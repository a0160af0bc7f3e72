package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"infinisim/sim/clock"
)

// connKey finds the connection of a request.
type connKey struct{}

// answer gives its client a while for each piece.
type answer struct {
	http.ResponseWriter
	conn     *http.ResponseController
	request  context.Context //nolint:containedctx // of the request that it answers
	patience time.Duration
	set      bool
	since    clock.Stopwatch // the last deadline was set
	asked    *body           // of the request, nil for none
	sent     atomic.Int64    // when its first part was sent, by the wall clock; 0 for not yet
}

// extend begins the while anew.
func (a *answer) extend() {
	if a.set && a.since.Took() < a.patience/refresh {
		return
	}
	a.set, a.since = true, clock.StartStopwatch()
	_ = a.conn.SetWriteDeadline(a.since.Begun().Add(a.patience)) // of a connection that is gone: writes tell
}

// end leaves the rest of the answer to the server, which first waits for a body
// that the handler did not read.
func (a *answer) end() {
	if a.asked == nil || a.asked.whole {
		a.extend()
		return
	}
	_ = a.conn.SetWriteDeadline(clock.StartStopwatch().Begun().Add(2 * a.patience)) // as in extend
}

// Write sends a part of the answer, piece by piece.
func (a *answer) Write(part []byte) (n int, err error) {
	if a.sent.Load() == 0 {
		a.sent.Store(clock.StartStopwatch().Begun().UnixNano())
	}
	for {
		piece := part[:min(len(part), pieceBytes)]
		a.extend()
		m, err := a.ResponseWriter.Write(piece)
		n += m
		if part = part[m:]; err == nil && len(part) > 0 {
			continue
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			a.drop()
		}
		return n, err
	}
}

// FlushError sends what was written so far.
func (a *answer) FlushError() error {
	a.extend()
	return a.conn.Flush()
}

// drop has the end of the connection be a reset: what its client did not take
// would stay in the system's buffers.
func (a *answer) drop() {
	conn, _ := a.request.Value(connKey{}).(net.Conn)
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // of a connection that is gone: all the better
	}
}

// Unwrap lets a ResponseController take a connection over.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// The limits of long answers: a page of 1,000 volumes is of 2 MB.
const (
	// shortPage is how many objects an answer may have that is not long.
	shortPage = 100
	// mostLong is how many long answers there may be at a time.
	mostLong = 32
)

// mayBeLong reports whether a request asks for a long answer.
func mayBeLong(r *http.Request) bool {
	_, text, ok := strings.Cut(r.URL.RawQuery, "page_size=")
	if !ok {
		return false
	}
	text, _, _ = strings.Cut(text, "&")
	n, err := strconv.Atoi(text)
	return err != nil || n > shortPage
}

// longAnswers are a few at a time, so that clients who do not take them cannot
// fill the memory. Whoever waits for room has the oldest cut that is being sent
// for a while already.
type longAnswers struct {
	room  chan struct{}
	grace time.Duration

	// mu guards now; it is a leaf.
	mu  sync.Mutex
	now []*answer // oldest first
}

func newLongAnswers(grace time.Duration) *longAnswers {
	return &longAnswers{room: make(chan struct{}, mostLong), grace: grace}
}

// hold waits for room. It returns the context's error of a request whose client
// went away.
func (l *longAnswers) hold(a *answer) error {
	for !l.take(a) {
		if err := a.request.Err(); err != nil {
			return err
		}
		l.cut()
	}
	return nil
}

// take reports false when there was no room for a while.
func (l *longAnswers) take(a *answer) bool {
	wait, cancel := context.WithTimeout(a.request, l.grace)
	defer cancel()
	select {
	case l.room <- struct{}{}:
		l.mu.Lock()
		defer l.mu.Unlock()
		l.now = append(l.now, a)
		return true
	case <-wait.Done():
		return false
	}
}

// cut ends the oldest answer that is being sent for longer than a while.
func (l *longAnswers) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	watch := clock.StartStopwatch()
	for _, a := range l.now {
		if at := a.sent.Load(); at > 0 && watch.Begun().UnixNano()-at > int64(l.grace) {
			_ = a.conn.SetWriteDeadline(watch.Begun()) // one that goes on all the same is cut by the next who waits
			return
		}
	}
}

func (l *longAnswers) done(a *answer) {
	l.mu.Lock()
	l.now = slices.DeleteFunc(l.now, func(other *answer) bool { return other == a })
	l.mu.Unlock()
	<-l.room
}
