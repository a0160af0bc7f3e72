package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

// The bounds of a soak: what the last fifth may have more than the fifth in the
// middle.
const (
	growth     = 1.25
	growthSlop = 32 << 20 // of what a collector of garbage has not taken yet
	moreTasks  = 20       // goroutines
	fifths     = 5
	rows       = 10
	ringBytes  = 4 << 20 // what journal and history keep: full before the middle
)

// sample is what the server took at one time.
type sample struct {
	at               time.Duration
	heap, rss, tasks float64
	lab              time.Time
	objects          [2]int64 // volumes and events of both arrays
}

// soak has clients work for long while time passes on the arrays.
func soak(ctx context.Context, o options) error {
	speed := o.days * 24 * float64(time.Hour) / float64(o.soak)
	ring := strconv.Itoa(ringBytes)
	s, err := start(ctx, o, "--speed", fmt.Sprint(speed), "--journal-bytes", ring, "--history-bytes", ring)
	if err != nil {
		return err
	}
	defer s.stop()
	if err := s.fill(ctx); err != nil {
		return err
	}
	fmt.Printf("soak of %v, in which %v days pass, by %d clients; journal and history keep %s each\n", o.soak, o.days, o.clients, mib(ringBytes))
	working, stop := context.WithTimeout(ctx, o.soak)
	defer stop()
	var all sync.WaitGroup
	workers := make([]*worker, o.clients)
	for i := range workers {
		workers[i] = newWorker(s, i)
		all.Go(func() { workers[i].work(working) })
	}
	samples, err := s.watch(working, o)
	all.Wait()
	if err := errors.Join(err, s.died()); err != nil {
		return err
	}
	done, refused, took := 0, 0, []time.Duration{}
	for _, w := range workers {
		if w.err != nil {
			return fmt.Errorf("client %d: %w", w.number, w.err)
		}
		done, refused = done+w.done, refused+w.refused
		took = append(took, w.took...)
	}
	slices.Sort(took)
	fmt.Printf("%d requests, %d of them refused, p50 %v, p99 %v; %.1f days passed\n", done, refused, part(took, 0.5), part(took, 0.99),
		samples[len(samples)-1].lab.Sub(samples[0].lab).Hours()/24)
	if err := s.sound(ctx); err != nil {
		return err
	}
	return judge(samples)
}

// watch samples the server each second, or a hundred times in all.
func (s *server) watch(ctx context.Context, o options) ([]sample, error) {
	fmt.Printf("%8s %12s %12s %12s %9s %9s %8s  %s\n", "after", "heap", "rss", "goroutines", "volumes", "events", "days", "rss, drawn")
	every := min(time.Second, o.soak/100)
	begun := time.Now()
	var out []sample
	for shown := 0; ctx.Err() == nil; pause(ctx, every) {
		got, err := s.metric(context.WithoutCancel(ctx), "go_memstats_heap_alloc_bytes", "go_goroutines", "infinisim_clock_time_seconds")
		if err != nil {
			return nil, err
		}
		at := sample{
			at: time.Since(begun), heap: got["go_memstats_heap_alloc_bytes"], rss: float64(s.rss()), tasks: got["go_goroutines"],
			lab: time.UnixMilli(int64(1000 * got["infinisim_clock_time_seconds"])),
		}
		if at.at >= time.Duration(shown)*o.soak/rows || shown == rows && at.at+2*every > o.soak {
			if at.objects, err = s.objects(context.WithoutCancel(ctx)); err != nil {
				return nil, err
			}
			shown++
			at.show(append(out, at)[0])
		}
		out = append(out, at)
	}
	return out, nil
}

// objects counts what the arrays have.
func (s *server) objects(ctx context.Context) (n [2]int64, err error) {
	for i, path := range []string{"volumes", "events"} {
		for array := range s.arrays {
			count, err := s.count(ctx, array, path)
			if err != nil {
				return n, err
			}
			n[i] += count
		}
	}
	return n, nil
}

// show draws a row; a stroke is 8 MiB.
func (p sample) show(first sample) {
	bar := make([]byte, min(60, int(p.rss/(8<<20))))
	for i := range bar {
		bar[i] = '#'
	}
	fmt.Printf("%8v %12s %12s %12.0f %9d %9d %8.1f  %s\n", p.at.Round(time.Second), mib(int64(p.heap)), mib(int64(p.rss)), p.tasks, p.objects[0], p.objects[1], p.lab.Sub(first.lab).Hours()/24, bar)
}

// judge compares the last fifth of a run with the fifth in its middle, by
// medians: a heap goes up and down.
func judge(all []sample) error {
	n := len(all)
	if n < rows {
		return fmt.Errorf("%d samples are too few", n)
	}
	middle, last := all[2*n/fifths:3*n/fifths], all[4*n/fifths:]
	var bad error
	compare := func(name string, of func(sample) float64, most func(was float64) float64, show func(float64) string) {
		was, is := median(middle, of), median(last, of)
		word := "ok  "
		if is > most(was) {
			word = "FAIL"
			bad = errors.Join(bad, fmt.Errorf("%s grew from %s to %s", name, show(was), show(is)))
		}
		fmt.Printf("%s soak: %s: %s in the middle, %s in the end (bound %s)\n", word, name, show(was), show(is), show(most(was)))
	}
	bytes := func(was float64) float64 { return growth*was + growthSlop }
	asMiB := func(n float64) string { return mib(int64(n)) }
	compare("heap", func(p sample) float64 { return p.heap }, bytes, asMiB)
	compare("resident memory", func(p sample) float64 { return p.rss }, bytes, asMiB)
	compare("goroutines", func(p sample) float64 { return p.tasks }, func(was float64) float64 { return was + moreTasks },
		func(n float64) string { return fmt.Sprintf("%.0f", n) })
	return bad
}

func median(of []sample, value func(sample) float64) float64 {
	all := make([]float64, 0, len(of))
	for _, p := range of {
		all = append(all, value(p))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// sound asks the server for its own check.
func (s *server) sound(ctx context.Context) error {
	o, status, err := s.plane(ctx, "POST", "check", nil)
	if err != nil {
		return err
	}
	m, _ := o.(map[string]any)
	if list, _ := m["violations"].([]any); status != 200 || len(list) > 0 {
		return fmt.Errorf("check: %d %v", status, list)
	}
	return nil
}
