"""OpenStack's own side of the driver: the database and the host that Cinder runs on.

The driver, its configuration, its locks and the objects that it is given are
Cinder's own. What stands here in for the rest of an OpenStack is only what
would ask a database or a Linux host.
"""
import contextlib
import logging
import os
import tempfile
import uuid
import warnings
from unittest import mock

warnings.filterwarnings("ignore")  # of the libraries, on their own future

# pylint: disable=wrong-import-position
import logbook  # noqa: E402
from cinder import context, coordination, exception, objects, version  # noqa: E402, F401  pylint: disable=unused-import
from oslo_config import cfg  # noqa: E402

objects.register_all()  # before the driver is imported, which reads names that this defines

from cinder.objects import base  # noqa: E402, F401  pylint: disable=unused-import
from cinder.volume import configuration, driver, group_types, volume_types, volume_utils  # noqa: E402
from cinder.volume.drivers import infinidat  # noqa: E402
from cinder.volume.drivers.san import san  # noqa: E402

CONSISTENT = {"consistent_group_snapshot_enabled": "<is> True"}
CINDER_HOST = "cinder@infinibox#infinibox"


def new_id():
    """Returns a UUID as Cinder writes it."""
    return str(uuid.uuid4())


def start(folder):
    """Starts what a Cinder process starts once: configuration, silence, and locks in files."""
    logbook.NullHandler().push_application()
    logging.getLogger().addHandler(logging.NullHandler())
    logging.getLogger().setLevel(logging.CRITICAL)
    cfg.CONF([], project="cinder", version=version.version_string(), default_config_files=[], default_config_dirs=[])
    locks = tempfile.mkdtemp(prefix="locks-", dir=folder)
    cfg.CONF.set_override("state_path", folder)
    cfg.CONF.set_override("backend_url", f"file://{locks}", group="coordination")
    coordination.COORDINATOR.start()
    return locks


def stop():
    """Ends what start began."""
    coordination.COORDINATOR.stop()


class Configuration(configuration.Configuration):
    """Cinder's configuration of a back end, whose address also has a port: the option takes a bare host."""

    def __init__(self, address, **options):
        group = f"infinibox-{new_id()}"
        super().__init__(driver.volume_opts + san.san_opts + infinidat.infinidat_opts, config_group=group)
        self.append_config_values(driver.image_opts)
        self.san_ip = address
        for name, value in options.items():
            cfg.CONF.set_override(name, value, group=group)


class Device:
    """A host's connector, which finds a LUN under a path."""

    def __init__(self, cloud):
        self.cloud = cloud

    def connect_volume(self, data):
        """Finds the device of a LUN."""
        path = f"/dev/disk/by-path/lun-{data['target_lun']}"
        self.cloud.devices.append(path)
        return {"type": "block", "path": path}

    def check_valid_device(self, path, _run_as_root=True):
        """Says whether a device is there."""
        return path in self.cloud.devices

    def disconnect_volume(self, _data, device):
        """Lets go of the device of a LUN."""
        self.cloud.devices.remove(device["path"])


