package job_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/clock"
	"infinisim/sim/job"
	"infinisim/sim/store"
)

// within runs fn in a transaction at lab time 10.
func within(tb testing.TB, fn func(tx *store.Tx)) {
	tb.Helper()
	db, err := store.Open(store.Options{})
	require.NoError(tb, err)
	defer func() { require.NoError(tb, db.Close()) }()
	require.NoError(tb, db.Update(tb.Context(), 10, func(tx *store.Tx) error {
		fn(tx)
		return nil
	}))
}

func run(jobs *job.Timetable, tx *store.Tx, most int, ran func(job.Job)) bool {
	done, held := jobs.Run(tx, 30, most, ran)
	return done && held == nil
}

func table() *job.Timetable { return job.New(slog.New(slog.DiscardHandler)) }

func owner(id int64) job.Owner { return job.Owner{Array: "box", Kind: "ball", ID: id} }

func TestRun_inDueOrderAndTime(t *testing.T) {
	t.Parallel()
	jobs := table()
	var got []string
	jobs.Handle("note", func(tx *store.Tx, j job.Job) error {
		got = append(got, fmt.Sprintf("%d@%d", j.Owner.ID, tx.Now()))
		if j.Owner.ID == 1 {
			job.Add(tx, job.Job{Due: 5, Name: "note", Owner: owner(9)}) // past: at once
		}
		return nil
	})
	within(t, func(tx *store.Tx) {
		for id, due := range []clock.Time{30, 20, 20, 40} {
			job.Add(tx, job.Job{Due: due, Name: "note", Owner: owner(int64(id))})
		}
		assert.True(t, run(jobs, tx, 100, func(job.Job) {}))
		assert.Equal(t, []string{"1@20", "2@20", "9@20", "0@30"}, got)
		due, ok := job.Next(tx)
		assert.True(t, ok)
		assert.Equal(t, clock.Time(40), due)
	})
}

func TestRun_stopsAfterMost(t *testing.T) {
	t.Parallel()
	jobs := table()
	jobs.Handle("note", func(*store.Tx, job.Job) error { return nil })
	within(t, func(tx *store.Tx) {
		for range 3 {
			job.Add(tx, job.Job{Due: 20, Name: "note"})
		}
		ran := 0
		assert.False(t, run(jobs, tx, 2, func(job.Job) { ran++ }))
		assert.Equal(t, 2, ran)
		assert.True(t, run(jobs, tx, 2, func(job.Job) { ran++ }))
		assert.Equal(t, 3, ran)
	})
}

func TestRun_failureIsParkedAndUndone(t *testing.T) {
	t.Parallel()
	jobs := table()
	jobs.Handle("fail", func(tx *store.Tx, _ job.Job) error {
		tx.KV("box", "s").Put([]byte("k"), nil)
		return errors.New("broken")
	})
	within(t, func(tx *store.Tx) {
		job.Add(tx, job.Job{Due: 20, Name: "fail"})
		job.Add(tx, job.Job{Due: 20, Name: "nobody"})
		assert.True(t, run(jobs, tx, 100, func(job.Job) {}))
		assert.Nil(t, tx.KV("box", "s").Get([]byte("k")))
		parked := job.ParkedJobs(tx)
		require.Len(t, parked, 2)
		assert.Equal(t, "broken", parked[0].Error)
		assert.Contains(t, parked[1].Error, "nobody")
	})
	assert.Panics(t, func() { jobs.Handle("fail", nil) })
}

func TestCancelOfAndClasses(t *testing.T) {
	t.Parallel()
	within(t, func(tx *store.Tx) {
		job.Add(tx, job.Job{Due: 20, Class: job.Periodic, Name: "a", Owner: owner(1)})
		job.Add(tx, job.Job{Due: 30, Class: job.Settle, Name: "b", Owner: owner(1)})
		job.Add(tx, job.Job{Due: 40, Class: job.Settle, Name: "b", Owner: owner(12)})
		due, ok := job.NextSettle(tx)
		assert.True(t, ok)
		assert.Equal(t, clock.Time(30), due)
		assert.Len(t, job.Of(tx, owner(1)), 2)
		assert.Len(t, job.Of(tx, owner(1), "b"), 1)
		assert.Len(t, job.Cancel(tx, owner(1), "b"), 1)
		due, _ = job.NextSettle(tx)
		assert.Equal(t, clock.Time(40), due)
		assert.Len(t, job.Cancel(tx, owner(1)), 1)
		assert.Empty(t, job.Of(tx, owner(1)))
		assert.Len(t, job.All(tx), 1)
	})
}

func Example() {
	db, err := store.Open(store.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()
	jobs := job.New(slog.New(slog.DiscardHandler))
	jobs.Handle("hello", func(tx *store.Tx, _ job.Job) error {
		fmt.Println("hello at", tx.Now())
		return nil
	})
	_ = db.Update(context.Background(), clock.Epoch, func(tx *store.Tx) error {
		job.Add(tx, job.Job{Due: clock.Epoch.Add(60e9), Class: job.Settle, Name: "hello"})
		jobs.Run(tx, clock.Epoch.Add(3600e9), 10, func(job.Job) {})
		return nil
	})
	// Output: hello at 2025-01-01T00:01:00Z
}
