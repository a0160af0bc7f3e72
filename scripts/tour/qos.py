"""QoS policies: how many operations a volume or a pool gets."""
from capacity import GB
from infinisim import Lab

with Lab() as lab:
    box = lab.arrays[0]
    system = box.sdk()
    pool = system.pools.create()
    volume = system.volumes.create(pool=pool, size=GB)

    # A policy is for volumes or for pools, and limits operations, bytes a second, or both.
    policy = system.qos_policies.create(name="bronze", type="volume", max_ops=1000)
    policy.assign_entity(volume)
    assert volume.get_qos_policy() == policy and policy.get_assigned_entities().to_list() == [volume]

    # What hosts ask for beyond it, they do not get: the counters say what went through.
    box.set_workload(volume.id, reads=3000, writes=1000)
    collector = box.post("metrics/collectors", {"type": "COUNTER", "collected_fields": ["ops"], "filters": {"protocol_type": "SAN"}})
    lab.clock.advance("10s")
    [row] = [each for each in box.get("metrics/collectors/data")["collectors"] if each["id"] == collector["id"]]
    assert row["data"] and all(ops <= 1000 for [ops] in row["data"])
    print(f"asked for 4000 operations a second, got {row['data'][-1][0]}")

    policy.unassign_entity(volume)
    assert volume.get_qos_policy() is None
    policy.delete()
