package fabric

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"infinisim/sim/clock"
	"infinisim/sim/job"
	"infinisim/sim/outbox"
	"infinisim/sim/store"
)

// Sender carries a message to the process of an array; an error means that no
// answer came, whatever became of the message.
type Sender func(ctx context.Context, m Message) (*outbox.Answer, error)

// Runner runs a lab's transactions: what is due first, then the work itself,
// and between two runs what either asks of another process.
type Runner struct {
	// Fabric, DB and Jobs are the lab's.
	Fabric *Fabric
	DB     *store.DB
	Jobs   *job.Timetable
	// Send reaches other processes; nil reaches none.
	Send Sender
	// Ran is called after each job, in its transaction; nil is not called.
	Ran func(tx *store.Tx, j job.Job)
	// Step is called at the numbered steps of an exchange; nil is not called.
	Step func(name string)
}

// chunk is how many jobs one transaction runs.
const chunk = 1000

// mostRuns ends work that never gets the answers that it asks for.
const mostRuns = 1000

var errNeverEnds = errors.New("asks another process again and again")

// Update does all that is due by now, then fn in a savepoint of its own: what
// is due stays done if fn fails. after, if any, sees the outcome in the same
// transaction. Lab time is now, or the store's own if that is later.
func (r *Runner) Update(ctx context.Context, now clock.Time, fn func(tx *store.Tx) error, after func(tx *store.Tx)) error {
	var trip *outbox.Trip
	var until clock.Time
	key := ""
	for range mostRuns {
		var held *outbox.Trip
		var refused error
		err := r.DB.Update(ctx, now, func(tx *store.Tx) error {
			if until == 0 {
				until = tx.Now() // what becomes due while an answer is awaited is for others
			}
			if held = r.due(tx, until, func(job.Job) {}); held != nil {
				return nil
			}
			if trip == nil {
				trip = outbox.New(r.requestKey(tx, &key))
			}
			held, refused = run(tx, trip, fn)
			if held == nil && after != nil {
				after(tx)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if held == nil {
			r.step("fabric: done")
			return refused
		}
		if err := r.carry(ctx, held); err != nil {
			return err
		}
	}
	return fmt.Errorf("request: %w", errNeverEnds)
}

// requestKey names the trip of a request; a lab without peers needs none.
func (r *Runner) requestKey(tx *store.Tx, key *string) string {
	if *key == "" && r.Send != nil {
		*key = fmt.Sprintf("%s%d", outbox.RequestKey, tx.Next("", "outbox.request"))
	}
	return *key
}

// run does a piece of work in a savepoint. held is its trip if it asks for
// what is not answered yet: its intent is kept, and nothing else.
func run(tx *store.Tx, trip *outbox.Trip, fn func(tx *store.Tx) error) (held *outbox.Trip, refused error) {
	trip.Begin(tx)
	defer tx.Carry(nil)
	err := tx.Savepoint(tx.Now(), func(tx *store.Tx) error {
		err := fn(tx)
		if trip.Wants() != nil {
			return outbox.ErrPending // whatever fn made of it
		}
		return err
	})
	if trip.Wants() != nil {
		trip.Save(tx)
		return trip, nil
	}
	trip.Finish(tx, err)
	return nil, err
}

// due runs all jobs up to a time; held is the trip of one that waits for an
// answer.
func (r *Runner) due(tx *store.Tx, until clock.Time, ran func(job.Job)) (held *outbox.Trip) {
	for done := false; !done && held == nil; {
		done, held = r.jobs(tx, until, ran)
	}
	return held
}

// jobs runs a chunk of jobs, or one if somebody looks at each.
func (r *Runner) jobs(tx *store.Tx, until clock.Time, ran func(job.Job)) (done bool, held *outbox.Trip) {
	if r.Ran == nil {
		return r.Jobs.Run(tx, until, chunk, ran)
	}
	var last *job.Job
	done, held = r.Jobs.Run(tx, until, 1, func(j job.Job) {
		last = &j
		ran(j)
	})
	if last != nil {
		r.Ran(tx, *last)
	}
	return done, held
}

// RunJobs does what is due up to a time, at most a thousand jobs, and moves
// the lab there; done says that none is left.
func (r *Runner) RunJobs(ctx context.Context, to clock.Time, ran func(job.Job)) (done bool, err error) {
	var held *outbox.Trip
	err = r.DB.Update(ctx, to, func(tx *store.Tx) error {
		done, held = r.jobs(tx, to, ran)
		tx.Touch() // the time itself is worth keeping
		return nil
	})
	if err != nil || held == nil {
		return done, err
	}
	return false, r.carry(ctx, held)
}

// View reads at a lab time; what fn asks of another process only reads there
// too.
func (r *Runner) View(ctx context.Context, now clock.Time, fn func(tx *store.Tx) error) error {
	trip := outbox.New("")
	for range mostRuns {
		err := r.DB.View(ctx, now, func(tx *store.Tx) error {
			trip.Begin(tx)
			return fn(tx)
		})
		if trip.Wants() == nil {
			return err
		}
		if err := r.carry(ctx, trip); err != nil {
			return err
		}
	}
	return fmt.Errorf("read: %w", errNeverEnds)
}

// Receive takes a message of another process.
func (r *Runner) Receive(ctx context.Context, now clock.Time, origin string, m Message) (*outbox.Answer, error) {
	r.step("fabric: received")
	var answer *outbox.Answer
	take := func(tx *store.Tx) (err error) {
		answer, err = r.Fabric.Take(tx, origin, m)
		return err
	}
	if m.ID == 0 && m.Name != msgPing {
		err := r.View(ctx, max(now, r.DB.Now()), take)
		return answer, err
	}
	trip := outbox.New(fmt.Sprintf("message/%s/%d", origin, m.ID))
	for range mostRuns {
		var held *outbox.Trip
		var failed error
		err := r.DB.Update(ctx, now, func(tx *store.Tx) error {
			held, failed = run(tx, trip, take)
			return nil
		})
		if err == nil {
			err = failed
		}
		if err != nil {
			return nil, err
		}
		if held == nil {
			r.step("fabric: applied")
			return answer, nil
		}
		if err := r.carry(ctx, held); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("message %s: %w", m.Name, errNeverEnds)
}

// carry sends what a trip wants and keeps the answer. A process that does not
// answer is lost: its paths go down, and the message, which may have arrived,
// is called off.
func (r *Runner) carry(ctx context.Context, trip *outbox.Trip) error {
	r.step("fabric: intent kept")
	call := trip.Wants()
	if r.Send == nil {
		call.Answer = &outbox.Answer{Unreachable: true}
		return r.keep(ctx, trip)
	}
	answer, err := r.Send(ctx, call.Message)
	r.step("fabric: answered")
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil && !answer.Unreachable:
		call.Answer = answer
		return r.keep(ctx, trip)
	}
	return r.lose(ctx, trip, call, err != nil)
}

// keep puts the answer of a trip into its row.
func (r *Runner) keep(ctx context.Context, trip *outbox.Trip) error {
	if trip.Key() == "" {
		return nil
	}
	return r.DB.Update(ctx, 0, func(tx *store.Tx) error {
		if trip.Open(tx) {
			trip.Save(tx)
		}
		return nil
	})
}

// lose notes that nobody answered. The path goes down in the same transaction:
// whoever runs the work again finds it so. A ping says by itself what its
// failure means.
func (r *Runner) lose(ctx context.Context, trip *outbox.Trip, call *outbox.Call, mayBeThere bool) error {
	call.Answer = &outbox.Answer{Unreachable: true}
	return r.DB.Update(ctx, 0, func(tx *store.Tx) error {
		if call.Name == msgPing {
			if trip.Open(tx) {
				trip.Save(tx)
			}
			return nil
		}
		open := trip.Open(tx) // else another run got the answer
		if mayBeThere && open {
			outbox.CallOff(tx, call)
		}
		if strings.HasPrefix(trip.Key(), job.TripPrefix) {
			outbox.Drop(tx, trip.Key()) // if the job is still due it finds the path down
		} else if open {
			trip.Save(tx)
		}
		_, err := run(tx, outbox.New(""), func(tx *store.Tx) error {
			return r.Fabric.SetLost(tx, call.To, true, Local(tx))
		})
		return err
	})
}

func (r *Runner) step(name string) {
	if r.Step != nil && r.Send != nil {
		r.Step(name)
	}
}
