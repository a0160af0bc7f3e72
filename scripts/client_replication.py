"""The main job, end to end: the real InfiniSDK over sockets, two arrays, a link.

    client_replication.py PROGRAM

starts PROGRAM (infinisim), goes through the life of replicas, and prints a line
a step. The first thing that is not as it must be ends it with an error.
"""
import json
import os
import subprocess
import sys
import tempfile
import time

import requests
from capacity import GB, TB
from infinisdk import InfiniBox
from infinisdk.core.exceptions import APICommandFailed

MIB = 2 ** 20
START_SECONDS = 60
AUTH = ("admin", "123456")


class Lab:
    """A server of this script's own, and its control plane."""

    def __init__(self, program):
        ready = os.path.join(tempfile.mkdtemp(prefix="infinisim-"), "ready.json")
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [program, "serve", "--clock", "manual", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0",
             "--ready-file", ready], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not os.path.exists(ready):
            assert self.process.poll() is None, "the server ended before it served"
            assert time.monotonic() < deadline, "the server does not serve"
            time.sleep(0.01)
        with open(ready, encoding="utf-8") as file:
            self.info = json.load(file)
        self.http = requests.Session()
        self.http.trust_env = False
        (self.primary, self.secondary) = [self.connect(a) for a in self.info["arrays"]]
        self.primary.register_related_system(self.secondary)
        self.secondary.register_related_system(self.primary)
        self.keys = {self.primary: "box-1", self.secondary: "box-2"}
        self.link = self.primary.links.get()

    @staticmethod
    def connect(array):
        """Logs in to an array of the ready file."""
        host, port = array["url"].removeprefix("http://").split(":")
        system = InfiniBox((host, int(port)), auth=AUTH)
        system.login()
        return system

    def call(self, method, path, body=None):
        """Sends a request to the control plane."""
        answer = self.http.request(method, f"{self.info['control']}/_sim/v1/{path}", json=body, timeout=120)
        assert answer.ok, f"{method} {path}: {answer.text}"
        return answer.json()

    def settle(self):
        """Moves time until nothing that was asked for is left to do."""
        blocked = self.call("POST", "clock/settle", {})["blocked"]
        assert not blocked, blocked

    def advance(self, by):
        """Moves time on."""
        return self.call("POST", "clock/advance", {"by": by})

    def write(self, dataset, offset, length, seed):
        """Is a host's write."""
        path = f"arrays/{self.keys[dataset.system]}/datasets/{dataset.id}/write"
        return self.call("POST", path, {"offset": offset, "length": length, "seed": seed})

    def digest(self, dataset):
        """Proves a dataset's content."""
        return self.call("GET", f"arrays/{self.keys[dataset.system]}/datasets/{dataset.id}/digest")["digest"]

    def cut(self, down):
        """Takes the link down, or brings it back."""
        self.call("POST", f"arrays/box-1/links/{self.link.id}/" + ("cut" if down else "restore"))

    def close(self):
        """Interrupts the server, which must end cleanly."""
        self.process.terminate()
        assert self.process.wait(timeout=30) == 0, "the server did not end cleanly"


def step(text):
    """Prints a line for a step that went well."""
    print(f"ok   {text}", flush=True)


def refused(text, status, code, call):
    """Expects the array to refuse a call."""
    try:
        call()
    except APICommandFailed as error:
        got = (error.status_code, error.error_code)
        assert got == (status, code), f"{text}: got {got}, want {(status, code)}: {error}"
        print(f"ok   refused {status} {code:<40} {text}", flush=True)
        return
    raise AssertionError(f"{text}: was not refused")


def same(lab, replica):
    """Whether source and target hold the same, dataset by dataset."""
    pairs = replica.get_entity_pairs(from_cache=False)
    for pair in pairs:
        kind = replica.system.filesystems if replica.is_filesystem() else replica.system.volumes
        there = lab.secondary.filesystems if replica.is_filesystem() else lab.secondary.volumes
        here = lab.digest(kind.get_by_id(pair["local_entity_id"]))
        if here != lab.digest(there.get_by_id(pair["remote_entity_id"])):
            return False
    return True


