"""Cases on volumes, snapshots, copies and quality of service."""
from bench import GIB, case, equal, host_name, marks, precondition, raises, refused, snapshot_name, volume_name
from cinder import exception


@case
def create_volume(bench):
    """A volume is thin, has the size that was asked for and is in the driver's pool."""
    driver = bench.driver()
    volume = bench.cloud.volume(size=3)
    driver.create_volume(volume)
    stored = bench.stored(volume)
    for field, want in (("size", 3 * GIB), ("pool_id", bench.pool["id"]), ("pool_name", bench.pool["name"]), ("provtype", "THIN"),
                        ("type", "MASTER"), ("has_children", False), ("mapped", False)):
        equal(stored[field], want, field)


@case
def create_volume_thick(bench):
    """A back end that is not thin makes thick volumes."""
    driver = bench.driver(san_thin_provision=False)
    equal(driver.get_volume_stats()["thick_provisioning_support"], True, "thick support")
    volume = bench.cloud.volume()
    driver.create_volume(volume)
    equal(bench.stored(volume)["provtype"], "THICK", "provtype")


@case
def create_volume_metadata(bench):
    """A volume carries the metadata that the driver puts on it."""
    driver = bench.driver()
    volume = bench.cloud.volume()
    driver.create_volume(volume)
    equal(bench.box.metadata(bench.stored(volume)["id"]), marks(volume), "metadata")


@case
def create_volume_compressed(bench):
    """A back end that compresses makes compressed volumes."""
    driver = bench.driver(infinidat_use_compression=True)
    volume = bench.cloud.volume()
    driver.create_volume(volume)
    equal(bench.stored(volume)["compression_enabled"], True, "compression")


@case
def create_volume_uncompressed(bench):
    """A back end that does not compress makes volumes that are not."""
    driver = bench.driver(infinidat_use_compression=False)
    volume = bench.cloud.volume()
    driver.create_volume(volume)
    equal(bench.stored(volume)["compression_enabled"], False, "compression")


@case
def create_volume_compression_inherited(bench):
    """A back end that says nothing of compression leaves it to the pool."""
    driver = bench.driver()
    volume = bench.cloud.volume()
    driver.create_volume(volume)
    equal(bench.stored(volume)["compression_enabled"], bench.pool["compression_enabled"], "compression")


@case
def create_volume_name_conflict(bench):
    """A second volume of the same name is refused, and the first one stays as it is."""
    driver = bench.driver()
    volume = bench.volume(driver, size=2)
    before = bench.stored(volume)
    refused("POST", "volumes", driver.create_volume, bench.cloud.volume(size=1, id=volume.id))
    equal(bench.stored(volume), before, "the volume")


@case
def create_volume_missing_pool(bench):
    """A volume in a pool that does not exist is refused by the driver itself."""
    volume = bench.cloud.volume()
    raises(exception.VolumeDriverException, bench.driver(infinidat_pool_name="no-such-pool").create_volume, volume)
    equal(bench.box.named("volumes", volume_name(volume)), None, "the volume")


@case
def qos_back_end(bench):
    """QoS specs of the back end become a policy that is assigned to the volume."""
    driver = bench.driver()
    (type_id, specs_id) = bench.cloud.volume_type({"maxIOPS": "20000", "maxBWS": "104857600"})
    volume = bench.cloud.volume(volume_type_id=type_id)
    driver.create_volume(volume)
    policy = bench.box.the("qos/policies", specs_id)
    equal((policy["type"], policy["max_ops"], policy["max_bps"]), ("VOLUME", 20000, 104857600), "the policy")
    equal(bench.stored(volume)["qos_policy_id"], policy["id"], "qos_policy_id")


@case
def qos_policy_is_shared(bench):
    """Two volumes of one type share one policy."""
    driver = bench.driver()
    (type_id, specs_id) = bench.cloud.volume_type({"maxIOPS": "20000", "maxBWS": "104857600"}, consumer="both")
    volumes = [bench.cloud.volume(volume_type_id=type_id) for _ in range(2)]
    for volume in volumes:
        driver.create_volume(volume)
    policy = bench.box.the("qos/policies", specs_id)
    equal([bench.stored(volume)["qos_policy_id"] for volume in volumes], [policy["id"]] * 2, "qos_policy_id")


@case
def qos_with_one_limit(bench):
    """A limit that the specs leave out is none."""
    driver = bench.driver()
    (type_id, specs_id) = bench.cloud.volume_type({"maxIOPS": "20000"})
    volume = bench.cloud.volume(volume_type_id=type_id)
    driver.create_volume(volume)
    policy = bench.box.the("qos/policies", specs_id)
    equal((policy["max_ops"], policy["max_bps"]), (20000, None), "the policy")
    equal(bench.stored(volume)["qos_policy_id"], policy["id"], "qos_policy_id")


