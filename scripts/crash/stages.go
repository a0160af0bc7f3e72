package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// mostBad is how many runs of a scenario may go wrong before it is given up.
const mostBad = 5

// session runs scenarios. The state that several start from is made once; a
// run works on a copy of its directories.
type session struct {
	bin                   string
	every, first, workers int
	stages                map[string]*pair // ended, by name
}

// runPairs has one of two processes end itself at a numbered step of its work,
// for each of them and each step (or every nth), in each scenario.
func runPairs(ctx context.Context, s *session, names string) error {
	s.stages = map[string]*pair{}
	defer s.end()
	var wanted []string
	if names != "" {
		wanted = strings.Split(names, ",")
	}
	var failed error
	known := []string{}
	for _, sc := range scenarios() {
		known = append(known, sc.name)
		if names == "" || slices.Contains(wanted, sc.name) {
			failed = errors.Join(failed, s.run(ctx, sc))
		}
	}
	for _, name := range wanted {
		if !slices.Contains(known, name) {
			failed = errors.Join(failed, fmt.Errorf("no scenario %q: there are %s", name, strings.Join(known, ", ")))
		}
	}
	return failed
}

func (s *session) end() {
	for _, p := range s.stages {
		p.end()
	}
}

// run has each process die at each step of a scenario.
func (s *session) run(ctx context.Context, sc scenario) error {
	started := time.Now()
	from, err := s.stage(ctx, sc.from)
	if err != nil {
		return fmt.Errorf("scenario %s: %w", sc.name, err)
	}
	all := &sweep{scenario: sc, from: from, every: s.every}
	for all.victim = range all.from.procs {
		all.next, all.over = s.first, false
		var wg sync.WaitGroup
		for range s.workers {
			wg.Go(func() { s.work(ctx, all) })
		}
		wg.Wait()
	}
	word, outcome := "ok  ", "both sides end alike"
	if len(all.bad) > 0 {
		word, outcome = "FAIL", fmt.Sprintf("%d runs went wrong", len(all.bad))
	}
	fmt.Printf("%s crash of two processes: %-11s %4d runs, %4d deaths at numbered steps, %s, %v\n",
		word, sc.name, all.runs, all.deaths, outcome, time.Since(started).Round(time.Second))
	return errors.Join(all.bad...)
}

// sweep is a scenario in which one process dies at each step.
type sweep struct {
	scenario
	from          *pair
	every, victim int

	mu           sync.Mutex
	next         int // step, of those to come
	over         bool
	runs, deaths int
	bad          []error
}

// take hands out the next step; false once the scenario ends before it.
func (w *sweep) take() (step int, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over || len(w.bad) >= mostBad {
		return 0, false
	}
	step = w.next
	w.next += w.every
	return step, true
}

// note keeps what became of a run.
func (w *sweep) note(p *pair, step int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.bad = append(w.bad, fmt.Errorf("scenario %s, process %d, step %d (%s): %w", w.name, w.victim+1, step, p.last, err))
		fmt.Println(w.bad[len(w.bad)-1])
	}
	w.runs++
	w.deaths += p.deaths
	w.over = w.over || p.deaths == 0 // it came through: there is no such step
}

// work does runs of a scenario while there are any.
func (s *session) work(ctx context.Context, w *sweep) {
	for {
		step, ok := w.take()
		if !ok {
			return
		}
		p, err := s.copied(w.from)
		if err != nil {
			w.note(&pair{}, step, err)
			return
		}
		err = p.live(ctx, w.scenario, w.victim, step)
		p.end()
		w.note(p, step, err)
	}
}

// live starts both processes, one of which will die, and does a scenario.
func (p *pair) live(ctx context.Context, sc scenario, victim, step int) error {
	for i := range p.procs {
		die := 0
		if i == victim {
			die = step
		}
		if err := p.start(ctx, i, die); err != nil && i != victim {
			return err
		}
	}
	for _, op := range sc.ops {
		if err := p.perform(ctx, op); err != nil {
			return err
		}
	}
	return p.finish(ctx, sc.want)
}

// stage makes the state that scenarios start from.
func (s *session) stage(ctx context.Context, name string) (*pair, error) {
	if p := s.stages[name]; p != nil {
		return p, nil
	}
	of := stages()[name]
	p, err := newPair(s.bin)
	if of.from != "" {
		var from *pair
		if from, err = s.stage(ctx, of.from); err == nil {
			p, err = s.copied(from)
		}
	}
	if err != nil {
		return nil, err
	}
	s.stages[name] = p
	for i := range p.procs {
		if err := p.start(ctx, i, 0); err != nil {
			return nil, err
		}
	}
	for _, op := range of.ops {
		if err := p.perform(ctx, op); err != nil {
			return nil, fmt.Errorf("stage %s: %w", name, err)
		}
	}
	for _, proc := range p.procs {
		proc.kill()
	}
	return p, nil
}

// copied makes a pair of its own that stands where another ended.
func (s *session) copied(from *pair) (*pair, error) {
	p, err := newPair(s.bin)
	if err != nil {
		return nil, err
	}
	p.ids = from.ids
	for i := range p.dirs {
		if err := copyDir(from.dirs[i], p.dirs[i]); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func copyDir(from, to string) error {
	return filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		return copyFile(path, filepath.Join(to, rel))
	})
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from) //nolint:gosec // our own file
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.Create(to) //nolint:gosec // our own file
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}
