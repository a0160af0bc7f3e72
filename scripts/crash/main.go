// Command crash kills a durable server again and again while clients write to
// it, and compares what it has afterwards with what it acknowledged.
//
//	crash [-kills 100] [-clients 16] [-seed 1] BIN
//	crash -pairs N [-first 1] [-scenario NAME,NAME] [-workers 6] BIN
//	crash -migrations N [-seed 1] BIN
//
// Half of the kills come at a random instant, by a signal from outside; in the
// other half the server ends itself at a numbered step of a durable write,
// while it creates, replicates and deletes. After each kill the server is
// started again on the same directory: every acknowledged change must be
// there, a change that was under way may be there or not, and the server's own
// check must find nothing.
//
// With -pairs there are two processes of one array each. In each scenario one
// of them ends itself at a numbered step and is started again; in the end
// nothing is there twice, nothing by halves, and both arrays say the same.
//
// With -migrations the file is one of another release, whose rows have their
// fields in another order: the server ends itself at each numbered step of its
// start, and N times at a random instant of it, and has in the end what it had.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

func main() {
	kills := flag.Int("kills", 100, "number of kills")
	clients := flag.Int("clients", 16, "number of writing clients")
	seed := flag.Uint64("seed", 1, "seed of the instants and steps")
	pairs := flag.Int("pairs", 0, "two processes instead: one dies at every nth numbered step, 1 is each")
	names := flag.String("scenario", "", "with -pairs: the scenarios to run, by name; all without it")
	first := flag.Int("first", 1, "with -pairs: the first step to die at")
	workers := flag.Int("workers", 6, "with -pairs: how many pairs run at a time")
	migrations := flag.Int("migrations", 0, "starts on a file of another layout instead: so many are killed at random, besides each numbered step")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: crash [-kills N] [-clients N] [-seed N] BIN")
		os.Exit(2)
	}
	if *pairs > 0 {
		if err := runPairs(context.Background(), &session{bin: flag.Arg(0), every: *pairs, first: *first, workers: *workers}, *names); err != nil {
			fmt.Fprintln(os.Stderr, "crash:", err)
			os.Exit(1)
		}
		return
	}
	if *migrations > 0 {
		if err := runMigrations(context.Background(), flag.Arg(0), *migrations, *seed); err != nil {
			fmt.Fprintln(os.Stderr, "crash:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(context.Background(), flag.Arg(0), *kills, *clients, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(1)
	}
}

// totals is what the report says.
type totals struct {
	kills, atSteps         int
	acknowledged, underway int
	restart                time.Duration
}

func run(ctx context.Context, bin string, kills, clients int, seed uint64) error {
	dir, err := os.MkdirTemp("", "infinisim-crash-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	dice := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // instants of a test
	all := make([]*client, clients)
	for i := range all {
		all[i] = &client{name: fmt.Sprintf("c%d", i), dice: rand.New(rand.NewPCG(seed, uint64(i)))} //nolint:gosec // as above
	}
	var sum totals
	started := time.Now()
	for sum.kills < kills {
		step := 0
		if sum.kills%2 == 1 {
			step = 1 + dice.IntN(120)
		}
		if err := round(ctx, bin, dir, all, step, time.Duration(dice.IntN(400))*time.Millisecond, &sum); err != nil {
			return fmt.Errorf("seed %d, kill %d (step %d): %w", seed, sum.kills+1, step, err)
		}
		sum.kills++
		if sum.kills%10 == 0 {
			fmt.Printf("%d of %d kills, %d changes acknowledged, %v\n", sum.kills, kills, sum.acknowledged, time.Since(started).Round(time.Second))
		}
	}
	last, err := start(ctx, bin, dir, 0)
	if err != nil {
		return err
	}
	defer last.kill()
	if err := compare(ctx, last, all); err != nil {
		return err
	}
	fmt.Printf("ok   crash: %d kills (%d at numbered steps), %d clients, %d changes acknowledged and kept, %d under way, restart %v on average\n",
		sum.kills, sum.atSteps, clients, sum.acknowledged, sum.underway, (sum.restart / time.Duration(sum.kills+1)).Round(time.Millisecond))
	return nil
}

// round starts the server, compares, lets the clients write, and kills it.
func round(ctx context.Context, bin, dir string, all []*client, step int, wait time.Duration, sum *totals) error {
	begun := time.Now()
	s, err := start(ctx, bin, dir, step)
	if err != nil && step > 0 { // it ended itself while it opened its ports: as good as any
		sum.atSteps++
		return nil
	}
	if err != nil {
		return err
	}
	sum.restart += time.Since(begun)
	defer s.kill()
	err = compare(ctx, s, all)
	if err == nil {
		err = s.prepare(ctx)
	}
	if err != nil && s.gone() && step > 0 { // it came to its step already
		sum.atSteps++
		return nil
	}
	if err != nil {
		return err
	}
	done := make(chan int, len(all))
	for _, c := range all {
		go func() { done <- c.write(ctx, s) }()
	}
	if step > 0 {
		sum.atSteps++
		<-s.ended
	} else {
		time.Sleep(wait + 50*time.Millisecond)
		s.kill()
	}
	for _, c := range all {
		sum.acknowledged += <-done
		if c.open != nil {
			sum.underway++
		}
	}
	return nil
}