def life_of_a_replica(lab, pool, remote_pool):
    """Creation, jobs, suspend, change of type."""
    volume = lab.primary.volumes.create(pool=pool, size=10 * GB, provisioning="THIN")
    lab.write(volume, 0, 512 * MIB, 1)
    replica = lab.primary.replicas.replicate_entity(volume, link=lab.link, remote_pool=remote_pool)
    assert replica.is_initial_replication() and not replica.is_idle()
    refused("change of type while initialising", 409, "REPLICA_IS_INITIALIZING", replica.change_type_to_sync)
    lab.settle()
    assert replica.is_idle() and same(lab, replica)
    step("a volume is replicated and idle, digests equal")
    first = replica.get_restore_point(from_cache=False)
    lab.write(volume, 100 * MIB, 256 * MIB, 2)
    assert not same(lab, replica)
    lab.advance("5m")
    assert replica.get_restore_point(from_cache=False) > first and same(lab, replica)
    step("what was written is there at the next restore point")
    lab.write(volume, 0, MIB, 3)
    replica.sync()
    assert replica.is_replicating()
    lab.settle()
    assert same(lab, replica)
    step("sync now")
    replica.suspend()
    assert replica.is_user_suspended()
    refused("suspend of a suspended replica", 409, "REPLICA_ALREADY_SUSPENDED", replica.suspend)
    lab.write(volume, MIB, MIB, 4)
    lab.advance("10m")
    assert not same(lab, replica)
    replica.resume()
    lab.settle()
    assert replica.is_idle() and same(lab, replica)
    step("suspend and resume")
    replica.change_type_to_sync()
    assert replica.is_type_sync()
    lab.settle()
    assert replica.is_synchronized()
    lab.write(volume, 5 * MIB, MIB, 5)
    assert same(lab, replica)
    replica.change_type_to_async()
    assert replica.is_type_async() and replica.is_idle()
    step("to SYNC, every write on both sides, and back to ASYNC")
    remote = replica.get_remote_replica()
    assert remote.get_state() is None and remote.is_target()
    assert remote.get_remote_entity_pairs()[0]["local_entity_id"] == volume.id
    step("the peer's half is a target, also through the link")
    return volume, replica