@case
def qos_front_end(bench):
    """QoS specs of the front end are none of the array's business."""
    driver = bench.driver()
    (type_id, specs_id) = bench.cloud.volume_type({"maxIOPS": "20000"}, consumer="front-end")
    volume = bench.cloud.volume(volume_type_id=type_id)
    driver.create_volume(volume)
    equal(bench.stored(volume)["qos_policy_id"], None, "qos_policy_id")
    equal(bench.box.named("qos/policies", specs_id), None, "the policy")


@case
def delete_volume(bench):
    """A volume goes for good."""
    driver = bench.driver()
    volume = bench.volume(driver)
    identity = bench.stored(volume)["id"]
    driver.delete_volume(volume)
    bench.gone("volumes", volume_name(volume), identity)


@case
def delete_volume_missing(bench):
    """Deletion of a volume that is not there is quiet."""
    driver = bench.driver()
    other = bench.volume(driver)
    before = bench.stored(other)
    driver.delete_volume(bench.cloud.volume())
    equal(bench.stored(other), before, "another volume")


@case
def delete_volume_raced(bench):
    """Deletion is quiet too if the volume goes after the driver found it."""
    driver = bench.driver()
    volume = bench.volume(driver)
    identity = bench.stored(volume)["id"]
    find = driver._get_infinidat_volume  # pylint: disable=protected-access

    def find_then_lose(cinder_volume):
        found = find(cinder_volume)
        bench.box.delete(f"volumes/{identity}")
        return found

    driver._get_infinidat_volume = find_then_lose  # pylint: disable=protected-access
    driver.delete_volume(volume)
    bench.gone("volumes", volume_name(volume), identity)


@case
def delete_volume_busy(bench):
    """A volume with a snapshot is busy, and both stay."""
    driver = bench.driver()
    volume = bench.volume(driver)
    snapshot = bench.snapshot(driver, volume)
    equal(bench.stored(volume)["has_children"], True, "has_children")
    raises(exception.VolumeIsBusy, driver.delete_volume, volume)
    equal(bench.stored_snapshot(snapshot)["parent_id"], bench.stored(volume)["id"], "parent_id")


@case
def extend_volume(bench):
    """A volume grows to the size asked for and stays the same volume."""
    driver = bench.driver()
    volume = bench.volume(driver, size=1)
    before = bench.stored(volume)
    driver.extend_volume(volume, 5)
    after = bench.stored(volume)
    equal((after["id"], after["size"]), (before["id"], 5 * GIB), "id and size")
    equal(bench.box.metadata(after["id"]), marks(volume), "metadata")


@case
def create_snapshot(bench):
    """A snapshot is a child of its volume, of the same size, in the same pool."""
    driver = bench.driver()
    volume = bench.volume(driver, size=2)
    snapshot = bench.cloud.snapshot(volume)
    driver.create_snapshot(snapshot)
    parent = bench.stored(volume)
    stored = bench.stored_snapshot(snapshot)
    for field, want in (("type", "SNAPSHOT"), ("parent_id", parent["id"]), ("size", parent["size"]),
                        ("pool_id", parent["pool_id"]), ("has_children", False)):
        equal(stored[field], want, field)
    equal((parent["type"], parent["has_children"]), ("MASTER", True), "the parent")


@case
def create_snapshot_metadata(bench):
    """A snapshot carries metadata of its own, not its parent's."""
    driver = bench.driver()
    volume = bench.volume(driver)
    snapshot = bench.cloud.snapshot(volume)
    driver.create_snapshot(snapshot)
    equal(bench.box.metadata(bench.stored_snapshot(snapshot)["id"]), marks(snapshot), "metadata of the snapshot")
    equal(bench.box.metadata(bench.stored(volume)["id"]), marks(volume), "metadata of the volume")


@case
def create_snapshot_name_conflict(bench):
    """A second snapshot of the same name is refused, and the first one stays as it is."""
    driver = bench.driver()
    volume = bench.volume(driver)
    snapshot = bench.snapshot(driver, volume)
    before = bench.stored_snapshot(snapshot)
    refused("POST", "volumes", driver.create_snapshot, bench.cloud.snapshot(volume, id=snapshot.id))
    equal(bench.stored_snapshot(snapshot), before, "the snapshot")
    equal(len(bench.box.all("volumes", parent_id=before["parent_id"])), 1, "snapshots of the volume")


@case
def create_snapshot_of_missing_volume(bench):
    """A snapshot of a volume that is not there is refused by the driver itself."""
    driver = bench.driver()
    snapshot = bench.cloud.snapshot(bench.cloud.volume())
    raises(exception.VolumeNotFound, driver.create_snapshot, snapshot)
    equal(bench.box.named("volumes", snapshot_name(snapshot)), None, "the snapshot")


