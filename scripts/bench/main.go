// Command bench measures infinisim against floors in one run: a bare chi
// handler that sends the same bytes, encoding/json for the same value, raw
// bbolt doing the same key writes. It prints case, ours, floor and ratio; what
// counts are the ratios, the times are this machine's.
//
//	bench [-short]
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"time"
)

// measure is how long a case took for one operation.
type measure struct {
	name, floorName string
	ours, floor     time.Duration
}

var short = flag.Bool("short", false, "a tenth of the repetitions")

func main() {
	flag.Parse()
	fmt.Printf("%-44s %12s %12s  %6s  %s\n", "case", "ours", "floor", "ratio", "the floor is")
	for _, run := range []func() ([]measure, error){reads, creates, labs, steps, generated} {
		list, err := run()
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		for _, m := range list {
			fmt.Printf("%-44s %12v %12v  %6.2f  %s\n", m.name, nice(m.ours), nice(m.floor), float64(m.ours)/float64(m.floor), m.floorName)
		}
	}
	for _, tell := range []func() error{forks, idle, states} {
		if err := tell(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
	}
}

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

// pair times two operations in turns, n each in five rounds, and gives the
// median of each.
func pair(n int, ours, floor func(i int) error) (a, b time.Duration, err error) {
	const rounds = 5
	var as, bs []time.Duration
	i, j := 0, 0
	for range rounds {
		took, err := loop(times(n), &i, ours)
		if err != nil {
			return 0, 0, err
		}
		as = append(as, took)
		if took, err = loop(times(n), &j, floor); err != nil {
			return 0, 0, err
		}
		bs = append(bs, took)
	}
	return median(as), median(bs), nil
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

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
