"""Initiators and targets: the ports on both ends of Fibre Channel."""
from infinisim import Lab

with Lab() as lab:
    system = lab.arrays[0].sdk()

    # The array sees a host's port under its address.
    host = system.hosts.create(name="server")
    host.add_port("210000e08b000001")
    [initiator] = system.initiators.to_list()
    assert initiator.get_address() == "210000e08b000001" and initiator.get_host() == host

    # Its own ports are parts of its nodes, and lead to switches.
    nodes = system.components.nodes.to_list()
    ports = [port for node in nodes for port in node.get_fc_ports()]
    assert len(nodes) == 3 and all(port.get_field("state") == "OK" for port in ports)
    switch = system.fc_switches.to_list()[0]

    # A soft target is an address of the array's that moves to another node when its own fails.
    target = system.fc_soft_targets.create(switch=switch)
    assert target.get_switch() == switch
    print(f"{len(ports)} ports, a target at {target.get_wwpn()}")
