from __future__ import annotations

import logging
from typing import Iterator

import flux
import pytest
import requests
import waiting
from infinisdk import InfiniBox

from infinisim import Lab
from infinisim.core.context import lookup_simulator_by_address
from infinisim.infinibox import Infinibox


@pytest.fixture(autouse=True)
def _frozen() -> Iterator[None]:
    before = flux.current_timeline.get()
    flux.current_timeline.set(flux.Timeline())
    flux.current_timeline.set_time_factor(0)
    yield
    flux.current_timeline.set(before)


def test_waiting_moves_the_arrays() -> None:
    with Lab(clock="flux") as lab:
        primary, secondary = lab.arrays
        system = primary.sdk()
        volume = primary.new_volume(primary.new_pool())
        primary.write(volume["id"], length=10**9, seed=7)
        lab.links[0].set_model(bandwidth=125_000_000)
        replica = system.replicas.get_by_id(lab.links[0].replicate(volume["id"], secondary.new_pool())["id"])
        start = flux.current_timeline.time()
        assert not replica.is_idle()
        waiting.wait(replica.is_idle)
        assert 8 <= flux.current_timeline.time() - start < 20


def test_waiting_for_all_callbacks_settles() -> None:
    with Lab(clock="flux") as lab:
        primary, secondary = lab.arrays
        volume = primary.new_volume(primary.new_pool())["id"]
        lab.links[0].replicate(volume, secondary.new_pool())
        primary.sdk().replicas.to_list()  # any answer tells when the next work is due
        flux.current_timeline.sleep_wait_all_scheduled()
        assert not primary.list("replicas")[0]["is_initial"]


def test_a_callback_of_a_closed_lab_does_nothing() -> None:
    with Lab(clock="flux") as lab:
        primary, secondary = lab.arrays
        lab.links[0].replicate(primary.new_volume(primary.new_pool())["id"], secondary.new_pool())
        primary.sdk().replicas.to_list()
    flux.current_timeline.sleep_wait_all_scheduled()


def test_any_scheme_and_port_reach_an_array(caplog: pytest.LogCaptureFixture) -> None:
    simulator = Infinibox(True)
    host = simulator.get_hostname()
    simulator.activate()
    assert lookup_simulator_by_address(host) is simulator
    caplog.set_level(logging.DEBUG)
    for url in (f"http://{host}", f"https://{host}:443", f"http://{host}:8080"):
        answer = requests.get(f"{url}/api/rest/system/name", auth=("infinidat", "123456"), cert="no such file", timeout=60)
        assert answer.json()["result"].startswith("simulator-")
        assert answer.url.startswith(url.replace(":443", ""))
    assert not [record for record in caplog.records if record.name.startswith("urllib3")]
    simulator.deactivate()
    simulator.deactivate()
    assert lookup_simulator_by_address(host) is None
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{host}/api/rest/system", timeout=5)


def test_old_tests_may_do_what_new_ones_may() -> None:
    simulator = Infinibox()
    simulator.activate()
    pool = simulator.pools.create("p", physical_capacity=10**12, virtual_capacity=10**12)
    volume = simulator.volumes.create(pool=pool, name="v", size=10**9)
    assert simulator.write(volume.id, seed=7) == simulator.digest(volume.id)
    system = InfiniBox(simulator, auth=("infinidat", "123456"))
    with simulator.lab.faults.status(503, array=simulator, path="pools"):
        assert simulator.request("GET", "pools").status == 503
    assert system.get_simulator() is simulator
    simulator.deactivate()
