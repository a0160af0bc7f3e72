"""Snapshots: a volume as it was, and back again."""
from infinisim import Lab

with Lab() as lab:
    box = lab.arrays[0]
    system = box.sdk()
    volume = system.volumes.create(pool=system.pools.create())

    # A snapshot keeps the content of its moment, whatever is written after.
    before = box.write(volume.id, seed=1)
    snapshot = volume.create_snapshot(name="before")
    after = box.write(volume.id, seed=2)
    assert box.digest(snapshot.id) == before != after == box.digest(volume.id)
    assert snapshot.get_parent() == volume and volume.get_snapshots().to_list() == [snapshot]

    # A snapshot of a snapshot belongs to the same family.
    copy = snapshot.create_snapshot(name="copy")
    assert copy.get_family_id() == volume.get_family_id()

    # Restoring brings the content back.
    volume.restore(snapshot)
    assert box.digest(volume.id) == before
    print("restored")
