"""Metrics collectors: what hosts do, counted second by second."""
from capacity import GB
from infinisim import Lab

with Lab() as lab:
    box = lab.arrays[0]
    system = box.sdk()
    pool = system.pools.create()
    quiet, busy = (system.volumes.create(name=name, pool=pool, size=GB) for name in ("quiet", "busy"))

    # The tester says what hosts do; the client asks for counters of some of it.
    box.set_workload(quiet.id, reads=10)
    box.set_workload(busy.id, reads=300, writes=100, block_size=8192)
    ops, top = (
        system.api.post("metrics/collectors", data=dict(wanted, filters={"protocol_type": "SAN"})).get_result()
        for wanted in ({"type": "COUNTER", "collected_fields": ["ops", "throughput"]}, {"type": "TOP", "collected_fields": ["volume_id", "ops"]}))

    # Samples are there after a few seconds, one a second, and are given once.
    lab.clock.advance("5s")
    data = {each["id"]: each for each in system.api.get("metrics/collectors/data").get_result()["collectors"]}
    assert data[ops["id"]]["data"][0] == [410, 410 * 8192]
    assert data[top["id"]]["data"][0] == [[busy.id, 400], [quiet.id, 10]]  # the busiest first
    print(f"{data[ops['id']]['data'][0][0]} operations a second")
    again = {each["id"]: each for each in system.api.get("metrics/collectors/data").get_result()["collectors"]}
    assert not again.get(ops["id"], {}).get("data")
    for each in (ops, top):
        system.api.delete(f"metrics/collectors/{each['id']}")
