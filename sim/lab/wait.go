package lab

import (
	"context"
	"slices"
	"time"

	"infinisim/sim/clock"
)

// waiter is a request that waits for a lab time: a fault delays it.
type waiter struct {
	at       clock.Time
	answered chan struct{}
}

// driver is the key of Drive.
type driver struct{}

// Drive gives requests a context under which one that a fault delays moves the
// lab's clock to its answer by itself: its client is the only one, and has
// nothing to do meanwhile.
func Drive(ctx context.Context) context.Context { return context.WithValue(ctx, driver{}, true) }

// wait has a request wait until a lab time. Whoever moves the clock there lets
// it answer before the clock goes on.
func (l *Lab) wait(ctx context.Context, until clock.Time, waiting func()) (answered func(), err error) {
	if ctx.Value(driver{}) != nil {
		waiting()
		_, err := l.AdvanceTo(ctx, max(until, l.Clock.Now()))
		return func() {}, err
	}
	w := &waiter{at: until, answered: make(chan struct{})}
	l.mu.Lock()
	l.waiting = append(l.waiting, w)
	l.mu.Unlock()
	waiting()
	leave := func() {
		l.forget(w)
		close(w.answered)
	}
	if err := l.Clock.Wait(ctx, until); err != nil {
		leave()
		return nil, err
	}
	return leave, nil
}

func (l *Lab) forget(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = slices.DeleteFunc(l.waiting, func(o *waiter) bool { return o == w })
}

// nextWaiter is the earliest request that waits, nil for none.
func (l *Lab) nextWaiter() *waiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	var first *waiter
	for _, w := range l.waiting {
		if first == nil || w.at < first.at {
			first = w
		}
	}
	return first
}

// patience is the wall-clock time that an advance waits for a delayed request
// to be answered: its client may be gone.
const patience = 5 * time.Second

// release waits until a request that was delayed to now is answered.
func (l *Lab) release(ctx context.Context, w *waiter) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	late := make(chan error, 1)
	go func() { late <- clock.Pause(ctx, patience) }()
	select {
	case <-w.answered:
		return nil
	case err := <-late:
		l.forget(w)
		return err
	}
}