def other_forms(lab, pool, remote_pool, volume, replica):
    """Base snapshots, existing targets, groups, filesystems, SYNC."""
    remote_volume = replica.get_remote_entity()
    result = replica.delete(retain_staging_area=True)
    snaps = [s for s in result if s is not None]
    assert len(snaps) == 2 and volume.get_snapshots().count() == 1, result
    assert lab.digest(snaps[0]) == lab.digest(snaps[1])
    step("deletion keeps the staging area as a snapshot on both sides")
    other = remote_volume.create_snapshot()
    refused("base snapshots that do not match", 409, "REPLICA_BASE_MISMATCH",
            lambda: lab.primary.replicas.replicate_entity_use_base(
                volume, link=lab.link, local_snapshot=snaps[0], remote_snapshot=other))
    lab.write(volume, 0, MIB, 6)
    replica = lab.primary.replicas.replicate_entity_use_base(
        volume, link=lab.link, local_snapshot=snaps[0], remote_snapshot=snaps[1])
    lab.settle()
    assert same(lab, replica)
    step("base snapshots on both sides: the difference alone is sent")
    refused("a second replica over the link", 409, "REPLICA_ALREADY_EXISTS",
            lambda: lab.primary.replicas.replicate_entity(volume, link=lab.link, remote_pool=remote_pool))
    refused("deletion of a replicated volume", 409, "DATASET_IS_REPLICATED", volume.delete)
    refused("deletion of a link with replicas", 409, "LINK_HAS_REPLICAS", lab.link.delete)

    source = lab.primary.volumes.create(pool=pool, size=2 * GB)
    used = lab.secondary.volumes.create(pool=remote_pool, size=2 * GB)
    lab.write(used, 0, MIB, 9)
    existing = lab.primary.replicas.replicate_entity_existing_target
    refused("target that is not formatted", 409, "REPLICA_TARGET_NOT_EMPTY", lambda: existing(source, lab.link, used))
    bigger = lab.secondary.volumes.create(pool=remote_pool, size=3 * GB)
    refused("target of another size", 409, "REPLICA_TARGET_SIZE_MISMATCH", lambda: existing(source, lab.link, bigger))
    empty = lab.secondary.volumes.create(pool=remote_pool, size=2 * GB)
    lab.write(source, 0, MIB, 10)
    replica = existing(source, lab.link, empty)
    lab.settle()
    assert same(lab, replica)
    step("an existing, formatted target")

    source = lab.primary.volumes.create(pool=pool, size=2 * GB)
    twin = lab.secondary.volumes.create(pool=remote_pool, size=2 * GB)
    for dataset in (source, twin):
        lab.write(dataset, 0, MIB, 11)
    replica = lab.primary.replicas.replicate_entity_take_snap(source, lab.link, twin)
    lab.settle()
    assert same(lab, replica)
    step("take snap: both sides as they are")

    group = lab.primary.cons_groups.create(pool=pool)
    members = [lab.primary.volumes.create(pool=pool, size=2 * GB) for _ in range(3)]
    for number, member in enumerate(members):
        group.add_member(member)
        lab.write(member, number * MIB, MIB, 20 + number)
    replica = lab.primary.replicas.replicate_cons_group(group, link=lab.link, remote_pool=remote_pool)
    lab.settle()
    assert replica.is_idle() and same(lab, replica) and len(replica.get_entity_pairs()) == 3
    assert replica.get_remote_entity().get_members().count() == 3
    step("a consistency group with three members, digests equal")
    refused("deletion of a replicated group", 409, "CG_IS_REPLICATED", group.delete)
    local, remote = replica.delete(retain_staging_area=True)
    assert local.is_snapgroup() and remote.get_members().count() == 3
    step("its deletion leaves a snapshot group on both sides")

    filesystem = lab.primary.filesystems.create(pool=pool, size=2 * GB)
    lab.write(filesystem, 0, MIB, 30)
    refused("SYNC of a filesystem", 400, "REPLICA_TYPE_NOT_SUPPORTED_FOR_ENTITY",
            lambda: lab.primary.replicas.replicate_entity(
                filesystem, link=lab.link, remote_pool=remote_pool, replication_type="SYNC"))
    replica = lab.primary.replicas.replicate_entity(filesystem, link=lab.link, remote_pool=remote_pool)
    lab.settle()
    assert replica.is_idle() and same(lab, replica)
    step("a filesystem")

    source = lab.primary.volumes.create(pool=pool, size=2 * GB)
    replica = lab.primary.replicas.replicate_entity(
        source, link=lab.link, remote_pool=remote_pool, replication_type="SYNC")
    assert replica.is_initializing()
    lab.settle()
    assert replica.is_synchronized()
    lab.cut(True)
    assert replica.is_out_of_sync()
    lab.write(source, 0, MIB, 40)
    lab.cut(False)
    assert replica.is_sync_in_progress()
    lab.settle()
    assert replica.is_synchronized() and same(lab, replica)
    step("SYNC, out of sync while the link is cut, and synchronized again")


