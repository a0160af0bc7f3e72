package clock

import "time"

// Stopwatch measures how long something takes by the wall clock, for those who
// watch the simulator itself; nothing in a lab depends on it.
type Stopwatch struct{ begun time.Time }

// StartStopwatch begins to measure.
func StartStopwatch() Stopwatch { return Stopwatch{time.Now()} }

// Begun is when it began.
func (w Stopwatch) Begun() time.Time { return w.begun }

// Took is how long it has been running.
func (w Stopwatch) Took() time.Duration { return time.Since(w.begun) }