@case
def delete_snapshot(bench):
    """A snapshot goes for good, and its parent has no children then."""
    driver = bench.driver()
    volume = bench.volume(driver)
    snapshot = bench.snapshot(driver, volume)
    identity = bench.stored_snapshot(snapshot)["id"]
    driver.delete_snapshot(snapshot)
    bench.gone("volumes", snapshot_name(snapshot), identity)
    equal(bench.stored(volume)["has_children"], False, "has_children")


@case
def delete_snapshot_missing(bench):
    """Deletion of a snapshot that is not there is quiet."""
    driver = bench.driver()
    volume = bench.volume(driver)
    other = bench.snapshot(driver, volume)
    driver.delete_snapshot(bench.cloud.snapshot(volume))
    equal(bench.stored_snapshot(other)["parent_id"], bench.stored(volume)["id"], "another snapshot")


@case
def revert_to_snapshot(bench):
    """A volume gets the content of its snapshot back, and stays the same volume."""
    driver = bench.driver()
    volume = bench.volume(driver)
    with precondition("content that changes after a snapshot"):
        before = bench.stored(volume)
        bench.box.write(before["id"], seed=11)
        old = bench.box.digest(before["id"])
    snapshot = bench.snapshot(driver, volume)
    with precondition("content that changes after a snapshot"):
        bench.box.write(before["id"], seed=12)
        assert bench.box.digest(before["id"]) != old, "the content did not change"
    driver.revert_to_snapshot(bench.cloud.context, volume, snapshot)
    equal(bench.box.digest(before["id"]), old, "content of the volume")
    equal(bench.box.digest(bench.stored_snapshot(snapshot)["id"]), old, "content of the snapshot")
    after = bench.stored(volume)
    equal((after["id"], after["size"]), (before["id"], before["size"]), "id and size")


def copied(bench, source, volume):
    """Asserts that the host copied a dataset to a new volume, and that nothing is left of the way it took."""
    stored = bench.stored(volume)
    equal((stored["type"], stored["size"]), ("MASTER", volume.size * GIB), "type and size")
    equal(bench.cloud.copies, [(source, stored["id"], volume.size * 1024)], "what the host copied")
    equal(bench.cloud.devices, [], "devices of the host")
    equal(bench.mapped(stored), {}, "LUNs of the volume")
    equal(bench.box.named("hosts", host_name(bench.cloud.connector["initiator"])), None, "the host")


@case
def create_volume_from_snapshot(bench):
    """A host copies a snapshot to a new volume; both are mapped to it meanwhile, and to nobody after."""
    driver = bench.iscsi_driver()
    source = bench.volume(driver)
    snapshot = bench.snapshot(driver, source)
    volume = bench.cloud.volume()
    driver.create_volume_from_snapshot(volume, snapshot)
    stored = bench.stored_snapshot(snapshot)
    copied(bench, stored["id"], volume)
    equal(bench.mapped(stored), {}, "LUNs of the snapshot")
    equal(bench.box.metadata(bench.stored(volume)["id"]), marks(volume), "metadata")


@case
def create_volume_from_snapshot_copy_fails(bench):
    """A copy that fails leaves no volume, no mapping and no host."""
    driver = bench.iscsi_driver()
    source = bench.volume(driver)
    snapshot = bench.snapshot(driver, source)
    volume = bench.cloud.volume()
    bench.cloud.broken_copy = OSError("the host's copy failed")
    raises(OSError, driver.create_volume_from_snapshot, volume, snapshot)
    equal(len(bench.cloud.copies), 1, "copies that the host began")
    equal(bench.box.named("volumes", volume_name(volume)), None, "the volume")
    equal(bench.mapped(bench.stored_snapshot(snapshot)), {}, "LUNs of the snapshot")
    equal(bench.box.named("hosts", host_name(bench.cloud.connector["initiator"])), None, "the host")


@case
def create_volume_from_missing_snapshot(bench):
    """A copy of a snapshot that is not there leaves no volume."""
    driver = bench.driver()
    snapshot = bench.cloud.snapshot(bench.volume(driver))
    volume = bench.cloud.volume()
    raises(exception.SnapshotNotFound, driver.create_volume_from_snapshot, volume, snapshot)
    equal(bench.box.named("volumes", volume_name(volume)), None, "the volume")


@case
def create_cloned_volume(bench):
    """A host copies a volume by a snapshot that is gone after."""
    driver = bench.iscsi_driver()
    source = bench.volume(driver, size=2)
    volume = bench.cloud.volume(size=2)
    driver.create_cloned_volume(volume, source)
    stored = bench.stored(source)
    equal(stored["has_children"], False, "has_children of the source")
    equal(bench.box.all("volumes", parent_id=stored["id"]), [], "snapshots of the source")
    snapshot = bench.cloud.copies[0][0] if bench.cloud.copies else None
    assert snapshot not in (None, stored["id"]), f"the host copied {snapshot}, which is no snapshot"
    copied(bench, snapshot, volume)
