"""Sweeps through every object type that InfiniSDK knows, from its own field
tables: create, list, filter, sort, getters, update, delete.

    run.py BIN OUT [PROFILE]

Each case is one type and one operation. What the client says of a field decides
what is tried: whether it is filterable, sortable, mutable, hidden, and open in
the array's version.
"""
import itertools
import os
import sys
from datetime import timedelta
from urllib.parse import urlsplit

import capacity
from infinisdk import InfiniBox
from infinisdk.core.api.special_values import SpecialValue
from infinisdk.core.config import config
from infinisdk.core.exceptions import APICommandFailed

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import common  # noqa: E402  pylint: disable=wrong-import-position

_count = itertools.count(1)


class World:
    """An array, others that it can be linked to, and the parents that objects need."""

    def __init__(self, control, system, peers):
        self.control = control
        self.system = system
        self.peers = peers
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
        """Makes an object with the client's own defaults."""
        object_type = binder.object_type
        values = {}
        for field in object_type.fields:
            related = getattr(field.binding, "_collection_name", None)
            if field.creation_parameter and not field.optional and related:
                values[field.name] = self.parent(related)
        values.update(self._special(binder.system, object_type.get_plural_name()))
        if object_type.get_plural_name() == "ldap_configs":
            return self.system.ldap_configs.define_open_ldap(**values)
        return binder.create(**values)

    def found(self, binder):
        """An object of a collection that only the array fills, or a hypervisor; a port of a host is an initiator."""
        if binder.object_type.get_plural_name() in HYPERVISOR:
            return self.hypervised(binder)
        if binder.object_type.get_plural_name() == "initiators":
            self.system.hosts.create().add_port(f"210000e08b{next(_count):06x}")
        return binder.to_list()[0]

    def hypervised(self, binder):
        """What a hypervisor makes over VASA, which no client speaks: the tester does it."""
        n = next(_count)
        if binder.object_type.get_plural_name() == "vms":
            made = self.control("vms", {"name": f"vm-{n}"})
        else:
            made = self.control("vvols", {
                "name": f"vvol-{n}", "pool_id": self.system.pools.create(type="VVOL").id, "size": 10**9, "guest_os": "other",
                "vm_id": self.hypervised(self.binder("vms")).id})
        return binder.get_by_id(made["id"])

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
        if collection == "s3_accounts":
            return {"pool": system.pools.create(type="S3")}
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
            "replication_groups": {"pool": self.system.pools.create(type="VVOL")} if collection == "replication_groups" else {},
            "rg_replicas": {"remote_pool_id": self.far_pool(type="VVOL")} if collection == "rg_replicas" else {},
        }.get(collection, {})


def visible(system, field):
    """Whether the array is to have the field."""
    return not field.hidden and system.is_field_supported(field)


def value_of(thing, field):
    """The field as the array has it now."""
    return thing.get_field(field.name, from_cache=False)


def simple(value):
    """Whether a value can stand in a filter."""
    return isinstance(value, (bool, int, float, str, capacity.Capacity)) and value != ""


def check_none(binder, _):
    """The collection is there, with nothing in it."""
    assert binder.to_list() == [] and binder.count() == 0, "an array by itself has some"


def check_list(binder, thing):
    """List, count, pages, one by its id."""
    listed = [o.id for o in binder.to_list()]
    assert thing.id in listed, "the object is not listed"
    assert len(listed) == binder.count(), "count differs from the list"
    paged = [o.id for o in binder.find().page_size(1)]
    assert sorted(map(str, paged)) == sorted(map(str, listed)), "pages of one differ from the list"
    assert binder.get_by_id(thing.id) == thing, "get_by_id finds another"


def check_filter(binder, thing):
    """Every filterable field finds the object by its value, and leaves it out by another."""
    for field in binder.fields:
        if not field.is_filterable or not visible(thing.system, field):
            continue
        value = value_of(thing, field)
        if not simple(value):
            continue
        try:
            found = [o.id for o in binder.find(field == value)]
            others = [o.id for o in binder.find(field != value)]
        except APICommandFailed as e:
            raise AssertionError(f"{field.name}: {e.message}") from e
        assert thing.id in found, f"{field.name}={value!r} does not find it"
        assert thing.id not in others, f"{field.name}!={value!r} finds it"


def check_sort(binder, thing):
    """Every sortable field orders the list, up and down."""
    count = binder.count()
    for field in binder.fields:
        if not field.is_sortable or not visible(thing.system, field):
            continue
        try:
            up = binder.find().sort(+field).to_list()
            down = binder.find().sort(-field).to_list()
        except APICommandFailed as e:
            raise AssertionError(f"{field.name}: {e.message}") from e
        assert len(up) == len(down) == count, f"{field.name}: sorting changes the number of objects"
        numbers = [v for v in (o.get_field(field.name, from_cache=False) for o in up) if isinstance(v, (int, capacity.Capacity)) and not isinstance(v, bool)]
        assert numbers == sorted(numbers), f"{field.name}: {numbers} is not in order"


