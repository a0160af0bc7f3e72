package replication

import (
	"time"

	"infinisim/sim/clock"
	"infinisim/sim/fabric"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// Report is what one half of a replica is at, in the words of the wire; empty
// ones are null there. It serves replicas of replication groups too, of which
// the array's API tells less.
type Report struct {
	State, SyncState, JobState, RPOState string
	// Local and Remote are what is replicated: a dataset, or a group.
	Local, Remote Entity
	// Initial is true until the first image is committed; Progress is that of
	// the job in percent.
	Initial    bool
	Progress   int64
	Throughput int64
	// Lag is how old the image is that the other side has, where it is one of
	// the past; Lags is false on a target, before the first image, and while
	// both sides have the same.
	Lag  time.Duration
	Lags bool
	// Job is the one under way, nil for none.
	Job *JobReport
}

// Entity is a dataset or a group of an array; its sort is that of the half,
// or REPLICATION_GROUP.
type Entity struct {
	Sort string
	ID   int64
	Name string
}

// JobReport is a job under way.
type JobReport struct {
	// State is the word of the wire.
	State   string
	Initial bool
	Stalled bool
	Started clock.Time
	// Bytes are those of the whole job, Left those that have not crossed.
	Bytes, Left int64
}

// ReportOf tells what a half is at: the object is a Replica or an RGReplica.
func ReportOf(b *model.Box, o *schema.Object) (*Report, error) {
	r, err := open(b, o)
	if err != nil {
		return nil, err
	}
	v := viewOf(r.state())
	out := &Report{
		State: v.state, JobState: r.jobState(), RPOState: r.rpoState(), Initial: r.initial(), Progress: r.progress(), Throughput: r.throughput(),
		Job: r.jobReport(),
	}
	if r.mirrored() && ReplicaRole.Get(o) != roleTarget {
		out.SyncState = v.sync
	}
	out.Lag, out.Lags = r.lag()
	out.Local, out.Remote, err = r.entities()
	return out, err
}

// entities are what is replicated, here and on the other side.
func (r *replica) entities() (local, remote Entity, err error) {
	sort := ReplicaEntityType.Get(r.o)
	if id := r.groupID(); id != 0 {
		g, err := r.group()
		if err != nil {
			return local, remote, err
		}
		return Entity{sort, id, model.CGName.Get(g)}, Entity{sort, ReplicaRemoteCG.Get(r.o), ReplicaRemoteCGN.Get(r.o)}, nil
	}
	local, remote = Entity{Sort: sort, ID: ReplicaLocal.Get(r.o)}, Entity{sort, ReplicaRemote.Get(r.o), ReplicaRemoteName.Get(r.o)}
	if len(r.pairs) > 0 {
		o, err := r.dataset(&r.pairs[0])
		if err != nil {
			return local, remote, err
		}
		local.Name = model.DatasetName.Get(o)
	}
	return local, remote, nil
}

// lag is the age of the image that the other side has.
func (r *replica) lag() (time.Duration, bool) {
	switch {
	case !r.leads() || ReplicaRestore.IsNull(r.o):
		return 0, false
	case r.mirrored() && viewOf(r.state()).sync == "SYNCHRONIZED":
		return 0, false
	}
	return max(0, r.b.Tx.Now().Sub(clock.FromMS(ReplicaRestore.Get(r.o)))), true
}

func (r *replica) jobReport() *JobReport {
	v := viewOf(r.state())
	if r.job == nil || r.job.Phase == phaseHold || v.job == "" {
		return nil
	}
	j := &JobReport{State: v.job, Initial: r.job.Initial, Stalled: r.job.Stalled, Started: r.job.Started, Bytes: r.job.Bytes}
	switch {
	case r.job.Phase == phaseBegin || r.job.Phase == phaseSend && r.job.Flow == 0:
		j.Left = r.job.Bytes
	case r.job.Phase == phaseSend:
		j.Left = fabric.Left(r.b.Tx, r.job.Flow)
	}
	return j
}

// LinkStateOf is the state of an array's half of a link, in the word of the
// wire.
func LinkStateOf(b *model.Box, o *schema.Object) string {
	lost := fabric.ModelOf(b.Tx, ends(b, o)).Lost
	switch {
	case !connected(b, o):
		return linkDown
	case lost > 0 && lost < len(LinkAddresses.Get(o)):
		return linkDegraded
	}
	return linkUp
}

// WitnessStateOf is how an array sees the witness of a link, in the word of
// the wire.
func WitnessStateOf(b *model.Box, o *schema.Object) string { return witnessState(b, o, b.Key) }
