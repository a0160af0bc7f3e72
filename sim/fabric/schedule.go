package fabric

import (
	"encoding/json"
	"fmt"
	"time"

	"infinisim/sim/clock"
	"infinisim/sim/job"
	"infinisim/sim/store"
)

// Step is one change of a schedule: the path behaves like Model from After on,
// counted from the begin of the schedule.
type Step struct {
	After time.Duration `json:"after_ns"`
	Model Model         `json:"model"`
}

// Schedule changes a path by the lab's clock. A schedule that repeats begins
// again when Every is over: a link that flaps is one of two steps.
type Schedule struct {
	Steps []Step        `json:"steps"`
	Every time.Duration `json:"every_ns"`
}

const (
	scheduleJob  = "fabric.schedule"
	scheduleKind = "schedule:"
)

// scheduled is the payload of a schedule's jobs.
type scheduled struct {
	Ends  Ends       `json:"ends"`
	Begun clock.Time `json:"begun"`
	Next  int        `json:"next"`
	Plan  Schedule   `json:"plan"`
}

func scheduleOwner(ends Ends) job.Owner { return job.Owner{Kind: scheduleKind + string(ends.key())} }

// SetSchedule puts a schedule in place of the one that a path has; one without
// steps ends it. The path stays as it is until the first step.
func SetSchedule(tx *store.Tx, ends Ends, s Schedule) error {
	job.Cancel(tx, scheduleOwner(ends))
	if len(s.Steps) == 0 {
		return nil
	}
	return plan(tx, scheduled{Ends: ends, Begun: tx.Now(), Plan: s})
}

// ScheduleOf is the schedule of a path, and how many of its steps are done.
func ScheduleOf(tx *store.Tx, ends Ends) (s Schedule, done int, err error) {
	for _, j := range job.Of(tx, scheduleOwner(ends)) {
		var at scheduled
		err = json.Unmarshal(j.Payload, &at)
		s, done = at.Plan, at.Next
	}
	return s, done, err
}

func plan(tx *store.Tx, s scheduled) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("schedule of a path: %w", err)
	}
	due := s.Begun.Add(s.Plan.Steps[s.Next].After)
	job.Add(tx, job.Job{Due: due, Class: job.Deadline, Name: scheduleJob, Owner: scheduleOwner(s.Ends), Payload: raw})
	return nil
}

func (f *Fabric) scheduleDue(tx *store.Tx, j job.Job) error {
	var s scheduled
	if err := json.Unmarshal(j.Payload, &s); err != nil {
		return fmt.Errorf("schedule of a path: %w", err)
	}
	if err := f.SetModel(tx, s.Ends, s.Plan.Steps[s.Next].Model); err != nil {
		return err
	}
	s.Next++
	if s.Next == len(s.Plan.Steps) {
		if s.Plan.Every == 0 {
			return nil
		}
		s.Next, s.Begun = 0, s.Begun.Add(s.Plan.Every)
	}
	return plan(tx, s)
}
