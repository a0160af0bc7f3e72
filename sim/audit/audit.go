// Package audit asks what a client does when a writing call goes wrong: it runs
// the client once in peace, and then again for each writing call and each way
// in which it can go wrong, on a fresh fork each time, and compares what the
// client left behind.
package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"infinisim/sim"
	"infinisim/sim/fault"
	"infinisim/sim/journal"
	"infinisim/sim/store"
)

// Mode is how a call goes wrong.
type Mode string

// The modes.
const (
	// LostBefore drops the connection; nothing is applied.
	LostBefore Mode = "lost_before"
	// LostAfter applies the call and drops the connection instead of the answer.
	LostAfter Mode = "lost_after"
	// Late applies the call and answers after Options.Delay, which should be
	// longer than the client's own time-out.
	Late Mode = "late"
	// Unavailable answers 503; nothing is applied.
	Unavailable Mode = "unavailable"
)

// Modes are all of them.
func Modes() []Mode { return []Mode{LostBefore, LostAfter, Late, Unavailable} }

// Client is what is audited: it does its work on the arrays of a target, and
// returns an error if it thinks that it failed. It has to do the same every
// time; what it draws by chance may differ in names alone.
type Client func(ctx context.Context, t *Target) error

// Options says what is audited, and how.
type Options struct {
	// Base is the lab that every run gets a fork of. It stays as it is.
	Base *sim.Lab
	// Client is run again and again.
	Client Client
	// Modes are tried in turn; nil is all.
	Modes []Mode
	// Delay is by the wall clock, for Late; 0 is 35 seconds.
	Delay time.Duration
}

const usualDelay = 35 * time.Second

// Call is a writing request of the run in peace.
type Call struct {
	Seq    int64  `json:"seq"`
	Array  string `json:"array"`
	Method string `json:"method"`
	Path   string `json:"path"`
	Body   string `json:"body,omitempty"`

	route string
	skip  int      // requests of the same method and path before it
	kinds []string // what it created
}

// String is the call in short.
func (c Call) String() string { return fmt.Sprintf("%s %s %s", c.Array, c.Method, c.Path) }

// Verdict is what became of a trial.
type Verdict string

// The verdicts.
const (
	// OK left behind what the run in peace did.
	OK Verdict = "ok"
	// GaveUp failed, and told so, and left nothing behind.
	GaveUp Verdict = "gave_up"
	// Leftover failed, and told so, and left behind what it had made; or it
	// left more than the run in peace although it made no call twice.
	Leftover Verdict = "leftover"
	// Double made a call twice with effect: more objects are there than after
	// the run in peace.
	Double Verdict = "double"
	// Incomplete told of success, and something is missing.
	Incomplete Verdict = "incomplete"
	// NotReached never made the call: the client does not do the same every
	// time.
	NotReached Verdict = "not_reached"
)

// Trial is one run in which one call went wrong.
type Trial struct {
	Call    Call    `json:"call"`
	Mode    Mode    `json:"mode"`
	Verdict Verdict `json:"verdict"`
	// Failed is what the client said, empty for success.
	Failed string `json:"failed,omitempty"`
	// Twice are the calls that had an effect, of a sort that the run in peace
	// made less often.
	Twice []Call `json:"twice,omitempty"`
	// Left are objects that the run in peace did not leave, or all that a run
	// left that failed; Missing are those that should be there and are not.
	Left    []Object `json:"left,omitempty"`
	Missing []Object `json:"missing,omitempty"`
}

// Report is a whole audit.
type Report struct {
	Calls  []Call  `json:"calls"`
	Trials []Trial `json:"trials"`
}

// Bad are the trials whose client is wrong: it made something twice, or told of
// a success that was none.
func (r *Report) Bad() []Trial {
	return slices.DeleteFunc(slices.Clone(r.Trials), func(t Trial) bool { return t.Verdict != Double && t.Verdict != Incomplete })
}

// Run audits a client. It returns an error for a client that fails in peace or
// writes nothing, and for a trial that cannot be made.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Modes == nil {
		o.Modes = Modes()
	}
	o.Delay = cmp.Or(o.Delay, usualDelay)
	before, err := objects(ctx, o.Base)
	if err != nil {
		return nil, err
	}
	peace, err := o.run(ctx, nil, "")
	if err == nil && peace.failed != nil {
		err = fmt.Errorf("the client fails although nothing goes wrong: %w", peace.failed)
	}
	if err != nil {
		return nil, err
	}
	r := &Report{Calls: calls(peace.entries), Trials: []Trial{}}
	if len(r.Calls) == 0 {
		return nil, errors.New("the client made no writing call that had an effect")
	}
	peace.objects.subtract(before)
	for _, c := range r.Calls {
		for _, mode := range o.Modes {
			run, err := o.run(ctx, &c, mode)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", c, mode, err)
			}
			run.objects.subtract(before)
			r.Trials = append(r.Trials, judge(c, mode, peace, run))
		}
	}
	return r, nil
}

