"""Consistency groups: several volumes, and all of them as they were at one moment."""
from capacity import GB
from infinisim import Lab

with Lab() as lab:
    box = lab.arrays[0]
    system = box.sdk()
    pool = system.pools.create()
    logs, tables = (system.volumes.create(name=name, pool=pool, size=GB) for name in ("logs", "tables"))

    # Members are in one pool, and in one group at a time.
    group = system.cons_groups.create(name="database", pool=pool)
    for volume in (logs, tables):
        group.add_member(volume)
    assert set(group.get_members()) == {logs, tables} and group.get_members_count() == 2
    assert logs.get_cons_group() == group

    # A snapshot of the group has one of each member, of the same moment.
    before = [box.write(volume.id, seed=1) for volume in (logs, tables)]
    snapgroup = group.create_snapgroup(name="before", prefix="before-")
    assert snapgroup.is_snapgroup() and snapgroup.get_parent() == group
    assert {each.get_parent() for each in snapgroup.get_members()} == {logs, tables}

    # Restoring takes all of them back together.
    for volume in (logs, tables):
        box.write(volume.id, seed=2)
    group.restore(snapgroup)
    assert [box.digest(volume.id) for volume in (logs, tables)] == before

    # A member that leaves stays a volume; the group goes alone, or with its members.
    group.remove_member(logs)
    assert logs.get_cons_group(from_cache=False) is None and group.get_members_count(from_cache=False) == 1
    snapgroup.delete(delete_members=True)
    group.delete(delete_members=True)
    assert system.volumes.to_list() == [logs]
    print("restored together")
