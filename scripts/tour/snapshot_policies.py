"""Snapshot policies: snapshots that the array makes, and deletes, by itself."""
from datetime import timedelta

from infinisim import Lab

with Lab() as lab:
    system = lab.arrays[0].sdk()
    policy = system.snapshot_policies.create(name="hourly")
    schedule = policy.schedules.create(name="each hour", type="periodic", interval=timedelta(hours=1), retention=timedelta(hours=3))
    volume = system.volumes.create(name="v", pool=system.pools.create())
    policy.assign_entity(volume)
    [entity] = policy.get_assigned_entities()
    assert entity.assigned_entity_id == volume.id

    # Nobody waits: two hours pass, and there are two snapshots.
    lab.clock.advance(timedelta(hours=2))
    first, second = volume.get_snapshots().to_list()
    assert first.get_field("created_by_schedule_name") == "each hour"

    # Each stays for its retention: after a day there are the last three.
    lab.clock.advance(timedelta(hours=22))
    assert len(volume.get_snapshots().to_list()) == 3 and not first.is_in_system()

    # A schedule that is disabled makes none, and those that are there still go.
    schedule.disable()
    lab.clock.advance(timedelta(hours=4))
    assert volume.get_snapshots().to_list() == []
    policy.unassign_entity(volume)
    print("made and gone")
