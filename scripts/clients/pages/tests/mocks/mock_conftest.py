"""The features of an 8.6 array."""
from .answers import one

_VERSIONS = """
active_active:4 advanced_restore:0 api_auth_sessions:0 api_init_progress:0 api_v2:0 async_replication:2 block_ssh:1 compression:1
cons_groups:1 create_sync_from_base:0 data_reduction_ratio:0 delta:0 dot_snapshots:0 effective_capacity:0 event_retention:0
events_db:0 fc_soft_targets:0 filesystem_replicas:1 fips:1 iscsi:1 kms:0 ldap:0 local_user_password_policy:0 local_users_auth:1
metadata:2 nas:2 native_smb:2 network_configuration:2 nfsv4:0 nlm:0 open_vms:0 pools:0 promote_snapshot:0 qos:0 rbac:0
replica_auto_create:0 replicate_snapshots:4 san:0 smb_leases:0 snap_refresh:1 snapshot_policies:1 snapshots:1 ssa_express:1
sso_authentication:1 sync_replication:0 treeq:0 user_db:0 user_management:1 user_roles_v1:0 vlans:1 vvol:1 worm_filesystems:0
worm_snapshots:0
"""

MOCKED_FEAUTES = one([
    {"name": name, "version": int(version), "enabled": True}
    for name, version in (word.split(":") for word in _VERSIONS.split())])
