package scenario

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"infinisim/sim/document"
	"infinisim/sim/journal"
	"infinisim/sim/model"
	"infinisim/sim/replication"
	"infinisim/sim/schema"
)

// lookAt looks at an object as a client would read it, without a request. With
// within the clock moves on until it is as expected, at most that far.
type lookAt struct {
	Of     document.Node `yaml:"of,required"`
	Fields document.Node `yaml:"fields"`
	Lag    document.Node `yaml:"lag"`
	Absent bool          `yaml:"absent"`
	Within time.Duration `yaml:"within"`

	of address
}

func (l *lookAt) check(p *parser, n document.Node) (err error) {
	if err := n.Into(l); err != nil {
		return err
	}
	if l.of, err = p.address(l.Of, ""); err != nil {
		return err
	}
	switch {
	case l.Absent && (l.Fields.There() || l.Lag.There()):
		return n.Get("absent").Errorf("what is not there has no fields")
	case !l.Absent && !l.Fields.There() && !l.Lag.There():
		return n.Errorf("fields, lag or absent is needed")
	case l.Fields.There() && !l.Fields.IsMap():
		return l.Fields.Expected("a mapping of fields to values")
	case l.Lag.There() && l.of.kind != replication.Replica.Name():
		return l.Lag.Errorf("replicas alone have a lag")
	}
	if err := checkTime(l.Lag); err != nil {
		return err
	}
	if err := checkExpected(l.Fields); err != nil {
		return err
	}
	return p.references(l.Fields, l.of.array)
}

func (l *lookAt) do(r *play, _ document.Node) error {
	deadline := r.lab.Clock.Now().Add(l.Within)
	for {
		err := l.hold(r)
		failed, isFailure := errors.AsType[*Failure](err)
		now := r.lab.Clock.Now()
		if !isFailure || now >= deadline {
			if isFailure && l.Within > 0 {
				failed.Got += fmt.Sprintf(", %v later", l.Within)
			}
			return err
		}
		next, _, err := r.lab.NextDue(r.ctx)
		if err != nil {
			return err
		}
		if _, err := r.lab.AdvanceTo(r.ctx, max(now, min(next, deadline))); err != nil {
			return err
		}
	}
}

// hold holds the object against what is expected now.
func (l *lookAt) hold(r *play) error {
	_, got, err := r.find(l.of)
	what := fmt.Sprintf("%s %s of array %s", strings.ReplaceAll(l.of.kind, "_", " "), l.of.name, l.of.array)
	switch {
	case errors.Is(err, errAbsent) && l.Absent:
		return nil
	case errors.Is(err, errAbsent):
		return r.fail(l.Of, what, "nothing of that name")
	case err != nil:
		return err
	case l.Absent:
		return r.fail(l.Of, "no "+what, show(got, true))
	}
	if err := r.members(l.Fields, got, l.of.array); err != nil {
		return err
	}
	if !l.Lag.There() {
		return nil
	}
	at, there := got["restore_point"].(float64)
	if !there {
		return r.fail(l.Lag, "a replica with a restore point", "none yet")
	}
	return r.within(l.Lag, time.Duration(r.lab.Clock.Now().MS()-int64(at))*time.Millisecond)
}

// within holds a duration against bounds.
func (r *play) within(n document.Node, got time.Duration) error {
	for _, pair := range n.Pairs() {
		bound, _ := pair.Value.Duration() // checked
		if pair.Key == "at_least" && got < bound || pair.Key == "at_most" && got > bound {
			return r.fail(pair.Value, fmt.Sprintf("%s %v", strings.ReplaceAll(pair.Key, "_", " "), bound), got.String())
		}
	}
	return nil
}

// countEvents counts the events of an array since the scenario's begin.
type countEvents struct {
	Array document.Node `yaml:"array"`
	Code  string        `yaml:"code,required"`
	Count document.Node `yaml:"count"`

	array string
}

func (c *countEvents) check(p *parser, n document.Node) (err error) {
	if err := n.Into(c); err != nil {
		return err
	}
	if c.array, err = p.array(c.Array); err != nil {
		return err
	}
	if c.Count.There() && !isOperation(c.Count) {
		_, err = c.Count.Int()
		return err
	}
	return checkExpected(c.Count)
}

func (c *countEvents) do(r *play, n document.Node) error {
	count := 0
	others := map[string]bool{}
	err := r.lab.View(r.ctx, c.array, func(b *model.Box) error {
		return b.Tx.Each(c.array, model.EventType, func(o *schema.Object) (bool, error) {
			if o.ID() > r.events[c.array] {
				others[model.EventCode.Get(o)] = true
			}
			if o.ID() > r.events[c.array] && model.EventCode.Get(o) == c.Code {
				count++
			}
			return true, nil
		})
	})
	if err != nil {
		return err
	}
	if c.Count.There() {
		return r.match(c.Count, float64(count), true, c.array)
	}
	if count == 0 {
		return r.fail(n.Get("code"), "an event "+c.Code, "none; there are "+codes(others))
	}
	return nil
}

// codes lists what came instead.
func codes(all map[string]bool) string {
	if len(all) == 0 {
		return "no events at all"
	}
	return strings.Join(sorted(all), ", ")
}

// verify holds the requests of the journal against what is expected.
type verify struct{ journal.Verification }

func (v *verify) check(_ *parser, n document.Node) error {
	if err := n.Into(&v.Verification); err != nil {
		return err
	}
	return atFault(n, v.Validate())
}

func (v *verify) do(r *play, n document.Node) error {
	verdict, err := r.lab.Verify(v.Verification)
	if err != nil {
		return atFault(n, err)
	}
	if !verdict.Satisfied {
		return r.fail(n, "what the verification says", strings.TrimSpace(verdict.String()))
	}
	return nil
}

// checkLab asks whether everything in the lab is as it must be. It is asked at
// the end of every scenario too.
type checkLab struct{}

func (*checkLab) check(_ *parser, n document.Node) error {
	if on, err := n.Bool(); err != nil || !on {
		return n.Expected("true")
	}
	return nil
}

func (*checkLab) do(r *play, n document.Node) error {
	bad, err := r.lab.Check(r.ctx)
	if err == nil && len(bad) > 0 {
		err = r.fail(n, "nothing in the lab that is not as it must be", strings.Join(bad, "; "))
	}
	return err
}