class Cloud:  # pylint: disable=too-many-instance-attributes
    """An OpenStack around one case: its database, its host, its objects."""

    def __init__(self, box):
        self.box = box
        self.context = context.get_admin_context()
        self.groups, self.group_types, self.qos, self.known = {}, {}, {}, set()
        self.devices, self.copies, self.broken_copy = [], [], None
        self.connector = None
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        for target, name, standing_in in (
                (group_types, "get_group_type_specs", self._group_type_specs),
                (volume_types, "get_volume_type_qos_specs", self._qos_specs),
                (volume_utils, "group_get_by_id", self._group),
                (objects.Volume, "exists", self._exists),
                (objects.Snapshot, "exists", self._exists),
                (volume_utils, "brick_get_connector_properties", self._connector_properties),
                (volume_utils, "brick_get_connector", self._connector),
                (volume_utils, "copy_volume", self._copy)):
            self.stack.enter_context(mock.patch.object(target, name, standing_in))
        return self

    def __exit__(self, *_error):
        self.stack.close()

    def _group_type_specs(self, identity, key=False):
        """Stands in for the database's group types."""
        specs = self.group_types[identity]
        return specs.get(key, False) if key else specs

    def _qos_specs(self, identity):
        """Stands in for the database's volume types."""
        return {"qos_specs": self.qos.get(identity)}

    def _group(self, identity):
        """Stands in for the database's groups."""
        return self.groups[identity]

    def _exists(self, _context, identity):
        """Stands in for the database's volumes and snapshots."""
        return identity in self.known

    def _connector_properties(self, *_arguments):
        """Stands in for the host that Cinder runs on."""
        return self.connector

    def _connector(self, *_arguments, **_keywords):
        """Stands in for the host's way to its devices."""
        return Device(self)

    def _copy(self, source, target, megabytes, _block_size, **_keywords):
        """Stands in for dd: notes which datasets the host sees under the two paths."""
        name = f"openstack-host-{self.connector['initiator']}".replace(":", ".")
        seen = {unit["lun"]: unit["volume_id"] for unit in self.box.the("hosts", name)["luns"]}
        (here, there) = [seen.get(int(os.path.basename(path).removeprefix("lun-"))) for path in (source, target)]
        self.copies.append((here, there, megabytes))
        if self.broken_copy:
            raise self.broken_copy

    def volume_type(self, specs, consumer="back-end"):
        """Returns the id of a new volume type, and the id of its QoS specs."""
        (type_id, specs_id) = (new_id(), new_id())
        self.qos[type_id] = {"id": specs_id, "consumer": consumer, "specs": specs}
        return type_id, specs_id

    def volume(self, size=1, **fields):
        """Returns a volume of Cinder's, of which the array knows nothing yet."""
        identity = new_id()
        values = {"id": identity, "_name_id": None, "size": size, "display_name": f"volume {identity[:8]}", "host": CINDER_HOST,
                  "status": "available", "metadata": {}, "volume_type_id": None, "group_id": None, "multiattach": False,
                  "volume_attachment": objects.VolumeAttachmentList(self.context, objects=[])}
        return objects.Volume(context=self.context, **(values | fields))

    def snapshot(self, volume, **fields):
        """Returns a snapshot of Cinder's, of which the array knows nothing yet."""
        identity = new_id()
        values = {"id": identity, "volume_id": volume.id, "volume": volume, "volume_size": volume.size, "status": "available",
                  "display_name": f"snapshot {identity[:8]}", "metadata": {}, "volume_type_id": None, "group_snapshot_id": None}
        return objects.Snapshot(context=self.context, **(values | fields))

    def group(self, consistent=True):
        """Returns a group of Cinder's, by its type a consistent one or a generic one."""
        (identity, kind) = (new_id(), new_id())
        self.group_types[kind] = CONSISTENT if consistent else {}
        self.groups[identity] = objects.Group(
            context=self.context, id=identity, name=f"group {identity[:8]}", description="", user_id="user", project_id="project",
            group_type_id=kind, status="available", host=CINDER_HOST)
        return self.groups[identity]

    def group_snapshot(self, group):
        """Returns a group snapshot of Cinder's."""
        identity = new_id()
        return objects.GroupSnapshot(
            context=self.context, id=identity, name=f"group snapshot {identity[:8]}", description="", user_id="user",
            project_id="project", group_id=group.id, group=group, group_type_id=group.group_type_id, status="available")

    def attach(self, volume, *connectors):
        """Gives a volume its attachments, one for each connector."""
        found = [objects.VolumeAttachment(
            context=self.context, id=new_id(), volume_id=volume.id, instance_uuid=new_id(), attach_status="attached",
            attach_mode="rw", connector=connector) for connector in connectors]
        volume.volume_attachment = objects.VolumeAttachmentList(self.context, objects=found)
