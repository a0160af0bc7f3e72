package lab

import (
	"infinisim/sim/deliver"
	"infinisim/sim/fault"
	"infinisim/sim/journal"
)

// owner is what the transactions of one lab's store tell as their owner: what
// is the lab's own and not in the store. Forks share the engine, not this.
type owner struct {
	faults  *fault.Set
	notices *deliver.Queue
	journal *journal.Journal
}

func newOwner(o Options, faults *fault.Set) *owner {
	return &owner{
		faults: faults, notices: deliver.NewQueue(o.Deliver, o.Log),
		journal: journal.New(journal.Limits{Entries: o.JournalSize, Bytes: o.JournalBytes}),
	}
}

// Faults are the lab's rules.
func (o *owner) Faults() *fault.Set { return o.faults }

// Notices are what the lab has to deliver, nil where nothing is delivered.
func (o *owner) Notices() *deliver.Queue { return o.notices }

// Journal is the lab's journal.
func (o *owner) Journal() *journal.Journal { return o.journal }
