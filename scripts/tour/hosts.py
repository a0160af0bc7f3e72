"""Hosts: who reaches which volume, by which ports, under which number."""
from infinisim import Lab

with Lab() as lab:
    system = lab.arrays[0].sdk()
    volume = system.volumes.create(pool=system.pools.create())

    # A host is known by the addresses of its ports.
    host = system.hosts.create(name="server")
    host.add_port("210000e08b000001")
    assert system.hosts.get_host_by_initiator_address("210000e08b000001") == host

    # Mapping gives the volume a number (LUN) at the host.
    lun = host.map_volume(volume)
    assert volume.is_mapped() and host.is_volume_mapped(volume)
    print(f"mapped as LUN {int(lun)}")

    # A cluster maps for all of its hosts.
    cluster = system.host_clusters.create(name="cluster")
    cluster.add_host(host)
    assert host.get_cluster() == cluster

    host.unmap_volume(volume)
    assert not volume.is_mapped()
