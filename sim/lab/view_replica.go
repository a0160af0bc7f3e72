package lab

import (
	"context"
	"slices"

	"infinisim/sim/apierr"
	"infinisim/sim/model"
	"infinisim/sim/replication"
	"infinisim/sim/schema"
)

// ReplicaView is an array's half of a replica. Times are milliseconds since
// 1970, spans milliseconds; empty words are null on the wire of the array.
type ReplicaView struct {
	Array string `json:"array"`
	ID    int64  `json:"id"`
	// Kind is replica or rg_replica: the two have ids of one sequence.
	Kind      string `json:"kind"`
	LinkID    int64  `json:"link_id"`
	Type      string `json:"type"`
	Role      string `json:"role"`
	State     string `json:"state"`
	SyncState string `json:"sync_state"`
	JobState  string `json:"job_state"`
	RPOState  string `json:"rpo_state"`
	// Reason is why it is suspended or does not go on, empty where it does.
	Reason string     `json:"reason"`
	Entity EntityView `json:"entity"`
	// RemoteArray is the key of the array on the other side; RemoteID is the
	// half there.
	RemoteArray  string     `json:"remote_array"`
	RemoteID     int64      `json:"remote_id"`
	RemoteEntity EntityView `json:"remote_entity"`
	// IntervalMS and RPOMS are nil where the type has none.
	IntervalMS *int64 `json:"interval_ms"`
	RPOMS      *int64 `json:"rpo_ms"`
	// RestorePoint is the time of the last image that both sides have, and
	// LagMS how old it is; LagMS is nil on a target, before the first image,
	// and while both sides have the same.
	RestorePoint *int64 `json:"restore_point"`
	LagMS        *int64 `json:"lag_ms"`
	LastSync     *int64 `json:"last_synchronized"`
	Initial      bool   `json:"is_initial"`
	Progress     int64  `json:"progress"`
	Throughput   int64  `json:"throughput"`
	// Job is the one under way on this side, nil for none.
	Job *JobView `json:"job"`
}

// EntityView is what is replicated.
type EntityView struct {
	Kind string `json:"kind"`
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// JobView is a job of a replica: progress in percent, bytes of this job.
type JobView struct {
	State     string `json:"state"`
	Initial   bool   `json:"is_initial"`
	Stalled   bool   `json:"stalled"`
	Progress  int64  `json:"progress"`
	Bytes     int64  `json:"bytes"`
	BytesLeft int64  `json:"bytes_left"`
	Started   int64  `json:"started"`
}

// Replicas shows the halves of replicas that an array has, or those of all if
// key is empty, in the order of their ids. With a state it shows those alone
// that are in it. It returns OBJECT_NOT_FOUND for an array that is not there,
// and INVALID_FIELD_VALUE for a word that is no state.
func (l *Lab) Replicas(ctx context.Context, key, state string) ([]ReplicaView, error) {
	if err := checkState(state); err != nil {
		return nil, err
	}
	out, err := viewsOf(ctx, l, key, replicaView, replication.Replica, replication.RGReplica)
	if state != "" {
		out = slices.DeleteFunc(out, func(v ReplicaView) bool { return v.State != state })
	}
	return out, err
}

func replicaView(b *model.Box, o *schema.Object) (v ReplicaView, err error) {
	r, err := replication.ReportOf(b, o)
	if err != nil {
		return v, err
	}
	link, err := b.Must(replication.Link, replication.ReplicaLink.Get(o))
	if err != nil {
		return v, err
	}
	v = ReplicaView{
		Array: b.Key, ID: o.ID(), Kind: o.Type().Name(), LinkID: link.ID(), Type: replication.ReplicaType.Get(o),
		Role: replication.ReplicaRole.Get(o), State: r.State, SyncState: r.SyncState, RPOState: r.RPOState, JobState: r.JobState,
		Reason: replication.ReplicaReason.Get(o), RemoteArray: replication.Peer(link), RemoteID: replication.ReplicaRemoteID.Get(o),
		IntervalMS: given(replication.ReplicaInterval, o), RPOMS: given(replication.ReplicaRPO, o),
		RestorePoint: given(replication.ReplicaRestore, o), LastSync: given(replication.ReplicaLastSync, o),
		Initial: r.Initial, Progress: r.Progress, Throughput: r.Throughput,
		Entity:       EntityView{Kind: r.Local.Sort, ID: r.Local.ID, Name: r.Local.Name},
		RemoteEntity: EntityView{Kind: r.Remote.Sort, ID: r.Remote.ID, Name: r.Remote.Name},
	}
	if r.Lags {
		v.LagMS = new(r.Lag.Milliseconds())
	}
	if j := r.Job; j != nil {
		v.Job = &JobView{
			State: j.State, Initial: j.Initial, Stalled: j.Stalled, Progress: r.Progress, Bytes: j.Bytes, BytesLeft: j.Left,
			Started: j.Started.MS(),
		}
	}
	return v, nil
}

// given is a number that may be null.
func given(a schema.Attr[int64], o *schema.Object) *int64 {
	if a.IsNull(o) {
		return nil
	}
	return new(a.Get(o))
}

// ReplicaStates are the states of a replica that the wire has words for.
func ReplicaStates() []string { return slices.Clone(replication.ReplicaState.Field().Enum) }

// checkState refuses a word that is no state of a replica.
func checkState(state string) error {
	if known := ReplicaStates(); state != "" && !slices.Contains(known, state) {
		return apierr.New(apierr.InvalidValue, "state: %q is none of %v", state, known).About("state")
	}
	return nil
}
