from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import List

import pytest

from infinisim import ArrayError, Asked, ConnectionDropped, ControlError, Lab, Server, VerificationError


def test_a_lab_is_checked_and_removed() -> None:
    with Lab() as lab:
        name = lab.name
        assert name in lab.server.labs()
    assert name not in lab.server.labs()
    lab.close()


def test_a_failure_inside_is_what_one_sees() -> None:
    with pytest.raises(ZeroDivisionError), Lab() as lab:
        raise ZeroDivisionError
    assert lab.closed


def test_forks_do_not_see_each_other() -> None:
    with Lab(arrays=1, links="none") as lab:
        lab["box-1"].new_pool("before")
        with lab.fork() as one, lab.fork() as other:
            one["box-1"].new_pool("mine")
            assert [pool["name"] for pool in other["box-1"].list("pools")] == ["before"]
            assert one.clock.advance("1h").now - other.clock.now == timedelta(hours=1)
        assert [pool["name"] for pool in lab["box-1"].list("pools")] == ["before"]


def test_an_estate(tmp_path: Path) -> None:
    pool = "{name: p, physical_capacity: 1TB, virtual_capacity: 1TB}"
    file = tmp_path / "estate.yaml"
    file.write_text(f"seed: 5\narrays:\n- name: one\n  pools: [{pool}]\n", encoding="utf-8")
    with Lab(estate=file) as lab:
        assert (lab.seed, [each["name"] for each in lab["box-1"].list("pools")]) == (5, ["p"])
    with Lab(estate={"arrays": [{"name": "a"}, {"name": "b"}], "links": [{"between": ["a", "b"]}]}) as lab:
        assert len(lab.links) == 1
    with pytest.raises(ControlError, match=r"arrays\[0\].naam: unknown"):
        Lab(estate={"arrays": [{"naam": "a"}]})


def test_snapshots_are_gone_back_to_and_forked() -> None:
    with Lab() as lab:
        array = lab["box-1"]
        pool = array.new_pool("before")
        lab.snapshot("a")
        then = lab.clock.now
        lab.clock.advance("1h")
        array.new_pool("after")
        lab.remove_array("box-2")
        with lab.fork(snapshot="a") as copy:
            assert [each["name"] for each in copy["box-1"].list("pools")] == ["before"]
            assert copy.clock.now == then
        lab.restore("a")
        assert lab.snapshots() == ("a",)
        assert lab.clock.now == then
        assert array.list("pools") == [pool]
        assert [each.key for each in lab.arrays] == ["box-1", "box-2"]
        assert lab["box-2"].list("pools") == []
        assert len(lab.links) == 1


def test_no_such_array() -> None:
    with Lab() as lab, pytest.raises(KeyError, match="box-9: this lab has box-1, box-2"):
        lab["box-9"]


def test_the_same_seed_leaves_the_same_journal() -> None:
    def story(seed: int) -> List[object]:
        with Lab(seed=seed) as lab:
            a, b = lab.arrays
            volume = a.new_volume(a.new_pool())
            lab.links[0].replicate(volume["id"], b.new_pool())
            lab.clock.advance("10m")
            a.list("events")
            return list(lab.journal.lines())

    assert story(3) == story(3)


def test_errors_of_an_array() -> None:
    with Lab() as lab:
        array = lab.arrays[0]
        with pytest.raises(ArrayError, match="DELETE pools/7 on box-1: 404 POOL_NOT_FOUND") as caught:
            array.delete("pools/7")
        assert caught.value.status == 404
        with pytest.raises(ArrayError, match="400 UNKNOWN_PARAMETER: evil"):
            array.list("pools", evil="eq:1")
        with lab.faults.status(502, body="malformed"), pytest.raises(ArrayError, match="502"):
            array.get("pools")
        with lab.faults.reset(), pytest.raises(ConnectionDropped, match="GET pools on box-1: no answer"):
            array.get("pools")


def test_errors_of_the_control_plane() -> None:
    with Lab() as lab, pytest.raises(ControlError, match="400 INVALID_FIELD_VALUE: site"):
        lab.faults.add({"site": "moon", "effect": {"type": "reset"}})


def test_pages_to_the_end() -> None:
    with Lab(arrays=1, links="none") as lab:
        array = lab.arrays[0]
        names = [array.post("hosts", {"name": f"h{i}"})["name"] for i in range(7)]
        assert [host["name"] for host in array.list("hosts", page_size=3)] == names
        assert array.list("volumes") == []


def test_two_equal_faults() -> None:
    with Lab(arrays=1, links="none") as lab:
        first = lab.faults.status(503, id="one", path="pools", times=1)
        second = lab.faults.status(503, id="two", path="pools", skip=1, times=1)
        array = lab.arrays[0]
        assert [array.request("GET", "pools").status for _ in range(3)] == [503, 503, 200]
        assert (first.hits, second.hits) == (1, 1)
        first.remove()
        with pytest.raises(LookupError, match="one was removed"):
            first.hits  # noqa: B018


