// Package clock is a lab's time. It is the only package that reads the time or
// waits on it; everything else is handed a Time.
package clock

import (
	"context"
	"math"
	"sync"
	"time"
)

// Time is lab time: nanoseconds since the Unix epoch.
type Time int64

// Epoch is where a manual clock starts unless told otherwise:
// 2025-01-01T00:00:00Z.
const Epoch = Time(1735689600 * int64(time.Second))

// FromMS is the Time of a wire value in milliseconds since 1970, Never for one
// that no Time holds.
func FromMS(ms int64) Time {
	if ms > int64(Never)/int64(time.Millisecond) {
		return Never
	}
	return Time(ms * int64(time.Millisecond))
}

// FromMSFloat is the Time of a number of milliseconds with a fraction, whose
// whole part is exact: in nanoseconds times of today have more digits than it.
func FromMSFloat(ms float64) Time {
	whole, part := math.Modf(ms)
	return FromMS(int64(whole)) + Time(math.Round(part*1e6))
}

// Last is the last time that a lab can reach: 2200-01-01T00:00:00Z. What is due
// then for a while later is still a Time.
const Last = Time(7258118400 * int64(time.Second))

// Within reports whether a number of milliseconds since 1970 is a time of a lab:
// not before 1970 and not after Last.
func Within(ms float64) bool { return ms >= 0 && ms <= float64(Last.MS()) }

// FromTime is the Time of a wall-clock time.
func FromTime(t time.Time) Time { return Time(t.UnixNano()) }

// Add is the time d later, at most Never.
func (t Time) Add(d time.Duration) Time {
	if d > 0 && t > Never-Time(d) {
		return Never
	}
	return t + Time(d)
}

// Span is n units of time, at most the longest duration that there is: a client
// may ask for any number of them.
func Span(n int64, unit time.Duration) time.Duration {
	if unit > 0 && n > math.MaxInt64/int64(unit) {
		return math.MaxInt64
	}
	return time.Duration(n) * unit
}

// Sub is the duration from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// MS is the wire's form: whole milliseconds, rounded down.
func (t Time) MS() int64 {
	ms := int64(t) / int64(time.Millisecond)
	if t < 0 && int64(t)%int64(time.Millisecond) != 0 {
		ms--
	}
	return ms
}

// CeilMS is t in whole milliseconds, rounded up: a client that moves there
// finds done what is due at t.
func (t Time) CeilMS() int64 { return -(-t).MS() }

// String is the time in RFC 3339, for logs.
func (t Time) String() string { return time.Unix(0, int64(t)).UTC().Format(time.RFC3339Nano) }

// Clock is one lab's clock. A running clock follows the wall clock at a speed;
// a frozen one moves only when told. Either can become the other at any time.
// A Clock is safe for concurrent use and never goes back.
type Clock struct {
	// mu guards everything below; it is a leaf.
	mu      sync.Mutex
	base    Time      // lab time at wall
	wall    time.Time // where the wall clock stood
	speed   float64   // 0 is frozen
	changed chan struct{}
}

// NewSystem makes a clock that moves by itself, speed times as fast as the
// wall clock. A start of 0 is the wall clock's time.
func NewSystem(start Time, speed float64) *Clock {
	if start == 0 {
		start = FromTime(time.Now())
	}
	return &Clock{base: start, wall: time.Now(), speed: speed, changed: make(chan struct{})}
}

// NewManual makes a clock that moves only when told.
func NewManual(start Time) *Clock {
	return &Clock{base: start, wall: time.Now(), changed: make(chan struct{})}
}

// Copy is a clock of its own that shows the same time and goes on as c does.
func (c *Clock) Copy() *Clock {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &Clock{base: c.nowLocked(), wall: time.Now(), speed: c.speed, changed: make(chan struct{})}
}

// Now is the lab's time.
func (c *Clock) Now() Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nowLocked()
}

func (c *Clock) nowLocked() Time {
	if c.speed == 0 {
		return c.base
	}
	return c.base.Add(time.Duration(float64(time.Since(c.wall)) * c.speed))
}

// Manual reports whether the clock moves only when told.
func (c *Clock) Manual() bool { return c.Speed() == 0 }

// Speed is how many times as fast as the wall clock the clock runs, 0 when it
// is frozen.
func (c *Clock) Speed() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.speed
}

// Freeze stops the clock where it is.
func (c *Clock) Freeze() { c.set(0, 0) }

// SetSpeed lets the clock run at a speed above 0, also a frozen one.
func (c *Clock) SetSpeed(speed float64) { c.set(0, speed) }

// AdvanceTo moves the clock forward; a time that is past changes nothing.
func (c *Clock) AdvanceTo(t Time) { c.set(t, -1) }

// Rewind moves the clock to a time, also one that is past; how it runs stays.
func (c *Clock) Rewind(t Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.wall = t, time.Now()
	close(c.changed)
	c.changed = make(chan struct{})
}

// set re-bases the clock: to time t if that is later, at a speed unless that
// is negative.
func (c *Clock) set(t Time, speed float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base = max(c.nowLocked(), t)
	c.wall = time.Now()
	if speed >= 0 {
		c.speed = speed
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

// Changed is closed at the next Freeze, SetSpeed or AdvanceTo.
func (c *Clock) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// Wait returns nil once the clock shows until or later, and ctx's error if
// that comes first. A frozen clock is waited for until it is told to move.
func (c *Clock) Wait(ctx context.Context, until Time) error {
	for {
		c.mu.Lock()
		now, speed, changed := c.nowLocked(), c.speed, c.changed
		c.mu.Unlock()
		if now >= until {
			return nil
		}
		if err := pause(ctx, until.Sub(now), speed, changed); err != nil {
			return err
		}
	}
}

// pause waits for the wall clock, a change of the clock, or ctx.
func pause(ctx context.Context, lab time.Duration, speed float64, changed <-chan struct{}) error {
	var due <-chan time.Time
	if speed > 0 {
		wall := time.Duration(float64(lab)/speed) + 1
		timer := time.NewTimer(min(wall, longestWait))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-changed:
		return nil
	case <-due:
		return nil
	}
}

// Pause waits by the wall clock; it returns ctx's error if that comes first.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// longestWait keeps a slow clock's timer from overflowing.
const longestWait = 24 * time.Hour

// Never is later than any time that a lab reaches.
const Never = Time(1<<63 - 1)
