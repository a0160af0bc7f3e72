package model

import (
	"errors"

	"infinisim/sim/schema"
)

// Words of the datasets' enumerations.
const (
	Master     = "MASTER"
	Snapshot   = "SNAPSHOT"
	Thin       = "THIN"
	Thick      = "THICK"
	OfVolume   = "VOLUME"
	OfFS       = "FILESYSTEM"
	Locked     = "LOCKED"
	Unlocked   = "UNLOCKED"
	BlockBytes = 512
)

// The fields that volumes and filesystems share, in the order in which the
// CSI driver's decoder lists them (iboxapi, 2025).
var (
	DatasetType           = schema.Enum(schema.Field{Name: "dataset_type", Enum: []string{OfVolume, OfFS}, Kept: []string{OfVVol}, Default: OfVolume})
	DatasetKind           = schema.Enum(schema.Field{Name: "type", Enum: []string{Master, Snapshot}, Default: Master})
	DatasetDepth          = schema.Int(schema.Field{Name: "depth", Flags: schema.NotNull})
	DatasetName           = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull, Check: checkName, Pattern: namePattern})
	DatasetMapped         = schema.Compute(schema.Bool(schema.Field{Name: "mapped"}))
	DatasetWriteProtected = schema.Bool(schema.Field{Name: "write_protected", Flags: schema.Editable})
	DatasetSize           = schema.Int(schema.Field{Name: "size", Flags: schema.Editable | schema.NotNull, Check: checkSize, Least: minDataset, Most: mostBytes, Unit: BlockBytes})
	DatasetProvisioning   = schema.Enum(schema.Field{Name: "provtype", Flags: schema.Editable | schema.NotNull, Enum: []string{Thin, Thick}, Default: Thin})
	DatasetSSD            = schema.Bool(schema.Field{Name: "ssd_enabled", Flags: schema.Editable, Default: true})
	DatasetExpress        = schema.Bool(schema.Field{Name: "ssa_express_enabled", Flags: schema.Update, Gate: gateSSAExpress})
	DatasetExpressStatus  = schema.String(schema.Field{Name: "ssa_express_status", Default: expressOff, Gate: gateSSAExpress})
	DatasetCompression    = schema.Bool(schema.Field{Name: "compression_enabled", Flags: schema.Editable, Default: true, Gate: gateCompression})
	DatasetRMRTarget      = schema.Bool(schema.Field{Name: "rmr_target"})
	DatasetRMRSource      = schema.Bool(schema.Field{Name: "rmr_source"})
	DatasetRMRPeer        = schema.Bool(schema.Field{Name: "rmr_active_active_peer", Gate: gateActiveActive})
	DatasetMobilitySource = schema.NullBool(schema.Field{Name: "mobility_source"})
	DatasetRMRGUID        = schema.String(schema.Field{Name: "rmr_snapshot_guid"})
	DatasetDataGUID       = schema.String(schema.Field{Name: "data_snapshot_guid", Gate: gateNASReplicas})
	DatasetMgmtGUID       = schema.String(schema.Field{Name: "mgmt_snapshot_guid", Gate: gateFSSnapshots})
	DatasetCGSnapGUID     = schema.String(schema.Field{Name: "_cg_snapshot_guid"})
	DatasetCGGUID         = schema.String(schema.Field{Name: "_cg_guid"})
	DatasetFamily         = schema.Int(schema.Field{Name: "family_id", Flags: schema.Index | schema.NotNull})
	DatasetLockExpires    = schema.Int(schema.Field{Name: "lock_expires_at", Flags: schema.Editable})
	DatasetReclaimSerial  = schema.Int(schema.Field{Name: "_reclaimed_snapshot_remote_system_serial"})
	DatasetRetention      = schema.Int(schema.Field{Name: "snapshot_retention", Flags: schema.Create, Gate: gateReplicateSnapshots})
	DatasetUsed           = schema.Compute(schema.Int(schema.Field{Name: "used"}))
	DatasetTreeAllocated  = schema.Compute(schema.Int(schema.Field{Name: "tree_allocated"}))
	DatasetAllocated      = schema.Compute(schema.Int(schema.Field{Name: "allocated"}))
	DatasetSuppressed     = schema.Bool(schema.Field{Name: "compression_suppressed", Gate: gateCompression})
	DatasetSavings        = schema.Int(schema.Field{Name: "capacity_savings", Flags: schema.NotNull, Gate: gateCompression})
	DatasetSavingsOwn     = schema.Int(schema.Field{Name: "capacity_savings_per_entity", Flags: schema.NotNull, Gate: gateReduction})
	DatasetDiskUsage      = schema.Compute(schema.Int(schema.Field{Name: "disk_usage", Gate: gateReduction}))
	DatasetReduction      = schema.Float(schema.Field{Name: "data_reduction_ratio", Default: 1.0, Gate: gateReduction})
	DatasetSourceSG       = schema.Ref(schema.Field{Name: "source_replicated_sg_id", NoneZero: true, Gate: gateGroupSnapshots}, "cons_group")
	DatasetPool           = schema.Ref(schema.Field{Name: "pool_id", Flags: schema.Create | schema.Index}, "pool")
	DatasetParent         = schema.Ref(schema.Field{Name: "parent_id", Flags: schema.Create | schema.Index, NoneZero: true}, "")
	DatasetCG             = schema.Ref(schema.Field{Name: "cg_id", Flags: schema.Index}, "cons_group")
	DatasetCGName         = schema.Join(schema.Field{Name: "cg_name"}, DatasetCG, CGName)
	DatasetHasChildren    = schema.Compute(schema.Bool(schema.Field{Name: "has_children"}))
	DatasetHasInternal    = schema.Compute(schema.Bool(schema.Field{Name: "has_internal_children", Gate: gatePromote}))
	DatasetIsInternal     = schema.Bool(schema.Field{Name: "is_internal", Gate: gatePromote})
	DatasetPromoteSource  = schema.Int(schema.Field{Name: "promote_source_id", Gate: gatePromote})
	DatasetPolicy         = schema.Ref(schema.Field{Name: "snapshot_policy_id", Flags: schema.Create | schema.Index, NoneZero: true, Gate: gateSnapshotPolicies}, "snapshot_policy")
	DatasetPolicyName     = schema.Join(schema.Field{Name: "snapshot_policy_name", Gate: gateSnapshotPolicies}, DatasetPolicy, PolicyName)
	DatasetExpires        = schema.Int(schema.Field{Name: "snapshot_expires_at", Gate: gateReplicateSnapshots})
	DatasetByPolicy       = schema.Ref(schema.Field{Name: "created_by_snapshot_policy_id", NoneZero: true, Gate: gateSnapshotPolicies}, "snapshot_policy")
	DatasetByPolicyName   = schema.String(schema.Field{Name: "created_by_snapshot_policy_name", Gate: gateSnapshotPolicies})
	DatasetBySchedule     = schema.Ref(schema.Field{Name: "created_by_schedule_id", NoneZero: true, Gate: gateDefaultPolicy}, "schedule")
	DatasetByScheduleName = schema.String(schema.Field{Name: "created_by_schedule_name", Gate: gateDefaultPolicy})
	DatasetPoolName       = schema.Join(schema.Field{Name: "pool_name"}, DatasetPool, PoolName)
	DatasetReplicas       = schema.List[int64](schema.Field{Name: "replica_ids"})
	DatasetReplTypes      = schema.List[string](schema.Field{Name: "replication_types"})
	DatasetBlocks         = schema.Compute(schema.Int(schema.Field{Name: "num_blocks"}))
	DatasetQoS            = schema.Compute(schema.Ref(schema.Field{Name: "qos_policy_id", Gate: gateQoS}, "qos_policy"))
	DatasetQoSName        = schema.Compute(schema.String(schema.Field{Name: "qos_policy_name", Gate: gateQoS}))
	DatasetSharedQoS      = schema.Compute(schema.Ref(schema.Field{Name: "qos_shared_policy_id", Gate: gateQoS}, "qos_policy"))
	DatasetSharedQoSName  = schema.Compute(schema.String(schema.Field{Name: "qos_shared_policy_name", Gate: gateQoS}))
	DatasetLockState      = schema.Compute(schema.Enum(schema.Field{Name: "lock_state", Enum: []string{Unlocked, Locked}}))
	DatasetRemoteKeep     = schema.Int(schema.Field{Name: "remote_snapshot_retention", Flags: schema.Create, Gate: gateSnapRetention})
	DatasetRemoteKeepLock = schema.Int(schema.Field{Name: "remote_snapshot_retention_lock", Flags: schema.Create, Gate: gateSnapRetention})

	// The dataset's content, the id of an image; 0 is all zeros.
	datasetImage = schema.Int(schema.Field{Name: "_image", Flags: schema.Private | schema.NotNull})
	// A snapshot that replication does not send.
	datasetLocal = schema.Bool(schema.Field{Name: "_local", Flags: schema.Private})
	// Its turn in the queue of SSA Express.
	datasetExpressTurn = schema.Int(schema.Field{Name: "_express_turn", Flags: schema.Private})
	// The dataset's place in the counts of its pool: "pool/type".
	datasetCensus = schema.String(schema.Field{Name: "_census", Flags: schema.Private | schema.Index | schema.NotNull})
)

