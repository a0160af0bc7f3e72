package model

import "infinisim/sim/schema"

// The features that close fields of datasets and other kinds (InfiniSDK
// 289.1.4, compatibility.py). Where it takes a release to have something that no
// feature tells of, so does the array.
var (
	gateReplicateSnapshots = schema.Gate{Feature: "replicate_snapshots", Since: "7.1"}
	gateGroupSnapshots     = schema.Gate{Feature: "replicate_snapshots", AtLeast: 2, Since: "7.3.10"}
	gateFSSnapshots        = schema.Gate{Feature: "replicate_snapshots", AtLeast: 3, Since: "7.3.10"}
	gateSnapRetention      = schema.Gate{Feature: "replicate_snapshots", AtLeast: 4, Since: "8.4"}
	gateSnapshotPolicies   = schema.Gate{Feature: "snapshot_policies", Since: "7.3.10"}
	gateDefaultPolicy      = schema.Gate{Feature: "snapshot_policies", AtLeast: 1, Since: "7.3.10"}
	gateReduction          = schema.Gate{Feature: "data_reduction_ratio", Since: "8.0"}
	gateEffective          = schema.Gate{Feature: "effective_capacity", Since: "8.3"}
	gatePromote            = schema.Gate{Feature: "promote_snapshot", Since: "8.1"}
	gateSSAExpress         = schema.Gate{Feature: "ssa_express", AtLeast: 1, Since: "7.3.10"}
	gateUserMapping        = schema.Gate{Feature: "native_smb", AtLeast: 2, Since: "8.1"}
	gateLeases             = schema.Gate{Feature: "smb_leases", Since: "8.1"}
	gateCompression        = schema.Gate{Feature: "compression"}
	gateQoS                = schema.Gate{Feature: "qos"}
	gateActiveActive       = schema.Gate{Feature: "active_active"}
	gateNASReplicas        = schema.Gate{Feature: "filesystem_replicas"}
	gateOpenVMS            = schema.Gate{Feature: "open_vms"}
	gateISCSI              = schema.Gate{Feature: "iscsi"}
	gateFIPS               = schema.Gate{Feature: "fips"}
	gateVVol               = schema.Gate{Feature: "vvol"}
	gateVVolCounts         = schema.Gate{Feature: "vvol", From: "7.0"}
	gateUserDisabling      = schema.Gate{Feature: "user_management", AtLeast: 1}
	gateLocalUsers         = schema.Gate{Feature: "local_users_auth"}
	gatePasswordPolicy     = schema.Gate{Feature: "local_users_password_policy", Since: "8.1"}
)
