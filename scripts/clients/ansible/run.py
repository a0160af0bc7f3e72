"""Runs the playbooks of the Ansible collection infinidat.infinibox against
infinisim, over TLS.

    run.py BIN OUT COLLECTIONS

COLLECTIONS is the folder that holds ansible_collections/infinidat/infinibox;
the Python that runs this has ansible-core beside it. Playbooks that build on
each other are a group with a server of its own; groups run in parallel, since
some pause for minutes until a lock expires by the wall clock.
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
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
PATIENCE = 20 * 60


def environment(folder, collections):
    """Ansible's surroundings: nothing of the user's."""
    config = os.path.join(folder, "ansible.cfg")
    with open(config, "w", encoding="utf-8") as file:
        file.write("[defaults]\n")
    return dict(
        os.environ, ANSIBLE_CONFIG=config, ANSIBLE_COLLECTIONS_PATH=collections, HOME=folder, ANSIBLE_LOCAL_TEMP=folder,
        ANSIBLE_NOCOLOR="1", ANSIBLE_DEPRECATION_WARNINGS="0", LC_ALL="C.UTF-8",
        PATH=os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"])


def verdict(text):
    """What a run's output says: the tasks that went well, and what failed."""
    recap = re.search(r"ok=(\d+).*?failed=(\d+)", text)
    tasks = recap.group(1) if recap else "0"
    failed = re.search(r"(?s)TASK \[([^\]]*)\][^\n]*\n(?:(?!TASK \[).)*?(?:fatal|failed): \[[^\]]*\]: (.*?)\n(?=\n|TASK|PLAY)", text)
    if failed:
        answer = re.search(r"Code: (\w+).{0,8}?Message: (.*?)(?:\\\\n|\\n|$)", failed.group(2))
        message = re.search(r'"msg": "([^"]*)"', failed.group(2))
        why = " ".join(answer.groups()) if answer else message.group(1) if message else failed.group(2)
        return f"{tasks} tasks ok; {failed.group(1)}: {why}"
    return f"{tasks} tasks ok"


def run_group(program, out, collections, group):
    """Runs a group's playbooks one after another, on one server."""
    playbooks = os.path.join(collections, "ansible_collections", "infinidat", "infinibox", "playbooks")
    with tempfile.TemporaryDirectory(prefix="infinisim-ansible-") as folder, common.server(program, "--tls", "--arrays", "1") as ready:
        array = ready["arrays"][0]
        # The client appends its own port, 443; as a fragment it stays off the wire.
        variables = os.path.join(folder, "vars.json")
        with open(variables, "w", encoding="utf-8") as file:
            json.dump({
                "system": f"{urlsplit(array['https_url']).netloc}#", "user": array["username"], "password": array["password"],
                "auto_prefix": "PSUS_ANSIBLE_", "pool_size": "1TB", "ansible_python_interpreter": sys.executable}, file)
        for name in group:
            command = [os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-e", "@" + variables, f"{name}.yml"]
            try:
                done = subprocess.run(
                    command, cwd=playbooks, env=environment(folder, collections), capture_output=True, text=True, timeout=PATIENCE, check=False)
                passed, detail = done.returncode == 0, verdict(done.stdout)
                if not passed and done.returncode not in (2,):
                    detail += " " + done.stderr.strip()[-200:]
            except subprocess.TimeoutExpired:
                passed, detail = False, f"not done after {PATIENCE} seconds"
            common.record(out, "ansible", name.removeprefix("test_"), passed, detail)


def main():
    """Runs all groups."""
    program, out, collections = sys.argv[1:]
    with concurrent.futures.ThreadPoolExecutor(len(GROUPS)) as pool:
        for done in [pool.submit(run_group, program, out, os.path.abspath(collections), group) for group in GROUPS]:
            done.result()


if __name__ == "__main__":
    main()
