"""Volumes: made, resized, found, written, deleted."""
from capacity import GB
from infinisim import Lab

with Lab() as lab:
    box = lab.arrays[0]
    system = box.sdk()
    pool = system.pools.create()

    # A thick volume has all of its room at once, a thin one as it is written; the client makes thick ones unless it is told.
    small = system.volumes.create(name="small", pool=pool, size=GB, provisioning="THIN")
    large = system.volumes.create(name="large", pool=pool, size=10 * GB)
    assert (small.get_provisioning(), large.get_provisioning()) == ("THIN", "THICK")

    # Lists are filtered and sorted by the array.
    assert system.volumes.find(provisioning="THICK").to_list() == [large]
    assert system.volumes.find().sort(-system.volumes.fields.size).to_list() == [large, small]

    # It grows in place, and keeps what hosts wrote: here the tester writes.
    written = box.write(small.id, length=1 << 20, seed=7)
    small.resize(GB)
    assert small.get_size() >= 2 * GB
    assert box.digest(small.id) != box.digest(large.id)
    print(f"written: {written}")

    small.delete()
    assert system.volumes.to_list() == [large]