def test_many_threads_use_one_array() -> None:
    with Lab(arrays=1, links="none") as lab:
        array = lab.arrays[0]
        threads = [threading.Thread(target=array.post, args=("hosts", {"name": f"h{i}"})) for i in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(array.list("hosts")) == 16


def test_a_schedule_and_a_half_cut() -> None:
    with Lab() as lab:
        link = lab.links[0]
        link.cut(sent_by=link.b)
        assert link.model["cut_from"] == "box-2"
        link.restore()
        link.set_schedule([])
        assert link.model["cut_from"] == ""


def test_tls() -> None:
    with Server(tls=True) as server, Lab(server=server) as lab:
        assert str(lab.arrays[0].https_url).startswith("https://127.0.0.1:")


def test_kept_labs_come_back(tmp_path: object) -> None:
    with Server(data=str(tmp_path)) as server:
        Lab(name="kept", server=server)["box-1"].new_pool("p")
    with Server(data=str(tmp_path)) as server:
        kept = Lab.existing("kept", server=server)
        assert [pool["name"] for pool in kept["box-1"].list("pools")] == ["p"]


class TestVerify:
    def said(self, check: object) -> List[str]:
        with pytest.raises(VerificationError) as caught:
            check()  # type: ignore[operator]
        return str(caught.value).splitlines()

    def test_near_misses(self) -> None:
        with Lab(arrays=1, links="none") as lab:
            array = lab.arrays[0]
            array.post("hosts", {"name": "h"})
            array.get("system/name")
            lines = self.said(lambda: lab.verify.once(Asked("POST", "hosts", body={"name": "i", "ports": []})))
            assert lines == [
                "POST hosts body={'name': 'i', 'ports': []} was asked 0 times, not once",
                "  nearest:",
                '    #1 box-1 POST hosts {"name": "h"} -> 201',
                "      body.name is 'h', not 'i'",
                "      body.ports is missing",
                "    #2 box-1 GET system/name -> 200",
                "      method is GET, not POST",
                "      path is system/name, not hosts",
                "      body is None, not an object",
            ]

    def test_too_often(self) -> None:
        with Lab(arrays=1, links="none") as lab:
            for _ in range(2):
                lab.arrays[0].get("pools")
            lines = self.said(lambda: lab.verify.once(Asked("GET", "pools")))
            assert lines[0] == "GET pools was asked 2 times, not once"
            assert lines[2].strip().startswith("#1 box-1 GET pools")
            lab.verify.exactly(2, Asked("GET", "pools", array=lab.arrays[0], status=200))
            assert "not 3 times or more" in self.said(lambda: lab.verify.at_least(3, Asked("GET", "pools")))[0]

    def test_never_and_nothing_else(self) -> None:
        with Lab(arrays=1, links="none") as lab:
            array = lab.arrays[0]
            array.get("pools", name="eq:p")
            assert "not never" in self.said(lambda: lab.verify.never(Asked("GET", "*", query={"name": "eq:p"})))[0]
            assert self.said(lab.verify.nothing_else)[0] == "1 more request was asked:"
            lab.verify.nothing_else(Asked("GET", "**"))
            lab.journal.restart()
            lab.verify.nothing_else()

    def test_order(self) -> None:
        with Lab(arrays=1, links="none") as lab:
            array = lab.arrays[0]
            host = array.post("hosts", {"name": "h"})
            array.delete(f"hosts/{host['id']}")
            lab.verify.in_order(Asked("POST", "hosts"), Asked("DELETE", "hosts/{id}"))
            lines = self.said(lambda: lab.verify.in_order(Asked("DELETE", "hosts/*"), Asked("POST", "hosts")))
            assert lines[0] == "POST hosts was not asked after #2"
            assert lines[2].startswith("  step 2 came too early: #1 box-1 POST hosts")

    @pytest.mark.parametrize("path", ["volumes/7", "volumes/*", "volumes/**", "**", "volumes/{id}", "!volumes", "!*"])
    def test_paths(self, path: str) -> None:
        with Lab(arrays=1, links="none") as lab:
            lab.arrays[0].request("GET", "volumes/7")
            misses = Asked("GET", path.lstrip("!")).misses(lab.journal.entries()[0])
            assert bool(misses) is path.startswith("!")

    def test_true_is_not_one(self) -> None:
        with Lab(arrays=1, links="none") as lab:
            lab.arrays[0].request("POST", "hosts", {"name": 1})
            assert self.said(lambda: lab.verify.once(Asked("POST", "hosts", body={"name": True})))[3] == "      body.name is 1, not True"
