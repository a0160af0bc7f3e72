from __future__ import annotations

import contextlib
import http.server
import json
import os
import select
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import List

import pytest

from infinisim import Lab, PortTaken, ProgramMissing, Server, ServerDied
from infinisim import _program as program

# A process that starts a server, tells its id, and stays.
PARENT = """
import os, sys, time
import infinisim
server = infinisim.Server()
lab = infinisim.Lab(server=server)
if "fork" in sys.argv and os.fork() == 0:
    os.close(1)
    os.close(2)
    time.sleep(600)
print(server.pid, flush=True)
time.sleep(600)
"""


def ended(pid: int) -> None:
    """Waits for the end of a process that is nobody's child here."""
    descriptor = os.pidfd_open(pid)
    try:
        ready, _, _ = select.select([descriptor], [], [], 30)
        assert ready, f"process {pid} still runs 30 seconds after its parent was killed"
    finally:
        os.close(descriptor)


def kill_parent(*arguments: str) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, *arguments], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    descriptor = os.pidfd_open(pid)  # while it is sure to be the server
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    os.close(descriptor)
    try:
        ended(pid)
    except ProcessLookupError:
        pass  # it ended before anybody looked
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(parent.pid, signal.SIGKILL)  # the fork, if there is one
        parent.stdout.close()


def test_a_killed_parent_leaves_no_server() -> None:
    kill_parent()


def test_a_killed_parent_leaves_no_server_though_its_fork_lives() -> None:
    kill_parent("fork")


TESTS = """
import os, time, pytest

@pytest.mark.parametrize("n", range(2))
def test_it(infinibox_pair, n):
    with open(os.environ["PIDS"], "w") as file:
        file.write(f"{infinibox_pair.primary.lab.server.pid}\\n")
    time.sleep(600)
"""


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_a_killed_pytest_leaves_no_server(tmp_path: Path, workers: List[str]) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    pids = tmp_path / "pids"
    os.mkfifo(pids)
    env = dict(os.environ, PIDS=str(pids))
    env.pop("PYTEST_XDIST_WORKER", None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *workers]
    tests = subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    servers: List[int] = []
    while len(servers) < (2 if workers else 1):
        servers += [os.pidfd_open(int(line)) for line in pids.read_text().split()]
    tests.kill()
    tests.wait()
    for server in servers:
        ready, _, _ = select.select([server], [], [], 60)
        os.close(server)
        assert ready, "a server still runs a minute after pytest was killed"


def test_a_fork_uses_the_server_and_does_not_end_it() -> None:
    with Lab() as lab:
        child = os.fork()
        if child == 0:
            try:
                lab.arrays[0].post("hosts", {"name": "h"})
                lab.server.close()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert [host["name"] for host in lab.arrays[0].list("hosts")] == ["h"]


def test_the_end_of_the_interpreter_ends_the_server() -> None:
    code = "import infinisim\nlab = infinisim.Lab()\nprint(lab.server.pid, flush=True)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not Path(f"/proc/{int(done.stdout)}").exists()
    assert done.stderr == ""


def test_a_server_that_died_tells_its_last_lines() -> None:
    server = Server()
    lab = Lab(server=server)
    os.kill(server.pid, signal.SIGQUIT)  # Go writes where it was
    assert server._process is not None
    server._process.wait()
    with pytest.raises(ServerDied, match=r"exit code 2 during GET labs/.*(?s:.)its last lines:|its last lines:"):
        lab.clock.now  # noqa: B018
    with pytest.raises(ServerDied, match="was closed: make a new one"):
        lab.clock.now  # noqa: B018
    assert not server.alive


def test_an_array_whose_server_died_says_so() -> None:
    with Server() as server:
        lab = Lab(server=server)
        os.kill(server.pid, signal.SIGKILL)
        server._process.wait()  # type: ignore[union-attr]
        with pytest.raises(ServerDied, match="exit code -9"):
            lab.arrays[0].get("pools")


def test_a_port_that_is_taken() -> None:
    with Server() as server, pytest.raises(PortTaken, match="is taken: another process listens there"):
        Server(control=server.control[len("http://") :])


def test_no_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("INFINISIM_BIN", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(program, "bundled", lambda: tmp_path / "none")
    with pytest.raises(ProgramMissing, match="set INFINISIM_BIN to the program, or install a wheel"):
        Server()
    script = tmp_path / "infinisim"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    with pytest.raises(ProgramMissing, match="none is on the path"):
        Server()  # a script of that name is our own command, which asks the same


def test_the_program_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = program.find()
    monkeypatch.delenv("INFINISIM_BIN", raising=False)
    monkeypatch.setattr(program, "bundled", lambda: tmp_path / "none")
    (tmp_path / "infinisim").symlink_to(real)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program.find() == str(tmp_path / "infinisim")


def test_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "infinisim", "serve", "--help"], capture_output=True, text=True, timeout=60, check=True)
    assert "--exit-with-stdin" in done.stdout


def test_a_server_of_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server() as server:
        code = textwrap.dedent(
            """
            import infinisim
            from infinisim.infinibox import Infinibox
            with infinisim.Lab() as lab:
                assert lab.server.is_shared and lab.arrays[0].get("pools") == []
            print(Infinibox().get_hostname())
            """
        )
        env = dict(os.environ, INFINISIM_URL=server.control)
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("simulator-box-1.lab-")
        assert server.alive


def test_nobody_at_the_url() -> None:
    with pytest.raises(ServerDied, match="is the server of INFINISIM_URL running"):
        Server.connect("http://127.0.0.1:9").labs()


def test_the_token_goes_along() -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps([{"name": self.headers["Authorization"]}]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    listener = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listener.handle_request, daemon=True).start()
    assert Server.connect(f"http://127.0.0.1:{listener.server_port}", "secret").labs() == ["Bearer secret"]
    listener.server_close()
