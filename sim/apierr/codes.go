package apierr

// Codes that public sources show. Their HTTP statuses stand in sim/api.
const (
	ApprovalRequired                  Code = "APPROVAL_REQUIRED"
	ApprovalRequiredVolumeHasChildren Code = "APPROVAL_REQUIRED_VOLUME_HAS_CHILDREN"
	RemotePermissionRequired          Code = "REMOTE_PERMISSION_REQUIRED"
	UnknownParameter                  Code = "UNKNOWN_PARAMETER"
	NotSupportedMultipleUpdate        Code = "NOT_SUPPORTED_MULTIPLE_UPDATE"
	PoolNotFound                      Code = "POOL_NOT_FOUND"
	VolumeNotFound                    Code = "VOLUME_NOT_FOUND"
	FilesystemNotFound                Code = "FILESYSTEM_NOT_FOUND"
	CGNotFound                        Code = "CG_NOT_FOUND"
	ReplicaNotFound                   Code = "REPLICA_NOT_FOUND"
	LinkNotFound                      Code = "LINK_NOT_FOUND"
	RouteNotFound                     Code = "ROUTE_NOT_FOUND"
	NetSpaceAddressConflict           Code = "NET_SPACE_ADDRESS_CONFLICT"
	IPAddressAlreadyDisabled          Code = "IP_ADDRESS_ALREADY_DISABLED"
	PasswordDoesNotComply             Code = "USER_PASSWORD_DOES_NOT_COMPLY_WITH_POLICY"
)

// Codes of our own making, in the array's style, where no public source shows
// one.
//
// unsourced: the codes of requests, sessions, users, network and components
// that are not in the block above.
const (
	Internal                 Code = "INTERNAL_ERROR"
	Malformed                Code = "MALFORMED_REQUEST"
	BodyTooLarge             Code = "REQUEST_TOO_LARGE"
	UnknownField             Code = "UNKNOWN_FIELD"
	MissingField             Code = "MISSING_REQUIRED_FIELD"
	ImmutableField           Code = "IMMUTABLE_FIELD"
	InvalidValue             Code = "INVALID_FIELD_VALUE"
	InvalidPage              Code = "INVALID_PAGE"
	PathNotFound             Code = "PATH_NOT_FOUND"
	MethodNotAllowed         Code = "METHOD_NOT_ALLOWED"
	NotAuthenticated         Code = "NOT_AUTHENTICATED"
	BadCredentials           Code = "BAD_CREDENTIALS"
	PermissionDenied         Code = "PERMISSION_DENIED"
	ObjectNotFound           Code = "OBJECT_NOT_FOUND"
	LabNotFound              Code = "LAB_NOT_FOUND"  // of the control plane alone
	LabExists                Code = "LAB_EXISTS"     // of the control plane alone
	FaultExists              Code = "FAULT_EXISTS"   // of the control plane alone
	FaultInjected            Code = "FAULT_INJECTED" // of a bare status
	FaultNotFound            Code = "FAULT_NOT_FOUND"
	VolumeNameConflict       Code = "VOLUME_NAME_CONFLICT"
	FilesystemNameConflict   Code = "FILESYSTEM_NAME_CONFLICT"
	PoolNameConflict         Code = "POOL_NAME_CONFLICT"
	CGNameConflict           Code = "CG_NAME_CONFLICT"
	UserNameConflict         Code = "USER_NAME_CONFLICT"
	LinkNameConflict         Code = "LINK_NAME_CONFLICT"
	NetworkSpaceNameConflict Code = "NETWORK_SPACE_NAME_CONFLICT"
	InterfaceNameConflict    Code = "NETWORK_INTERFACE_NAME_CONFLICT"
	SystemNotReady           Code = "SYSTEM_NOT_READY"
	FeatureNotSupported      Code = "FEATURE_NOT_SUPPORTED"
	UserNotFound             Code = "USER_NOT_FOUND"
	UserIsBuiltIn            Code = "USER_IS_BUILT_IN"
	EventNotFound            Code = "EVENT_NOT_FOUND"
	ComponentNotFound        Code = "COMPONENT_NOT_FOUND"
	ConfigNotFound           Code = "CONFIG_NOT_FOUND"
	NetworkSpaceNotFound     Code = "NETWORK_SPACE_NOT_FOUND"
	InterfaceNotFound        Code = "NETWORK_INTERFACE_NOT_FOUND"
	InterfaceInUse           Code = "NETWORK_INTERFACE_IN_USE"
	NetworkSpaceInUse        Code = "NETWORK_SPACE_IN_USE"
	NetworkSpaceInUseLink    Code = "NETWORK_SPACE_IN_USE_BY_LINK"
	NetworkSpaceUnfit        Code = "NETWORK_SPACE_NOT_SUITABLE"
	IPAddressNotFound        Code = "IP_ADDRESS_NOT_FOUND"
	IPAddressEnabled         Code = "IP_ADDRESS_IS_ENABLED"
	IPAddressAlreadyOn       Code = "IP_ADDRESS_ALREADY_ENABLED"
)

