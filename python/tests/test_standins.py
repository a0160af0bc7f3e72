from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def python(code: str, path: str = "") -> "subprocess.CompletedProcess[str]":
    env = dict(os.environ, PYTHONPATH=path)
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=False)


def test_nothing_is_there_unasked() -> None:
    done = python("import infinisim.infinibox\nimport ecosystem")
    assert "No module named 'ecosystem'" in done.stderr


def test_on_request() -> None:
    done = python(
        "from infinisim import standins\nstandins.install()\nstandins.install()\n"
        "import infinibox_sysdefs.defs\nfrom infinibox_sysdefs import latest\nfrom ecosystem import SimulationContext\n"
        "assert latest is infinibox_sysdefs.defs.latest\n"
        "c = SimulationContext(isolated_env=True)\nc.enter_mocked_context()\n"
        "c.mocks.infinilab_client.get_mocked_infinilab().add_system(None)\nc.exit_mocked_context()"
    )
    assert done.returncode == 0, done.stderr


def test_what_is_installed_comes_first(tmp_path: Path) -> None:
    (tmp_path / "ecosystem.py").write_text("REAL = True\n")
    done = python("from infinisim import standins\nstandins.install()\nimport ecosystem\nprint(ecosystem.REAL)", str(tmp_path))
    assert done.stdout == "True\n", done.stderr
