"""The arrays that are swept, and how an object of each type is made there."""
import itertools
from datetime import timedelta

_count = itertools.count(1)


class World:
    """An array, others that it can be linked to, the parents that objects need, and a tester's way to what no administrator makes."""

    def __init__(self, system, peers, test):
        self.system = system
        self.peers = peers
        self._test = test
        self._parents = {}
        self._linked = None

    def parent(self, collection):
        """An object of a collection that others can be made in."""
        if collection == "fc_switches":
            return self.system.fc_switches.to_list()[0]
        if collection not in self._parents:
            self._parents[collection] = self.make(self.binder(collection))
        return self._parents[collection]

    def binder(self, collection):
        """The client's binder of a collection."""
        if collection == "treeqs":
            return self.parent("filesystems").treeqs
        if collection == "permissions":
            return self.parent("shares").permissions
        if collection == "schedules":
            return self.parent("snapshot_policies").schedules
        return getattr(self.system, collection)

    def far_pool(self, **values):
        """A pool of the array that the link for replicas leads to."""
        self.parent("links")
        return self._linked.pools.create(**values).id

    def make(self, binder):
        """Makes an object: with the client's own defaults, or past it where no client of the REST API makes one."""
        past = self._past(binder)
        if past is not None:
            return past
        object_type = binder.object_type
        values = {}
        for field in object_type.fields:
            related = getattr(field.binding, "_collection_name", None)
            if field.creation_parameter and not field.optional and related:
                values[field.name] = self.parent(related)
        values.update(self._special(binder.system, object_type.get_plural_name()))
        if object_type.get_plural_name() == "ldap_configs":
            binder = self.system.ldap_configs
            define = getattr(binder, "define_open_ldap", None)  # older versions leave the schema to who calls
            return define(**values) if define else binder.define(repository_type="LDAP", **values)
        return binder.create(**values)

    def _past(self, binder):
        """An object that a hypervisor, a client of NFS or a host's port makes; None of another collection."""
        collection, n = binder.object_type.get_plural_name(), next(_count)
        if collection == "vms":
            return binder.get_by_id(self._test("POST", "vms", {"name": f"vm-{n}"})["id"])
        if collection == "vvols":
            return self._vvol(self.system.pools.create(type="VVOL"))
        if collection == "nlm_locks":
            taken = self._test("POST", "nlm_locks", {
                "filesystem_id": self.parent("filesystems").id, "file_path": f"/{n}", "client": "10.0.0.1", "owner": str(n)})
            return binder.get_by_id(taken["lock_id"])
        if collection == "initiators":
            address = f"210000e08b{n:06x}"
            self.system.hosts.create().add_port(address)
            return next(initiator for initiator in binder.to_list() if initiator.id == address)
        return None

    def _vvol(self, pool):
        """A vvol of a virtual machine."""
        made = self._test("POST", "vvols", {
            "name": f"vvol-{next(_count)}", "pool_id": pool.id, "size": 10**9, "vm_id": self.parent("vms").id, "guest_os": "linux"})
        return self.system.vvols.get_by_id(made["id"])

    def _group(self):
        """A replication group with a vvol in it."""
        group = self.make(self.system.replication_groups)
        self._test("POST", f"replication_groups/{group.id}/members", {"vvol_id": self._vvol(group.get_pool()).id})
        return group

    def _special(self, system, collection):  # pylint: disable=too-many-return-statements
        """What the client has no default for."""
        n = next(_count)
        if collection == "network_spaces":
            return {
                "interfaces": [system.network_interfaces.create(node_id=node) for node in (1, 2, 3)], "service": "RMR_SERVICE",
                "network_config": {"default_gateway": f"10.{n}.0.254", "netmask": 24, "network": f"10.{n}.0.0"}}
        if collection == "network_interfaces":
            return {"node_id": 1}
        if collection == "links":
            peer = self.peers.pop() if len(self.peers) > 1 else self.peers[0]
            self._linked = peer
            space = self.make(peer.network_spaces)
            address = space.get_network_config()["network"].rsplit(".", 1)[0] + ".1"
            space.add_ip_address(address)
            local = self.make(self.system.network_spaces)
            local.add_ip_address(local.get_network_config()["network"].rsplit(".", 1)[0] + ".1")
            return {"local_replication_network_space": local, "remote_host": address}
        if collection == "replicas":
            volume = self.make(self.system.volumes)
            return {
                "entity_type": "VOLUME", "remote_pool_id": self.far_pool(),
                "entity_pairs": [{"local_entity_id": volume.id, "remote_base_action": "CREATE"}]}
        if collection == "rg_replicas":
            return {"replication_group": self._group(), "remote_pool_id": self.far_pool(type="VVOL")}
        if collection == "s3_accounts":
            return {"pool": system.pools.create(type="S3")}
        if collection == "replication_groups":
            return {"pool": system.pools.create(type="VVOL")}
        return {
            "notification_targets": {"protocol": "SYSLOG", "host": "syslog.example.com", "transport": "UDP", "facility": "LOCAL0"},
            "notification_rules": {"event_level": ["ERROR"]},
            "qos_policies": {"type": "volume", "max_ops": 1000},
            "users": {"password": "Aa1!aaa123456"},
            "smb_users": {"password": "Aa1!aaa123456"},
            "nfs_users": {"uid": 1000 + n, "primary_gid": 1000 + n},
            "plugins": {
                "type": "VASA", "name": f"plugin-{n}", "version": "1", "api_redirect_suffix": f"suffix{n}",
                "management_url": "http://plugin.example.com", "max_sec_without_heartbeat": 60},
            "ldap_configs": {
                "name": f"ldap-{n}", "bind_username": "cn=admin", "bind_password": "x", "servers": ["ldap.example.com"],
                "domain_name": "example.com"},
            "sso_identity_providers": {"name": f"sso-{n}", "issuer": "https://sso.example.com", "sign_on_url": "https://sso.example.com/on"},
            "permissions": {"sid": "S-1-1-0", "access": "FULLCONTROL"},
            "schedules": {"type": "periodic", "retention": timedelta(days=1), "interval": timedelta(hours=1)},
        }.get(collection, {})
