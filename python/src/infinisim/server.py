"""The process that serves the arrays, and its control plane."""

from __future__ import annotations

import atexit
import http.client
import json
import os
import subprocess
import tempfile
import threading
import weakref
from typing import IO, Any, Dict, List, Mapping, Optional, Union
from urllib.parse import urlencode

from . import _program
from ._wire import Wire
from .errors import ControlError, InfinisimError, PortTaken, ServerDied

_START_SECONDS = 60
_END_SECONDS = 10
_LAST_LINES = 20


class Server:
    """An infinisim process, started here and ended with this object, or with
    this process, whatever kills it.

    The process holds any number of labs. ``Lab()`` starts one by itself and
    shares it; a server of your own is for other options.

    >>> from infinisim import Lab, Server
    >>> with Server(profile="7.2") as server, Lab(server=server) as lab:
    ...     lab["box-1"].get("system", fields="version")["version"]
    '7.2.0.0'
    """

    def __init__(
        self,
        *,
        program: Optional[str] = None,
        profile: str = "8.6",
        seed: int = 1,
        data: Union[str, "os.PathLike[str]", None] = None,
        tls: bool = False,
        listen: str = "127.0.0.1:0",
        control: str = "127.0.0.1:0",
        arguments: Optional[List[str]] = None,
    ) -> None:
        token = os.environ.get("INFINISIM_CONTROL_TOKEN")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._process: Optional["subprocess.Popen[str]"] = None
        self._owner = os.getpid()
        #: The options that labs are made with unless they say otherwise.
        self.profile, self.seed = profile, seed
        #: Where the labs are kept, None for in memory.
        self.data = os.fspath(data) if data is not None else None
        #: Whether other processes use the same server.
        self.is_shared = False
        command = [_program.find(program), "serve", "--arrays", "0", "--links", "none", "--clock", "manual"]
        command += ["--profile", profile, "--seed", str(seed), "--listen", listen, "--control", control]
        command += ["--ready-file", "-", "--exit-with-stdin"] + ["--tls"] * tls
        command += ["--data", self.data] if self.data is not None else []
        self._start(command + (arguments or []))
        self._wire = Wire(self.control)

    @classmethod
    def connect(cls, url: str, token: Optional[str] = None) -> "Server":
        """A server that runs already, by the address of its control plane.

        >>> from infinisim import Server
        >>> with Server() as server:
        ...     Server.connect(server.control).call("GET", "health")
        {'status': 'ok'}
        """
        self = cls.__new__(cls)
        token = token or os.environ.get("INFINISIM_CONTROL_TOKEN")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._process, self._owner = None, os.getpid()
        self.profile, self.seed, self.data = "8.6", 1, None
        self.is_shared = True
        #: The address of the control plane.
        self.control = url.rstrip("/")
        #: The id of the process, 0 for one that was not started here.
        self.pid = 0
        self._wire = Wire(self.control)
        return self

    def _start(self, command: List[str]) -> None:
        # A file without a name: nothing of it is left, whatever kills this process.
        self._log: IO[bytes] = tempfile.TemporaryFile(prefix="infinisim-log-")  # noqa: SIM115
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True, start_new_session=True
        )
        self.pid = self._process.pid
        _started.add(self)
        patience = threading.Timer(_START_SECONDS, self._process.kill)
        patience.daemon = True
        patience.start()
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        patience.cancel()
        if not line:
            raise self._obituary("before it served")
        self.control = str(json.loads(line)["control"])

    def _obituary(self, when: str) -> InfinisimError:
        """What to say of a server that is gone."""
        process = self._process
        assert process is not None
        code = process.wait(_END_SECONDS)
        lines = self.last_lines()
        self.close()
        text = "\n".join("  " + line for line in lines) or "  (it wrote nothing)"
        for line in lines:
            if "address already in use" in line:
                address = line.split("listen tcp ")[-1].split(": ")[0]
                return PortTaken(
                    f"{address} is taken: another process listens there; end it, or ask for port 0, which is any that is free\n{text}"
                )
        return ServerDied(f"the server ended with exit code {code} {when}; its last lines:\n{text}")

    def last_lines(self) -> List[str]:
        """The end of what the server logged; nothing of one that was not started here.

        >>> from infinisim import Server
        >>> with Server() as server:
        ...     server.last_lines()
        []
        """
        if self._process is None and self.pid == 0:
            return []
        end = os.fstat(self._log.fileno()).st_size
        start = max(0, end - (1 << 16))
        # The server writes through the same file: its place is not to be moved.
        raw = os.pread(self._log.fileno(), end - start, start) if hasattr(os, "pread") else b""
        return raw.decode("utf-8", "replace").splitlines()[-_LAST_LINES:]

    @property
    def alive(self) -> bool:
        """Whether the process that was started here still runs; True for any other.

        >>> lab.server.alive
        True
        """
        if self.pid == 0 or os.getpid() != self._owner:  # nobody's child here
            return True
        return self._process is not None and self._process.poll() is None

    def send(self, method: str, path: str, body: object = None, query: Optional[Mapping[str, str]] = None) -> bytes:
        """Sends a request to the control plane; gives the bytes of its answer.

        >>> lab.server.send("GET", "health")
        b'{"status":"ok"}\\n'
        """
        raw = None if body is None else json.dumps(body).encode()
        target = f"/_sim/v1/{path}" + (f"?{urlencode(query)}" if query else "")
        if self.pid and self._process is None:
            raise ServerDied("the server was closed: make a new one")
        try:
            reply = self._wire.send(method, target, raw, {"Content-Type": "application/json", **self._headers})
        except (OSError, http.client.HTTPException) as error:
            raise self._lost(f"{method} {path}", error) from error
        if reply.status >= 400:
            told = json.loads(reply.body)["error"]
            raise ControlError(f"{method} {path}", reply.status, told["code"], told["message"])
        return reply.body

    def _lost(self, request: str, error: Exception) -> InfinisimError:
        process = self._process
        if process is not None and os.getpid() == self._owner:
            try:
                process.wait(1)
            except subprocess.TimeoutExpired:
                pass
            else:
                return self._obituary(f"during {request}")
        return ServerDied(f"{request}: nobody answers at {self.control} ({error}): is the server of INFINISIM_URL running?")

    def call(self, method: str, path: str, body: object = None, query: Optional[Mapping[str, str]] = None) -> Any:
        """Sends a request to the control plane; gives its answer, decoded.

        >>> sorted(lab.server.call("GET", "health"))
        ['status']
        """
        return json.loads(self.send(method, path, body, query))

    def labs(self) -> List[str]:
        """The names of the labs.

        >>> "default" in lab.server.labs()
        True
        """
        return [each["name"] for each in self.call("GET", "labs")]

    def close(self) -> None:
        """Ends the process, if it was started here; doing so twice does nothing.

        >>> from infinisim import Server
        >>> server = Server()
        >>> server.close()
        >>> server.alive
        False
        """
        process, self._process = self._process, None
        if process is None:
            return
        _started.discard(self)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        if os.getpid() != self._owner:
            return
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Server {self.control}>"


# The servers of this process, and the one that labs share.
_started: "weakref.WeakSet[Server]" = weakref.WeakSet()
_shared: Dict[str, Server] = {}


def shared(**options: Any) -> Server:
    """The server that this process shares: the one that ``INFINISIM_URL`` names,
    or else one that is started when first asked for, with the options given then.

    >>> import infinisim
    >>> infinisim.server.shared() is infinisim.server.shared()
    True
    """
    server = _shared.get("server")
    if server is None:
        url = os.environ.get("INFINISIM_URL")
        server = _shared["server"] = Server.connect(url) if url else Server(**options)
    return server


def close_all() -> None:
    """Ends every server that this process started; a new one starts when next asked for."""
    _shared.clear()
    for server in list(_started):
        server.close()


def _forget() -> None:
    """Lets go of the pipes in a forked child: the servers end with the parent, not with the last child."""
    for server in list(_started):
        process = server._process
        if process is not None and process.stdin is not None:
            process.stdin.close()


atexit.register(close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
