"""What the runs of real clients share: a server of their own, and the file
that gets a JSON line a case."""
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

CHILDREN = set()
_START_SECONDS = 60
_lock = threading.Lock()


@contextlib.contextmanager
def server(program, *flags):
    """Starts infinisim and gives what its ready file says; ends it after."""
    with tempfile.TemporaryDirectory(prefix="infinisim-client-") as folder:
        ready = os.path.join(folder, "ready")
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            [program, "serve", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--ready-file", ready, *flags],
            stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, start_new_session=True)
        CHILDREN.add(process)
        try:
            deadline = time.monotonic() + _START_SECONDS
            while not os.path.exists(ready):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{program} does not serve")
                time.sleep(0.01)
            with open(ready, encoding="utf-8") as file:
                yield json.load(file)
        finally:
            process.terminate()
            process.wait()
            CHILDREN.discard(process)


def control(plane, method, path, body=None):
    """What a tester does: a request to the control plane, and its answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{plane}/_sim/v1/{path}", data=data, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def add(out, line):
    """Adds a line of JSON to the file in one write: several processes share it."""
    file = os.open(out, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, json.dumps(line).encode() + b"\n")
    finally:
        os.close(file)


def drove(out, client, plane):
    """Adds to the file which routes a client asked, as the server's journal has them, and what the server had no answer to."""
    told(out, client, lambda path: control(plane, "GET", path))


def told(out, client, get):
    """What drove adds, of a server whose control plane is read by get."""
    add(out, {"client": client, "drove": sorted(get("driven"))})
    unanswered = {plain(line["request"]) for path in ("missing", "unread") for line in get(path)}
    add(out, {"client": client, "unanswered": sorted(unanswered)})


def plain(request):
    """A request without what changes from run to run: the array's key and the ids."""
    return re.sub(r"/\d+(?=[/:]|$)", "/{id}", request.partition(" ")[2])


def end(*_):
    """Ends everything that was started, and this process: somebody asked for it."""
    for process in list(CHILDREN):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    os._exit(1)


def record(out, client, case, passed, detail=""):
    """Adds a case to the file and prints it; passed is None for one that is skipped, with the reason as its detail."""
    detail = " ".join(str(detail).split())[:300]
    line = {"client": client, "case": case, "result": {True: "pass", False: "fail", None: "skip"}[passed], "detail": detail}
    with _lock:
        sys.stdout.write(f"{line['result']}  {client} {case}{': ' + detail if detail else ''}\n")  # whole lines: several processes share it
        sys.stdout.flush()
        add(out, line)
