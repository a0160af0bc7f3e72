"""Runs the playbooks of the Ansible collection infinidat.infinibox against
infinisim, over TLS: each against arrays with sessions, and against arrays
without, where the client sends Basic authentication each time.

    run.py BIN OUT CACHE

CACHE is the folder that holds, or gets, ansible_collections/infinidat; the
Python that runs this has ansible-core beside it. Playbooks that build on each
other are a group with a server of its own; groups run in parallel, since some
pause for minutes until a lock expires by the wall clock. OUT gets a JSON line
a playbook. The collection has no way to plain HTTP: that is tried with one
playbook, which has to fail before it reaches the array.
"""
import base64
import concurrent.futures
import contextlib
import glob
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from urllib.parse import urlsplit

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import common  # noqa: E402  pylint: disable=wrong-import-position

GROUPS = (
    ("test_create_resources", "test_remove_resources"),
    ("test_create_snapshots", "test_remove_snapshots"),
    ("test_create_resources_demo", "test_remove_resources_demo"),
    ("test_create_map_cluster", "test_remove_map_cluster"),
    ("test_create_volumes", "test_remove_volumes"),
    ("test_search_metadata",),
    ("test_create_network_spaces", "test_remove_network_spaces"),
    ("test_notification_rules_sample", "test_config_sample", "test_persist_api_session", "infinisafe_demo_setup"),
)
COLUMNS = {"ansible": True, "ansible-basic": False}  # whether its arrays have sessions
PLAIN, PLAIN_TRIED = "ansible-http", "test_config_sample"
PLAIN_CANNOT = "the collection always asks InfiniSDK for TLS (use_ssl=True)"
SESSIONS = "api_auth_sessions"  # the feature for which the client takes a session
BEFORE_SESSION = {"_features", "system"}  # what the client asks before it knows of the feature
COOKIE_KEPT = "test_persist_api_session"  # keeps a cookie for a task that knows no password
GROUP_SECONDS = 15 * 60
AT_ONCE = 4  # the first groups pause most; more at once would be too slow for locks that count from a playbook's start
TOO_SLOW = "from the past"  # the client's words for such a lock on a machine that was busy
MESSAGE_LENGTH = 200
PACKAGE, COLLECTION_VERSION = "ansible==12.3.0", "1.6.3"
COLLECTION = os.path.join("ansible_collections", "infinidat", "infinibox")
TOOLS = os.path.dirname(sys.executable)


