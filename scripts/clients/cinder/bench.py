"""What a case stands on: a driver of its own, a cloud of its own, an array that all share."""
import contextlib
import itertools
import uuid

from cloud import Cloud, Configuration, exception, infinidat, new_id, version  # isort: skip
from infinisdk.core.exceptions import APICommandFailed

GIB = 2 ** 30
TB = 10 ** 12
POOL = "cinder-pool"
SPACE = "cinder-iscsi"
NETWORK = "10.50.0"
CASES = {}
_numbers = itertools.count(1)


def case(function):
    """Registers a case under the name of its function."""
    assert function.__name__ not in CASES, f"two cases are named {function.__name__}"
    CASES[function.__name__] = function
    return function


class PreconditionFailed(Exception):
    """Says that what a case stands on could not be had."""


def describe(error):
    """Returns one line on an exception; for an error of the SDK it says which request was answered how."""
    failed = sdk_error(error)
    if failed is not None:
        path = failed.response.url.path.removeprefix("/api/rest/")
        text = f"{failed.response.method} {path}: {failed.status_code} {failed.error_code} {failed.message}"
    else:
        text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    if isinstance(error, PreconditionFailed):
        return text
    return f"{type(error).__name__}: {text}".removesuffix(": ")


def sdk_error(error):
    """Returns the failure of the SDK's that an exception is, or that the driver made it of; else None."""
    if isinstance(error, exception.VolumeBackendAPIException):
        error = error.__context__
    return error if isinstance(error, APICommandFailed) else None


@contextlib.contextmanager
def precondition(what):
    """Marks what a case needs and is not about."""
    try:
        yield
    except PreconditionFailed:
        raise
    except Exception as error:
        raise PreconditionFailed(f"precondition, {what}: {describe(error)}") from error


def equal(got, want, what):
    """Asserts that two values are equal."""
    assert got == want, f"{what}: got {got!r}, want {want!r}"


def raises(kind, call, *arguments, **keywords):
    """Asserts that a call raises an exception of that very kind, and returns it."""
    try:
        call(*arguments, **keywords)
    except kind as error:
        return error
    raise AssertionError(f"{call.__name__} did not raise {kind.__name__}")


def refused(method, path, call, *arguments):
    """Asserts that the array refused one request of the driver's, which the driver passed on as Cinder's exception."""
    failed = sdk_error(raises(exception.VolumeBackendAPIException, call, *arguments))
    assert failed is not None, "the driver's exception did not come from the array"
    equal((failed.response.method.upper(), failed.response.url.path), (method, f"/api/rest/{path}"), "the request that was refused")
    assert failed.status_code >= 400, f"{method} {path}: {failed.status_code}"


def volume_name(volume):
    """Returns the name on the array of a volume of Cinder's."""
    return f"openstack-vol-{volume.name_id}"


def snapshot_name(snapshot):
    """Returns the name on the array of a snapshot of Cinder's."""
    return f"openstack-snap-{snapshot.id}"


def group_name(group):
    """Returns the name on the array of a group of Cinder's."""
    return f"openstack-cg-{group.id}"


def group_snapshot_name(group_snapshot):
    """Returns the name on the array of a group snapshot of Cinder's."""
    return f"openstack-group-snap-{group_snapshot.id}"


def host_name(port):
    """Returns the name on the array of the host of one port."""
    return f"openstack-host-{port.replace(':', '.')}"


def marks(cinder_object):
    """Returns the metadata that the driver puts on what it makes for an object of Cinder's."""
    release = version.version_info.release_string()
    return {"system": "openstack", "openstack_version": release, "cinder_id": cinder_object.id, "cinder_name": cinder_object.name,
            "host.created_by": f"cinder/{release}"}


def connector():
    """Returns the connector of a new compute host, with an iSCSI initiator and two FC ports."""
    number = next(_numbers)
    return {"host": f"compute-{number}", "ip": "10.60.0.1", "system uuid": new_id(), "multipath": False, "platform": "x86_64",
            "os_type": "linux", "initiator": f"iqn.1994-05.com.redhat:{uuid.uuid4().hex[:12]}",
            "wwpns": [f"21000024ff{number:04x}{port:02x}" for port in (1, 2)]}


