package job

import (
	"encoding/json"
	"fmt"
	"time"

	"infinisim/sim/clock"
	"infinisim/sim/fault"
	"infinisim/sim/outbox"
	"infinisim/sim/store"
)

// Parked is a job that failed: our own bug. It stays in the store and the lab
// reports it.
type Parked struct {
	// Job is what failed.
	Job Job `json:"job"`
	// Error says why.
	Error string `json:"error"`
}

// Run does what is due up to and including until, in due order, each job in a
// savepoint of its own whose Now is the job's due time, and tells ran of each.
// It stops after most jobs; done says that none is left. A job that fails is
// parked and leaves no other trace. A job that asks another process stays on
// the timetable, and its trip says what has to be answered before Run goes on.
func (t *Timetable) Run(tx *store.Tx, until clock.Time, most int, ran func(Job)) (done bool, held *outbox.Trip) {
	was := tx.Carried()
	defer tx.Carry(was)
	var from []byte // what is done stands before it; a new job never does
	for range most {
		j, ok := head(tx, from)
		if !ok || j.Due > until {
			return true, nil
		}
		from = at(j.Due, j.Seq)
		before := before(tx, j)
		remove(tx, j)
		h, hits := t.struck(tx, j)
		if h == nil && len(hits) > 0 {
			record(tx, j, before, hits, nil, nil)
			ran(j)
			continue
		}
		trip := outbox.New(j.trip())
		trip.Begin(tx)
		var touched []store.Touch
		err := tx.Savepoint(j.Due, func(tx *store.Tx) error {
			err := t.handle(h, tx, j)
			touched = tx.Touched()
			return err
		})
		if trip.Wants() != nil {
			put(tx, j)
			trip.Save(tx)
			return false, trip
		}
		trip.Finish(tx, err)
		if err != nil {
			t.park(tx, j, err)
		}
		record(tx, j, before, hits, touched, err)
		ran(j)
	}
	j, ok := head(tx, from)
	return !ok || j.Due > until, nil
}

// TripPrefix begins the keys of the trips of jobs.
const TripPrefix = "job/"

// trip is the key of the job's trip.
func (j Job) trip() string { return fmt.Sprintf("%s%d/%d", TripPrefix, j.Due, j.Seq) }

// struck says who does a job: its handler, or, if a fault has it fail, the
// handler of such failures, unless the fault says when it is done again. A job that a fault delays, or that fails with
// nobody to hear of it, is put on the timetable again; one that stalls, where
// nothing is ever due: h is nil then and there are hits.
func (t *Timetable) struck(tx *store.Tx, j Job) (h Handler, hits []fault.Hit) {
	e := fault.Event{
		Site: fault.Job, Now: j.Due, Array: j.Owner.Array, Kind: j.Owner.Kind, Object: j.Owner.ID, Job: j.Name, Class: string(j.Class),
		Past: j.Delayed,
	}
	hits, decided := fault.Of(tx).Decide(e)
	fault.Tell(tx, e, hits)
	wait, delayed := time.Duration(0), false
	for _, hit := range hits {
		switch hit.Type {
		case fault.Fail:
			if h := t.failures[j.Name]; h != nil && hit.Retry == 0 {
				return h, hits
			}
			wait += hit.After()
		case fault.Stall:
			j.Stalled = hit.ID
		default:
			wait += time.Duration(hit.Delay)
			delayed = true
		}
	}
	if len(hits) == 0 {
		return t.handlers[j.Name], nil
	}
	if delayed || j.Stalled != "" {
		j.Delayed = append(j.Delayed, decided...) // what decided does not roll again
	}
	j.Due = j.Due.Add(wait)
	if j.Stalled != "" {
		j.Due = clock.Never
	}
	Add(tx, j)
	return nil, hits
}

// Stalled lists the jobs that faults have stall, those of one rule or, for an
// empty id, of all.
func Stalled(tx *store.Tx, rule string) []Job {
	var out []Job
	tx.KV("", spaceDue).Scan(at(clock.Never, 0), func(_, raw []byte) bool {
		if j := decode(raw); j.Stalled != "" && (rule == "" || j.Stalled == rule) {
			out = append(out, j)
		}
		return true
	})
	return out
}

// Release has the jobs that a rule has stall run now.
func Release(tx *store.Tx, rule string) {
	for _, j := range Stalled(tx, rule) {
		remove(tx, j)
		j.Stalled, j.Due = "", tx.Now()
		Add(tx, j)
	}
}

func (t *Timetable) handle(h Handler, tx *store.Tx, j Job) error {
	if h == nil {
		return errNoHandler(j.Name)
	}
	err := h(tx, j)
	if trip := outbox.Of(tx); trip.Wants() != nil {
		return outbox.ErrPending // whatever the handler made of it
	}
	return err
}

type errNoHandler string

func (e errNoHandler) Error() string { return "no handler for job " + string(e) }

// head is the first job from a key on.
func head(tx *store.Tx, from []byte) (j Job, ok bool) {
	tx.KV("", spaceDue).Scan(from, func(_, raw []byte) bool {
		j, ok = decode(raw), true
		return false
	})
	return j, ok
}

func (t *Timetable) park(tx *store.Tx, j Job, cause error) {
	t.log.Error("job failed", "job", j.Name, "array", j.Owner.Array, "kind", j.Owner.Kind, "id", j.Owner.ID, "error", cause)
	raw, err := json.Marshal(Parked{Job: j, Error: cause.Error()})
	if err != nil {
		panic("job: " + err.Error())
	}
	tx.KV("", spaceParked).Put(at(j.Due, j.Seq), raw)
}

// ParkedJobs lists the jobs that failed since the lab was made.
func ParkedJobs(tx *store.Tx) []Parked {
	var out []Parked
	tx.KV("", spaceParked).Scan(nil, func(_, raw []byte) bool {
		var p Parked
		if json.Unmarshal(raw, &p) == nil {
			out = append(out, p)
		}
		return true
	})
	return out
}
