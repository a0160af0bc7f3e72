// Package job is the lab's timetable: work that is due later, kept as rows in
// the store, so that a lab can be copied, restarted and moved through time. A
// sleeping goroutine never stands for work.
package job

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"

	"infinisim/sim/clock"
	"infinisim/sim/outbox"
	"infinisim/sim/store"
)

// Class says what a job means to somebody who waits.
type Class string

// The classes.
const (
	// Settle ends what somebody asked for: an initial copy, a requested sync.
	Settle Class = "settle"
	// Deadline fires once at a time: a lock that expires, 24 hours without a
	// link.
	Deadline Class = "deadline"
	// Periodic recurs: sync intervals, schedules.
	Periodic Class = "periodic"
)

// Owner is the object that a job belongs to; deleting it deletes its jobs.
type Owner struct {
	// Array is the key of the object's array.
	Array string `json:"array,omitempty"`
	// Kind is the object's type.
	Kind string `json:"kind,omitempty"`
	// ID is the object's id.
	ID int64 `json:"id,omitempty"`
}

// Job is one row of the timetable.
type Job struct {
	// Due is when it runs, Seq its place among those due at one instant.
	Due clock.Time `json:"due"`
	Seq int64      `json:"seq"`
	// Class says who waits for it.
	Class Class `json:"class"`
	// Name picks the handler.
	Name string `json:"name"`
	// Owner is whose job it is.
	Owner Owner `json:"owner"`
	// Generation is the owner's when the job was made; a handler lets a stale
	// one pass.
	Generation int64 `json:"generation,omitempty"`
	// Payload is the handler's own.
	Payload json.RawMessage `json:"payload,omitempty"`
	// Delayed are the faults that decided about the job before they put it off.
	Delayed []string `json:"delayed,omitempty"`
	// Stalled is the fault that keeps the job from running, empty for none; such
	// a job is never due.
	Stalled string `json:"stalled,omitempty"`
}

// Handler does the work of a job, at its due time, in a savepoint of its own.
type Handler func(tx *store.Tx, j Job) error

// Timetable runs due jobs. It holds no state but its handlers.
type Timetable struct {
	handlers map[string]Handler
	failures map[string]Handler
	log      *slog.Logger
}

// New makes a timetable that writes parked jobs to log.
func New(log *slog.Logger) *Timetable {
	return &Timetable{handlers: map[string]Handler{}, failures: map[string]Handler{}, log: log}
}

// OnFailure says who hears that a fault struck jobs of a name, in place of
// doing them again later.
func (t *Timetable) OnFailure(name string, h Handler) { t.failures[name] = h }

// Knows reports whether somebody does the jobs of a name.
func (t *Timetable) Knows(name string) bool { return t.handlers[name] != nil }

// Handle says who does the jobs of a name. It panics if the name is taken.
func (t *Timetable) Handle(name string, h Handler) {
	if t.handlers[name] != nil {
		panic("job: two handlers for " + name)
	}
	t.handlers[name] = h
}

// The spaces of the timetable, in the lab's own bucket.
const (
	spaceDue    = "job"
	spaceSettle = "job.settle"
	spaceOwner  = "job.owner"
	spaceParked = "job.parked"
	sequence    = "job"
)

func at(due clock.Time, seq int64) []byte {
	key := binary.BigEndian.AppendUint64(nil, uint64(due)) //nolint:gosec // lab time is not negative
	return binary.BigEndian.AppendUint64(key, uint64(seq)) //nolint:gosec // sequences count up from 1
}

func (o Owner) key() []byte {
	key := append([]byte(o.Array), 0)
	key = append(append(key, o.Kind...), 0)
	return binary.BigEndian.AppendUint64(key, uint64(o.ID)^1<<63) //nolint:gosec // the sign bit is flipped on purpose
}

// Add puts a job on the timetable and returns it with its sequence number. A
// due time in the past runs at once, at tx.Now().
func Add(tx *store.Tx, j Job) Job {
	j.Due = max(j.Due, tx.Now())
	j.Seq = tx.Next("", sequence)
	put(tx, j)
	return j
}

func put(tx *store.Tx, j Job) {
	raw, err := json.Marshal(j)
	if err != nil {
		panic(fmt.Sprintf("job: %s: %v", j.Name, err))
	}
	key := at(j.Due, j.Seq)
	tx.KV("", spaceDue).Put(key, raw)
	if j.Class == Settle && j.Stalled == "" { // nobody waits for what never comes
		tx.KV("", spaceSettle).Put(key, []byte{})
	}
	tx.KV("", spaceOwner).Put(append(j.Owner.key(), key...), []byte(j.Name))
}

// Load puts a job on the timetable as it was there: with its sequence number.
func Load(tx *store.Tx, j Job) { put(tx, j) }

func remove(tx *store.Tx, j Job) {
	key := at(j.Due, j.Seq)
	tx.KV("", spaceDue).Delete(key)
	if j.Class == Settle {
		tx.KV("", spaceSettle).Delete(key)
	}
	tx.KV("", spaceOwner).Delete(append(j.Owner.key(), key...))
}

// Of lists the owner's jobs in due order, those of the given names or all.
func Of(tx *store.Tx, o Owner, names ...string) []Job {
	var keys [][]byte
	prefix := o.key()
	tx.KV("", spaceOwner).Scan(prefix, func(k, name []byte) bool {
		if len(k) != len(prefix)+16 || string(k[:len(prefix)]) != string(prefix) {
			return false
		}
		if len(names) == 0 || slices.Contains(names, string(name)) {
			keys = append(keys, append([]byte(nil), k[len(prefix):]...))
		}
		return true
	})
	jobs := make([]Job, 0, len(keys))
	for _, k := range keys {
		jobs = append(jobs, decode(tx.KV("", spaceDue).Get(k)))
	}
	return jobs
}

// Cancel takes the owner's jobs of the given names off the timetable, all of
// them if no name is given, and returns what it took.
func Cancel(tx *store.Tx, o Owner, names ...string) []Job {
	jobs := Of(tx, o, names...)
	for _, j := range jobs {
		remove(tx, j)
		outbox.Cancel(tx, j.trip())
	}
	return jobs
}

func decode(raw []byte) (j Job) {
	if err := json.Unmarshal(raw, &j); err != nil {
		panic(fmt.Sprintf("job: row %q: %v", raw, err))
	}
	return j
}

// All lists the whole timetable in due order.
func All(tx *store.Tx) []Job {
	var out []Job
	tx.KV("", spaceDue).Scan(nil, func(_, raw []byte) bool {
		out = append(out, decode(raw))
		return true
	})
	return out
}

// Next is the earliest due time; ok is false when nothing is due ever.
func Next(tx *store.Tx) (due clock.Time, ok bool) { return first(tx, spaceDue) }

// NextSettle is the earliest due time of the class Settle.
func NextSettle(tx *store.Tx) (due clock.Time, ok bool) { return first(tx, spaceSettle) }

// first is the earliest due time of a space; jobs that stall are never due.
func first(tx *store.Tx, space string) (due clock.Time, ok bool) {
	due, _ = store.Memo(tx, store.Name{Group: "first " + space}, func() (clock.Time, error) {
		at := clock.Never
		tx.KV("", space).Scan(nil, func(k, _ []byte) bool {
			at = clock.Time(binary.BigEndian.Uint64(k)) //nolint:gosec // written by at
			return false
		})
		return at, nil
	})
	if due == clock.Never {
		return 0, false
	}
	return due, true
}
