"""Replication: a copy on another array, which follows what is written."""
from datetime import timedelta

from infinisim import Lab

with Lab() as lab:
    near, far = lab.arrays  # linked already, on a clock that stands still
    system, remote = near.sdk(), far.sdk()
    volume = system.volumes.create(pool=system.pools.create())
    first = near.write(volume.id, seed=1)

    # The tester's way to a replica; the array copies when the clock moves.
    made = lab.links[0].replicate(volume.id, remote.pools.create().id)
    replica = system.replicas.get_by_id(made["id"])
    lab.clock.settle()
    [copy] = remote.volumes.to_list()
    assert far.digest(copy.id) == first
    assert not replica.is_suspended()

    # What is written later follows with the next interval.
    second = near.write(volume.id, seed=2)
    assert far.digest(copy.id) == first
    lab.clock.advance(timedelta(hours=1))
    assert far.digest(copy.id) == second

    # Suspended, nothing follows; resumed, it does.
    replica.suspend()
    third = near.write(volume.id, seed=3)
    lab.clock.advance(timedelta(hours=1))
    assert far.digest(copy.id) == second
    replica.resume()
    lab.clock.advance(timedelta(hours=1))
    assert far.digest(copy.id) == third
    print("the copy follows")
