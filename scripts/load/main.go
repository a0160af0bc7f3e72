// Command load starts a server and sets bad clients on it: many at once, slow
// ones, endless ones, idle ones. While each sort is at work, well-behaved
// clients go on to ask, and every request of theirs has to be answered.
//
//	load [-connections 1000] [-idle 10000] [-patience 2s] [-data] [-phase NAME,NAME] BIN
//	load -soak 10m [-days 30] [-clients 8] [-data] BIN
//
// A phase fails when a well-behaved client is refused or waits longer than its
// own time-out, when a bad client is not cut, when the server holds its
// connections afterwards, or when its memory passes the bound of the phase.
//
// With -soak clients make, read, change, replicate and delete things while the
// clock of the arrays moves on by so many days. It fails when heap, memory or
// goroutines grow from the middle to the end by more than a bound.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// options are what a run is told.
type options struct {
	bin         string
	connections int
	idle        int
	patience    time.Duration
	data        bool
	phases      string
	soak        time.Duration
	days        float64
	clients     int
}

func main() {
	var o options
	flag.IntVar(&o.connections, "connections", 1000, "bad clients at a time")
	flag.IntVar(&o.idle, "idle", 10_000, "idle connections at a time")
	flag.DurationVar(&o.patience, "patience", 2*time.Second, "--patience of the server")
	flag.BoolVar(&o.data, "data", false, "a durable server")
	flag.StringVar(&o.phases, "phase", "", "the phases to run, by name; all without it")
	flag.DurationVar(&o.soak, "soak", 0, "a soak of this long instead")
	flag.Float64Var(&o.days, "days", 30, "with -soak: days that pass on the arrays")
	flag.IntVar(&o.clients, "clients", 8, "well-behaved clients; with -soak those that work")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: load [-soak D] BIN")
		os.Exit(2)
	}
	o.bin = flag.Arg(0)
	do := attack
	if o.soak > 0 {
		do = soak
	}
	if err := do(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// attack runs the phases, each against the same server.
func attack(ctx context.Context, o options) (err error) {
	o.idle = fitting(o.idle)
	o.connections = fitting(o.connections)
	s, err := start(ctx, o, "--patience", o.patience.String())
	if err != nil {
		return err
	}
	defer s.stop()
	if err := s.fill(ctx); err != nil {
		return err
	}
	fmt.Printf("server with --patience %v, %d connections, %d idle ones, %d well-behaved clients\n", o.patience, o.connections, o.idle, o.clients)
	fmt.Printf("%-14s %9s %9s %9s %8s %8s %8s %8s %7s\n", "phase", "before", "peak", "after", "others", "p50", "p99", "worst", "took")
	var known, bad []string
	wanted := strings.Split(o.phases, ",")
	for _, p := range phases() {
		known = append(known, p.name)
		if o.phases != "" && !slices.Contains(wanted, p.name) {
			continue
		}
		if err := s.run(ctx, o, p); err != nil {
			fmt.Printf("FAIL load: %s: %v\n", p.name, err)
			bad = append(bad, p.name)
		}
	}
	for _, name := range wanted {
		if name != "" && !slices.Contains(known, name) {
			return fmt.Errorf("no phase %q: there are %s", name, strings.Join(known, ", "))
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("failed: %s", strings.Join(bad, ", "))
	}
	fmt.Println("ok   load: all bad clients were cut, all others served, memory bounded")
	return nil
}

// spare is how many files besides its connections a process needs.
const spare = 500

// fitting is a number of connections that the limit of open files allows.
func fitting(n int) int {
	most, err := openFiles()
	if err != nil || n <= most-spare {
		return n
	}
	fmt.Printf("the limit of open files is %d: %d connections instead of %d\n", most, most-spare, n)
	return most - spare
}
