"""Cases on consistency groups and their snapshots."""
from bench import GIB, case, equal, group_name, group_snapshot_name, marks, precondition, raises, snapshot_name, volume_name
from cinder import exception


def ids(bench, volumes):
    """Returns the sorted ids of volumes on the array."""
    return sorted(bench.stored(volume)["id"] for volume in volumes)


@case
def create_group(bench):
    """A consistency group is on the array, in the driver's pool and without members."""
    (driver, group) = (bench.driver(), bench.cloud.group())
    equal(driver.create_group(bench.cloud.context, group), {"status": "available"}, "what the driver tells")
    stored = bench.box.the("cgs", group_name(group))
    equal((stored["pool_id"], stored["type"]), (bench.pool["id"], "MASTER"), "pool and type")
    equal(bench.members(stored), [], "members")
    equal(bench.box.metadata(stored["id"]), marks(group), "metadata")


@case
def create_group_generic(bench):
    """A group that is no consistency group is left to Cinder, in every call."""
    (driver, group, here) = (bench.driver(), bench.cloud.group(consistent=False), bench.cloud.context)
    snapshot = bench.cloud.group_snapshot(group)
    before = bench.box.census()
    raises(NotImplementedError, driver.create_group, here, group)
    raises(NotImplementedError, driver.update_group, here, group)
    raises(NotImplementedError, driver.delete_group, here, group, [])
    raises(NotImplementedError, driver.create_group_from_src, here, group, [])
    raises(NotImplementedError, driver.create_group_snapshot, here, snapshot, [])
    raises(NotImplementedError, driver.delete_group_snapshot, here, snapshot, [])
    equal(bench.box.census(), before, "what is on the array")


@case
def create_volume_in_group(bench):
    """A volume that is created in a consistency group is a member of it."""
    driver = bench.driver()
    group = bench.group(driver)
    volume = bench.cloud.volume(group_id=group.id)
    driver.create_volume(volume)
    stored = bench.box.the("cgs", group_name(group))
    equal(bench.members(stored), ids(bench, [volume]), "members")
    equal(bench.stored(volume)["cg_id"], stored["id"], "cg_id")


@case
def create_volume_in_generic_group(bench):
    """A volume that is created in a generic group is a member of nothing on the array."""
    driver = bench.driver()
    group = bench.cloud.group(consistent=False)
    volume = bench.cloud.volume(group_id=group.id)
    driver.create_volume(volume)
    equal(bench.stored(volume)["size"], volume.size * GIB, "size")
    equal(bench.box.named("cgs", group_name(group)), None, "the group")


@case
def update_group(bench):
    """Members come and go, and a volume that left the group is still there."""
    driver = bench.driver()
    volumes = [bench.volume(driver) for _ in range(3)]
    group = bench.group(driver)
    stored = bench.box.the("cgs", group_name(group))
    driver.update_group(bench.cloud.context, group, add_volumes=volumes[:2])
    equal(bench.members(stored), ids(bench, volumes[:2]), "members that were added")
    driver.update_group(bench.cloud.context, group, add_volumes=volumes[2:], remove_volumes=volumes[:1])
    equal(bench.members(stored), ids(bench, volumes[1:]), "members after a change")
    assert bench.stored(volumes[0])["cg_id"] in (None, 0), f"cg_id {bench.stored(volumes[0])['cg_id']} of a volume that left"


@case
def update_group_missing(bench):
    """A group that is not there is an error of the driver's, and the volume stays as it is."""
    driver = bench.driver()
    volume = bench.volume(driver)
    before = bench.stored(volume)
    raises(exception.GroupNotFound, driver.update_group, bench.cloud.context, bench.cloud.group(), [volume])
    equal(bench.stored(volume), before, "the volume")


@case
def delete_group(bench):
    """A group that still has members goes, and its members with it."""
    driver = bench.driver()
    volumes = [bench.volume(driver) for _ in range(2)]
    group = bench.group(driver, *volumes)
    stored = bench.box.the("cgs", group_name(group))
    before = [bench.stored(volume)["id"] for volume in volumes]
    driver.delete_group(bench.cloud.context, group, volumes)
    bench.gone("cgs", group_name(group), stored["id"])
    for volume, identity in zip(volumes, before):
        bench.gone("volumes", volume_name(volume), identity)


@case
def delete_group_missing(bench):
    """Deletion of a group that is not there is quiet, and its volumes go."""
    driver = bench.driver()
    volume = bench.volume(driver)
    identity = bench.stored(volume)["id"]
    driver.delete_group(bench.cloud.context, bench.cloud.group(), [volume, bench.cloud.volume()])
    bench.gone("volumes", volume_name(volume), identity)