def make_space(box, name, network, count=3):
    """Makes an iSCSI network space with that many addresses, and returns it."""
    interfaces = [one["id"] for one in box.all("network/interfaces")][:3]
    space = box.post("network/spaces", {
        "name": name, "service": "ISCSI_SERVICE", "interfaces": interfaces,
        "network_config": {"netmask": 24, "network": f"{network}.0", "default_gateway": f"{network}.254"}})
    for number in range(1, count + 1):
        box.post(f"network/spaces/{space['id']}/ips", f"{network}.{number}")
    return box.get(f"network/spaces/{space['id']}")


def portals(space):
    """Returns the portals of a network space, as a host is told them."""
    port = space["properties"]["iscsi_tcp_port"]
    return [f"{ip['ip_address']}:{port}" for ip in space["ips"] if ip["enabled"]]


class Lab:
    """What all cases share: an array, a pool, a network space, and why one of them is missing."""

    def __init__(self, box, locks):
        self.box, self.locks = box, locks
        self.missing = {}
        self.pool = self._prepare("pool", lambda: make_pool(box, POOL, 8 * TB))
        self.space = self._prepare("space", lambda: make_space(box, SPACE, NETWORK))

    def _prepare(self, what, make):
        """Makes one shared thing, or keeps the reason why there is none."""
        try:
            return make()
        except Exception as error:  # pylint: disable=broad-exception-caught
            self.missing[what] = describe(error)
            return None


def make_pool(box, name, size=TB):
    """Makes a pool."""
    return box.post("pools", {"name": name, "physical_capacity": size, "virtual_capacity": size})


