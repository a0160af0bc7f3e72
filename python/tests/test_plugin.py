from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("_own_process")


@pytest.fixture
def _own_process(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    pytester.makeini("[pytest]\naddopts = --strict-markers\n")


def test_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        def test_one(infinibox):
            assert [array.key for array in infinibox.lab.arrays] == ["box-1"]
            assert infinibox.list("network/spaces") == [] and infinibox.lab.journal.text().startswith("#1 ")

        def test_pair(infinibox_pair):
            primary, secondary = infinibox_pair
            assert primary.lab.links[0].a is primary and infinibox_pair.secondary.key == "box-2"

        def test_lab(infinisim_lab):
            assert len(infinisim_lab.arrays) == 2 and infinisim_lab.seed == 1 and infinisim_lab.clock.manual

        @pytest.fixture
        def both(infinisim_lab):
            return infinisim_lab.arrays

        def test_one_of_two(infinibox, infinibox_pair):
            assert infinibox is infinibox_pair[0]

        def test_through_a_fixture(infinibox, both):
            assert len(both) == 2

        @pytest.mark.infinisim(arrays=3, links="mesh", profile="7.2", seed=9)
        def test_marked(infinisim_lab):
            assert len(infinisim_lab.links) == 3 and infinisim_lab.seed == 9
            assert infinisim_lab["box-3"].get("system/version").startswith("7.2")

        @pytest.mark.infinisim(clock="system")
        def test_clock(infinibox):
            assert not infinibox.lab.clock.manual

        @pytest.mark.infinisim(clock="flux")
        def test_flux(infinibox):
            import flux
            infinibox.sdk()
            assert abs(infinibox.lab.clock.now_ms / 1000 - flux.current_timeline.time()) < 60
        """
    )
    result = pytester.runpytest_subprocess("-v")
    result.assert_outcomes(passed=8)


def test_a_ready_made_lab(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest
        from infinisim import Lab

        @pytest.fixture(scope="session")
        def infinisim_ready(infinisim_server):
            with Lab(server=infinisim_server) as lab:
                lab["box-1"].new_pool("ready")
                yield lab
        """
    )
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("n", range(3))
        def test_it(infinibox, n):
            assert [pool["name"] for pool in infinibox.list("pools")] == ["ready"]
            infinibox.new_pool(f"mine-{n}")
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=3)


def test_the_report_of_a_failure(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_it(infinibox):
            infinibox.post("hosts", {"name": "h"})
            infinibox.lab.faults.status(503, id="busy")
            infinibox.request("GET", "hosts")
            assert False
        """
    )
    result = pytester.runpytest_subprocess("--infinisim-seed=7", "--infinisim-journal=1")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- infinisim -*",
            "lab test-it-1, seed 7, repeat with --infinisim-seed 7 --infinisim-profile 8.6",
            "now 2025-01-01T00:00:00+00:00",
            "fault busy: 1 hits",
            "(1 earlier)",
            "#2 box-1 GET hosts -> 503 faults busy",
        ]
    )


def test_a_lab_that_is_not_as_it_must_be(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_it(infinisim_lab, monkeypatch):
            monkeypatch.setattr(type(infinisim_lab), "violations", lambda self: ["volume 7 is in no pool"])
            infinisim_lab.__dict__["violations"] = lambda: ["volume 7 is in no pool"]
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*the lab is not as it must be:*", "*volume 7 is in no pool*"])


def test_kept_labs(pytester: pytest.Pytester, tmp_path: Path) -> None:
    pytester.makepyfile(
        """
        def test_good(infinibox):
            pass

        def test_bad(infinibox):
            infinibox.new_pool("evidence")
            assert False
        """
    )
    for _ in range(2):  # the second run takes the place of the first
        result = pytester.runpytest_subprocess(f"--infinisim-data={tmp_path}")
        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines([f"kept: infinisim serve --data {tmp_path}/main"])
    kept = sorted(path.name for path in (tmp_path / "main").glob("*.db"))
    assert [name for name in kept if name.startswith("test-")] == ["test-bad-2.db"]
    from infinisim import Lab, Server

    with Server(data=tmp_path / "main") as server:
        assert [pool["name"] for pool in Lab.existing("test-bad-2", server=server)["box-1"].list("pools")] == ["evidence"]


def test_a_server_that_dies(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os, signal

        def test_it(infinibox):
            os.kill(infinibox.lab.server.pid, signal.SIGKILL)
            infinibox.lab.server._process.wait()
            infinibox.get("pools")
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(["*ServerDied: the server ended with exit code -9 during GET health*"])


@pytest.mark.parametrize("option", ["--infinisim-seed=x", "--infinisim-journal=-1", "--infinisim-clock=sun"])
def test_bad_options(pytester: pytest.Pytester, option: str) -> None:
    result = pytester.runpytest_subprocess(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {option.split('=', maxsplit=1)[0]} *"])


def test_bad_marks(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.infinisim(boxes=3)
        def test_it(infinibox):
            pass

        @pytest.mark.infinisim(arrays=1, links="none")
        def test_pair(infinibox_pair):
            pass
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(
        ["*does not take boxes: arrays, links, clock, profile, seed*", "*infinibox_pair needs a lab of two arrays*"]
    )


def test_no_server_where_none_is_needed(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFINISIM_BIN", "/nowhere")
    pytester.makepyfile(
        """
        import sys

        def test_it():
            assert not {"requests", "flux", "capacity"} & set(sys.modules)

        def test_needs(infinibox):
            pass
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*ProgramMissing: /nowhere is not there or cannot be run*"])


def test_stand_ins(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import ecosystem\ndef test_it():\n    assert ecosystem.SimulationContext().mocks")
    pytester.runpytest_subprocess().assert_outcomes(errors=1)
    pytester.runpytest_subprocess("--infinisim-stand-ins").assert_outcomes(passed=1)
    pytester.makeini("[pytest]\ninfinisim_stand_ins = true\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_workers_have_servers_of_their_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("n", range(8))
        def test_it(infinibox_pair, n):
            assert infinibox_pair.primary.list("pools") == []
            infinibox_pair.primary.new_pool("same-name")
        """
    )
    pytester.runpytest_subprocess("-n", "2").assert_outcomes(passed=8)
