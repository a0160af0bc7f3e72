"""Cases on what others made on the array, and on migration."""
from bench import GIB, case, equal, marks, precondition, raises, refused, snapshot_name, volume_name
from cinder import exception
from cloud import new_id

MANY = 60  # more than the SDK asks for at once


@case
def manage_existing_by_name(bench):
    """A volume that is managed gets Cinder's name and metadata, and stays the same volume."""
    driver = bench.driver()
    (raw, volume) = (bench.raw_volume(), bench.cloud.volume())
    driver.manage_existing(volume, {"source-name": raw["name"]})
    stored = bench.stored(volume)
    equal((stored["id"], stored["size"]), (raw["id"], raw["size"]), "id and size")
    equal(bench.box.named("volumes", raw["name"]), None, "the old name")
    equal(bench.box.metadata(stored["id"]), marks(volume), "metadata")


@case
def manage_existing_by_id(bench):
    """A volume can be managed by its id too."""
    driver = bench.driver()
    (raw, volume) = (bench.raw_volume(), bench.cloud.volume())
    driver.manage_existing(volume, {"source-id": str(raw["id"])})
    equal(bench.stored(volume)["id"], raw["id"], "id")
    equal(bench.box.metadata(raw["id"]), marks(volume), "metadata")


@case
def manage_existing_with_qos(bench):
    """A volume that is managed gets the policy of its type."""
    driver = bench.driver()
    (type_id, specs_id) = bench.cloud.volume_type({"maxIOPS": "20000", "maxBWS": "104857600"})
    (raw, volume) = (bench.raw_volume(), bench.cloud.volume(volume_type_id=type_id))
    driver.manage_existing(volume, {"source-name": raw["name"]})
    equal(bench.stored(volume)["qos_policy_id"], bench.box.the("qos/policies", specs_id)["id"], "qos_policy_id")