class Bench:  # pylint: disable=too-many-public-methods
    """One case's own view of the lab."""

    def __init__(self, lab):
        self.lab, self.box, self.cloud = lab, lab.box, Cloud(lab.box)

    def __enter__(self):
        self.cloud.connector = connector()
        self.cloud.__enter__()
        return self

    def __exit__(self, *error):
        self.cloud.__exit__(*error)

    def _shared(self, what):
        """Returns a shared thing, if it could be made."""
        if what in self.lab.missing:
            raise PreconditionFailed(f"precondition, the {what}: {self.lab.missing[what]}")
        return getattr(self.lab, what)

    @property
    def pool(self):
        """Is the pool that drivers use unless they are told another."""
        return self._shared("pool")

    @property
    def space(self):
        """Is the network space that iSCSI goes through."""
        return self._shared("space")

    def new_driver(self, **options):
        """Returns a driver that has not been set up; its protocol is iSCSI unless it is told another."""
        values = {
            "san_login": self.box.username, "san_password": self.box.password, "infinidat_pool_name": self.pool["name"],
            "infinidat_storage_protocol": "iscsi", "infinidat_iscsi_netspaces": [SPACE], "volume_backend_name": "infinibox",
            "driver_use_ssl": self.box.tls}
        chosen = {name: value for name, value in (values | options).items() if value is not None}
        return infinidat.InfiniboxVolumeDriver(configuration=Configuration(self.box.address, **chosen))

    def driver(self, **options):
        """Returns a driver that is ready for work."""
        with precondition("a driver that is set up"):
            driver = self.new_driver(**options)
            driver.do_setup(self.cloud.context)
            driver.check_for_setup_error()
            return driver

    def iscsi_driver(self, **options):
        """Returns a driver that is ready for work over the shared network space."""
        self._shared("space")
        return self.driver(**options)

    def new_pool(self):
        """Returns a pool of the case's own."""
        with precondition("another pool"):
            return make_pool(self.box, f"pool-{new_id()}")

    def raw_volume(self, pool=None, **fields):
        """Returns a volume that somebody else made on the array."""
        with precondition("a volume that Cinder does not know"):
            body = {"name": f"legacy-{new_id()}", "size": GIB, "pool_id": (pool or self.pool)["id"], "provtype": "THIN"}
            return self.box.post("volumes", body | fields)

    def raw_snapshot(self, parent):
        """Returns a snapshot that somebody else made on the array."""
        with precondition("a snapshot that Cinder does not know"):
            return self.box.post("volumes", {"name": f"legacy-snap-{new_id()}", "parent_id": parent["id"]})

    def raw_mapping(self, dataset):
        """Maps a dataset to a host that somebody else made."""
        with precondition("a mapping that Cinder does not know"):
            host = self.box.post("hosts", {"name": f"legacy-host-{new_id()}"})
            self.box.post(f"hosts/{host['id']}/luns", {"volume_id": dataset["id"]})

    def volume(self, driver, size=1, **fields):
        """Returns a volume that the driver made."""
        with precondition("a volume"):
            volume = self.cloud.volume(size, **fields)
            driver.create_volume(volume)
            self.stored(volume)
            return volume

    def snapshot(self, driver, volume):
        """Returns a snapshot that the driver made."""
        with precondition("a snapshot"):
            snapshot = self.cloud.snapshot(volume)
            driver.create_snapshot(snapshot)
            self.stored_snapshot(snapshot)
            return snapshot

    def attached(self, driver, volume, connection):
        """Attaches a volume, and returns what the driver tells the host."""
        with precondition("an attached volume"):
            return driver.initialize_connection(volume, connection)

    def group(self, driver, *volumes):
        """Returns a consistency group that the driver made, with members."""
        with precondition("a consistency group"):
            group = self.cloud.group()
            driver.create_group(self.cloud.context, group)
            driver.update_group(self.cloud.context, group, add_volumes=list(volumes))
            return group

    def group_snapshot(self, driver, group, volumes):
        """Returns a group snapshot that the driver made, and its snapshots."""
        with precondition("a group snapshot"):
            group_snapshot = self.cloud.group_snapshot(group)
            snapshots = [self.cloud.snapshot(volume, group_snapshot_id=group_snapshot.id) for volume in volumes]
            driver.create_group_snapshot(self.cloud.context, group_snapshot, snapshots)
            return group_snapshot, snapshots

    def stored(self, volume):
        """Returns what the array has for a volume of Cinder's."""
        return self.box.the("volumes", volume_name(volume))

    def stored_snapshot(self, snapshot):
        """Returns what the array has for a snapshot of Cinder's."""
        return self.box.the("volumes", snapshot_name(snapshot))

    def gone(self, kind, name, identity):
        """Asserts that the array has an object no more, neither by its name nor by its id."""
        equal(self.box.named(kind, name), None, f"{kind} named {name}")
        equal(self.box.all(kind, id=identity), [], f"{kind} of the id {identity}")

    def members(self, group):
        """Returns the ids of the members of a group on the array."""
        return sorted(one["id"] for one in self.box.all(f"cgs/{group['id']}/members"))

    def mapped(self, dataset):
        """Returns {host id: LUN} of a dataset, once all views that the array gives of it agree."""
        identity = dataset["id"]
        units = self.box.all(f"volumes/{identity}/luns")
        seen = {unit["host_id"]: unit["lun"] for unit in units}
        equal(len(seen), len(units), f"LUNs of {identity}, one for a host")
        equal(self.box.get(f"volumes/{identity}")["mapped"], bool(seen), f"mapped of {identity}")
        there = {}
        for host in self.box.all("hosts"):
            luns = [unit["lun"] for unit in host["luns"]]
            here = [unit["lun"] for unit in host["luns"] if unit["volume_id"] == identity]
            if here:
                equal(len(set(luns)), len(luns), f"LUNs of host {host['id']}, each once")
                equal(len(here), 1, f"LUNs of {identity} in host {host['id']}")
                there[host["id"]] = here[0]
        equal(there, seen, f"LUNs of {identity} as its hosts have them")
        return seen
