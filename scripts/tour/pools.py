"""Pools: how much room there is, and who may use it."""
from capacity import GB, TB
from infinisdk.core.exceptions import APICommandFailed
from infinisim import Lab

with Lab() as lab:
    system = lab.arrays[0].sdk()

    # A pool has physical room, and virtual room that its volumes may promise.
    pool = system.pools.create(name="tour", physical_capacity=TB, virtual_capacity=2 * TB)
    assert pool.get_physical_capacity() >= TB and pool.get_virtual_capacity() >= 2 * TB
    assert system.pools.get(name="tour") == pool

    # It is renamed and grows while it is in use.
    system.volumes.create(name="v", pool=pool, size=100 * GB)
    pool.update_name("larger")
    pool.update_virtual_capacity(3 * TB)
    assert pool.get_name() == "larger" and pool.get_virtual_capacity() >= 3 * TB

    # With volumes in it, it cannot be deleted; when they are gone, it can.
    try:
        pool.delete()
    except APICommandFailed as refusal:
        print(f"refused: {refusal.error_code}")
    else:
        raise AssertionError("a pool that has a volume was deleted")
    for volume in pool.get_volumes():
        volume.delete()
    pool.delete()
    assert not pool.is_in_system()