def fetch(cache):
    """Takes the collection out of the package that carries it, and puts it into the cache in one move."""
    os.makedirs(cache, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
             "--only-binary", ":all:", "--dest", folder, PACKAGE], check=True)
        (wheel,) = glob.glob(os.path.join(folder, "*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [name for name in archive.namelist() if name.startswith(COLLECTION + "/")])
        os.makedirs(os.path.join(cache, os.path.dirname(COLLECTION)), exist_ok=True)
        os.rename(os.path.join(folder, COLLECTION), os.path.join(cache, COLLECTION))


def playbook_folder(cache):
    """Returns the folder of the playbooks, once the cache holds the collection in the version asked for."""
    if not os.path.exists(os.path.join(cache, COLLECTION)):
        fetch(cache)
    with open(os.path.join(cache, COLLECTION, "MANIFEST.json"), encoding="utf-8") as file:
        version = json.load(file)["collection_info"]["version"]
    if version != COLLECTION_VERSION:
        raise SystemExit(f"{cache} holds the collection in version {version}, not {COLLECTION_VERSION}")
    return os.path.join(cache, COLLECTION, "playbooks")


def environment(folder, cache):
    """Returns Ansible's surroundings, with nothing of the user's: no settings, no proxies, no home."""
    config = os.path.join(folder, "ansible.cfg")
    with open(config, "w", encoding="utf-8"):
        pass
    kept = {key: value for key, value in os.environ.items()
            if not key.startswith("ANSIBLE_") and not key.lower().endswith("_proxy")}
    return dict(
        kept, ANSIBLE_CONFIG=config, ANSIBLE_COLLECTIONS_PATH=cache, ANSIBLE_LOCAL_TEMP=folder, ANSIBLE_NOCOLOR="1",
        HOME=folder, TMPDIR=folder, LC_ALL="C.UTF-8", PATH=TOOLS + os.pathsep + os.environ["PATH"])


def variables(array, url="https_url"):
    """Returns the variables of the playbooks.

    The client adds its own port, 443, to the system's address: behind a # it
    is a fragment, and stays off the wire. Nothing is run as another user: the
    only tasks that ask for that look for devices, which may fail.
    """
    return {
        "system": f"{urlsplit(array[url]).netloc}#", "user": array["username"], "password": array["password"],
        "auto_prefix": "PSUS_ANSIBLE_", "pool_size": "1TB", "ansible_python_interpreter": sys.executable,
        "ansible_become": False}


def forget_session(system):
    """Removes the cookies that the collection keeps of a system, in a place of its own choice."""
    with contextlib.suppress(FileNotFoundError):
        os.remove(f"/tmp/infinibox_pickle_{system}")


def gist(result):
    """Returns the start of a failed task's message, without the lines of it that change from run to run."""
    message = result.get("msg") or json.dumps(result)
    lines = [line.strip() for line in message.splitlines()]
    kept = [line for line in lines if not re.match("(Request Timestamp|Response Timestamp|Data|Cookies): ", line)]
    return re.sub(r"https://[^/ ]*|(\?approved=true)?#:443", "", " ".join(kept))[:MESSAGE_LENGTH]


def failure(text):
    """Returns the name and the message of the task that a run stopped at, or None; a failure before it was ignored."""
    found = task = None
    for line in text.splitlines():
        if heading := re.match(r"(?:TASK|RUNNING HANDLER) \[(.*)\] \**$", line):
            found, task = None, heading[1]
        elif not found and (bad := re.match(r"(?:fatal|failed): \[.*?\].*? => (\{.*)", line)):
            found = f"{task}: {gist(json.loads(bad[1]))}"
    return found


def verdict(done, text, errors):
    """Returns whether a run passed, and what is to be said of it."""
    if done is None:
        return False, f"the group's {GROUP_SECONDS} seconds were up in {(re.findall('TASK .(.*). [*]+', text) or ['its start'])[-1]}"
    recap = re.search(r"\bok=(\d+)", text)
    tasks = f"{recap[1] if recap else 0} tasks ok"
    if done == 0:
        return True, tasks
    return False, f"{tasks}; {failure(text) or f'ended with {done}: ' + errors.strip()[-MESSAGE_LENGTH:]}"


def play(name, given, folder, cache, deadline):
    """Runs a playbook with variables until the deadline; returns its exit status, or None where the time was up, and what it wrote."""
    with open(os.path.join(folder, "vars.json"), "w", encoding="utf-8") as file:
        json.dump(given, file)
    command = [os.path.join(TOOLS, "ansible-playbook"), "-e", f"@{file.name}", f"{name}.yml"]
    options = {"cwd": playbook_folder(cache), "env": environment(folder, cache)}
    (output, errors) = [os.path.join(folder, name) for name in ("output", "errors")]
    with open(output, "w+", encoding="utf-8") as out, open(errors, "w+", encoding="utf-8") as err:
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True, **options)
        common.CHILDREN.add(process)
        try:
            status = process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            status = None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            common.CHILDREN.discard(process)
        out.seek(0)
        err.seek(0)
        return status, out.read(), err.read()


def request(method, url, body, **options):
    """Sends a JSON request and gives the decoded answer."""
    with urllib.request.urlopen(urllib.request.Request(
            url, method=method, data=json.dumps(body).encode(), headers={"Content-Type": "application/json", **options})) as answer:
        return json.load(answer)


def bring(ready, group, sessions):
    """Brings what a group presumes of its site: users with simple passwords, the interfaces 1678 to 1680, one a node; takes sessions away.

    Returns the number of the last request of this.
    """
    (array,) = ready["arrays"]
    login = base64.b64encode(f"{array['username']}:{array['password']}".encode()).decode()

    def rest(method, path, body):
        request(method, f"{array['url']}/api/rest/{path}", body, Authorization=f"Basic {login}")

    if not sessions:
        common.control(ready["control"], "PUT", f"arrays/{array['key']}/features/{SESSIONS}", {"enabled": False})
    if any(name.startswith("test_create_resources") for name in group):
        rest("PUT", "config/mgmt/users.password_policy_enabled", False)
    if "test_create_network_spaces" in group:
        request("PATCH", f"{ready['control']}/_sim/v1/arrays/{array['key']}", {"next_id": 1678})
        for node in (1, 2, 3):
            rest("POST", "network/interfaces", {"name": f"PG-{node}", "node_id": node, "ports": ["eth-data1"]})
    with urllib.request.urlopen(f"{ready['control']}/_sim/v1/journal", timeout=60) as answer:
        return max([json.loads(line)["seq"] for line in answer], default=0)


def astray(plane, since, sessions, group):
    """Returns which requests after a number of the journal were signed and should not be, or the other way round."""
    with urllib.request.urlopen(f"{plane}/_sim/v1/journal?since={since}", timeout=60) as answer:
        asked = [json.loads(line) for line in answer]
    signed = {True: set(), False: set()}
    for one in asked:
        signed["Authorization" in one.get("headers", {})].add(one["path"].removeprefix("/api/rest/"))
    if sessions:
        return signed[True] - BEFORE_SESSION
    return set() if COOKIE_KEPT in group else signed[False]


def run_group(program, out, cache, column, group, last=False):
    """Runs a group's playbooks one after another, on one server; returns whether that counts.

    It does not where the machine was too slow for a playbook's own clock,
    unless this is the last time that it is tried.
    """
    results = attempt(program, out, cache, column, group)
    if not last and any(TOO_SLOW in detail for _, _, detail in results):
        return False
    for name, passed, detail in results:
        common.record(out, column, name.removeprefix("test_"), passed, detail)
    return True


def run_again(program, out, cache, column, group):
    """Runs a group that does not count yet twice at most; the second time counts in any case."""
    if not run_group(program, out, cache, column, group):
        run_group(program, out, cache, column, group, last=True)


def attempt(program, out, cache, column, group):
    """Runs a group's playbooks; gives name, result and detail of each."""
    deadline = time.monotonic() + GROUP_SECONDS
    results = []
    with tempfile.TemporaryDirectory(prefix="infinisim-ansible-") as folder, \
            common.server(program, "--tls", "--arrays", "1") as ready:
        given = variables(ready["arrays"][0])
        forget_session(given["system"])
        since = bring(ready, group, COLUMNS[column])
        for name in group:
            done, text, errors = play(name, given, folder, cache, deadline)
            results.append((name, *verdict(done, text, errors)))
        wrong = astray(ready["control"], since, COLUMNS[column], group)
        if wrong:
            results = [(name, False, f"the group signed, or did not sign: {sorted(wrong)}") for name in group]
        common.drove(out, column, ready["control"])
        forget_session(given["system"])
    return results


def try_plain(program, out, cache):
    """Sees that the client cannot do without TLS: its playbook fails, and no request arrives."""
    with tempfile.TemporaryDirectory(prefix="infinisim-ansible-") as folder, common.server(program, "--arrays", "1") as ready:
        done, text, errors = play(PLAIN_TRIED, variables(ready["arrays"][0], "url"), folder, cache, time.monotonic() + GROUP_SECONDS)
        arrived = common.control(ready["control"], "GET", "driven")
    cannot = done not in (0, None) and not arrived
    common.record(out, PLAIN, PLAIN_TRIED.removeprefix("test_"), None if cannot else False,
                  PLAIN_CANNOT if cannot else f"is to fail without a request: {verdict(done, text, errors)[1]}; asked: {arrived}")


def main():
    """Runs all groups in all columns."""
    signal.signal(signal.SIGTERM, common.end)
    program, out, cache = [os.path.abspath(argument) for argument in sys.argv[1:]]
    start = time.monotonic()
    playbook_folder(cache)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {(column, group): pool.submit(run_group, program, out, cache, column, group) for group in GROUPS for column in COLUMNS}
        pool.submit(try_plain, program, out, cache).result()
    late = [run for run, done in runs.items() if not done.result()]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE // 2) as pool:  # again, with little beside them
        for done in [pool.submit(run_again, program, out, cache, *run) for run in late]:
            done.result()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"     {time.monotonic() - start:.0f} s by the wall clock, {used.ru_utime:.0f} and {used.ru_stime:.0f} s of CPU")


if __name__ == "__main__":
    main()
