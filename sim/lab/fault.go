package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/fault"
	"infinisim/sim/journal"
	"infinisim/sim/store"
)

const (
	spaceFault = "fault"
	// spaceFaultState has one row, in a snapshot and an export: the rules with
	// what they have counted.
	spaceFaultState = "fault.state"
)

// AddFault puts a fault rule in force and returns it with its id. It returns
// INVALID_FIELD_VALUE for a rule that can never strike, FAULT_EXISTS for an id
// that another rule has, and for a part of an array what setting its state
// returns. Rules are kept with a durable lab, their counts are not.
func (l *Lab) AddFault(ctx context.Context, r fault.Rule) (fault.Rule, error) {
	if err := l.CheckFault(r); err != nil {
		return r, err
	}
	var err error
	if r.ID, err = r.Name(); err != nil {
		return r, err
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return r, fmt.Errorf("fault %s: %w", r.ID, err)
	}
	if err := l.faults.Add(r); err != nil {
		return r, err
	}
	l.Journal.Count(journal.FaultRules, r.ID, 0)
	err = l.Update(ctx, func(tx *store.Tx) error {
		tx.KV("", spaceFault).Put([]byte(r.ID), raw)
		if r.Lasting() {
			l.Journal.Struck(string(r.Site), string(r.Effect.Type), r.ID)
		}
		return windows{l.engine}.plan(tx, r)
	})
	if err != nil {
		l.faults.Remove(r.ID)
	}
	return r, err
}

// CheckFault returns what AddFault would refuse a rule with whatever the arrays
// hold, and changes nothing.
func (l *Lab) CheckFault(r fault.Rule) error {
	if err := r.Validate(l.Clock.Now()); err != nil {
		return err
	}
	return l.knows(r)
}

// AddPreset puts the rules of a preset in force, all or none of them, and has
// the clock jump if it says so. It returns what Expand and AddFault return.
func (l *Lab) AddPreset(ctx context.Context, a fault.Ask) (fault.Plan, error) {
	plan, err := a.Expand(l.Clock.Now())
	if err != nil {
		return plan, err
	}
	for i, r := range plan.Rules {
		if plan.Rules[i], err = l.AddFault(ctx, r); err == nil {
			continue
		}
		for _, done := range plan.Rules[:i] {
			err = errors.Join(err, l.RemoveFault(ctx, done.ID))
		}
		return fault.Plan{}, err
	}
	if plan.Jump > 0 {
		_, err = l.AdvanceTo(ctx, l.Clock.Now().Add(time.Duration(plan.Jump)))
	}
	return plan, err
}

// knows refuses what the lab does not have.
func (l *Lab) knows(r fault.Rule) error {
	refuse := func(member, format string, a ...any) error {
		return apierr.New(apierr.InvalidValue, member+": "+format, a...).About(member)
	}
	if _, err := l.Array(r.Array); r.Array != "" && err != nil {
		return refuse("array", "the lab has no array %q", r.Array)
	}
	if _, err := l.Array(r.Peer); r.Peer != "" && err != nil && l.opts.Peers[r.Peer] == "" {
		return refuse("peer", "the lab has no array %q", r.Peer)
	}
	if r.Job != "" && !l.engine.Jobs.Knows(r.Job) {
		return refuse("job", "nothing does jobs %q", r.Job)
	}
	if r.Kind != "" && !l.hasKind(r.Kind) {
		return refuse("kind", "%q is no kind of object", r.Kind)
	}
	if r.Site == fault.HTTP {
		return l.asked(r)
	}
	return nil
}

func (l *Lab) hasKind(name string) bool {
	for _, t := range l.engine.Catalog.Types() {
		if t.Name() == name {
			return true
		}
	}
	return false
}

// asked refuses a rule that no request of the arrays can match, and names the
// member without which one could.
func (l *Lab) asked(r fault.Rule) error {
	order := []string{"path", "method", "kind", "object", "user", "fields", "effect.type"}
	best := 0
	for _, s := range l.routes.Served() {
		n := 0
		for _, ok := range []bool{
			r.Fits(s.Path),
			r.Method == "" || r.Method == s.Method,
			r.Kind == "" || r.Kind == s.Kind,
			r.Object == 0 || s.Kind != "" && strings.Contains(s.Path, "{id}"),
			r.User == "" || s.Least != "",
			len(r.Fields) == 0 || s.Method != http.MethodGet,
			r.Effect.Type != fault.Expire || s.Least != "", // a request without a session
		} {
			if !ok {
				break
			}
			n++
		}
		if n == len(order) {
			return nil
		}
		best = max(best, n)
	}
	reason := fmt.Sprintf("no request of the arrays has it and what the rule says of %v", order[:best])
	if best == 0 {
		reason = "no request of the arrays has it"
	}
	return apierr.New(apierr.InvalidValue, "%s: %s", order[best], reason).About(order[best])
}

// Faults lists the rules with their counts and what they are now.
func (l *Lab) Faults() []fault.Count { return l.faults.List(l.Clock.Now()) }

// RemoveFault takes a rule out of force; it returns FAULT_NOT_FOUND if there
// is none of that id.
func (l *Lab) RemoveFault(ctx context.Context, id string) error {
	for _, c := range l.Faults() {
		if c.ID != id {
			continue
		}
		err := l.Update(ctx, func(tx *store.Tx) error {
			tx.KV("", spaceFault).Delete([]byte(id))
			return windows{l.engine}.remove(tx, c.Rule)
		})
		l.faults.Remove(id)
		return err
	}
	return apierr.New(apierr.FaultNotFound, "fault %q does not exist", id).About(id)
}

// ClearFaults takes all rules out of force.
func (l *Lab) ClearFaults(ctx context.Context) error {
	for _, c := range l.Faults() {
		if err := l.RemoveFault(ctx, c.ID); err != nil {
			return err
		}
	}
	return nil
}

// resumeFaults puts the rules in force that were kept: those of a state with
// what they had counted, or else those of a durable lab.
func (l *Lab) resumeFaults() error {
	var state json.RawMessage
	err := l.db.View(context.Background(), l.db.Now(), func(tx *store.Tx) error {
		state = append(state, tx.KV("", spaceFaultState).Get([]byte(spaceFaultState))...)
		return nil
	})
	if err != nil {
		return err
	}
	if state == nil {
		return l.resumeRules()
	}
	if err := l.faults.Load(state); err != nil {
		return err
	}
	return l.db.Update(context.Background(), l.db.Now(), func(tx *store.Tx) error { // from now on the lab counts
		tx.KV("", spaceFaultState).Delete([]byte(spaceFaultState))
		return nil
	})
}

func (l *Lab) resumeRules() error {
	return l.db.View(context.Background(), l.db.Now(), func(tx *store.Tx) error {
		var failed error
		tx.KV("", spaceFault).Scan(nil, func(key, raw []byte) bool {
			var r fault.Rule
			if failed = json.Unmarshal(raw, &r); failed == nil {
				failed = l.faults.Add(r)
			}
			if failed != nil {
				failed = fmt.Errorf("fault %s: %w", key, failed)
			}
			return failed == nil
		})
		return failed
	})
}