def refusals(lab, pool, remote_pool):
    """Bad input that the SDK can send."""
    volumes, api = lab.primary.volumes, lab.primary.api
    body = {"name": "x", "size": 2000000000, "pool_id": pool.id, "provtype": "THIN"}
    post = lambda **changes: (lambda: api.post("volumes", data=dict(body, **changes)))  # noqa: E731
    refused("size that is no number", 400, "INVALID_FIELD_VALUE", post(size="big"))
    refused("size that is not allowed", 400, "INVALID_FIELD_VALUE", post(size=2000000001))
    refused("pool that does not exist", 404, "POOL_NOT_FOUND", post(pool_id=999999))
    refused("unknown field", 400, "UNKNOWN_FIELD", post(evil=1))
    refused("missing required field", 400, "MISSING_REQUIRED_FIELD", post(name=None))
    refused("pool that is full", 409, "POOL_NOT_ENOUGH_VIRTUAL_CAPACITY", post(size=10 * 10 ** 12))
    volume = volumes.create(pool=pool, name="taken", size=2 * GB)
    refused("name taken", 409, "VOLUME_NAME_CONFLICT", lambda: volumes.create(pool=pool, name="taken"))
    refused("immutable field", 400, "IMMUTABLE_FIELD",
            lambda: api.put(f"volumes/{volume.id}", data={"serial": "742b0f"}))
    refused("a size that is smaller", 409, "DATASET_SIZE_CANNOT_SHRINK", lambda: volume.update_size(GB))
    refused("page 0", 400, "INVALID_PAGE", lambda: api.get("volumes?page=0"))
    refused("page_size 5000", 400, "INVALID_PAGE", lambda: api.get("volumes?page_size=5000"))
    refused("unknown parameter", 400, "UNKNOWN_PARAMETER", lambda: api.get("volumes?evilmonkey=true"))
    refused("a path with no meaning", 404, "PATH_NOT_FOUND", lambda: api.get("nonexistent/path"))
    refused("deletion of a pool with volumes", 409, "POOL_NOT_EMPTY", pool.delete)
    refused("a link that does not exist", 404, "LINK_NOT_FOUND", lambda: api.post("replicas", data={
        "link_id": 999999, "entity_type": "VOLUME", "remote_pool_id": remote_pool.id,
        "entity_pairs": [{"local_entity_id": volume.id, "remote_base_action": "CREATE", "remote_entity_id": None}]}))
    snapshot = volume.create_snapshot()
    refused("a replica of a snapshot", 409, "REPLICA_ENTITY_IS_NOT_MASTER",
            lambda: lab.primary.replicas.replicate_entity(snapshot, link=lab.link, remote_pool=remote_pool))
    lab.cut(True)
    refused("a replica over a cut link", 409, "LINK_IS_NOT_CONNECTED",
            lambda: lab.primary.replicas.replicate_entity(volume, link=lab.link, remote_pool=remote_pool))
    lab.cut(False)
    raw = requests.post(f"{lab.info['arrays'][0]['url']}/api/rest/volumes", data="{", auth=AUTH, timeout=30)
    assert (raw.status_code, raw.json()["error"]["code"]) == (400, "MALFORMED_REQUEST"), raw.text
    step("malformed JSON is refused in the array's envelope")


def main():
    """Runs everything against one server."""
    lab = Lab(sys.argv[1])
    try:
        pool = lab.primary.pools.create(physical_capacity=4 * TB, virtual_capacity=4 * TB)
        remote_pool = lab.secondary.pools.create(physical_capacity=4 * TB, virtual_capacity=4 * TB)
        volume, replica = life_of_a_replica(lab, pool, remote_pool)
        other_forms(lab, pool, remote_pool, volume, replica)
        refusals(lab, pool, remote_pool)
        violations = lab.call("POST", "check")["violations"]
        assert violations == [], violations
        missing = lab.call("GET", "missing")
        assert [m["request"] for m in missing] == ["box-1 GET /api/rest/nonexistent/path"], missing
        step("the lab's own check finds nothing, and no request went without an answer")
    except BaseException:
        lab.process.kill()
        raise
    lab.close()
    step("the server ended cleanly")


if __name__ == "__main__":
    main()