@case
def manage_existing_get_size(bench):
    """The size of a volume is rounded up to GiB, and asking changes nothing."""
    driver = bench.driver()
    raw = bench.raw_volume(size=3 * GIB // 2)
    for reference in ({"source-name": raw["name"]}, {"source-id": str(raw["id"])}):
        equal(driver.manage_existing_get_size(bench.cloud.volume(), reference), 2, f"size by {reference}")
    equal(bench.box.the("volumes", raw["name"])["size"], 3 * GIB // 2, "size on the array")


@case
def manage_existing_managed(bench):
    """A volume that Cinder knows is not managed again."""
    driver = bench.driver()
    volume = bench.volume(driver)
    bench.cloud.known.add(volume.id)
    other = bench.cloud.volume()
    raises(exception.ManageExistingAlreadyManaged, driver.manage_existing, other, {"source-name": volume_name(volume)})
    equal(bench.box.metadata(bench.stored(volume)["id"]), marks(volume), "metadata")
    equal(bench.box.named("volumes", volume_name(other)), None, "the other name")


@case
def manage_existing_other_pool(bench):
    """A volume of another pool is not managed, and keeps its name."""
    driver = bench.driver()
    (raw, volume) = (bench.raw_volume(bench.new_pool()), bench.cloud.volume())
    raises(exception.InvalidConfigurationValue, driver.manage_existing, volume, {"source-name": raw["name"]})
    equal(bench.box.the("volumes", raw["name"])["id"], raw["id"], "id")


@case
def manage_existing_missing(bench):
    """A volume that is not there, and a reference that says nothing, are errors of the driver's."""
    (driver, volume) = (bench.driver(), bench.cloud.volume())
    raises(exception.VolumeNotFound, driver.manage_existing, volume, {"source-name": "no-such-volume"})
    raises(exception.VolumeNotFound, driver.manage_existing_get_size, volume, {"source-id": "999999999"})
    raises(exception.ManageExistingInvalidReference, driver.manage_existing, volume, {"source": "a volume"})
    equal(bench.box.named("volumes", volume_name(volume)), None, "the volume")


@case
def unmanage(bench):
    """A volume that is managed no more is still there, with its name and without metadata."""
    driver = bench.driver()
    volume = bench.volume(driver)
    before = bench.stored(volume)["id"]
    with precondition("a volume with metadata"):
        equal(bench.box.metadata(before), marks(volume), "metadata")
    driver.unmanage(volume)
    equal(bench.stored(volume)["id"], before, "id")
    equal(bench.box.metadata(before), {}, "metadata")


@case
def manage_existing_snapshot(bench):
    """A snapshot that is managed gets Cinder's name and metadata, and stays its parent's snapshot."""
    driver = bench.driver()
    volume = bench.volume(driver)
    raw = bench.raw_snapshot(bench.stored(volume))
    for reference in ({"source-name": raw["name"]}, {"source-id": str(raw["id"])}):
        snapshot = bench.cloud.snapshot(volume)
        driver.manage_existing_snapshot(snapshot, reference)
        stored = bench.stored_snapshot(snapshot)
        equal((stored["id"], stored["parent_id"]), (raw["id"], bench.stored(volume)["id"]), "id and parent")
        equal(bench.box.metadata(raw["id"]), marks(snapshot), "metadata")
    equal(bench.box.named("volumes", raw["name"]), None, "the old name")


@case
def manage_existing_snapshot_get_size(bench):
    """The size of a snapshot is rounded up to GiB, and asking changes nothing."""
    driver = bench.driver()
    parent = bench.raw_volume(size=3 * GIB // 2)
    raw = bench.raw_snapshot(parent)
    snapshot = bench.cloud.snapshot(bench.cloud.volume(size=2))
    equal(driver.manage_existing_snapshot_get_size(snapshot, {"source-name": raw["name"]}), 2, "size")
    equal(bench.box.the("volumes", raw["name"])["size"], 3 * GIB // 2, "size on the array")


@case
def manage_existing_snapshot_refused(bench):
    """A volume, a snapshot that Cinder knows and one that is not there are not managed as snapshots."""
    driver = bench.driver()
    volume = bench.volume(driver)
    (known, snapshot) = (bench.snapshot(driver, volume), bench.cloud.snapshot(volume))
    bench.cloud.known.add(known.id)
    manage = driver.manage_existing_snapshot
    raises(exception.InvalidSnapshot, manage, snapshot, {"source-name": volume_name(volume)})
    raises(exception.ManageExistingAlreadyManaged, manage, snapshot, {"source-name": snapshot_name(known)})
    raises(exception.SnapshotNotFound, manage, snapshot, {"source-name": "no-such-snapshot"})
    equal(bench.box.metadata(bench.stored_snapshot(known)["id"]), marks(known), "metadata of the snapshot")
    equal(bench.box.metadata(bench.stored(volume)["id"]), marks(volume), "metadata of the volume")
    equal(bench.box.named("volumes", snapshot_name(snapshot)), None, "the snapshot")


@case
def unmanage_snapshot(bench):
    """A snapshot that is managed no more is still there, without metadata; its parent keeps its own."""
    driver = bench.driver()
    volume = bench.volume(driver)
    snapshot = bench.snapshot(driver, volume)
    before = bench.stored_snapshot(snapshot)["id"]
    with precondition("a snapshot with metadata"):
        equal(bench.box.metadata(before), marks(snapshot), "metadata")
    driver.unmanage_snapshot(snapshot)
    equal(bench.stored_snapshot(snapshot)["id"], before, "id")
    equal(bench.box.metadata(before), {}, "metadata of the snapshot")
    equal(bench.box.metadata(bench.stored(volume)["id"]), marks(volume), "metadata of the volume")


def listed(call, known, **changes):
    """Returns what a list of the manageable says, by name."""
    values = {"marker": None, "limit": 1000, "offset": 0, "sort_keys": ["reference"], "sort_dirs": ["asc"]} | changes
    found = call(known, **values)
    by_name = {entry["reference"]["source-name"]: entry for entry in found}
    equal(len(by_name), len(found), "names in the list, each once")
    return by_name


def verdicts(entries):
    """Returns what a list says on whether each entry is safe to manage."""
    return {name: (entry["safe_to_manage"], entry["reason_not_safe"]) for name, entry in entries.items()}


@case
def get_manageable_volumes(bench):
    """The list holds the volumes of the pool, without snapshots, and says which are safe to manage and why not."""
    pool = bench.new_pool()
    driver = bench.driver(infinidat_pool_name=pool["name"])
    managed = bench.volume(driver)
    (free, mapped, parent) = [bench.raw_volume(pool, size=size) for size in (GIB, GIB, 3 * GIB // 2)]
    bench.raw_mapping(mapped)
    bench.raw_snapshot(parent)
    bench.raw_volume()
    found = listed(driver.get_manageable_volumes, [managed])
    equal(verdicts(found), {
        volume_name(managed): (False, "volume already managed"), free["name"]: (True, None),
        mapped["name"]: (False, "volume has mappings"), parent["name"]: (False, "volume has snapshots")}, "the list")
    equal(found[volume_name(managed)]["cinder_id"], managed.id, "cinder_id")
    for raw in (free, parent):
        entry = found[raw["name"]]
        equal(entry["reference"], {"source-name": raw["name"], "source-id": str(raw["id"])}, "reference")
        equal((entry["size"], entry["cinder_id"]), (-(-raw["size"] // GIB), None), "size and cinder_id")
        equal((entry["extra_info"]["pool"], entry["extra_info"]["type"]), (pool["name"], "MASTER"), "pool and type")


@case
def get_manageable_volumes_of_many(bench):
    """The list goes past the first page, and sorts and cuts as it is asked to."""
    pool = bench.new_pool()
    driver = bench.driver(infinidat_pool_name=pool["name"])
    equal(listed(driver.get_manageable_volumes, []), {}, "the list of an empty pool")
    raw = [bench.raw_volume(pool, size=(1 + number % 3) * GIB) for number in range(MANY)]
    found = listed(driver.get_manageable_volumes, [])
    equal(sorted(found), sorted(one["name"] for one in raw), "names in the list")
    largest = listed(driver.get_manageable_volumes, [], limit=10, sort_keys=["size"], sort_dirs=["desc"])
    equal([entry["size"] for entry in largest.values()], [3] * 10, "sizes of the ten largest")


@case
def get_manageable_snapshots(bench):
    """The list holds the snapshots of the pool with their parents, and says which are safe to manage and why not."""
    pool = bench.new_pool()
    driver = bench.driver(infinidat_pool_name=pool["name"])
    volume = bench.volume(driver)
    (managed, parent) = (bench.snapshot(driver, volume), bench.stored(volume))
    (free, mapped, cloned) = [bench.raw_snapshot(parent) for _ in range(3)]
    bench.raw_mapping(mapped)
    clone = bench.raw_snapshot(cloned)
    found = listed(driver.get_manageable_snapshots, [managed])
    equal(verdicts(found), {
        snapshot_name(managed): (False, "snapshot already managed"), free["name"]: (True, None), clone["name"]: (True, None),
        mapped["name"]: (False, "snapshot has mappings"), cloned["name"]: (False, "snapshot has clones")}, "the list")
    entry = found[free["name"]]
    equal(entry["source_reference"], {"source-name": parent["name"], "source-id": str(parent["id"])}, "source_reference")
    equal((entry["reference"]["source-id"], entry["size"], entry["extra_info"]["type"]), (str(free["id"]), 1, "SNAPSHOT"),
          "id, size and type")


def target(bench, pool, **changes):
    """Returns a back end as the scheduler describes it to the driver that is to move a volume there."""
    values = {"driver": "InfiniboxVolumeDriver", "serial": bench.box.get("system")["serial_number"]} | changes
    location = f"{values['driver']}:{values['serial']}:{pool}"
    return {"host": "cinder@other#other", "capabilities": {"location_info": location}}


@case
def migrate_volume(bench):
    """A volume moves to another pool of the same array and stays the same volume."""
    (driver, pool) = (bench.driver(), bench.new_pool())
    volume = bench.volume(driver)
    before = bench.stored(volume)
    equal(driver.migrate_volume(bench.cloud.context, volume, target(bench, pool["name"])), (True, None), "what the driver tells")
    after = bench.stored(volume)
    equal((after["id"], after["size"]), (before["id"], before["size"]), "id and size")
    equal((after["pool_id"], after["pool_name"]), (pool["id"], pool["name"]), "pool")
    equal(bench.box.metadata(after["id"]), marks(volume), "metadata")


@case
def migrate_volume_to_its_own_pool(bench):
    """A volume that is in the pool already stays there."""
    driver = bench.driver()
    volume = bench.volume(driver)
    before = bench.stored(volume)
    told = driver.migrate_volume(bench.cloud.context, volume, target(bench, bench.pool["name"]))
    equal(told, (True, None), "what the driver tells")
    equal(bench.stored(volume), before, "the volume")


@case
def migrate_volume_elsewhere(bench):
    """A volume does not move to another array, another driver, a pool that does not exist or an unclear place."""
    driver = bench.driver()
    volume = bench.volume(driver)
    (before, pool) = (bench.stored(volume), bench.new_pool()["name"])
    serial = bench.box.get("system")["serial_number"] + 1
    places = [target(bench, pool, serial=serial), target(bench, pool, driver="OtherDriver"), target(bench, "no-such-pool"),
              {"capabilities": {"location_info": "somewhere"}}, {"capabilities": {}}, {}]
    for place in places:
        equal(driver.migrate_volume(bench.cloud.context, volume, place), (False, None), f"what the driver tells of {place}")
    equal(bench.stored(volume), before, "the volume")


@case
def update_migrated_volume(bench):
    """The volume that a migration made takes the name and the metadata of the one that is gone."""
    driver = bench.driver()
    (old, new) = (bench.cloud.volume(), bench.volume(driver))
    identity = bench.stored(new)["id"]
    told = driver.update_migrated_volume(bench.cloud.context, old, new, "available")
    equal(told, {"_name_id": None, "provider_location": None}, "what the driver tells")
    equal(bench.stored(old)["id"], identity, "id")
    equal(bench.box.named("volumes", volume_name(new)), None, "the new name")
    equal(bench.box.metadata(identity), marks(old), "metadata")


@case
def update_migrated_volume_both_there(bench):
    """The volume that a migration made keeps its name while the original is there."""
    driver = bench.driver()
    (old, new) = (bench.volume(driver), bench.volume(driver))
    (before, after) = (bench.stored(old)["id"], bench.stored(new)["id"])
    told = driver.update_migrated_volume(bench.cloud.context, old, new, "available")
    equal(told, {"_name_id": new.id, "provider_location": None}, "what the driver tells")
    equal((bench.stored(old)["id"], bench.stored(new)["id"]), (before, after), "ids")
    equal(bench.box.metadata(after), marks(old), "metadata of the new volume")


@case
def update_migrated_volume_rename_refused(bench):
    """The volume that a migration made keeps its name if the array refuses the other."""
    driver = bench.driver()
    (old, new) = (bench.cloud.volume(_name_id=new_id()), bench.volume(driver))
    taken = bench.raw_volume(name=f"openstack-vol-{old.id}")
    before = bench.stored(new)["id"]
    told = driver.update_migrated_volume(bench.cloud.context, old, new, "available")
    equal(told, {"_name_id": new.id, "provider_location": None}, "what the driver tells")
    equal((bench.stored(new)["id"], bench.box.the("volumes", taken["name"])["id"]), (before, taken["id"]), "ids")


@case
def name_id_is_followed(bench):
    """A volume that kept the name of a migration is found, grown and deleted by that name."""
    driver = bench.driver()
    new = bench.volume(driver)
    volume = bench.cloud.volume(_name_id=new.id)
    identity = bench.stored(new)["id"]
    driver.extend_volume(volume, 2)
    equal(bench.box.get(f"volumes/{identity}")["size"], 2 * GIB, "size")
    driver.delete_volume(volume)
    bench.gone("volumes", volume_name(new), identity)


@case
def manage_existing_name_conflict(bench):
    """A volume cannot be managed under a name that is taken, and keeps its own."""
    driver = bench.driver()
    volume = bench.volume(driver)
    raw = bench.raw_volume()
    refused("PUT", f"volumes/{raw['id']}", driver.manage_existing, volume, {"source-name": raw["name"]})
    equal(bench.box.the("volumes", raw["name"])["id"], raw["id"], "id")
