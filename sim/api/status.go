package api

import (
	"net/http"

	"infinisim/sim/apierr"
)

// StatusOf is the HTTP status of an error code: the only such table. Where no
// public source shows a status, an argument that cannot be right answers 400,
// a state that forbids 409, something absent 404.
//
// unsourced: most statuses; those shown are 401, 403 of the approval and
// remote permission codes, 400 of UNKNOWN_PARAMETER and of the password
// policy, 404 of unknown ids.
func StatusOf(code apierr.Code) int {
	switch code {
	case apierr.UnknownParameter, apierr.MetadataUnsupported, apierr.NotSupportedMultipleUpdate, apierr.PasswordDoesNotComply, apierr.Malformed,
		apierr.UnknownField, apierr.MissingField, apierr.ImmutableField, apierr.InvalidValue, apierr.InvalidPage,
		apierr.FeatureNotSupported, apierr.CGReplicationInfoRequired, apierr.ReplicaTypeNotForEntity,
		apierr.ReplicaPairsMismatch, apierr.ReplicaBaseNotSupported, apierr.ReplicaRPOTooLow, apierr.ReplicaParameterForType,
		apierr.ReplicationTypeNotOffered:
		return http.StatusBadRequest
	case apierr.NotAuthenticated, apierr.BadCredentials:
		return http.StatusUnauthorized
	case apierr.LDAPBadCredentials, apierr.ApprovalRequired, apierr.ApprovalRequiredVolumeHasChildren, apierr.RemotePermissionRequired,
		apierr.PermissionDenied:
		return http.StatusForbidden
	case apierr.PoolNotFound, apierr.VolumeNotFound, apierr.FilesystemNotFound, apierr.CGNotFound, apierr.ReplicaNotFound,
		apierr.LinkNotFound, apierr.RouteNotFound, apierr.PathNotFound, apierr.ObjectNotFound, apierr.UserNotFound,
		apierr.EventNotFound, apierr.ComponentNotFound, apierr.ConfigNotFound, apierr.NetworkSpaceNotFound,
		apierr.InterfaceNotFound, apierr.IPAddressNotFound, apierr.ReplicaTargetNotFound,
		apierr.LabNotFound, apierr.LabSnapshotNotFound, apierr.FaultNotFound, apierr.MetadataNotFound, apierr.MetadataObjectNotFound,
		apierr.HostNotFound, apierr.ClusterNotFound, apierr.InitiatorNotFound, apierr.PortNotFound, apierr.LUNNotFound,
		apierr.ExportNotFound, apierr.QoSPolicyNotFound, apierr.TargetNotFound, apierr.RuleNotFound, apierr.LDAPNotFound,
		apierr.TreeQNotFound, apierr.ShareNotFound, apierr.SharePermissionNotFound, apierr.SMBUserNotFound, apierr.SMBGroupNotFound,
		apierr.NFSUserNotFound, apierr.IDPNotFound, apierr.ResetTokenUnknown, apierr.PolicyNotFound, apierr.ScheduleNotFound,
		apierr.FCSwitchNotFound, apierr.SoftTargetNotFound, apierr.MetricFilterNotFound, apierr.MetricCollectorNotFound,
		apierr.NLMLockNotFound, apierr.CSRNotFound,
		apierr.VVolNotFound, apierr.VMNotFound, apierr.ReplicationGroupNotFound,
		apierr.RGReplicaNotFound, apierr.EntryNotFound, apierr.OperationNotFound:
		return http.StatusNotFound
	case apierr.MethodNotAllowed:
		return http.StatusMethodNotAllowed
	case apierr.BodyTooLarge:
		return http.StatusRequestEntityTooLarge
	case apierr.SystemNotReady, apierr.FaultInjected:
		return http.StatusServiceUnavailable
	case apierr.NetSpaceAddressConflict, apierr.IPAddressAlreadyDisabled, apierr.VolumeNameConflict,
		apierr.FilesystemNameConflict, apierr.PoolNameConflict, apierr.CGNameConflict, apierr.UserNameConflict,
		apierr.LinkNameConflict, apierr.NetworkSpaceNameConflict, apierr.InterfaceNameConflict, apierr.UserIsBuiltIn,
		apierr.InterfaceInUse, apierr.NetworkSpaceInUse, apierr.NetworkSpaceInUseLink, apierr.NetworkSpaceUnfit,
		apierr.IPAddressEnabled, apierr.IPAddressAlreadyOn, apierr.PoolNotEmpty, apierr.PoolIsLimited, apierr.PoolIsLocked,
		apierr.PoolNoVirtualSpace, apierr.PoolNoPhysicalSpace, apierr.PoolTypeMismatch,
		apierr.SystemNoCapacity, apierr.SystemReadOnly, apierr.DatasetShrink, apierr.DatasetInCG, apierr.DatasetNotInCG, apierr.DatasetIsLocked,
		apierr.DatasetNotSnapshot, apierr.DatasetNotInFamily, apierr.DatasetIsReplicated, apierr.DatasetIsTarget,
		apierr.DatasetWriteProtected, apierr.CGIsEmpty,
		apierr.CGNotEmpty, apierr.CGIsSnapshot, apierr.CGMemberIsReplicated, apierr.CGIsReplicated, apierr.CGIsTarget,
		apierr.ReplicationGroupNameConflict, apierr.ReplicationGroupReplicated, apierr.ReplicationGroupIsTarget,
		apierr.ReplicationGroupPool, apierr.VVolInGroup, apierr.VVolNotInGroup, apierr.VMHasVVols,
		apierr.CGPoolMismatch, apierr.LinkNotConnected, apierr.LinkAlreadyExists, apierr.LinkLimitExceeded,
		apierr.LinkRemoteUnreachable, apierr.LinkHasReplicas, apierr.LinkIsAttached,
		apierr.LinkIsAsyncOnly, apierr.LinkLatencyTooHigh, apierr.RemoteUnreachable, apierr.ReplicaEntityNotMaster,
		apierr.ReplicaAlreadyExists, apierr.ReplicaEntityIsTarget, apierr.ReplicaEntityIsCGMember, apierr.ReplicaTargetNotEmpty,
		apierr.ReplicaTargetSize, apierr.ReplicaTargetType, apierr.ReplicaTargetReplicated, apierr.ReplicaTargetLockedSnap,
		apierr.ReplicaBaseNotInFamily, apierr.ReplicaBaseMismatch, apierr.ReplicaLimitExceeded, apierr.ReplicaIsTarget,
		apierr.ReplicaAlreadySuspended, apierr.ReplicaNotSuspended, apierr.ReplicaNeverSynchronized, apierr.ReplicaNotSynchronized, apierr.ReplicaRoleConflict, apierr.ReplicaNoCommonImage,
		apierr.ReplicaIsSuspended, apierr.ReplicaIsInitializing, apierr.ReplicaTypeMismatch,
		apierr.ReplicaTypeChange, apierr.ReplicaRoleNotForType, apierr.ReplicaConcurrentCG, apierr.LabExists, apierr.LabSnapshotExists, apierr.FaultExists, apierr.StateNotKept, apierr.OperationExists, apierr.HostNameConflict, apierr.HostNotEmpty,
		apierr.HostInCluster, apierr.ClusterNameConflict, apierr.ClusterNotEmpty, apierr.PortBelongsToHost, apierr.LUNInUse,
		apierr.LUNIsClustered, apierr.MappingExists, apierr.VolumeIsMapped, apierr.ExportPathConflict, apierr.FilesystemExported, apierr.FilesystemShared, apierr.FilesystemRetained,
		apierr.TreeQFull, apierr.TreeQLimitExceeded, apierr.SharePermissionConflict,
		apierr.QoSPolicyNameConflict, apierr.QoSPolicyInUse, apierr.QoSNotAssigned, apierr.TargetNameConflict, apierr.TargetInUse,
		apierr.RuleNameConflict, apierr.LDAPNameConflict, apierr.LDAPLimitExceeded, apierr.UserLimitExceeded, apierr.SnapshotLimitExceeded, apierr.DatasetNotMaster, apierr.TreeQConflict,
		apierr.ShareNameConflict, apierr.SMBUserNameConflict, apierr.SMBGroupNameConflict,
		apierr.PolicyNameConflict, apierr.PolicyInUse, apierr.PolicyNotAssigned, apierr.PolicyForMember,
		apierr.NFSUserConflict, apierr.IDPNameConflict, apierr.ScheduleNameConflict, apierr.ScheduleLimitExceeded, apierr.DatasetIsInternal, apierr.DatasetNotVolume,
		apierr.KMSNotConfigured, apierr.KMSAlreadyEnabled, apierr.KMSNotEnabled, apierr.DomainJoined, apierr.DomainNotJoined,
		apierr.DomainNoNetwork, apierr.DatasetNotReplicated,
		apierr.FCSwitchNameConflict, apierr.SoftTargetLimit, apierr.MetricFilterInUse:
		return http.StatusConflict
	}
	return statusOfS3(code)
}

// statusOfS3 is the part of the table about S3, tenants and plugins.
func statusOfS3(code apierr.Code) int {
	switch code {
	case apierr.S3AccountNotFound, apierr.S3BucketNotFound, apierr.S3UserNotFound, apierr.S3CredentialNotFound, apierr.TenantNotFound,
		apierr.PluginNotFound:
		return http.StatusNotFound
	case apierr.S3AccountConflict, apierr.S3AccountNotEmpty, apierr.S3AccountDisabled, apierr.S3BucketNameConflict, apierr.S3BucketNotEmpty,
		apierr.S3UserNameConflict, apierr.S3UserHasCredentials, apierr.S3UserDisabled, apierr.S3AccessKeyConflict,
		apierr.S3CredentialDisabled, apierr.S3PoolIsBound, apierr.TenantNameConflict, apierr.TenantNotEmpty, apierr.TenantIsBuiltIn,
		apierr.PluginConflict:
		return http.StatusConflict
	}
	return http.StatusInternalServerError
}
