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
	"time"
)

// mostBad is how many runs of a scenario may go wrong before it is given up.
const mostBad = 5

// session runs scenarios. The state that several start from is made once; a
// run works on a copy of its directories.
type session struct {
	bin    string
	every  int
	stages map[string]*pair // ended, by name
}

// runPairs has one of two processes end itself at a numbered step of its work,
// for each of them and each step (or every nth), in each scenario.
func runPairs(ctx context.Context, bin string, every int, names string) error {
	s := &session{bin: bin, every: every, stages: map[string]*pair{}}
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
	started, runs, deaths := time.Now(), 0, 0
	from, err := s.stage(ctx, sc.from)
	if err != nil {
		return fmt.Errorf("scenario %s: %w", sc.name, err)
	}
	var bad []error
	for victim := range 2 {
		for step := 1; len(bad) < mostBad; step += s.every {
			p, err := s.copied(from)
			if err != nil {
				return err
			}
			err = p.live(ctx, sc, victim, step)
			p.end()
			if err != nil {
				bad = append(bad, fmt.Errorf("scenario %s, process %d, step %d (%s): %w", sc.name, victim+1, step, p.last, err))
				fmt.Println(bad[len(bad)-1])
			}
			runs++
			deaths += p.deaths
			if p.deaths == 0 { // it came through: there is no such step
				break
			}
		}
	}
	word, outcome := "ok  ", "both sides end alike"
	if len(bad) > 0 {
		word, outcome = "FAIL", fmt.Sprintf("%d runs went wrong", len(bad))
	}
	fmt.Printf("%s crash of two processes: %-9s %3d runs, %3d deaths at numbered steps, %s, %v\n",
		word, sc.name, runs, deaths, outcome, time.Since(started).Round(time.Second))
	return errors.Join(bad...)
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
