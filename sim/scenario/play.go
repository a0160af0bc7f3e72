package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"infinisim/sim"
	"infinisim/sim/clock"
	"infinisim/sim/document"
	"infinisim/sim/lab"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// Failure is what was expected and did not come.
type Failure struct {
	// Line and Field say where it was expected, Step is that step's name.
	Line  int    `json:"line"`
	Field string `json:"field"`
	Step  string `json:"step"`
	// Expected and Got are what was and what came.
	Expected string `json:"expected"`
	Got      string `json:"got"`
}

// Error is the failure in one line.
func (f *Failure) Error() string {
	return fmt.Sprintf("line %d: step %q: %s: expected %s, got %s", f.Line, f.Step, f.Field, f.Expected, f.Got)
}

// play is a scenario while it is played.
type play struct {
	ctx    context.Context //nolint:containedctx // of the one call that it lives in
	parser *parser
	lab    *lab.Lab
	start  clock.Time
	step   string

	saved    map[string]any
	digests  map[string]string
	sessions map[string][]*http.Cookie
	events   map[string]int64 // the last event of each array before the scenario
}

// Options change how scenarios are played.
type Options struct {
	// Seed is the lab's, in place of the scenario's.
	Seed *uint64
}

// usualSeed is that of a scenario which says none.
const usualSeed = 1

// Play plays the scenario in a lab of its own. The error is that of a scenario
// that cannot be played, a document.Error where the file is at fault; what went
// otherwise than expected is in the result.
func (s *Scenario) Play(ctx context.Context, o Options) (*Result, error) {
	opts := lab.Options{Seed: usualSeed}
	s.estate.Set(&opts)
	for _, seed := range []*uint64{s.seed, o.Seed} {
		if seed != nil {
			opts.Seed = *seed
		}
	}
	if opts.Clock != nil {
		opts.Clock.Freeze()
	}
	l, err := lab.BuildWith(ctx, opts, s.estate.Fill)
	if err != nil {
		return nil, err
	}
	r := &play{
		ctx: lab.Drive(ctx), parser: s.parser, lab: l, start: l.Clock.Now(), saved: map[string]any{}, digests: map[string]string{},
		sessions: map[string][]*http.Cookie{}, events: map[string]int64{},
	}
	res := &Result{File: s.File, Name: s.Name, Seed: opts.Seed, Steps: len(s.steps)}
	err = r.all(s, res)
	res.Took = l.Clock.Now().Sub(r.start).String()
	return res, errors.Join(err, l.Close())
}

// all plays the steps until one fails, and asks in the end whether the lab is
// as it must be.
func (r *play) all(s *Scenario, res *Result) error {
	if err := r.ready(s); err != nil {
		return err
	}
	for _, st := range s.steps {
		r.step = st.name
		err := r.when(st)
		if err == nil {
			err = st.act.do(r, st.node)
		}
		if failed, ok := errors.AsType[*Failure](err); ok {
			res.Failure = failed
			return nil
		}
		if err != nil {
			return r.broken(st.node, err)
		}
		res.Played++
	}
	bad, err := r.lab.Check(r.ctx)
	if err != nil {
		return err
	}
	if len(bad) > 0 {
		last := s.steps[len(s.steps)-1]
		r.step = "the end"
		failed, _ := errors.AsType[*Failure](r.fail(last.node, "nothing in the lab that is not as it must be", strings.Join(bad, "; ")))
		res.Failure = failed
	}
	res.Passed = res.Failure == nil
	return nil
}

// broken says where a step could not be played.
func (r *play) broken(n document.Node, err error) error {
	if document.As(err) != nil {
		return err
	}
	return n.Errorf("step %q: %v", r.step, err)
}

// ready refuses rules that could never strike, and notes the events that are
// no business of the scenario.
func (r *play) ready(s *Scenario) error {
	for _, st := range s.steps {
		if f, ok := st.act.(*putFault); ok {
			if err := f.ready(r, st.node); err != nil {
				return err
			}
		}
	}
	for _, a := range r.lab.Arrays() {
		err := r.lab.View(r.ctx, a.Key, func(b *model.Box) error {
			return b.Tx.Each(a.Key, model.EventType, func(o *schema.Object) (bool, error) {
				r.events[a.Key] = max(r.events[a.Key], o.ID())
				return true, nil
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// when moves the clock to the time of a step.
func (r *play) when(s step) error {
	now, to := r.lab.Clock.Now(), r.lab.Clock.Now()
	switch {
	case s.at != nil:
		if to = r.start.Add(*s.at); to < now {
			return r.fail(s.node, fmt.Sprintf("the clock before %v from the begin", *s.at), fmt.Sprintf("%v from the begin: the steps before took longer", now.Sub(r.start)))
		}
	case s.after != nil:
		to = now.Add(*s.after)
	}
	if to == now {
		return nil
	}
	_, err := r.lab.AdvanceTo(r.ctx, to)
	return err
}

// fail is a failure at a place.
func (r *play) fail(n document.Node, expected, got string) error {
	return &Failure{Line: n.Line(), Field: n.Field(), Step: r.step, Expected: expected, Got: got}
}

// client reaches an array as clients do.
func (r *play) client(array string) http.RoundTripper {
	return sim.HandlerTransport(r.lab.Handler(array))
}
