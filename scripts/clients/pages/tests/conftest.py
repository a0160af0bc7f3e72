"""What the SDK's documentation imports from the SDK's own conftest."""


def create_rmr_network_space(system):
    """Makes a replication space with one address, over an interface a node."""
    simulator = system.get_simulator()
    interfaces = [system.network_interfaces.create(node_id=node) for node in (1, 2, 3)]
    space = system.network_spaces.create(
        name="rmr", service="RMR_SERVICE", interfaces=interfaces,
        network_config={"default_gateway": "1.1.1.1", "netmask": "255.0.0.0", "network": "1.0.0.0"})
    assert not simulator.networking._allocated  # pylint: disable=protected-access
    space.add_ip_address(str(simulator.networking.allocate_ip_address("rmr")))
    return space