// outcome is what one run left.
type outcome struct {
	failed  error
	struck  bool
	entries []journal.Entry
	objects inventory
}

// run lets the client work on a fork in which a call goes wrong, nil for none.
func (o Options) run(ctx context.Context, c *Call, mode Mode) (out outcome, err error) {
	l, err := o.Base.Fork()
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	t := &Target{Lab: l, delay: o.Delay}
	if mode == Late {
		t.late = c
	} else if c != nil {
		if _, err := l.AddFault(ctx, c.rule(mode)); err != nil {
			return out, err
		}
	}
	out.failed = o.Client(ctx, t)
	if err := ctx.Err(); err != nil {
		return out, err
	}
	out.struck = t.wasLate()
	for _, f := range l.Faults() {
		out.struck = out.struck || f.ID == ruleID && f.Hits > 0
	}
	if err := l.ClearFaults(ctx); err != nil {
		return out, err
	}
	if _, err := l.Settle(ctx); err != nil {
		return out, err
	}
	out.entries = l.Journal.Entries(journal.Filter{})
	out.objects, err = objects(ctx, l)
	return out, err
}

const ruleID = "audit"

// rule is the fault that strikes a call.
func (c *Call) rule(mode Mode) fault.Rule {
	effect := map[Mode]fault.Effect{
		LostBefore: {Type: fault.Reset}, LostAfter: {Type: fault.Lost},
		Unavailable: {Type: fault.Status, Status: http.StatusServiceUnavailable},
	}[mode]
	return fault.Rule{
		ID: ruleID, Site: fault.HTTP, Array: c.Array, Method: c.Method, Path: c.Path, Skip: c.skip, Times: 1, Effect: effect,
	}
}

const root = "/api/rest/"

// calls are the writing requests that had an effect.
func calls(entries []journal.Entry) []Call {
	out := []Call{}
	before := map[string]int{}
	for _, e := range entries {
		c := Call{
			Seq: e.Seq, Array: e.Array, Method: e.Method, Path: strings.TrimPrefix(e.Path, root), Body: e.Body, route: e.Route,
		}
		c.skip = before[c.String()]
		before[c.String()]++
		writes := e.Method != http.MethodGet && e.Status != 0 && e.Status < http.StatusBadRequest && !strings.HasPrefix(e.Route, "users/log")
		did := false
		for _, o := range e.Objects {
			did = did || counts(o.Kind)
			if o.Did == store.Created && counts(o.Kind) {
				c.kinds = append(c.kinds, o.Kind)
			}
		}
		if writes && did {
			out = append(out, c)
		}
	}
	return out
}

// judge compares a run with the one in peace.
func judge(c Call, mode Mode, peace, run outcome) Trial {
	t := Trial{Call: c, Mode: mode, Verdict: OK}
	if run.failed != nil {
		t.Failed = run.failed.Error()
	}
	t.Left, t.Missing = run.objects.beyond(peace.objects), peace.objects.beyond(run.objects)
	t.Twice = twice(calls(peace.entries), calls(run.entries))
	more := run.objects.more(peace.objects)
	made := slices.ContainsFunc(t.Twice, func(c Call) bool {
		return slices.ContainsFunc(c.kinds, func(kind string) bool { return slices.Contains(more, kind) })
	})
	if run.failed != nil {
		t.Left, t.Missing = run.objects.beyond(nil), nil
	}
	switch {
	case !run.struck:
		t.Verdict = NotReached
	case made:
		t.Verdict = Double
	case run.failed != nil && len(t.Left) == 0:
		t.Verdict = GaveUp
	case run.failed != nil || len(more) > 0:
		t.Verdict = Leftover
	case len(peace.objects.more(run.objects)) > 0:
		t.Verdict = Incomplete
	}
	return t
}

// twice are the POST calls beyond those of their sort in peace.
func twice(peace, run []Call) []Call {
	sort := func(c Call) string { return c.Array + " " + c.Method + " " + c.route }
	budget := map[string]int{}
	for _, c := range peace {
		budget[sort(c)]++
	}
	var out []Call
	for _, c := range run {
		budget[sort(c)]--
		if budget[sort(c)] < 0 && c.Method == http.MethodPost {
			out = append(out, c)
		}
	}
	return out
}
