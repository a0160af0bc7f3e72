package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/fabric"
	"infinisim/sim/fault"
	"infinisim/sim/journal"
	"infinisim/sim/store"
)

const spaceFault = "fault"

// AddFault puts a fault rule in force and returns it with its id. It returns
// INVALID_VALUE for a rule that can never strike, and FAULT_EXISTS for an id
// that another rule has. Rules are kept with a durable lab, their counts are
// not.
func (l *Lab) AddFault(ctx context.Context, r fault.Rule) (fault.Rule, error) {
	if err := r.Validate(l.Clock.Now()); err != nil {
		return r, err
	}
	if err := l.knows(r); err != nil {
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
		if r.Site != fault.Link {
			return nil
		}
		l.faults.Struck(r.ID)
		l.Journal.Struck(string(r.Site), string(r.Effect.Type), r.ID)
		return l.engine.Fabric.Impair(tx, ends(r), r.ID, impairment(r.Effect), clock.FromMS(r.From), clock.FromMS(r.Until))
	})
	if err != nil {
		l.faults.Remove(r.ID)
	}
	return r, err
}

func ends(r fault.Rule) fabric.Ends { return fabric.Ends{From: r.Array, To: r.Peer} }

func impairment(e fault.Effect) fabric.Impairment {
	return fabric.Impairment{Down: e.Type == fault.Down, Latency: time.Duration(e.Delay), Bandwidth: e.Bandwidth}
}

// knows refuses the names that the lab does not have.
func (l *Lab) knows(r fault.Rule) error {
	for member, key := range map[string]string{"array": r.Array, "peer": r.Peer} {
		if _, err := l.Array(key); key != "" && err != nil {
			return apierr.New(apierr.InvalidValue, "%s: the lab has no array %q", member, key).About(member)
		}
	}
	if r.Job != "" && !l.engine.Jobs.Knows(r.Job) {
		return apierr.New(apierr.InvalidValue, "job: nothing does jobs %q", r.Job).About("job")
	}
	if r.Kind == "" {
		return nil
	}
	for _, t := range l.engine.Catalog.Types() {
		if t.Name() == r.Kind {
			return nil
		}
	}
	return apierr.New(apierr.InvalidValue, "kind: %q is no kind of object", r.Kind).About("kind")
}

// Faults lists the rules in force with their counts.
func (l *Lab) Faults() []fault.Count { return l.faults.List() }

// RemoveFault takes a rule out of force; it returns FAULT_NOT_FOUND if there
// is none of that id.
func (l *Lab) RemoveFault(ctx context.Context, id string) error {
	for _, c := range l.faults.List() {
		if c.ID != id {
			continue
		}
		err := l.Update(ctx, func(tx *store.Tx) error {
			tx.KV("", spaceFault).Delete([]byte(id))
			if c.Site == fault.Link {
				return l.engine.Fabric.Lift(tx, ends(c.Rule), id)
			}
			return nil
		})
		l.faults.Remove(id)
		return err
	}
	return apierr.New(apierr.FaultNotFound, "fault %q does not exist", id).About(id)
}

// ClearFaults takes all rules out of force.
func (l *Lab) ClearFaults(ctx context.Context) error {
	for _, c := range l.faults.List() {
		if err := l.RemoveFault(ctx, c.ID); err != nil {
			return err
		}
	}
	return nil
}

// resumeFaults puts the rules in force that were kept.
func (l *Lab) resumeFaults() error {
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
