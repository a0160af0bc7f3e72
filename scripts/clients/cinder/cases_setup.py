"""Cases on set-up, sessions and statistics."""
import requests
from bench import GIB, POOL, case, equal, precondition, raises
from cinder import exception
from infinisdk.core.exceptions import APICommandFailed


def capacities(stats):
    """Returns the two capacities of a driver's statistics."""
    return stats["total_capacity_gb"], stats["free_capacity_gb"]


def stored_capacities(box, pool):
    """Returns the two capacities that the array has for a pool, in GiB."""
    pool = box.get(f"pools/{pool['id']}")
    return pool["physical_capacity"] / GIB, pool["free_physical_space"] / GIB


@case
def do_setup_iscsi(bench):
    """An iSCSI back end is set up and speaks to this array."""
    driver = bench.new_driver()
    driver.do_setup(bench.cloud.context)
    driver.check_for_setup_error()
    stats = driver.get_volume_stats(refresh=True)
    equal(stats["storage_protocol"], "iSCSI", "protocol")
    equal(stats["location_info"].split(":")[1], str(bench.box.get("system")["serial_number"]), "serial number")


@case
def do_setup_fc_is_the_default(bench):
    """A back end that names no protocol is set up for FC."""
    driver = bench.new_driver(infinidat_storage_protocol=None, infinidat_iscsi_netspaces=None)
    driver.do_setup(bench.cloud.context)
    driver.check_for_setup_error()
    stats = driver.get_volume_stats(refresh=True)
    equal(stats["storage_protocol"], "FC", "protocol")
    equal(stats["location_info"].split(":")[1], str(bench.box.get("system")["serial_number"]), "serial number")


@case
def do_setup_wrong_password(bench):
    """A wrong password ends set-up with 401, and the right one still works."""
    driver = bench.new_driver(san_password="not the password")
    error = raises(APICommandFailed, driver.do_setup, bench.cloud.context)
    equal(error.status_code, 401, "status")
    bench.box.get("system")


@case
def do_setup_without_network_spaces(bench):
    """An iSCSI back end without network spaces is refused by the driver itself, after it logged in."""
    before = bench.box.census()
    error = raises(exception.VolumeDriverException, bench.new_driver(infinidat_iscsi_netspaces=[]).do_setup, bench.cloud.context)
    assert "No iSCSI network spaces configured" in str(error), error
    equal(bench.box.census(), before, "what is on the array")


@case
def session_is_lost(bench):
    """A driver whose session went logs in again by itself."""
    driver = bench.driver()
    with precondition("a session with a cookie that ends"):
        session = driver._system.api.clone_requests_session()  # pylint: disable=protected-access
        (cookies, rest) = (session.cookies.get_dict(), f"{bench.box.url}/api/rest")
        assert cookies, "the driver has no cookie"
        equal(session.get(f"{rest}/pools", cookies=cookies, timeout=30).status_code, 200, "status with the driver's cookie")
        equal(session.post(f"{rest}/users/logout?approved=true", json={}, cookies=cookies, timeout=30).ok, True, "logout")
        fresh = requests.Session()
        fresh.trust_env = False
        equal(fresh.get(f"{rest}/pools", cookies=cookies, timeout=30).status_code, 401, "status with the cookie that ended")
    equal(capacities(driver.get_volume_stats(refresh=True)), stored_capacities(bench.box, bench.pool), "capacities")


@case
def get_volume_stats(bench):
    """Statistics are those of the pool and of the system."""
    stats = bench.driver().get_volume_stats()
    equal(capacities(stats), stored_capacities(bench.box, bench.pool), "capacities")
    system = bench.box.get("system")
    assert isinstance(system["serial_number"], int), f"serial_number {system['serial_number']!r}"
    equal(stats["location_info"], f"InfiniboxVolumeDriver:{system['serial_number']}:{POOL}", "location")
    features = {feature["name"] for feature in bench.box.get("_features") if feature.get("enabled", True)}
    equal(stats["QoS_support"], "qos" in features, "QoS")
    for name, want in (("multiattach", True), ("thin_provisioning_support", True), ("consistent_group_snapshot_enabled", True)):
        equal(stats[name], want, name)


@case
def get_volume_stats_refresh(bench):
    """Statistics are kept until they are asked for anew, and then follow what is on the array."""
    pool = bench.new_pool()
    driver = bench.driver(infinidat_pool_name=pool["name"])
    before = capacities(driver.get_volume_stats())
    equal(before, stored_capacities(bench.box, pool), "capacities at first")
    bench.raw_volume(pool, provtype="THICK", size=10 * GIB)
    equal(capacities(driver.get_volume_stats()), before, "capacities that are kept")
    after = capacities(driver.get_volume_stats(refresh=True))
    equal(after, stored_capacities(bench.box, pool), "capacities asked for anew")
    assert after[1] <= before[1] - 10, f"free capacity: {before[1]} before, {after[1]} after 10 GiB that are thick"


@case
def get_volume_stats_missing_pool(bench):
    """Statistics of a pool that does not exist are an error of the driver's."""
    driver = bench.driver(infinidat_pool_name="no-such-pool")
    equal(bench.box.named("pools", "no-such-pool"), None, "the pool")
    raises(exception.VolumeDriverException, driver.get_volume_stats)


@case
def validate_connector(bench):
    """A connector must have what the protocol needs; nothing is made on the array for the check."""
    before = bench.box.census()
    for protocol, needed in (("iscsi", "initiator"), ("fc", "wwpns")):
        driver = bench.driver(infinidat_storage_protocol=protocol)
        driver.validate_connector(bench.cloud.connector)
        less = {key: value for key, value in bench.cloud.connector.items() if key != needed}
        raises(exception.InvalidConnectorException, driver.validate_connector, less)
    equal(bench.box.census(), before, "what is on the array")


@case
def snapshot_exports_and_backups(bench):
    """Exports of a snapshot and the two questions on temporary snapshots need nothing of the array."""
    driver = bench.driver()
    snapshot = bench.snapshot(driver, bench.volume(driver))
    before = bench.box.census()
    driver.create_export_snapshot(bench.cloud.context, snapshot, bench.cloud.connector)
    driver.remove_export_snapshot(bench.cloud.context, snapshot)
    equal(driver.backup_use_temp_snapshot(), True, "a backup's own snapshot")
    equal(driver.snapshot_revert_use_temp_snapshot(), False, "a reversion's own snapshot")
    equal(bench.box.census(), before, "what is on the array")
