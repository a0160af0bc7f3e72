package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/lab"
)

// The states of an operation.
const (
	opRunning   = "RUNNING"
	opDone      = "DONE"
	opCancelled = "CANCELLED"
	opFailed    = "FAILED"
)

// mostEnded is how many operations that ended are remembered.
const mostEnded = 100

// A long move is made in this many parts, and in more where one were longer than
// longestMove, unless nothing is due for longer: it can stop between two.
const (
	moves       = 1000
	longestMove = clock.Time(time.Hour)
)

// operation is a move of a lab's clock that answers before it is done.
type operation struct {
	id       int64
	lab      *lab.Lab
	from, to clock.Time
	stop     chan struct{} // closed when it shall end
	done     chan struct{} // closed when it did
	cancel   sync.Once

	// mu guards everything below; it is a leaf.
	mu    sync.Mutex
	state string
	now   clock.Time
	count int
	moves int
	err   error
}

// operationView is an operation as the control plane shows it; times are in
// milliseconds since 1970.
type operationView struct {
	ID    int64  `json:"id"`
	Lab   string `json:"lab"`
	Kind  string `json:"kind"`
	State string `json:"state"`
	From  int64  `json:"from"`
	To    int64  `json:"to"`
	// Now is the lab's time that it reached, Share which part of its way that is,
	// from 0 to 1.
	Now   int64   `json:"now"`
	Share float64 `json:"share"`
	// Count is how many jobs ran, Moves in how many moves.
	Count int     `json:"count"`
	Moves int     `json:"moves"`
	Error *string `json:"error"`
}

// accepted is the answer of a request that goes on after it.
type accepted struct{ operationView }

// operations are those of a control plane.
type operations struct {
	// mu guards everything below; it is a leaf.
	mu     sync.Mutex
	last   int64
	all    []*operation
	closed bool
}

func (o *operation) view() operationView {
	o.mu.Lock()
	defer o.mu.Unlock()
	v := operationView{
		ID: o.id, Lab: o.lab.Name(), Kind: "advance", State: o.state, From: o.from.MS(), To: o.to.MS(), Now: o.now.MS(), Share: 1,
		Count: o.count, Moves: o.moves,
	}
	if o.to > o.from {
		v.Share = min(1, float64(o.now-o.from)/float64(o.to-o.from))
	}
	if o.err != nil {
		v.Error = new(o.err.Error())
	}
	return v
}

// moved notes what one move did.
func (o *operation) moved(r *lab.Report) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now, o.count, o.moves = max(o.now, r.Now), o.count+r.Count, o.moves+1
}

// stopped reports whether it shall end before its end.
func (o *operation) stopped() bool {
	select {
	case <-o.stop:
		return true
	default:
		return false
	}
}

func (o *operation) end(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err != nil:
		o.state, o.err = opFailed, err
	case o.now < o.to:
		o.state = opCancelled
	default:
		o.state = opDone
	}
	close(o.done)
}

// begin has a lab's clock move to a time, in moves of their own. One operation
// at a time moves a lab.
func (s *Server) begin(r *request, to clock.Time) (any, error) {
	o := &operation{
		lab: r.lab, from: r.lab.Clock.Now(), to: to, now: r.lab.Clock.Now(), state: opRunning,
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	if err := s.operations.add(o); err != nil {
		return nil, err
	}
	ctx := context.WithoutCancel(r.Context())
	go func() { o.end(s.carryOut(ctx, o)) }()
	return accepted{o.view()}, nil
}

func (p *operations) add(o *operation) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return apierr.New(apierr.SystemNotReady, "the control plane ends")
	}
	ended := 0
	for _, other := range p.all {
		if other.view().State != opRunning {
			ended++
		} else if other.lab == o.lab {
			return apierr.New(apierr.OperationExists, "operation %d moves the lab %s: wait for it or cancel it", other.id, o.lab.Name())
		}
	}
	p.all = slices.DeleteFunc(p.all, func(other *operation) bool { // the oldest
		gone := ended >= mostEnded && other.view().State != opRunning
		if gone {
			ended--
		}
		return gone
	})
	p.last++
	o.id = p.last
	p.all = append(p.all, o)
	return nil
}

