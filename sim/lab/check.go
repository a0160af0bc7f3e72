package lab

import (
	"context"
	"encoding/json"
	"fmt"

	"infinisim/sim/clock"
	"infinisim/sim/job"
	"infinisim/sim/journal"
	"infinisim/sim/model"
	"infinisim/sim/replication"
	"infinisim/sim/store"
)

// Check names everything in the lab that is not as it must be.
func (l *Lab) Check(ctx context.Context) ([]string, error) {
	bad := append(l.Journal.Gaps(), l.db.Damage()...)
	err := l.db.View(ctx, max(l.Clock.Now(), l.db.Now()), func(tx *store.Tx) error {
		more, err := l.check(tx)
		bad = append(bad, more...)
		return err
	})
	return bad, err
}

// check names what is not as it must be in a transaction's state.
func (l *Lab) check(tx *store.Tx) (bad []string, err error) {
	var boxes []*model.Box
	for _, a := range l.Arrays() {
		b := l.engine.Box(tx, a.Key, system())
		boxes = append(boxes, b)
		bad = append(bad, tx.Check(a.Key, l.engine.Catalog.Types())...)
		more, err := model.Check(b)
		if err != nil {
			return bad, err
		}
		bad = append(bad, more...)
	}
	more, err := replication.Check(boxes)
	bad = append(bad, more...)
	for _, p := range job.ParkedJobs(tx) {
		raw, _ := json.Marshal(p) // a Parked always encodes
		bad = append(bad, parked+string(raw))
	}
	return bad, err
}

// parked begins what Check says of a job that failed.
const parked = "job failed: "

// The culprits that Broken names.
const (
	ByRequest = "request"
	ByJob     = "job"
	ByTester  = "tester"
)

// Broken is the first change after which a lab was not as it must be.
type Broken struct {
	// By is what changed it: a request to an array, a job, or a tester past the
	// arrays' API.
	By string `json:"by"`
	// Entry is the number of the request's or the job's entry in the journal; a
	// tester's change has none, and stands behind entry After.
	Entry int64 `json:"entry,omitempty"`
	After int64 `json:"after,omitempty"`
	// Time is the lab's.
	Time clock.Time `json:"time_ns"`
	// Array, Method and Path are the request's; Array and Job the job's.
	Array  string `json:"array,omitempty"`
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	Job    string `json:"job,omitempty"`
	// Violations is what was not as it must be then.
	Violations []string `json:"violations"`
}

// String is the culprit in words.
func (b *Broken) String() string {
	switch b.By {
	case ByRequest:
		return fmt.Sprintf("request #%d, %s %s %s", b.Entry, b.Array, b.Method, b.Path)
	case ByJob:
		return fmt.Sprintf("job #%d, %s on %s", b.Entry, b.Job, b.Array)
	}
	return fmt.Sprintf("a change past the arrays' API, after #%d", b.After)
}

// Checks reports whether the lab looks after every change.
func (l *Lab) Checks() bool { return l.opts.Check }

// Broken is the first change after which the lab was not as it must be, nil for
// none, and for a lab that does not look.
func (l *Lab) Broken() *Broken {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == nil {
		return nil
	}
	return new(*l.broken)
}

// look finds out whether a change is the first that broke something. It returns
// nil if not, else what hears more of the culprit.
func (l *Lab) look(tx *store.Tx, by string) (name func(func(*Broken))) {
	l.mu.Lock()
	idle := !l.opts.Check || l.broken != nil
	l.mu.Unlock()
	if idle {
		return nil
	}
	bad, err := l.check(tx)
	if err != nil {
		bad = append(bad, "check: "+err.Error())
	}
	if len(bad) == 0 {
		return nil
	}
	found := &Broken{By: by, Time: tx.Now(), Violations: bad}
	name = func(tell func(*Broken)) {
		l.mu.Lock()
		defer l.mu.Unlock()
		tell(found)
	}
	l.mu.Lock()
	l.broken = found
	l.mu.Unlock()
	return name
}

// lookAfterRequest is for the arrays' API.
func (l *Lab) lookAfterRequest(tx *store.Tx) func(e journal.Entry) {
	name := l.look(tx, ByRequest)
	if name == nil {
		return nil
	}
	return func(e journal.Entry) {
		name(func(b *Broken) { b.Entry, b.Array, b.Method, b.Path = e.Seq, e.Array, e.Method, e.Path })
	}
}

// lookAfterJob is for the timetable. The job's entry is there when the
// transaction is kept.
func (l *Lab) lookAfterJob(tx *store.Tx, j job.Job) {
	name := l.look(tx, ByJob)
	if name == nil {
		return
	}
	name(func(b *Broken) { b.Time, b.Array, b.Job = j.Due, j.Owner.Array, j.Name })
	tx.OnCommit(func() {
		for _, e := range l.Journal.Entries(journal.Filter{Entry: journal.Job, From: j.Due, To: j.Due + 1}) {
			if e.Ran.Name == j.Name && e.Ran.ID == j.Owner.ID {
				name(func(b *Broken) { b.Entry = e.Seq })
			}
		}
	})
}

// lookAfterTester is for what comes past the arrays' API.
func (l *Lab) lookAfterTester(tx *store.Tx) {
	if name := l.look(tx, ByTester); name != nil {
		last := l.Journal.Last()
		name(func(b *Broken) { b.After = last })
	}
}
