package replication

import (
	"slices"

	"infinisim/sim/clock"
	"infinisim/sim/journal"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// History is what became of a half of a replica: its jobs and how far the other
// side was behind. Times are in milliseconds since 1970. It is computed from
// the moves that the journal keeps, and from the half as it is now.
type History struct {
	// From is where it begins, Now where it ends.
	From int64 `json:"from"`
	Now  int64 `json:"now"`
	// State is the word of the table that the half is in.
	State string `json:"state"`
	// RPO and Interval are null where the half has none.
	RPO      *int64 `json:"rpo_ms"`
	Interval *int64 `json:"interval_ms"`
	// RestorePoint is that of the wire, null before the first copy.
	RestorePoint *int64 `json:"restore_point"`
	// Jobs are those that ran, oldest first, the last 500 at most; Lag has a
	// point at each turn of the lag, between which it grows with the time or
	// stays 0.
	Jobs []PastJob `json:"jobs"`
	Lag  []LagAt   `json:"lag"`
}

// PastJob is a job that ran or runs.
type PastJob struct {
	// Started is null for one that began before what the journal keeps, Ended
	// for one that runs.
	Started *int64 `json:"started"`
	Ended   *int64 `json:"ended"`
	// Outcome is RUNNING, STALLED, DONE or STOPPED.
	Outcome string `json:"outcome"`
	Initial bool   `json:"initial"`
	// Stalls are when it waited for the link.
	Stalls []Stall `json:"stalls"`
}

// Stall is a time in which a job waited; To is null for one that goes on.
type Stall struct {
	From int64  `json:"from"`
	To   *int64 `json:"to"`
}

// LagAt is how far the other side was behind at a time, in milliseconds.
type LagAt struct {
	At  int64 `json:"at"`
	Lag int64 `json:"lag_ms"`
}

// mostPastJobs is how many jobs a history has.
const mostPastJobs = 500

// The outcomes of a job.
const (
	pastRunning = "RUNNING"
	pastStalled = "STALLED"
	pastDone    = "DONE"
	pastStopped = "STOPPED"
)

// HistoryOf tells what became of a half, from its moves, oldest first, from a
// lab time on.
func HistoryOf(b *model.Box, o *schema.Object, moves []journal.Entry, since clock.Time) (History, error) {
	r, err := open(b, o)
	if err != nil {
		return History{}, err
	}
	p := past{History: History{
		From: b.Tx.Now().MS(), Now: b.Tx.Now().MS(), State: string(r.state()), Jobs: []PastJob{}, Lag: []LagAt{},
		RPO: maybe(ReplicaRPO, o), Interval: maybe(ReplicaInterval, o), RestorePoint: maybe(ReplicaRestore, o),
	}}
	if len(moves) > 0 {
		p.From = moves[0].Time.MS()
	}
	for _, m := range moves {
		p.move(m.Time.MS(), *m.Moved)
	}
	p.end(r)
	p.cut(since.MS())
	return p.History, nil
}

func maybe(a schema.Attr[int64], o *schema.Object) *int64 {
	if a.IsNull(o) {
		return nil
	}
	return new(a.Get(o))
}

// past builds a history, move by move.
type past struct {
	History
	job      *PastJob // runs
	restore  *int64   // what the other side had by then, nil if that is not known
	mirrored bool     // hosts' writes are on both sides
}

// runs are the states in which a job is under way, waits those of them in which
// it waits for the link, equal those in which both sides have the same.
func (s state) runs() bool {
	return slices.Contains(states(asyncInitial, asyncRunning, syncInitial, syncRunning, outOfSyncRunning, peerInitial, peerRunning), s) || s.waits()
}

func (s state) waits() bool {
	return slices.Contains(states(asyncInitialStalled, asyncStalled, syncInitialStalled, outOfSync, peerInitialStalled), s)
}

func (s state) first() bool {
	return slices.Contains(states(asyncInitial, asyncInitialStalled, syncInitial, syncInitialStalled, peerInitial, peerInitialStalled), s)
}

func (s state) equal() bool { return slices.Contains(states(synchronized, peerSynchronized), s) }

// move takes one move in.
func (p *past) move(at int64, m journal.Moved) {
	from, to, copied := state(m.From), state(m.To), event(m.On) == evCopied
	if p.job == nil && from.runs() && from != outOfSync && len(p.Jobs) == 0 { // it began before
		p.job = &PastJob{Initial: from.first(), Stalls: []Stall{}}
	}
	if p.job != nil && (copied || !to.runs()) {
		p.ended(at, copied)
	}
	if from.equal() && !to.equal() {
		p.Lag = append(p.Lag, LagAt{at, 0})
		p.restore = new(at)
	}
	if to.equal() && !from.equal() {
		p.turn(at, new(at))
	}
	p.mirrored = to.equal()
	if p.job == nil && to.runs() && to != outOfSync {
		p.job = &PastJob{Started: new(at), Initial: to.first(), Stalls: []Stall{}}
	}
	if p.job == nil {
		return
	}
	last := len(p.job.Stalls) - 1
	switch waiting := last >= 0 && p.job.Stalls[last].To == nil; {
	case to.waits() && !waiting:
		p.job.Stalls = append(p.job.Stalls, Stall{From: at})
	case !to.waits() && waiting:
		p.job.Stalls[last].To = new(at)
	}
}

// ended closes the job that runs. What it copied is what the other side has.
func (p *past) ended(at int64, copied bool) {
	j := p.job
	p.job, j.Ended, j.Outcome = nil, new(at), pastStopped
	if last := len(j.Stalls) - 1; last >= 0 && j.Stalls[last].To == nil {
		j.Stalls[last].To = new(at)
	}
	if copied {
		j.Outcome = pastDone
		p.turn(at, j.Started)
	}
	p.Jobs = append(p.Jobs, *j)
}

// turn notes the lag just before and just after the other side got ahead.
func (p *past) turn(at int64, restore *int64) {
	if p.restore != nil {
		p.Lag = append(p.Lag, LagAt{at, at - *p.restore})
	}
	if restore != nil {
		p.Lag = append(p.Lag, LagAt{at, at - *restore})
	}
	p.restore = restore
}

// end closes the history with the half as it is.
func (p *past) end(r *replica) {
	if p.job == nil && r.job != nil && r.job.Phase != phaseHold && r.leads() {
		p.job = &PastJob{Started: new(r.job.Started.MS()), Initial: r.job.Initial, Stalls: []Stall{}}
	}
	if p.job != nil {
		p.job.Outcome = pastRunning
		if r.job != nil && r.job.Stalled {
			p.job.Outcome = pastStalled
		}
		p.Jobs = append(p.Jobs, *p.job)
	}
	switch restore := p.RestorePoint; {
	case p.mirrored || r.state().equal():
		p.Lag = append(p.Lag, LagAt{p.Now, 0})
	case restore == nil || !r.leads():
	case len(p.Lag) == 0:
		p.From = min(p.From, max(*restore, p.From))
		p.Lag = append(p.Lag, LagAt{max(p.From, *restore), max(0, p.From-*restore)}, LagAt{p.Now, p.Now - *restore})
	case p.restore != nil && r.mirrored():
		p.Lag = append(p.Lag, LagAt{p.Now, p.Now - *p.restore})
	default:
		p.Lag = append(p.Lag, LagAt{p.Now, p.Now - *restore})
	}
}

// cut leaves out what was over before a time, and what is too much.
func (p *past) cut(since int64) {
	if n := len(p.Jobs) - mostPastJobs; n > 0 {
		p.Jobs = p.Jobs[n:]
		if first := p.Jobs[0].Started; first != nil {
			since = max(since, *first)
		}
	}
	if since <= p.From {
		return
	}
	p.From = min(since, p.Now)
	p.Jobs = slices.DeleteFunc(p.Jobs, func(j PastJob) bool { return j.Ended != nil && *j.Ended < p.From })
	first := slices.IndexFunc(p.Lag, func(l LagAt) bool { return l.At >= p.From })
	if first > 0 { // the line comes from before
		p.Lag = p.Lag[first-1:]
	}
}