// carryOut moves the lab, and its followers, until it is there or is told to
// stop, which it does between two moves.
func (s *Server) carryOut(ctx context.Context, o *operation) error {
	if s.leads(o.lab) {
		_, err := s.lead(ctx, o.lab, func(next, _ clock.Time) (clock.Time, bool) {
			if o.stopped() {
				return clock.Never, false
			}
			return min(next, o.to), next < o.to
		}, o.to, o.moved)
		return err
	}
	slice := max(1, min((o.to-o.from)/moves, longestMove))
	for now := o.from; now < o.to && !o.stopped(); {
		next, _, err := o.lab.NextDue(ctx)
		if err != nil {
			return err
		}
		report, err := o.lab.AdvanceTo(ctx, min(o.to, max(next, now+slice)))
		if err != nil {
			return err
		}
		o.moved(report)
		now = report.Now
	}
	return nil
}

// of lists the operations of a lab, oldest first; a nil lab is any.
func (p *operations) of(l *lab.Lab) []*operation {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.all), func(o *operation) bool { return l != nil && o.lab != l })
}

func (p *operations) find(r *request) (*operation, error) {
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	for _, o := range p.of(r.lab) {
		if o.id == id {
			return o, nil
		}
	}
	return nil, apierr.New(apierr.OperationNotFound, "operation %d of the lab %s does not exist", id, r.lab.Name()).About("id")
}

// cancelled has an operation stop, and returns when it did.
func (o *operation) cancelled(ctx context.Context) error {
	o.cancel.Do(func() { close(o.stop) })
	select {
	case <-o.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func listOperations(s *Server, r *request) (any, error) {
	out := []operationView{}
	for _, o := range s.operations.of(r.lab) {
		out = append(out, o.view())
	}
	return out, nil
}

// readOperation tells how far an operation is; with wait, once it ended or that
// much of the wall clock's time is over.
func readOperation(s *Server, r *request) (any, error) {
	o, err := s.operations.find(r)
	if err != nil {
		return nil, err
	}
	wait, err := waitOf(r)
	if err != nil {
		return nil, err
	}
	if wait > 0 {
		err = o.wait(r.Context(), wait)
	}
	return o.view(), err
}

func waitOf(r *request) (time.Duration, error) {
	text := r.URL.Query().Get("wait")
	d, err := time.ParseDuration(cmp.Or(text, "0s"))
	if err != nil || d < 0 || d > mostWithin {
		return 0, apierr.New(apierr.InvalidValue, "wait: %q is no duration up to %v", text, mostWithin).About("wait")
	}
	return d, nil
}

// wait returns when the operation ended, or after that much of the wall clock's
// time.
func (o *operation) wait(ctx context.Context, atMost time.Duration) error {
	wait, cancel := context.WithCancel(ctx)
	late := make(chan error, 1)
	go func() { late <- clock.Pause(wait, atMost) }()
	select {
	case <-o.done:
		cancel()
		<-late //nolint:errcheck // it was told to end
		return nil
	case err := <-late:
		cancel()
		return err
	}
}

// cancelOperation stops an operation between two moves, and forgets one that
// ended.
func cancelOperation(s *Server, r *request) (any, error) {
	o, err := s.operations.find(r)
	if err != nil {
		return nil, err
	}
	if o.view().State != opRunning {
		s.operations.forget(o)
		return o.view(), nil
	}
	err = o.cancelled(r.Context())
	return o.view(), err
}

func (p *operations) forget(o *operation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = slices.DeleteFunc(p.all, func(other *operation) bool { return other == o })
}

// endOf stops the operations of a lab that goes.
func (s *Server) endOf(ctx context.Context, l *lab.Lab) error {
	for _, o := range s.operations.of(l) {
		if err := o.cancelled(ctx); err != nil {
			return err
		}
		s.operations.forget(o)
	}
	return nil
}

// Close stops all operations and returns when they ended; there are no new ones
// afterwards, and streams end. It comes before the labs are closed.
func (s *Server) Close() error {
	s.operations.mu.Lock()
	if !s.operations.closed {
		close(s.ended)
	}
	s.operations.closed = true
	s.operations.mu.Unlock()
	for _, o := range s.operations.of(nil) {
		if err := o.cancelled(context.Background()); err != nil {
			return err
		}
	}
	return nil
}

// days begins a span with whole or broken days.
var days = regexp.MustCompile(`^(\d+(?:\.\d+)?)d(.*)$`)

// span is a duration as text, also in days: 30d, 1d12h, 90s.
func span(text string) (time.Duration, error) {
	m := days.FindStringSubmatch(text)
	if m == nil {
		return time.ParseDuration(text)
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil || n > mostDays {
		return 0, errors.Join(err, fmt.Errorf("%s is more than %d days", text, mostDays))
	}
	rest, err := time.ParseDuration(cmp.Or(m[2], "0s"))
	return time.Duration(n*float64(24*time.Hour)) + rest, err
}

// mostDays keeps a span within what a duration can hold.
const mostDays = 36_500
