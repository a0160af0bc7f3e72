"""Touches every part of the Python package that tests written for an
in-process simulator touch, and sees that it has its effect on the array.

    surface.py      (with INFINISIM_BIN and PYTHONPATH)
"""
import flux
import requests
from infinisim import standins

standins.install()

from capacity import GiB, TiB, byte
from ecosystem import SimulationContext
from infinibox_sysdefs import latest
from infinibox_sysdefs.defs import latest as also_latest
from infinisdk import InfiniBox
from infinisdk.core.config import config
from infinisdk.core.exceptions import APICommandFailed, SystemNotFoundException
from infinisim.core.context import lookup_simulator_by_address
from infinisim.infinibox import Infinibox


def fails(kind, call, status=None):
    """Whether a call raises what it should."""
    try:
        call()
    except kind as error:
        return status is None or error.status_code == status
    return False


def arrays():
    """Names, addresses, versions, reachability."""
    simulator = Infinibox(True)
    name = simulator.get_hostname()
    assert simulator.get_floating_addresses() == [name] and lookup_simulator_by_address(name) is None
    simulator.activate()
    assert lookup_simulator_by_address(name) is simulator
    user = simulator.auth.get_current_user()
    system = InfiniBox(simulator, auth=(user.get_username(), user.get_password()))
    assert system.get_simulator() is simulator
    system.login()
    assert system.is_simulator() and not system.is_mock()
    assert system.get_name().startswith("simulator-")
    simulator.set_version("5.5.0.12-a")
    assert simulator.rest("GET", "system?fields=version")["version"] == "5.5.0.12-a"
    simulator.set_version("8.6.0.0")
    simulator.set_serial(4711)
    assert simulator.rest("GET", "system?fields=serial_number")["serial_number"] == 4711
    return simulator, system


def objects(simulator, system):
    """Objects made past the client, and seen by it."""
    pool = simulator.pools.create("past", physical_capacity=TiB, virtual_capacity=TiB)
    simulator.volumes.create(pool=pool, name="v", size=GiB)
    [volume] = simulator.volumes
    assert volume.get_size() == GiB == system.volumes.get(name="v").get_size()
    volume.set_size(volume.get_size() * 2)
    assert system.volumes.get_by_id(volume.id).get_size() == 2 * GiB
    simulator.users.get_by_name("admin").set_password("password")
    assert requests.get(f"http://{simulator.get_hostname()}/api/rest/system", auth=("admin", "password"), timeout=10).ok
    before = system.events.get_last_event().id
    simulator.events.add_user_event(code="DISK_SPACE_LOW")
    assert system.events.find(system.events.fields.id > before).to_list()[0].get_code() == "DISK_SPACE_LOW"
    simulator.config.mgmt["users.password_policy_enabled"] = False
    assert simulator.config.mgmt["users.password_policy_enabled"] is False
    simulator.api.put("/api/rest/config/mgmt/system.model_long_name", data="long")
    assert simulator.api.get("/api/rest/config/mgmt/system.model_long_name") == "long"


def behaviour(simulator, system):
    """Features, pages, faults, time."""
    simulator.features.native_smb.set_enabled(False)
    features = {f["name"]: f["enabled"] for f in simulator.rest("GET", "_features")}
    assert features["native_smb"] is False and features["nas"] is True
    simulator.api.set_default_page_size(2)
    answer = requests.get(f"http://{simulator.get_hostname()}/api/rest/users", auth=("infinidat", "123456"), timeout=10).json()
    assert answer["metadata"]["page_size"] == 2
    simulator.api.set_propagate_exceptions(True)
    simulator.api._flask_config.update({"DEBUG": True})  # pylint: disable=protected-access
    simulator.api.inject_fault("/api/rest/volumes", 503, count=2)
    for _ in range(2):
        assert fails(APICommandFailed, lambda: system.api.get("volumes"), 503)
    assert system.api.get("volumes").get_result()
    start = simulator.rest("GET", "system?fields=install_timestamp")
    assert start["install_timestamp"] <= flux.current_timeline.time() * 1000
    simulator.deactivate()
    simulator.deactivate()
    assert fails(SystemNotFoundException, lambda: system.api.get("volumes"))


def surroundings():
    """What stands around the arrays."""
    context = SimulationContext(isolated_env=True)
    context.enter_mocked_context()
    context.mocks.infinilab_client.get_mocked_infinilab().add_system(None)
    context.exit_mocked_context()
    assert latest is also_latest
    assert {str(role) for role in latest.enums.users.roles} >= {"INFINIDAT", "READ_ONLY"}
    assert latest.enums.users.roles.technician.get_name() == "TECHNICIAN"
    assert latest.internal.num_vus * latest.internal.section_size // byte == 393216
    assert latest.internal.default_pool_reserved_capacity == 100 * GiB


def main():
    """Runs everything."""
    flux.current_timeline.set_time_factor(0)
    config.root.check_version_compatibility = False
    simulator, system = arrays()
    objects(simulator, system)
    behaviour(simulator, system)
    surroundings()
    print("ok   the Python package's whole surface")


if __name__ == "__main__":
    main()
