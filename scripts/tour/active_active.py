"""Active-active: one volume that hosts write on either of two arrays."""
from infinisim import Lab

with Lab() as lab:
    near, far = lab.arrays
    system, remote = near.sdk(), far.sdk()
    for one, other in ((system, remote), (remote, system)):
        one.register_related_system(other)
    link = system.links.to_list()[0]
    volume = system.volumes.create(name="v", pool=system.pools.create())
    written = near.write(volume.id, seed=1)

    replica = system.replicas.replicate_entity_create_target(
        volume, link, remote_pool=remote.pools.create(), replication_type="ACTIVE_ACTIVE")
    lab.clock.settle()
    assert replica.is_type_active_active()
    assert replica.is_synchronized()

    # Both sides are the same volume to a host, and what is written on one is on the other at once.
    [peer] = remote.volumes.to_list()
    assert peer.get_serial() == volume.get_serial()
    assert far.digest(peer.id) == written
    changed = far.write(peer.id, seed=2)
    assert near.digest(volume.id) == changed != written

    # When they part, one goes on: the preferred one, or the one that the witness takes.
    with lab.links[0].down():
        lab.clock.advance("1m")
        near.write(volume.id, seed=3)
        assert not replica.is_synchronized()
        print(f"parted: {replica.get_field('sync_state', from_cache=False)}")

    # Together again, the one that went on tells the other what it missed.
    lab.clock.advance("10m")
    assert replica.is_synchronized()
    assert near.digest(volume.id) == far.digest(peer.id)
