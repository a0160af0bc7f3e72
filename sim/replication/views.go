package replication

import (
	"encoding/json"

	"infinisim/sim/clock"
	"infinisim/sim/fabric"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// view is what the wire shows of a state; empty members are null.
type view struct {
	state string
	// job is the state of the newest job, empty for none.
	job string
	// sync is sync_state of a SYNC replica; async_mode goes with it.
	sync      string
	asyncMode bool
}

func jobWords() []string {
	return []string{"PENDING", "INITIALIZING", "REPLICATING", "STALLED", "DONE"}
}

func syncWords() []string {
	return []string{"INITIALIZING_PENDING", "INITIALIZING", "SYNCHRONIZED", "SYNC_IN_PROGRESS", "OUT_OF_SYNC", lagging, syncStalled}
}

// viewOf is the table of wire views. The predicates of InfiniSDK 289.1.4 read
// them field by field: PENDING counts as idle there, and a SYNC replica needs
// is_initial and a job besides sync_state while it initialises.
func viewOf(s state) view {
	//exhaustive:enforce
	switch s {
	case peerPending, peerInitial, peerInitialStalled, peerSynchronized, peerRunning, peerLagging, peerStalled,
		peerRestServing, peerRestStopped, peerAutoServing, peerAutoStopped:
		return viewOfPeer(s)
	case asyncPending:
		return view{state: "ACTIVE", job: "PENDING"}
	case asyncInitial:
		return view{state: "ACTIVE", job: "INITIALIZING"}
	case asyncInitialStalled, asyncStalled:
		return view{state: "ACTIVE", job: "STALLED"}
	case asyncIdle:
		return view{state: "ACTIVE"}
	case asyncRunning:
		return view{state: "ACTIVE", job: "REPLICATING"}
	case suspended:
		return view{state: "SUSPENDED", sync: "OUT_OF_SYNC", asyncMode: true}
	case autoSuspended:
		return view{state: "AUTO_SUSPENDED", sync: "OUT_OF_SYNC", asyncMode: true}
	case syncPending:
		return view{state: "ACTIVE", job: "PENDING", sync: "INITIALIZING_PENDING", asyncMode: true}
	case syncInitial:
		return view{state: "ACTIVE", job: "INITIALIZING", sync: "INITIALIZING", asyncMode: true}
	case syncInitialStalled:
		return view{state: "ACTIVE", job: "STALLED", sync: "INITIALIZING", asyncMode: true}
	case synchronized:
		return view{state: "ACTIVE", sync: "SYNCHRONIZED"}
	case outOfSync:
		return view{state: "ACTIVE", job: "STALLED", sync: "OUT_OF_SYNC", asyncMode: true}
	case syncRunning:
		return view{state: "ACTIVE", job: "REPLICATING", sync: "SYNC_IN_PROGRESS", asyncMode: true}
	case outOfSyncRunning:
		return view{state: "ACTIVE", job: "REPLICATING", sync: "OUT_OF_SYNC", asyncMode: true}
	case target:
	}
	return view{}
}

// viewOfPeer is the table of the views of ACTIVE_ACTIVE.
func viewOfPeer(s state) view {
	switch s {
	case peerPending:
		return view{state: "ACTIVE", job: "PENDING", sync: "INITIALIZING_PENDING", asyncMode: true}
	case peerInitial:
		return view{state: "ACTIVE", job: "INITIALIZING", sync: "INITIALIZING", asyncMode: true}
	case peerInitialStalled:
		return view{state: "ACTIVE", job: "STALLED", sync: "INITIALIZING", asyncMode: true}
	case peerSynchronized:
		return view{state: "ACTIVE", sync: "SYNCHRONIZED"}
	case peerRunning:
		return view{state: "ACTIVE", job: "REPLICATING", sync: "SYNC_IN_PROGRESS", asyncMode: true}
	case peerLagging:
		return view{state: "ACTIVE", sync: lagging, asyncMode: true}
	case peerStalled:
		return view{state: "ACTIVE", sync: syncStalled, asyncMode: true}
	case peerRestServing:
		return view{state: "SUSPENDED", sync: lagging, asyncMode: true}
	case peerRestStopped:
		return view{state: "SUSPENDED", sync: syncStalled, asyncMode: true}
	case peerAutoServing:
		return view{state: "AUTO_SUSPENDED", sync: lagging, asyncMode: true}
	case peerAutoStopped:
		return view{state: "AUTO_SUSPENDED", sync: syncStalled, asyncMode: true}
	}
	return view{}
}

// jobView is a job as the wire has it.
type jobView struct {
	ID      int64  `json:"id"`
	State   string `json:"state"`
	Initial bool   `json:"is_initial"`
	Kind    string `json:"type"`
	Start   int64  `json:"start_time"`
	End     *int64 `json:"end_time"`
}

// behind reports whether a job waits behind the running one: asked for, or due
// by the interval.
func (r *replica) behind() bool {
	if r.job == nil || r.job.Phase == phaseHold || r.mirrored() {
		return false
	}
	due := r.job.Started + clock.FromMS(ReplicaInterval.Get(r.o))
	return replicaWaiting.Get(r.o) || !r.job.Initial && ReplicaInterval.Get(r.o) > 0 && r.b.Tx.Now() >= due
}

func (r *replica) jobs() []jobView {
	out := []jobView{}
	v := viewOf(r.state())
	if v.job == "" {
		return out
	}
	// unsourced: the words of jobs[].type.
	one := jobView{State: v.job, Initial: r.initial(), Kind: "REPLICATION", Start: ReplicaStarted.Get(r.o)}
	if r.job != nil {
		one.ID, one.Initial = r.job.ID, r.job.Initial
	}
	out = append(out, one)
	if r.behind() {
		out = append(out, jobView{ID: one.ID + 1, State: "PENDING", Kind: one.Kind, Start: r.b.Tx.Now().MS()})
	}
	return out
}

// jobState is the state of the newest job, empty for none.
func (r *replica) jobState() string {
	if jobs := r.jobs(); len(jobs) > 0 {
		return jobs[0].State
	}
	if replicaDone.Get(r.o) && ReplicaRole.Get(r.o) != roleTarget {
		return "DONE"
	}
	return ""
}

// from turns a function of an open replica into a computed field.
func from(fn func(r *replica) (any, error)) model.Compute {
	return func(b *model.Box, o *schema.Object) (any, error) {
		r, err := open(b, o)
		if err != nil {
			return nil, err
		}
		return fn(r)
	}
}

func word(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// ofSync is null for a replica that is not SYNC, and on the target (InfiniSDK
// asks the source).
func ofSync(fn func(r *replica) any) model.Compute {
	return from(func(r *replica) (any, error) {
		if !r.mirrored() || ReplicaRole.Get(r.o) == roleTarget {
			return nil, nil
		}
		return fn(r), nil
	})
}

func replicaComputed() map[*schema.Field]model.Compute {
	return map[*schema.Field]model.Compute{
		ReplicaState.Field():    from(func(r *replica) (any, error) { return word(viewOf(r.state()).state), nil }),
		ReplicaJobs.Field():     from(func(r *replica) (any, error) { return r.jobs(), nil }),
		ReplicaJobState.Field(): from(func(r *replica) (any, error) { return word(r.jobState()), nil }),
		ReplicaPending.Field(): from(func(r *replica) (any, error) {
			if viewOf(r.state()).job == "PENDING" || r.behind() {
				return 1, nil
			}
			return 0, nil
		}),
		ReplicaIsInitial.Field():   from(func(r *replica) (any, error) { return r.initial(), nil }),
		ReplicaSyncState.Field():   ofSync(func(r *replica) any { return word(viewOf(r.state()).sync) }),
		ReplicaAsyncMode.Field():   ofSync(func(r *replica) any { return viewOf(r.state()).asyncMode }),
		ReplicaDomino.Field():      ofSync(func(*replica) any { return false }),
		ReplicaSyncIPs.Field():     ofSync(func(r *replica) any { return LinkAddresses.Get(r.link) }),
		ReplicaLatency.Field():     ofSync(func(r *replica) any { return r.path().RTT().Microseconds() }),
		ReplicaRPOState.Field():    from(func(r *replica) (any, error) { return r.rpoState(), nil }),
		ReplicaProgress.Field():    from(func(r *replica) (any, error) { return r.progress(), nil }),
		ReplicaThroughput.Field():  from(func(r *replica) (any, error) { return r.throughput(), nil }),
		ReplicaStaging.Field():     from(func(r *replica) (any, error) { return r.staged() }),
		ReplicaLocalName.Field():   from(func(r *replica) (any, error) { return r.localName() }),
		ReplicaPairs.Field():       from(func(r *replica) (any, error) { return r.pairViews() }),
		ReplicaNextGUID.Field():    from(func(r *replica) (any, error) { return r.ofJob(func(j *running) any { return j.GUID }), nil }),
		ReplicaNextRestore.Field(): from(func(r *replica) (any, error) { return r.ofJob(func(j *running) any { return j.Started.MS() }), nil }),
	}
}

func (r *replica) ofJob(fn func(j *running) any) any {
	if r.job == nil || r.job.Phase == phaseHold {
		return nil
	}
	return fn(r.job)
}

// rpoState is LAGGING from the first nanosecond after restore point and RPO.
//
// unsourced: the words of rpo_state for a replica in time and for one without
// an RPO.
func (r *replica) rpoState() string {
	if r.mirrored() || !r.isSource() || ReplicaRPO.IsNull(r.o) || ReplicaRestore.IsNull(r.o) {
		return "N_A"
	}
	if r.b.Tx.Now() > r.breach() {
		return lagging
	}
	return "OK"
}

// breach is the last instant at which the replica is in time.
func (r *replica) breach() clock.Time {
	return clock.FromMS(ReplicaRestore.Get(r.o) + ReplicaRPO.Get(r.o))
}

func (r *replica) progress() int64 {
	if r.job == nil {
		if r.initial() {
			return 0
		}
		return 100
	}
	switch r.job.Phase {
	case phaseBegin, phaseHold:
		return 0
	case phaseSend:
		if r.job.Bytes == 0 {
			return 0
		}
		return 100 * (r.job.Bytes - fabric.Left(r.b.Tx, r.job.Flow)) / r.job.Bytes
	default:
		return 100
	}
}

func (r *replica) throughput() int64 {
	if r.job == nil || r.job.Phase != phaseSend || r.job.Stalled {
		return 0
	}
	return fabric.Rate(r.b.Tx, r.job.Flow)
}

func (r *replica) localName() (any, error) {
	if !ReplicaLocalCG.IsNull(r.o) {
		cg, err := r.b.Must(model.ConsGroup, ReplicaLocalCG.Get(r.o))
		if err != nil {
			return nil, err
		}
		return model.CGName.Get(cg), nil
	}
	if len(r.pairs) == 0 {
		return nil, nil
	}
	o, err := r.dataset(&r.pairs[0])
	if err != nil {
		return nil, err
	}
	return model.DatasetName.Get(o), nil
}

// pairView is a pair as the wire has it (CSI driver, iboxapi, 2025).
type pairView struct {
	ID             int64           `json:"id"`
	ReplicaID      int64           `json:"replica_id"`
	RemotePairID   int64           `json:"remote_pair_id"`
	LocalID        int64           `json:"local_entity_id"`
	LocalName      string          `json:"local_entity_name"`
	Local          json.RawMessage `json:"local_entity"`
	RemoteID       int64           `json:"remote_entity_id"`
	RemoteName     string          `json:"remote_entity_name"`
	LocalBase      *int64          `json:"local_base_entity_id"`
	RemoteBase     *int64          `json:"remote_base_entity_id"`
	LocalAction    any             `json:"local_base_action"`
	RemoteAction   any             `json:"remote_base_action"`
	Diffable       *int64          `json:"_local_base_diffable_id"`
	RemoteDiffable *int64          `json:"_remote_base_diffable_id"`
	WasProtected   bool            `json:"_target_old_ro_state"`
	GUID           any             `json:"_consistent_guid"`
	CGConsistent   any             `json:"_cg_consistent_guid"`
	CGGUID         any             `json:"_cg_guid"`
	NextGUID       any             `json:"_next_consistent_guid"`
	Progress       int64           `json:"progress"`
	LastSync       *int64          `json:"last_synchronized"`
	Restore        int64           `json:"restore_point"`
	Duration       int64           `json:"duration"`
	Initial        bool            `json:"is_initial"`
	Committed      bool            `json:"_sync_job_committed"`
	LocalSnap      *int64          `json:"_local_reclaimed_snapshot_id"`
	RemoteSnap     *int64          `json:"_remote_reclaimed_snapshot_id"`
	SnapGUID       any             `json:"_reclaimed_snapshot_guid"`
	SnapTime       *int64          `json:"_reclaimed_snapshot_time"`
	Session        *int64          `json:"_session_snapshots_id"`
	ReportEntity   *int64          `json:"_report_entity_id"`
	ReportSerial   *int64          `json:"_report_system_serial_number"`
	PortBit        any             `json:"_active_active_port_bit"`
	PairGUID       any             `json:"_local_pair_guid"`
}

func some(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}

func (r *replica) pairViews() ([]pairView, error) {
	out := make([]pairView, 0, len(r.pairs))
	for i := range r.pairs {
		p := &r.pairs[i]
		o, err := r.dataset(p)
		if err != nil {
			return nil, err
		}
		raw, err := r.b.Render(o)
		if err != nil {
			return nil, err
		}
		out = append(out, pairView{
			ID: p.ID, ReplicaID: r.o.ID(), RemotePairID: p.RemoteID, LocalID: p.Local, LocalName: model.DatasetName.Get(o), Local: raw,
			RemoteID: p.Remote, RemoteName: p.RemoteName, LocalBase: some(p.LocalBase), RemoteBase: some(p.RemoteBase),
			LocalAction: word(p.LocalAction), RemoteAction: word(p.RemoteAction), WasProtected: p.WasProtected, GUID: word(p.Base.GUID),
			NextGUID: word(p.Flight.GUID), Progress: r.progress(), LastSync: some(p.LastSync), Restore: p.Restore, Duration: p.Duration,
			Initial: p.Initial, Committed: r.job != nil && r.job.Phase == phaseAck,
		})
	}
	return out, nil
}