// The fields of the effective capacity, which pools have too.
var (
	ZerosCapacity      = schema.Int(schema.Field{Name: "zeros_capacity", Flags: schema.NotNull, Gate: gateEffective})
	HostWritten        = schema.Compute(schema.Int(schema.Field{Name: "host_written_data", Gate: gateEffective}))
	ReducibleWritten   = schema.Compute(schema.Int(schema.Field{Name: "reducible_host_written_data", Gate: gateEffective}))
	ReducibleUsage     = schema.Compute(schema.Int(schema.Field{Name: "reducible_data_disk_usage_capacity", Gate: gateEffective}))
	ReducibleRatio     = schema.Float(schema.Field{Name: "reducible_data_reduction_ratio", Default: 1.0, Gate: gateEffective})
	ReduciblePercents  = schema.Float(schema.Field{Name: "reducible_data_percents", Default: 100.0, Gate: gateEffective})
	IrreducibleWritten = schema.Int(schema.Field{Name: "non_reducible_host_written_data", Flags: schema.NotNull, Gate: gateEffective})
	IrreducibleUsage   = schema.Int(schema.Field{Name: "non_reducible_data_disk_usage_capacity", Flags: schema.NotNull, Gate: gateEffective})
	IrreducibleRatio   = schema.Float(schema.Field{Name: "non_reducible_data_reduction_ratio", Default: 1.0, Gate: gateEffective})
	IrreduciblePercent = schema.Float(schema.Field{Name: "non_reducible_data_percents", Default: 0.0, Gate: gateEffective})
)

