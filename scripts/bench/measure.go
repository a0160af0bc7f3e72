package main

import (
	"fmt"
	"slices"
	"time"
)

// row is a line of the table.
type row struct {
	// Case is what was measured, FloorIs what stands beside it.
	Case    string `json:"case"`
	FloorIs string `json:"floor_is"`
	// Ours and Floor are what was measured, with their units.
	Ours  string `json:"ours"`
	Floor string `json:"floor"`
	// Ratio is of ours to the floor: a rate to a rate, a time to a time.
	Ratio float64 `json:"ratio"`
	// Target is what the ratio should be, empty for a row that only tells.
	Target string `json:"target,omitempty"`
	Met    bool   `json:"met"`
}

// faster is a row of rates: ours is to be at least so many times the floor.
func faster(name, floorIs string, ours, floor, least float64) row {
	return row{
		Case: name, FloorIs: floorIs, Ours: perSecond(ours), Floor: perSecond(floor), Ratio: ours / floor,
		Target: fmt.Sprintf(">= %g", least), Met: ours/floor >= least,
	}
}

// within is a row of times: ours is to be at most so many times the floor.
func within(name, floorIs string, ours, floor time.Duration, most float64) row {
	ratio := float64(ours) / float64(floor)
	return row{
		Case: name, FloorIs: floorIs, Ours: nice(ours).String(), Floor: nice(floor).String(), Ratio: ratio,
		Target: fmt.Sprintf("<= %g", most), Met: ratio <= most,
	}
}

// size is a row of bytes: ours is to be at most so many.
func size(name, floorIs string, ours, most int64) row {
	return row{
		Case: name, FloorIs: floorIs, Ours: mib(ours), Floor: mib(most), Ratio: float64(ours) / float64(most),
		Target: "<= 1", Met: ours <= most,
	}
}

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func perSecond(rate float64) string { return fmt.Sprintf("%.0f/s", rate) }

func nice(d time.Duration) time.Duration {
	switch {
	case d > time.Second:
		return d.Round(time.Millisecond)
	case d > time.Millisecond:
		return d.Round(time.Microsecond)
	}
	return d.Round(10 * time.Nanosecond)
}

// times is how often an operation is repeated.
func times(n int) int {
	if *short {
		return max(1, n/10)
	}
	return n
}

const rounds = 5

// turns measures two things in turns and gives the median of each.
func turns[T int64 | float64 | time.Duration](ours, floor func() (T, error)) (a, b T, err error) {
	var as, bs []T
	for range rounds {
		x, err := ours()
		if err != nil {
			return 0, 0, err
		}
		y, err := floor()
		if err != nil {
			return 0, 0, err
		}
		as, bs = append(as, x), append(bs, y)
	}
	return median(as), median(bs), nil
}

// pair times two operations in turns, n each in each round, and gives the
// median of each.
func pair(n int, ours, floor func(i int) error) (a, b time.Duration, err error) {
	i, j := 0, 0
	return turns(func() (time.Duration, error) { return loop(times(n), &i, ours) },
		func() (time.Duration, error) { return loop(times(n), &j, floor) })
}

func loop(n int, i *int, do func(i int) error) (time.Duration, error) {
	start := time.Now()
	for range n {
		if err := do(*i); err != nil {
			return 0, err
		}
		*i++
	}
	return time.Since(start) / time.Duration(n), nil
}

func median[T int64 | float64 | time.Duration](d []T) T {
	slices.Sort(d)
	return d[len(d)/2]
}
