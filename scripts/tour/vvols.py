"""Virtual volumes: what a hypervisor makes, in pools of their own kind, and a copy of a group of them."""
from infinisim import Lab

with Lab() as lab:
    near, far = lab.arrays
    for box in (near, far):
        box.set_feature("vvol_replication", True)  # arrays come with it switched off
    system, remote = near.sdk(), far.sdk()
    system.register_related_system(remote)
    pool = system.pools.create(type="VVOL")

    # No client of the REST API makes a virtual machine or its disks; a hypervisor does, and here the tester.
    machine = near.control("POST", "vms", {"name": "web"})
    disk = near.control("POST", "vvols", {"name": "disk", "pool_id": pool.id, "size": 10**9, "vm_id": machine["id"], "guest_os": "linux"})
    vvol = system.vvols.get_by_id(disk["id"])
    assert vvol.get_vm() == system.vms.get_by_id(machine["id"]) and vvol.get_pool() == pool

    # A replication group has disks that are copied together.
    group = system.replication_groups.create(name="shop", pool=pool)
    near.control("POST", f"replication_groups/{group.id}/members", {"vvol_id": vvol.id})
    replica = system.rg_replicas.create(
        replication_group=group, link=system.links.to_list()[0], remote_pool_id=remote.pools.create(type="VVOL").id)
    written = near.write(vvol.id, seed=1)
    lab.clock.advance("1h")
    assert vvol.is_replicated(from_cache=False)
    print(f"the copy is {replica.get_field('state', from_cache=False)}")
    replica.suspend()
    replica.resume()
    assert remote.rg_replicas.to_list()[0].get_field("role") == "TARGET"