def check_getters(binder, thing):
    """Every field can be read, by itself and with all others."""
    for field in binder.fields:
        if not visible(thing.system, field):
            continue
        try:
            value_of(thing, field)
        except Exception as e:  # pylint: disable=broad-except
            raise AssertionError(f"{field.name}: {type(e).__name__}: {e}") from e
    thing.get_fields(from_cache=False)


def other(field, value):
    """A legal value of a field besides the one it has, None for none that the type tells."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, capacity.Capacity):
        return value * 2
    if isinstance(value, int) and field.name not in ("tenant",):
        return value + 1
    if isinstance(value, str) and field.name in ("name", "email", "description", "suffix", "host"):
        return f"changed-{next(_count)}"
    return None


def check_update(binder, thing):
    """Every mutable field whose type tells a legal value can be changed and is read back."""
    for field in binder.fields:
        if not field.mutable or not visible(thing.system, field):
            continue
        was = value_of(thing, field)
        new = other(field, was)
        if new is None or isinstance(new, SpecialValue):
            continue
        try:
            thing.update_field(field.name, new)
        except APICommandFailed as e:
            raise AssertionError(f"{field.name}={new!r}: {e.message}") from e
        got = value_of(thing, field)
        assert got == new, f"{field.name}: {got!r}, not {new!r}"
        if isinstance(was, bool):
            thing.update_field(field.name, was)


def check_delete(binder, thing):
    """It goes, and stays gone."""
    thing.delete()
    assert not thing.is_in_system(), "it is still there"
    try:
        thing.delete()
    except APICommandFailed as e:
        assert e.status_code == 404, f"a second delete answers {e.status_code}"
    else:
        raise AssertionError("a second delete succeeds")
    assert thing.id not in [o.id for o in binder.to_list()], "it is still listed"


READS = (("list", check_list), ("filter", check_filter), ("sort", check_sort), ("getters", check_getters))
WRITES = (("update", check_update), ("delete", check_delete))
# What the array makes by itself, and what only other protocols' clients leave on it.
FOUND = ("fc_switches", "initiators")
HYPERVISOR = ("vms", "vvols")
FOREIGN = ("nlm_locks",)


def reason(error):
    """An exception in a line."""
    if isinstance(error, APICommandFailed):
        return f"{error.status_code} {error.error_code}: {error.message}"
    return f"{type(error).__name__}: {error}"


def sweep_type(world, record, object_type):
    """All cases of a type of object."""
    collection = object_type.get_plural_name()
    try:
        if not object_type.is_supported(world.system):
            return
        binder = world.binder(collection)
    except Exception as e:  # pylint: disable=broad-except
        record(f"{collection}.create", False, reason(e))
        return
    if collection in FOREIGN:
        run_checks(record, collection, binder, None, (("list", check_none),))
        return
    checks, found = READS if collection in FOUND else READS + WRITES, collection in FOUND + HYPERVISOR
    try:
        thing = world.found(binder) if found else world.make(binder)
    except Exception as e:  # pylint: disable=broad-except
        for name in ("create",) * (not found) + tuple(name for name, _ in checks):
            record(f"{collection}.{name}", False, reason(e) if name == "create" or found else "not created")
        return
    if not found:
        record(f"{collection}.create", True)
    run_checks(record, collection, binder, thing, checks)


def run_checks(record, collection, binder, thing, checks):
    """Runs checks and records each."""
    for name, check in checks:
        try:
            check(binder, thing)
        except Exception as e:  # pylint: disable=broad-except
            record(f"{collection}.{name}", False, reason(e))
        else:
            record(f"{collection}.{name}", True)


def main():
    """Sweeps through all types."""
    program, out, *profile = sys.argv[1:]
    client = "sweep" + "".join(f"-{p}" for p in profile)
    flags = ["--arrays", "4", "--links", "none"] + (["--profile", profile[0]] if profile else [])
    config.root.check_version_compatibility = False

    def record(case, passed, detail=""):
        common.record(out, client, case, passed, detail)

    with common.server(program, *flags) as ready:
        systems = []
        for array in ready["arrays"]:
            # Off in the releases whose lists of features are public.
            common.control(ready["control"], "PUT", f"arrays/{array['key']}/features/vvol_replication", {"enabled": True})
            url = urlsplit(array["url"])
            system = InfiniBox((url.hostname, url.port), auth=(array["username"], array["password"]))
            system.login()
            systems.append(system)
        for peer in systems[1:]:
            systems[0].register_related_system(peer)
        first = ready["arrays"][0]["key"]
        world = World(
            lambda path, body: common.control(ready["control"], "POST", f"arrays/{first}/{path}", body), systems[0], systems[1:])
        for object_type in InfiniBox.OBJECT_TYPES + InfiniBox.SUB_OBJECT_TYPES:
            sweep_type(world, record, object_type)
        for name in sorted(t.get_plural_name() for t in systems[0].components.get_component_types()):
            binder = getattr(systems[0].components, name)
            run_checks(record, f"components.{name}", binder, binder.to_list()[0], READS)
        events = systems[0].events
        run_checks(record, "events", events, events.to_list()[0], READS)
        common.drove(out, client, ready["control"])


if __name__ == "__main__":
    main()