@case
def create_group_snapshot(bench):
    """A group snapshot has one snapshot of each member, under Cinder's names."""
    driver = bench.driver()
    volumes = [bench.volume(driver, size=size) for size in (1, 2)]
    group = bench.group(driver, *volumes)
    group_snapshot = bench.cloud.group_snapshot(group)
    snapshots = [bench.cloud.snapshot(volume, group_snapshot_id=group_snapshot.id) for volume in volumes]
    driver.create_group_snapshot(bench.cloud.context, group_snapshot, snapshots)
    stored = bench.box.the("cgs", group_snapshot_name(group_snapshot))
    equal((stored["type"], stored["parent_id"]), ("SNAPSHOT", bench.box.the("cgs", group_name(group))["id"]), "type and parent")
    for volume, snapshot in zip(volumes, snapshots):
        found = bench.stored_snapshot(snapshot)
        equal((found["type"], found["parent_id"], found["size"]), ("SNAPSHOT", bench.stored(volume)["id"], volume.size * GIB),
              "type, parent and size of a member")
    equal(bench.members(stored), sorted(bench.stored_snapshot(snapshot)["id"] for snapshot in snapshots), "members")


@case
def delete_group_snapshot(bench):
    """A group snapshot and its snapshots go; the group and its volumes stay."""
    driver = bench.driver()
    volumes = [bench.volume(driver) for _ in range(2)]
    group = bench.group(driver, *volumes)
    (group_snapshot, snapshots) = bench.group_snapshot(driver, group, volumes)
    stored = bench.box.the("cgs", group_snapshot_name(group_snapshot))
    before = [bench.stored_snapshot(snapshot)["id"] for snapshot in snapshots]
    driver.delete_group_snapshot(bench.cloud.context, group_snapshot, snapshots)
    bench.gone("cgs", group_snapshot_name(group_snapshot), stored["id"])
    for snapshot, identity in zip(snapshots, before):
        bench.gone("volumes", snapshot_name(snapshot), identity)
    equal(bench.members(bench.box.the("cgs", group_name(group))), ids(bench, volumes), "members of the group")
    equal([bench.stored(volume)["has_children"] for volume in volumes], [False, False], "has_children")


@case
def delete_group_snapshot_missing(bench):
    """Deletion of a group snapshot that is not there is quiet, and its snapshots go."""
    driver = bench.driver()
    snapshot = bench.snapshot(driver, bench.volume(driver))
    identity = bench.stored_snapshot(snapshot)["id"]
    driver.delete_group_snapshot(bench.cloud.context, bench.cloud.group_snapshot(bench.cloud.group()), [snapshot])
    bench.gone("volumes", snapshot_name(snapshot), identity)


@case
def delete_group_snapshot_of_another_kind(bench):
    """A group under the name of a group snapshot is not taken for one, and stays."""
    driver = bench.driver()
    group_snapshot = bench.cloud.group_snapshot(bench.cloud.group())
    with precondition("a group under the name of a group snapshot"):
        bench.box.post("cgs", {"name": group_snapshot_name(group_snapshot), "pool_id": bench.pool["id"]})
    raises(exception.InvalidGroupSnapshot, driver.delete_group_snapshot, bench.cloud.context, group_snapshot, [])
    equal(bench.box.the("cgs", group_snapshot_name(group_snapshot))["type"], "MASTER", "type")


def check_copies(bench, group, volumes, sources):
    """Asserts that a group and its volumes were made, and what the host copied."""
    equal(bench.members(bench.box.the("cgs", group_name(group))), ids(bench, volumes), "members of the new group")
    copies = [(source, bench.stored(volume)["id"], volume.size * 1024) for source, volume in zip(sources, volumes)]
    equal(bench.cloud.copies, copies, "what the host copied")
    for volume in volumes:
        equal(bench.mapped(bench.stored(volume)), {}, "LUNs of a new volume")


@case
def create_group_from_group_snapshot(bench):
    """A group from a group snapshot has one copy of each snapshot."""
    driver = bench.iscsi_driver()
    sources = [bench.volume(driver) for _ in range(2)]
    (group_snapshot, snapshots) = bench.group_snapshot(driver, bench.group(driver, *sources), sources)
    group = bench.cloud.group()
    volumes = [bench.cloud.volume(group_id=group.id) for _ in sources]
    driver.create_group_from_src(bench.cloud.context, group, volumes, group_snapshot=group_snapshot, snapshots=snapshots)
    check_copies(bench, group, volumes, [bench.stored_snapshot(snapshot)["id"] for snapshot in snapshots])


@case
def create_group_from_group(bench):
    """A group from a group has one copy of each volume, and no snapshot is left of the way there."""
    driver = bench.iscsi_driver()
    sources = [bench.volume(driver) for _ in range(2)]
    source = bench.group(driver, *sources)
    group = bench.cloud.group()
    volumes = [bench.cloud.volume(group_id=group.id) for _ in sources]
    driver.create_group_from_src(bench.cloud.context, group, volumes, source_group=source, source_vols=sources)
    taken = [copy[0] for copy in bench.cloud.copies]
    equal([len(taken), len(set(taken) & set(ids(bench, sources)))], [2, 0], "copies, and copies of what is no snapshot")
    check_copies(bench, group, volumes, taken)
    equal([bench.stored(volume)["has_children"] for volume in sources], [False, False], "has_children of the sources")


@case
def create_group_from_nothing(bench):
    """A group from no source is refused by the driver itself, after it made the group."""
    (driver, group) = (bench.driver(), bench.cloud.group())
    raises(exception.InvalidInput, driver.create_group_from_src, bench.cloud.context, group, [])
    equal(bench.members(bench.box.the("cgs", group_name(group))), [], "members")
