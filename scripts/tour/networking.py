"""Network spaces: addresses over interfaces of all nodes, for one service."""
from infinisdk.core.exceptions import APICommandFailed
from infinisim import Lab

with Lab() as lab:
    system = lab.arrays[0].sdk()

    # An interface of each node, over its ports.
    interfaces = [system.network_interfaces.create(node_id=node) for node in (1, 2, 3)]
    assert [each.get_type() for each in interfaces] == ["PORT_GROUP"] * 3

    # A space has a network, a service, and addresses that the array moves from node to node.
    space = system.network_spaces.create(
        name="nas", service="NAS_SERVICE", interfaces=interfaces, mtu=9000,
        network_config={"network": "10.7.0.0", "netmask": 24, "default_gateway": "10.7.0.254"})
    for number in (1, 2, 3):
        space.add_ip_address(f"10.7.0.{number}")
    assert [each.ip_address for each in space.get_ips()] == ["10.7.0.1", "10.7.0.2", "10.7.0.3"]
    assert interfaces[0].get_network_spaces() == [space]

    # An address has to be of the network; one that is in use is switched off before it is removed.
    try:
        space.add_ip_address("10.8.0.1")
    except APICommandFailed as refusal:
        print(f"refused: {refusal.error_code}")
    else:
        raise AssertionError("an address of another network was taken")
    space.disable_ip_address("10.7.0.3")
    assert [each.enabled for each in space.get_ips()] == [True, True, False]
    space.remove_ip_address("10.7.0.3")

    # Routes lead to what is beyond the gateway.
    route = space.routes.create(destination="10.9.0.0", netmask=24, gateway="10.7.0.253")
    assert space.routes.to_list() == [route]
    route.delete()

    # A space goes when no address of it is in use.
    for number in (1, 2):
        space.disable_ip_address(f"10.7.0.{number}")
    space.delete()
    assert not space.is_in_system()
