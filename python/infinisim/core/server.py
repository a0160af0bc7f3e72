"""The Go process that serves the arrays, and its control plane."""
import atexit
import json
import os
import shutil
import subprocess
import tempfile
import time

import requests

_START_SECONDS = 60


class Server:
    """One infinisim process with a manual clock, or one that runs already.

    ``INFINISIM_URL`` names the control plane of a running one;
    ``INFINISIM_BIN`` the program to start otherwise (default: ``infinisim`` on
    the path).
    """

    def __init__(self):
        self._http = requests.Session()
        self._http.trust_env = False
        self._process = None
        token = os.environ.get("INFINISIM_CONTROL_TOKEN")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.control = os.environ.get("INFINISIM_URL")
        if not self.control:
            self._start()

    def _start(self):
        program = os.environ.get("INFINISIM_BIN") or shutil.which("infinisim")
        if not program:
            raise RuntimeError("infinisim is not on the path; set INFINISIM_BIN or INFINISIM_URL")
        ready = os.path.join(tempfile.mkdtemp(prefix="infinisim-"), "ready.json")
        self._process = subprocess.Popen(  # pylint: disable=consider-using-with
            [program, "serve", "--arrays", "0", "--links", "none", "--clock", "manual",
             "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--ready-file", ready],
            stdout=subprocess.DEVNULL)
        atexit.register(self.stop)
        deadline = time.monotonic() + _START_SECONDS
        while not os.path.exists(ready):
            if self._process.poll() is not None:
                raise RuntimeError(f"{program} ended with {self._process.returncode} before it served")
            if time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{program} does not serve after {_START_SECONDS} seconds")
            time.sleep(0.01)
        with open(ready, encoding="utf-8") as file:
            self.control = json.load(file)["control"]

    def stop(self):
        """Ends the process, if this object started it."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait()

    def call(self, method, path, body=None):
        """Sends a request to the control plane and returns its answer."""
        answer = self._http.request(
            method, f"{self.control}/_sim/v1/{path}", json=body, headers=self._headers, timeout=120)
        result = answer.json()
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {result['error']['code']}: {result['error']['message']}")
        return result

    def rest(self, url, method, path, body=None):
        """Sends a request to an array as its built-in user; gives the result."""
        # A raw session reaches the array by its port: it may not be active.
        answer = self._http.request(method, f"{url}/api/rest/{path}", json=body, auth=("infinidat", "123456"), timeout=120)
        result = answer.json()
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {result['error']['code']}: {result['error']['message']}")
        return result["result"]


_server = []


def server():
    """The one server of this Python process, started when first asked for."""
    if not _server:
        _server.append(Server())
    return _server[0]
