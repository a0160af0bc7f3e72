"""Two hundred tests that each take a linked pair, make the same objects in it,
and look for those of the others. scripts/python-test.sh runs them on eight workers."""

from __future__ import annotations

import pytest

from infinisim import Asked
from infinisim.plugin import LinkedPair


@pytest.mark.parametrize("number", range(200))
def test_nobody_else_is_here(infinibox_pair: LinkedPair, number: int) -> None:
    primary, secondary = infinibox_pair
    lab = primary.lab
    for array in infinibox_pair:
        assert array.list("pools") == array.list("volumes") == array.list("replicas") == []
    assert lab.clock.now_ms == 1735689600000
    assert list(lab.faults) == []
    lab.journal.restart()
    volume = primary.new_volume(primary.new_pool("p"), "v")["id"]
    written = primary.write(volume, seed=number + 1)
    replica = lab.links[0].replicate(volume, secondary.new_pool("p"))
    if number % 2:
        lab.links[0].cut()
        lab.faults.status(503, path="hosts")
        assert lab.clock.settle().blocked
        return
    lab.clock.settle()
    assert secondary.digest(replica["entity_pairs"][0]["remote_entity_id"]) == written
    assert primary.list("hosts") == []
    lab.verify.exactly(2, Asked("POST", "pools", body={"name": "p"}))
    lab.verify.in_order(Asked("POST", "volumes"), Asked("POST", "replicas"))
    lab.verify.nothing_else(Asked("GET", "**"))
