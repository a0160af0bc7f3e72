package lab

import (
	"strconv"

	"infinisim/sim/chance"
	"infinisim/sim/clock"
	"infinisim/sim/deliver"
	"infinisim/sim/fault"
	"infinisim/sim/journal"
)

// owner is what the transactions of one lab's store tell as their owner: what
// is the lab's own and not in the store. Forks share the engine, not this.
type owner struct {
	chance  *chance.Source
	faults  *fault.Set
	notices *deliver.Queue
	journal *journal.Journal

	lab       string
	clock     *clock.Clock
	observers []Observer
}

func newOwner(o Options, faults *fault.Set) *owner {
	own := &owner{
		faults: faults, notices: deliver.NewQueue(o.Deliver, o.Log),
		journal: journal.New(journal.Limits{Entries: o.JournalSize, Bytes: o.JournalBytes}),
	}
	own.seed(o.Seed)
	return own
}

// seed makes everything that looks random a function of a seed. It is called
// before the lab does anything.
func (o *owner) seed(seed uint64) {
	o.chance = chance.New(seed)
	o.faults.Seed(o.chance)
}

// Chance is the lab's seed.
func (o *owner) Chance() *chance.Source { return o.chance }

// Faults are the lab's rules.
func (o *owner) Faults() *fault.Set { return o.faults }

// Notices are what the lab has to deliver, nil where nothing is delivered.
func (o *owner) Notices() *deliver.Queue { return o.notices }

// Struck writes what struck no request into the journal: the method is FAULT,
// the path the site and what was struck there.
func (o *owner) Struck(e fault.Event, ids []string) {
	path := string(e.Site) + "/" + e.Job
	if e.Object != 0 {
		path += "/" + e.Kind + "/" + strconv.FormatInt(e.Object, 10)
	}
	o.journal.Record(journal.Entry{Time: e.Now, Array: e.Array, Method: "FAULT", Path: path, Faults: ids})
}

// Journal is the lab's journal.
func (o *owner) Journal() *journal.Journal { return o.journal }