// effectiveFields are those of the effective capacity, in order.
func effectiveFields() []schema.Holder {
	return []schema.Holder{
		ZerosCapacity, HostWritten, ReducibleWritten, ReducibleUsage, ReducibleRatio, ReduciblePercents,
		IrreducibleWritten, IrreducibleUsage, IrreducibleRatio, IrreduciblePercent,
	}
}

// datasetFields are the fields of every dataset, in order.
func datasetFields() []schema.Holder {
	fields := []schema.Holder{
		datasetStreams, datasetImage, datasetCensus, datasetExpressTurn, datasetLocal,
		DatasetType, DatasetKind, DatasetDepth, DatasetName, CreatedAt, UpdatedAt, DatasetMapped, DatasetWriteProtected,
		DatasetSize, DatasetProvisioning, DatasetSSD, DatasetExpress, DatasetExpressStatus, DatasetCompression,
		DatasetRMRTarget, DatasetRMRSource, DatasetRMRPeer, DatasetMobilitySource, DatasetRMRGUID, DatasetDataGUID,
		DatasetMgmtGUID, DatasetCGSnapGUID, DatasetCGGUID, DatasetFamily, DatasetLockExpires, DatasetReclaimSerial,
		DatasetRetention, DatasetUsed, DatasetTreeAllocated, DatasetAllocated, DatasetSuppressed, DatasetSavings,
		DatasetSavingsOwn, DatasetDiskUsage, DatasetReduction, DatasetSourceSG, DatasetPool, DatasetParent,
		DatasetCGName, DatasetCG, DatasetHasChildren, DatasetHasInternal, DatasetIsInternal, DatasetPromoteSource,
		DatasetPolicy, DatasetPolicyName, DatasetExpires, DatasetByPolicy, DatasetByPolicyName, DatasetBySchedule,
		DatasetByScheduleName, TenantID, DatasetPoolName, DatasetReplicas, DatasetReplTypes, DatasetBlocks, DatasetQoS,
		DatasetQoSName, DatasetSharedQoS, DatasetSharedQoSName, DatasetLockState, DatasetRemoteKeep, DatasetRemoteKeepLock,
	}
	return append(fields, effectiveFields()...)
}

// minDataset is the smallest dataset that public playbooks create.
//
// unsourced: that the array refuses a dataset below 10^9 bytes, or one that is
// no multiple of 512.
const minDataset = 1_000_000_000

// mostBytes is above every capacity and size: sums of some stay numbers.
//
// unsourced: the greatest number of bytes that the array takes.
const mostBytes = 1 << 60

var errTooManyBytes = errors.New("is above 1152921504606846976 bytes")

func checkSize(v schema.Value) error {
	switch n := v.Int(); {
	case n > mostBytes:
		return errTooManyBytes
	case n < minDataset:
		return errors.New("is below the smallest size, 1000000000 bytes")
	case n%BlockBytes != 0:
		return errors.New("is no multiple of 512 bytes")
	}
	return nil
}

// longestName is above the 60 characters that vendor tools use for volumes.
//
// unsourced: the longest name, and which characters it may have.
const longestName = 65

// namePattern is what checkName lets pass.
const namePattern = `^[^\x00-\x20\x7f]([^\x00-\x1f\x7f]{0,63}[^\x00-\x20\x7f])?$`

func checkName(v schema.Value) error {
	name := v.Text()
	switch {
	case name == "":
		return errors.New("is empty")
	case len([]rune(name)) > longestName:
		return errors.New("is longer than 65 characters")
	case name[0] == ' ' || name[len(name)-1] == ' ':
		return errors.New("begins or ends with a blank")
	}
	for _, r := range name {
		if r < ' ' || r == 0x7f {
			return errors.New("has a control character")
		}
	}
	return nil
}
