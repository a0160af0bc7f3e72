package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// phase is one sort of bad client.
type phase struct {
	name string
	// many is how many there are at a time.
	many func(o options) int
	// one is a bad client; it returns nil once the server cut it, or answered
	// what it had to.
	one func(ctx context.Context, s *server, o options, i int) error
	// each is how much memory the server may take for each, on top of base.
	each int64
}

// base is how much memory the server may take beyond what it had before a phase,
// however few the clients are: the journal, what gathers in memory, and what the
// collector of garbage has not taken yet.
const base = 384 << 20

// cutAfter is how many times its patience the server may take until a bad
// client is cut, and slack is for a machine that has other things to do.
const (
	cutAfter = 6
	slack    = 60 * time.Second
)

func connections(o options) int { return o.connections }

// phases are the sorts of bad clients.
func phases() []phase {
	return []phase{
		{"at once", connections, busy, 512 << 10},
		{"slow readers", connections, slowReader, 1 << 20},
		{"slow heads", connections, slowHead, 64 << 10},
		{"slow bodies", connections, slowBody, 128 << 10},
		{"huge heads", connections, hugeHead, 256 << 10},
		{"endless bodies", connections, endlessBody, 256 << 10},
		{"idle", func(o options) int { return o.idle }, idle, 64 << 10},
	}
}

// run has bad clients at the server while well-behaved ones ask.
func (s *server) run(ctx context.Context, o options, p phase) error {
	begun := time.Now()
	before, open := s.rss(), s.sockets()
	watch, stopWatch := context.WithCancel(ctx)
	defer stopWatch()
	peak := make(chan int64, 1)
	go func() { peak <- s.peak(watch) }()
	good := s.others(ctx, o.clients)
	many := p.many(o)
	err := s.set(ctx, o, p, many)
	if err == nil {
		err = s.emptied(ctx, o, open+2*o.clients*len(s.arrays)+16)
	}
	took, wrong := good.stop()
	stopWatch()
	top := <-peak
	if most := before + base + int64(many)*p.each; top > most {
		err = errors.Join(err, fmt.Errorf("memory came to %s, above %s", mib(top), mib(most)))
	}
	worst := time.Duration(0)
	if len(took) > 0 {
		worst = took[len(took)-1].Round(100 * time.Microsecond)
	}
	fmt.Printf("%-14s %9s %9s %9s %8d %8v %8v %8v %7v\n", p.name, mib(before), mib(top), mib(s.rss()), len(took),
		part(took, 0.5), part(took, 0.99), worst, time.Since(begun).Round(100*time.Millisecond))
	return errors.Join(err, wrong, s.died())
}

// set has all bad clients of a phase do what they do, at a time.
func (s *server) set(ctx context.Context, o options, p phase, many int) error {
	ctx, cancel := context.WithTimeout(ctx, cutAfter*o.patience+slack)
	defer cancel()
	var all sync.WaitGroup
	var failed atomic.Int64
	var first atomic.Pointer[error]
	for i := range many {
		all.Go(func() {
			if err := p.one(ctx, s, o, i); err != nil {
				failed.Add(1)
				first.CompareAndSwap(nil, &err)
			}
		})
	}
	all.Wait()
	if n := failed.Load(); n > 0 {
		return fmt.Errorf("%d of %d clients: the first: %w", n, many, *first.Load())
	}
	return nil
}

// emptied waits until the server let go of the connections of a phase.
func (s *server) emptied(ctx context.Context, o options, most int) error {
	limit := cutAfter*o.patience + slack
	n := s.sockets()
	for begun := time.Now(); n > most; n = s.sockets() {
		if time.Since(begun) > limit {
			return fmt.Errorf("the server has %d files open after %v, of %d that it may have", n, limit, most)
		}
		pause(ctx, 50*time.Millisecond)
	}
	return nil
}

// peak is the most memory that the server had until it is told to stop.
func (s *server) peak(ctx context.Context) (most int64) {
	for ctx.Err() == nil {
		most = max(most, s.rss())
		pause(ctx, 50*time.Millisecond)
	}
	return max(most, s.rss())
}

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// busy makes, reads and deletes, as a good client does: what is bad is that
// there are so many of them.
func busy(ctx context.Context, s *server, _ options, i int) error {
	own := &server{arrays: s.arrays, http: &http.Client{Transport: &http.Transport{}, Timeout: slack}}
	defer own.http.CloseIdleConnections()
	for n := range 3 {
		o, err := own.must(ctx, i%2, http.MethodPost, "volumes", map[string]any{
			"name": fmt.Sprintf("busy-%d-%d", i, n), "pool_id": s.pools[i%2], "size": 1_000_000_000,
		})
		if err != nil {
			return err
		}
		if _, err = own.must(ctx, i%2, http.MethodGet, fmt.Sprintf("volumes/%d", number(o, "id")), nil); err != nil {
			return err
		}
		if _, err = own.must(ctx, i%2, http.MethodDelete, fmt.Sprintf("volumes/%d?approved=true", number(o, "id")), nil); err != nil {
			return err
		}
	}
	return nil
}
