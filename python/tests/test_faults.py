from __future__ import annotations

import re
from typing import Set, Tuple

import pytest

from infinisim import ControlError, Lab

SITES = ("http", "link", "job", "array")


def served(lab: Lab) -> Set[Tuple[str, str]]:
    """The effects of each site, as the server tells them to who names another."""
    found = set()
    for site in SITES:
        with pytest.raises(ControlError, match="is no effect of the site") as refusal:
            lab.faults.add({"site": site, "effect": {"type": "no such"}})
        [names] = re.findall(r"which has \[(.*)\]", str(refusal.value))
        found |= {(site, name) for name in names.split()}
    return found


def test_every_effect_has_a_maker() -> None:
    with Lab() as lab:
        box, peer = lab.arrays
        pool = box.new_pool()
        faults = lab.faults
        made = [
            *(faults.error("POOL_NOT_FOUND"), faults.status(503), faults.garble(), faults.reset(), faults.lost()),
            *(faults.duplicate(), faults.expire(), faults.delay("1s", sigma=0.5), faults.drip("1ms")),
            *(faults.fail_job(), faults.delay_job(30, spread=5), faults.stall_job()),
            *(faults.link_down(box, peer), faults.link_cut(box, peer), faults.link_loss(box, peer, 0.1)),
            *(faults.link_latency(box, peer, 0.04, spread=0.01), faults.link_bandwidth(box, peer, 10**6)),
            *(faults.component(box, "nodes/1", "FAILED"), faults.full(box, pool)),
        ]
        assert {(fault.rule["site"], fault.rule["effect"]["type"]) for fault in made} == served(lab)
        faults.clear()


def test_every_preset() -> None:
    with Lab() as lab:
        box, peer = lab.arrays
        pool = box.new_pool()
        for preset in lab.faults.presets():
            assert preset.about
            ends = {"array": box, "peer": peer, "pool": pool}
            with lab.faults.preset(preset.name, **{name: ends[name] for name in preset.needs}) as trouble:
                assert len(list(trouble)) == len(list(lab.faults))
                assert bool(trouble.faults) == (preset.name != "clock_jump")
            assert list(lab.faults) == []


def test_a_preset_by_its_words_and_members() -> None:
    with Lab() as lab:
        start = lab.clock.now
        lab.faults.preset("clock jump", by="2h")
        assert (lab.clock.now - start).total_seconds() == 7200
        trouble = lab.faults.preset("controller-failover", id="over", array="box-1", after=10, lasting="1m", refuse=5, component="nodes/2")
        assert [fault.id for fault in trouble] == ["over-node", "over-503"]
        assert trouble.faults[0].rule["until"] - trouble.faults[0].rule["from"] == 60_000
        assert lab["box-1"].request("GET", "pools").status == 200
        lab.clock.advance("11s")
        assert lab["box-1"].request("GET", "pools").status == 503
        assert trouble.hits >= 1
        trouble.remove()


def test_a_preset_that_is_none() -> None:
    with Lab() as lab:
        with pytest.raises(ControlError, match="preset"):
            lab.faults.preset("bad luck")
        with pytest.raises(ControlError, match="peer"):
            lab.faults.preset("link flap", array="box-1")
        with pytest.raises(ControlError, match="bandwidth"):
            lab.faults.preset("node down", array="box-1", bandwidth=1)
        assert list(lab.faults) == []