// Codes of pools, datasets and groups that no public source shows.
//
// unsourced: the codes of pools, datasets and groups that refuse by state.
const (
	PoolNotEmpty              Code = "POOL_NOT_EMPTY"
	PoolIsLimited             Code = "POOL_IS_LIMITED"
	PoolIsLocked              Code = "POOL_IS_LOCKED"
	PoolNoVirtualSpace        Code = "POOL_NOT_ENOUGH_VIRTUAL_CAPACITY"
	PoolNoPhysicalSpace       Code = "POOL_NOT_ENOUGH_PHYSICAL_CAPACITY"
	PoolTypeMismatch          Code = "POOL_TYPE_MISMATCH"
	SystemNoCapacity          Code = "SYSTEM_NOT_ENOUGH_CAPACITY"
	DatasetShrink             Code = "DATASET_SIZE_CANNOT_SHRINK"
	DatasetInCG               Code = "DATASET_IS_CG_MEMBER"
	DatasetNotInCG            Code = "DATASET_NOT_CG_MEMBER"
	DatasetIsLocked           Code = "SNAPSHOT_IS_LOCKED"
	DatasetNotSnapshot        Code = "DATASET_IS_NOT_SNAPSHOT"
	DatasetNotInFamily        Code = "DATASET_NOT_IN_FAMILY"
	DatasetIsReplicated       Code = "DATASET_IS_REPLICATED"
	DatasetIsTarget           Code = "DATASET_IS_REPLICATION_TARGET"
	DatasetWriteProtected     Code = "DATASET_IS_WRITE_PROTECTED"
	CGIsEmpty                 Code = "CG_IS_EMPTY"
	CGNotEmpty                Code = "CG_NOT_EMPTY"
	CGIsSnapshot              Code = "CG_IS_SNAPSHOT_GROUP"
	CGMemberIsReplicated      Code = "CG_MEMBER_IS_REPLICATED"
	CGIsReplicated            Code = "CG_IS_REPLICATED"
	CGIsTarget                Code = "CG_IS_REPLICATION_TARGET"
	CGReplicationInfoRequired Code = "CG_REPLICATION_INFO_REQUIRED"
	CGPoolMismatch            Code = "CG_POOL_MISMATCH"
)

// Codes of links and replicas that no public source shows.
//
// unsourced: the codes of links and replicas, but for LINK_NOT_FOUND and
// REPLICA_NOT_FOUND.
const (
	LinkNotConnected          Code = "LINK_IS_NOT_CONNECTED"
	LinkAlreadyExists         Code = "LINK_ALREADY_EXISTS"
	LinkLimitExceeded         Code = "LINK_LIMIT_EXCEEDED"
	LinkRemoteUnreachable     Code = "LINK_REMOTE_HOST_UNREACHABLE"
	LinkHasReplicas           Code = "LINK_HAS_REPLICAS"
	LinkIsAttached            Code = "LINK_IS_ATTACHED"
	LinkIsAsyncOnly           Code = "LINK_IS_ASYNC_ONLY"
	LinkLatencyTooHigh        Code = "LINK_LATENCY_TOO_HIGH"
	RemoteUnreachable         Code = "REMOTE_SYSTEM_UNREACHABLE"
	ReplicaEntityNotMaster    Code = "REPLICA_ENTITY_IS_NOT_MASTER"
	ReplicaTypeNotForEntity   Code = "REPLICA_TYPE_NOT_SUPPORTED_FOR_ENTITY"
	ReplicaAlreadyExists      Code = "REPLICA_ALREADY_EXISTS"
	ReplicaEntityIsTarget     Code = "REPLICA_ENTITY_IS_TARGET"
	ReplicaEntityIsCGMember   Code = "REPLICA_ENTITY_IS_CG_MEMBER"
	ReplicaPairsMismatch      Code = "REPLICA_ENTITY_PAIRS_MISMATCH"
	ReplicaBaseNotSupported   Code = "REPLICA_BASE_ACTION_NOT_SUPPORTED"
	ReplicaTargetNotFound     Code = "REPLICA_TARGET_NOT_FOUND"
	ReplicaTargetNotEmpty     Code = "REPLICA_TARGET_NOT_EMPTY"
	ReplicaTargetSize         Code = "REPLICA_TARGET_SIZE_MISMATCH"
	ReplicaTargetType         Code = "REPLICA_TARGET_TYPE_MISMATCH"
	ReplicaTargetReplicated   Code = "REPLICA_TARGET_ALREADY_REPLICATED"
	ReplicaTargetLockedSnap   Code = "REPLICA_TARGET_HAS_LOCKED_SNAPSHOT"
	ReplicaBaseNotInFamily    Code = "REPLICA_BASE_NOT_IN_FAMILY"
	ReplicaBaseMismatch       Code = "REPLICA_BASE_MISMATCH"
	ReplicaRPOTooLow          Code = "REPLICA_RPO_TOO_LOW"
	ReplicaParameterForType   Code = "REPLICA_PARAMETER_NOT_SUPPORTED_FOR_TYPE"
	ReplicaLimitExceeded      Code = "REPLICA_LIMIT_EXCEEDED"
	ReplicaIsTarget           Code = "REPLICA_IS_TARGET"
	ReplicaAlreadySuspended   Code = "REPLICA_ALREADY_SUSPENDED"
	ReplicaNotSuspended       Code = "REPLICA_NOT_SUSPENDED"
	ReplicaRoleConflict       Code = "REPLICA_ROLE_CONFLICT"
	ReplicaNoCommonImage      Code = "REPLICA_NO_COMMON_IMAGE"
	ReplicaIsSuspended        Code = "REPLICA_IS_SUSPENDED"
	ReplicaIsInitializing     Code = "REPLICA_IS_INITIALIZING"
	ReplicaTypeMismatch       Code = "REPLICA_TYPE_MISMATCH"
	ReplicaTypeChange         Code = "REPLICA_TYPE_CHANGE_NOT_SUPPORTED"
	ReplicationTypeNotOffered Code = "REPLICATION_TYPE_NOT_OFFERED"
)
