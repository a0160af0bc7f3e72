package replication

import (
	"errors"

	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// Words of a replica's enumerations.
const (
	roleSource = "SOURCE"
	roleTarget = "TARGET"

	async        = "ASYNC"
	syncType     = "SYNC"
	activeActive = "ACTIVE_ACTIVE"

	ofGroup = "CONSISTENCY_GROUP"

	lagging     = "LAGGING"
	syncStalled = "SYNC_STALLED"
)

// Defaults of a replica, in milliseconds (CSI driver 2.16 sends the same).
//
// unsourced: the interval and RPO of a replica whose client sends none.
const (
	defaultInterval = 240_000
	defaultRPO      = 300_000
)

// The gates of replica fields.
var (
	gateSync    = schema.Gate{Feature: "sync_replication", Since: "4.0"}
	gateAA      = schema.Gate{Feature: "active_active", AtLeast: 1}
	gateMirrors = schema.Gate{Feature: "active_active"}
	gateAuto    = schema.Gate{Feature: "replica_auto_create"}
	gateSnap    = schema.Gate{Feature: "replicate_snapshots", Since: "7.1"}
	gateLock    = schema.Gate{Feature: "replicate_snapshots", AtLeast: 1, Since: "7.2"}
)

// The fields of a replica, in the order of a live one (CSI driver, iboxapi
// replicas.go, 2025).
var (
	ReplicaDescription = schema.String(schema.Field{Name: "description", Flags: schema.Editable, Default: ""})
	ReplicaVersion     = schema.Int(schema.Field{Name: "_version", Default: 1})
	ReplicaConfigGUID  = schema.String(schema.Field{Name: "_replica_configuration_version"})
	ReplicaLinkGUID    = schema.String(schema.Field{Name: "_local_link_guid"})
	ReplicaRemoteID    = schema.Int(schema.Field{Name: "remote_replica_id"})
	ReplicaRole        = schema.Enum(schema.Field{Name: "role", Enum: []string{roleSource, roleTarget, rolePeer}, Default: roleSource})
	ReplicaInternal    = schema.NullBool(schema.Field{Name: "_is_internal_source"})
	ReplicaConcurrent  = schema.Bool(schema.Field{Name: "concurrent_replica", Gate: schema.Gate{Feature: "active_active", AtLeast: 3}})
	ReplicaSnapshots   = schema.Bool(schema.Field{Name: "including_snapshots", Flags: schema.Create, Gate: gateSnap})
	ReplicaSnapKeep    = schema.Int(schema.Field{Name: "snapshots_retention", Flags: schema.Editable, Gate: gateSnap, Check: notNegative})
	ReplicaSuffix      = schema.String(schema.Field{Name: "remote_snapshot_suffix", Flags: schema.Editable, Default: "-remote", Gate: gateLock})
	ReplicaSnapLock    = schema.Int(schema.Field{Name: "lock_remote_snapshot_retention", Flags: schema.Editable, Gate: gateLock, Check: notNegative})
	ReplicaEntityType  = schema.Enum(schema.Field{Name: "entity_type", Flags: schema.Create | schema.NotNull, Enum: []string{model.OfVolume, model.OfFS, ofGroup}, Kept: []string{ofReplicationGroup}, Default: model.OfVolume})
	ReplicaState       = schema.Compute(schema.Enum(schema.Field{Name: "state", Enum: []string{"ACTIVE", "SUSPENDED", "AUTO_SUSPENDED"}}))
	ReplicaStateText   = schema.String(schema.Field{Name: "state_description"})
	ReplicaReason      = schema.String(schema.Field{Name: "state_reason"})
	ReplicaJobState    = schema.Compute(schema.Enum(schema.Field{Name: "job_state", Enum: jobWords()}))
	ReplicaJobs        = schema.Compute(schema.Tree[[]jobView](schema.Field{Name: "jobs"}))
	ReplicaIsInitial   = schema.Compute(schema.Bool(schema.Field{Name: "is_initial"}))
	ReplicaPending     = schema.Compute(schema.Int(schema.Field{Name: "pending_job_count"}))
	ReplicaNextStart   = schema.Int(schema.Field{Name: "next_job_start_time"})
	ReplicaEnabled     = schema.Bool(schema.Field{Name: "_enabled", Default: true})
	ReplicaInfiniSafe  = schema.Bool(schema.Field{Name: "reserved_for_infinisafe", Gate: schema.Gate{From: "8.0"}})
	ReplicaInterval    = schema.Int(schema.Field{Name: "sync_interval", Flags: schema.Editable, Check: notNegative})
	ReplicaRPOType     = schema.String(schema.Field{Name: "rpo_type", Default: "TIME"})
	ReplicaRPO         = schema.Int(schema.Field{Name: "rpo_value", Flags: schema.Editable, Check: notNegative})
	ReplicaRPOState    = schema.Compute(schema.Enum(schema.Field{Name: "rpo_state", Enum: []string{"OK", lagging, "N_A"}}))
	ReplicaThroughput  = schema.Compute(schema.Int(schema.Field{Name: "throughput"}))
	ReplicaRetryWait   = schema.Int(schema.Field{Name: "temporary_failure_retry_interval", Flags: schema.Update, Default: 30_000, Check: notNegative})
	ReplicaRetryCount  = schema.Int(schema.Field{Name: "temporary_failure_retry_count", Flags: schema.Update, Default: 5, Check: notNegative})
	ReplicaFailWait    = schema.Int(schema.Field{Name: "permanent_failure_wait_interval", Flags: schema.Update, Default: 60_000, Check: notNegative})
	ReplicaBaseAction  = schema.String(schema.Field{Name: "base_action", Flags: schema.Create, Gate: gateAuto})
	ReplicaLocal       = schema.Int(schema.Field{Name: "local_entity_id", Flags: schema.Create | schema.Index, Gate: gateAuto})
	ReplicaRemote      = schema.Int(schema.Field{Name: "remote_entity_id", Flags: schema.Create | schema.Index, Gate: gateAuto})
	ReplicaLocalName   = schema.Compute(schema.String(schema.Field{Name: "local_entity_name", Gate: gateAuto}))
	ReplicaRemoteName  = schema.String(schema.Field{Name: "remote_entity_name", Flags: schema.Create, Gate: gateAuto})
	ReplicaLocalCG     = schema.Ref(schema.Field{Name: "local_cg_id", Flags: schema.Index}, "cons_group")
	ReplicaLocalCGName = schema.Join(schema.Field{Name: "local_cg_name"}, ReplicaLocalCG, model.CGName)
	ReplicaRemoteCG    = schema.Int(schema.Field{Name: "remote_cg_id"})
	ReplicaRemoteCGN   = schema.String(schema.Field{Name: "remote_cg_name"})
	ReplicaPool        = schema.Ref(schema.Field{Name: "local_pool_id"}, "pool")
	ReplicaPoolName    = schema.Join(schema.Field{Name: "local_pool_name"}, ReplicaPool, model.PoolName)
	ReplicaRemotePool  = schema.Int(schema.Field{Name: "remote_pool_id", Flags: schema.Create})
	ReplicaRemotePoolN = schema.String(schema.Field{Name: "remote_pool_name"})
	ReplicaPairs       = schema.Compute(schema.Tree[[]any](schema.Field{Name: "entity_pairs"}))
	ReplicaRemoteIPs   = schema.Tree[any](schema.Field{Name: "_remote_ip_addresses"})
	ReplicaStarted     = schema.Int(schema.Field{Name: "started_at"})
	ReplicaDuration    = schema.Int(schema.Field{Name: "sync_duration"})
	ReplicaLastSync    = schema.Int(schema.Field{Name: "last_synchronized"})
	ReplicaProgress    = schema.Compute(schema.Int(schema.Field{Name: "progress"}))
	ReplicaRestore     = schema.Int(schema.Field{Name: "restore_point"})
	ReplicaGUID        = schema.String(schema.Field{Name: "_consistent_guid"})
	ReplicaNextRestore = schema.Compute(schema.Int(schema.Field{Name: "next_restore_point"}))
	ReplicaNextGUID    = schema.Compute(schema.String(schema.Field{Name: "_next_consistent_guid"}))
	ReplicaSnapGUID    = schema.String(schema.Field{Name: "_snapshot_guid"})
	ReplicaSnapTime    = schema.Int(schema.Field{Name: "_snapshot_time"})
	ReplicaLocalSG     = schema.Int(schema.Field{Name: "_local_reclaimed_sg_id"})
	ReplicaRemoteSG    = schema.Int(schema.Field{Name: "_remote_reclaimed_sg_id"})
	ReplicaStaging     = schema.Compute(schema.Int(schema.Field{Name: "staging_area_allocated_size"}))
	ReplicaIPIndex     = schema.Int(schema.Field{Name: "_assigned_local_ip_index", Default: 0})
	ReplicaIP          = schema.String(schema.Field{Name: "_assigned_remote_ip"})
	ReplicaSyncIPs     = schema.Compute(schema.Tree[any](schema.Field{Name: "_assigned_sync_remote_ips", Gate: gateSync}))
	ReplicaType        = schema.Enum(schema.Field{Name: "replication_type", Flags: schema.Create | schema.NotNull, Enum: []string{async, syncType, activeActive}, Default: async, Gate: gateSync})
	ReplicaDomino      = schema.Compute(schema.NullBool(schema.Field{Name: "domino", Gate: gateSync}))
	ReplicaSyncState   = schema.Compute(schema.Enum(schema.Field{Name: "sync_state", Enum: syncWords(), Gate: gateSync}))
	ReplicaAsyncMode   = schema.Compute(schema.NullBool(schema.Field{Name: "async_mode", Gate: gateSync}))
	ReplicaLatency     = schema.Compute(schema.Int(schema.Field{Name: "latency", Gate: gateSync}))
	ReplicaMobility    = schema.NullBool(schema.Field{Name: "mobility_source"})
	ReplicaPreferred   = schema.NullBool(schema.Field{Name: "is_preferred", Flags: schema.Editable, Gate: gateAA})
	ReplicaFromLocal   = schema.NullBool(schema.Field{Name: "suspended_from_local", Gate: schema.Gate{Feature: "active_active", AtLeast: 4}})
	ReplicaLink        = schema.Ref(schema.Field{Name: "link_id", Flags: schema.Create | schema.Index}, "link")

	// What the machine is in: one word of the table, what runs, what waits.
	replicaState   = schema.String(schema.Field{Name: "_state", Flags: schema.Private | schema.Index | schema.NotNull})
	replicaPairs   = schema.Tree[[]pair](schema.Field{Name: "_pairs", Flags: schema.Private, Default: []pair{}})
	replicaJob     = schema.Tree[*running](schema.Field{Name: "_job", Flags: schema.Private})
	replicaWaiting = schema.Bool(schema.Field{Name: "_waiting", Flags: schema.Private})
	replicaOrphan  = schema.Bool(schema.Field{Name: "_orphan", Flags: schema.Private})
	replicaLate    = schema.Bool(schema.Field{Name: "_late", Flags: schema.Private})
	replicaDone    = schema.Bool(schema.Field{Name: "_done", Flags: schema.Private})

	// Replica is a dataset or group that is copied to another array; each
	// array has its half.
	Replica = schema.NewType("replica", replicaFields()...)
)

// replicaFields are the fields of a half, in order.
func replicaFields() []schema.Holder {
	return []schema.Holder{
		replicaState, replicaPairs, replicaJob, replicaWaiting, replicaOrphan, replicaLate, replicaDone, replicaTurned, replicaLeads, replicaNobody, replicaFails, replicaParted,
		ReplicaDescription, ReplicaVersion, ReplicaConfigGUID, ReplicaLinkGUID, ReplicaRemoteID, ReplicaRole, ReplicaInternal,
		ReplicaConcurrent, ReplicaSnapshots, ReplicaSnapKeep, ReplicaSuffix, ReplicaSnapLock, ReplicaEntityType, ReplicaState,
		ReplicaStateText, ReplicaReason, ReplicaJobState, ReplicaJobs, ReplicaIsInitial, ReplicaPending, ReplicaNextStart,
		ReplicaEnabled, ReplicaInfiniSafe, ReplicaInterval, ReplicaRPOType, ReplicaRPO, ReplicaRPOState, ReplicaThroughput,
		ReplicaRetryWait, ReplicaRetryCount, ReplicaFailWait, ReplicaBaseAction, ReplicaLocal, ReplicaLocalName, ReplicaRemote,
		ReplicaRemoteName, ReplicaLocalCG, ReplicaLocalCGName, ReplicaRemoteCG, ReplicaRemoteCGN, ReplicaPool, ReplicaPoolName,
		ReplicaRemotePool, ReplicaRemotePoolN, model.CreatedAt, model.UpdatedAt, ReplicaPairs, ReplicaRemoteIPs, ReplicaStarted,
		ReplicaDuration, ReplicaLastSync, ReplicaProgress, ReplicaRestore, ReplicaGUID, ReplicaNextRestore, ReplicaNextGUID,
		ReplicaSnapGUID, ReplicaSnapTime, ReplicaLocalSG, ReplicaRemoteSG, ReplicaStaging, ReplicaIPIndex, ReplicaIP,
		ReplicaSyncIPs, ReplicaType, ReplicaDomino, ReplicaSyncState, ReplicaAsyncMode, ReplicaLatency, ReplicaMobility,
		ReplicaPreferred, ReplicaFromLocal, ReplicaLink,
	}
}

func notNegative(v schema.Value) error {
	if v.Int() < 0 {
		return errors.New("is negative")
	}
	return nil
}
