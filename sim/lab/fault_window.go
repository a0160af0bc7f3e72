package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/fabric"
	"infinisim/sim/fault"
	"infinisim/sim/job"
	"infinisim/sim/model"
	"infinisim/sim/store"
)

// windows begins and ends the rules that last: those of links and arrays. It
// holds no state; what has begun stands in the store.
type windows struct{ engine *model.Engine }

const (
	windowJob        = "fault.window"
	windowKind       = "fault:"
	spaceFaultActive = "fault.active"
)

// turn is the payload of the jobs that begin and end a rule.
type turn struct {
	Rule fault.Rule `json:"rule"`
	End  bool       `json:"end"`
}

func (w windows) install() { w.engine.Jobs.Handle(windowJob, w.due) }

func windowOwner(r fault.Rule) job.Owner { return job.Owner{Kind: windowKind + r.ID} }

// plan begins a rule, now or when its window begins, and has it end with its
// window. A rule that could not begin is refused at once.
func (w windows) plan(tx *store.Tx, r fault.Rule) error {
	r = r.At(tx.Now())
	at := func(ms int64, end bool) error {
		raw, err := json.Marshal(turn{Rule: r, End: end})
		if err != nil {
			return fmt.Errorf("fault %s: %w", r.ID, err)
		}
		job.Add(tx, job.Job{Due: clock.FromMS(ms), Class: job.Deadline, Name: windowJob, Owner: windowOwner(r), Payload: raw})
		return nil
	}
	if r.Until != 0 && (r.Lasting() || r.Effect.Type == fault.Stall) {
		if err := at(r.Until, true); err != nil {
			return err
		}
	}
	if !r.Lasting() {
		return nil
	}
	if clock.FromMS(r.From) <= tx.Now() {
		return w.begin(tx, r)
	}
	tried := errors.New("it could begin")
	err := tx.Savepoint(tx.Now(), func(tx *store.Tx) error {
		if err := w.begin(tx, r); err != nil {
			return err
		}
		return tried // nothing of it stays
	})
	if !errors.Is(err, tried) {
		return err
	}
	return at(r.From, false)
}

func (w windows) due(tx *store.Tx, j job.Job) error {
	var t turn
	if err := json.Unmarshal(j.Payload, &t); err != nil {
		return fmt.Errorf("%s: %w", windowJob, err)
	}
	err := w.turn(tx, t)
	if _, gone := apierr.As(err); gone {
		return nil // what it was about is gone meanwhile
	}
	return err
}

// turn begins or ends a rule; one whose window comes again is planned anew.
func (w windows) turn(tx *store.Tx, t turn) error {
	if !t.End {
		return w.begin(tx, t.Rule)
	}
	if err := w.end(tx, t.Rule); err != nil || t.Rule.Every == 0 {
		return err
	}
	return w.plan(tx, t.Rule)
}

// begin does what the rule says and counts it.
func (w windows) begin(tx *store.Tx, r fault.Rule) error {
	e := fault.Event{Site: r.Site, Now: tx.Now(), Array: r.Array, Job: string(r.Effect.Type)}
	var err error
	switch {
	case r.Site == fault.Link:
		err = w.engine.Fabric.Impair(tx, ends(r), r.ID, impairment(r))
	case r.Effect.Type == fault.Full:
		e.Kind, e.Object = model.Pool.Name(), r.Object
		err = w.box(tx, r).FaultPool(r.Object, true)
	default:
		err = w.box(tx, r).BeginComponentFault(r.ID, r.Effect.Component, r.Effect.State)
	}
	if err != nil {
		return err
	}
	tx.KV("", spaceFaultActive).Put([]byte(r.ID), []byte{1})
	rules := fault.Of(tx)
	tx.OnCommit(func() { rules.Struck(r.ID) })
	fault.Tell(tx, e, []fault.Hit{{ID: r.ID, Effect: r.Effect}})
	return nil
}

// end undoes what the rule did; one that has not begun changes nothing.
func (w windows) end(tx *store.Tx, r fault.Rule) error {
	if r.Effect.Type == fault.Stall {
		job.Release(tx, r.ID)
		return nil
	}
	active := tx.KV("", spaceFaultActive)
	if active.Get([]byte(r.ID)) == nil {
		return nil
	}
	active.Delete([]byte(r.ID))
	switch {
	case r.Site == fault.Link:
		return w.engine.Fabric.Lift(tx, ends(r), r.ID)
	case r.Effect.Type == fault.Full:
		return w.box(tx, r).FaultPool(r.Object, false)
	default:
		return w.box(tx, r).EndComponentFault(r.ID, r.Effect.Component)
	}
}

// remove takes the rule back before its end.
func (w windows) remove(tx *store.Tx, r fault.Rule) error {
	job.Cancel(tx, windowOwner(r))
	return w.end(tx, r)
}

func (w windows) box(tx *store.Tx, r fault.Rule) *model.Box {
	return w.engine.Box(tx, r.Array, system())
}

func ends(r fault.Rule) fabric.Ends { return fabric.Ends{From: r.Array, To: r.Peer} }

func impairment(r fault.Rule) fabric.Impairment {
	i := fabric.Impairment{
		Down: r.Effect.Type == fault.Down, Latency: time.Duration(r.Effect.Delay), Jitter: time.Duration(r.Effect.Spread),
		Loss: int64(math.Round(r.Effect.Loss * fabric.Million)), Bandwidth: r.Effect.Bandwidth,
	}
	if r.Effect.Type == fault.Cut {
		i.DownFrom = r.Array
	}
	return i
}
