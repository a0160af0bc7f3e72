package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"infinisim/sim/clock"
)

// The limits of every connection, whichever listener it came to.
const (
	// usualPatience is how long a client may take over the head of a request,
	// over its body, and over each piece of an answer.
	usualPatience = 30 * time.Second
	// idlePatience is how many times as long a connection may lie idle.
	idlePatience = 4
	// maxHeader is how long the head of a request may be: a real array's web
	// server takes less (nginx: 4 buffers of 8 KiB unless told otherwise).
	maxHeader = 64 << 10
	// smallBody is what each request may send; longer bodies are read by a few
	// requests at a time, largeBodies, so that many clients at once cannot fill
	// the memory with what they send.
	smallBody   = 64 << 10
	largeBodies = 8
	// pieceBytes is what of an answer a client has to take in time.
	pieceBytes = 128 << 10
	// refresh is the part of patience after which a deadline is set anew.
	refresh = 8
)

// limits are what the clients of a process are held to. All its servers share
// them.
type limits struct {
	patience time.Duration
	large    chan struct{}
	long     *longAnswers
	log      *slog.Logger
}

func newLimits(patience time.Duration, log *slog.Logger) limits {
	return limits{patience: patience, large: make(chan struct{}, largeBodies), long: newLongAnswers(patience / refresh), log: log}
}

// server is the one place that makes an HTTP server. It has no WriteTimeout nor
// ReadTimeout, which would end streams, long polls and what a fault holds back:
// a client is cut when it does not send its body in time, or does not take
// what is sent to it.
func (l limits) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler: l.guard(h), ReadHeaderTimeout: l.patience, IdleTimeout: idlePatience * l.patience, MaxHeaderBytes: maxHeader,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		ErrorLog:    slog.NewLogLogger(l.log.Handler(), slog.LevelWarn),
	}
}

// guard has the body of each request come in time, and each piece of its answer
// be taken in time.
func (l limits) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := &answer{ResponseWriter: w, conn: http.NewResponseController(w), request: r.Context(), patience: l.patience}
		defer out.end()
		if mayBeLong(r) {
			if l.long.hold(out) != nil {
				return // its client went away
			}
			defer l.long.done(out)
		}
		if r.Body != nil && r.Body != http.NoBody {
			in := &body{ReadCloser: r.Body, limits: l, conn: out.conn, request: r.Context(), since: clock.StartStopwatch()}
			_ = out.conn.SetReadDeadline(in.since.Begun().Add(l.patience)) // of a connection that is gone: reads tell
			defer in.done()
			r.Body, out.asked = in, in
		}
		next.ServeHTTP(out, r)
	})
}

// body is a request's, which has to be whole in time.
type body struct {
	io.ReadCloser
	limits
	conn    *http.ResponseController
	request context.Context //nolint:containedctx // of the request that it is the body of
	since   clock.Stopwatch
	read    int
	held    bool // one of the large ones
	whole   bool // it came to its end
}

// Read reads on. It returns os.ErrDeadlineExceeded for a client that takes too
// long, or that would have to wait too long for others with long bodies.
func (b *body) Read(p []byte) (int, error) {
	if b.read >= smallBody && !b.held {
		if err := b.hold(); err != nil {
			return 0, err
		}
	}
	if !b.held {
		p = p[:min(len(p), smallBody-b.read)]
	}
	n, err := b.ReadCloser.Read(p)
	b.read += n
	if errors.Is(err, io.EOF) {
		b.whole = true
		_ = b.conn.SetReadDeadline(time.Time{}) // a request may take as long as it likes
	}
	return n, err
}

// hold waits until there is room for one more long body.
func (b *body) hold() error {
	wait, cancel := context.WithTimeout(b.request, b.patience-b.since.Took())
	defer cancel()
	select {
	case b.large <- struct{}{}:
		b.held = true
		return nil
	case <-wait.Done():
		return os.ErrDeadlineExceeded
	}
}

// done makes room once the request was answered.
func (b *body) done() {
	if b.held {
		b.held = false
		<-b.large
	}
}
