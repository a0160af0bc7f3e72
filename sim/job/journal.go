package job

import (
	"infinisim/sim/fault"
	"infinisim/sim/journal"
	"infinisim/sim/store"
)

// before is the state in which a job is due.
func before(tx *store.Tx, j Job) *journal.Before {
	return &journal.Before{Position: tx.Position(), Time: j.Due, Faults: fault.Of(tx).Kept()}
}

// record tells the lab's journal of a job that ran, or that faults put off,
// once the transaction is kept.
func record(tx *store.Tx, j Job, before *journal.Before, hits []fault.Hit, touched []store.Touch, failed error) {
	log := journal.Of(tx)
	if log == nil {
		return
	}
	e := journal.Entry{
		Kind: journal.Job, Time: j.Due, Array: j.Owner.Array, Before: before,
		Ran: &journal.Ran{Name: j.Name, Class: string(j.Class), Kind: j.Owner.Kind, ID: j.Owner.ID},
	}
	for _, h := range hits {
		e.Faults = append(e.Faults, h.ID)
		e.Ran.Later = touched == nil
	}
	if failed != nil {
		e.Ran.Error = failed.Error()
	} else {
		e.Touch(touched)
	}
	tx.OnCommit(func() {
		for _, h := range hits {
			log.Struck(string(fault.Job), string(h.Type), h.ID)
		}
		log.Record(e)
	})
}
