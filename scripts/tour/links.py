"""Links: how two arrays reach each other, and what a witness is for."""
from infinisim import Lab

with Lab(links="none") as lab:
    near, far = lab.arrays
    system, remote = near.sdk(), far.sdk()
    system.register_related_system(remote)

    # Each side has a network space for replication, with an address.
    spaces = []
    for number, each in enumerate((system, remote), 1):
        space = each.network_spaces.create(
            name="replication", service="RMR_SERVICE", interfaces=[each.network_interfaces.create(node_id=node) for node in (1, 2, 3)],
            network_config={"network": f"10.{number}.0.0", "netmask": 24, "default_gateway": f"10.{number}.0.254"})
        space.add_ip_address(f"10.{number}.0.1")
        spaces.append(space)

    # A link is made on one side, and there on both.
    link = system.links.create(name="to the other site", local_replication_network_space=spaces[0], remote_host="10.2.0.1")
    [other] = remote.links.to_list()
    assert link.is_up() and other.is_up()
    assert link.get_remote_system_name() == remote.get_name()
    assert link.get_linked_system() == remote and link.get_remote_link() == other

    # The witness decides which side goes on when they lose each other.
    link.set_witness_address("10.3.0.1")
    assert link.get_field("witness_address") == "10.3.0.1"

    # A path that is cut is a link that is down, once the arrays notice.
    near.control("POST", f"links/{link.id}/cut")
    lab.clock.settle()
    assert link.is_down(from_cache=False)
    near.control("POST", f"links/{link.id}/restore")
    lab.clock.advance("1m")
    assert link.is_up(from_cache=False)
    link.delete()
    assert not remote.links.to_list()
    print("linked, parted, linked, gone")
