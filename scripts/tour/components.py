"""Components: the array's hardware, and what is seen when a part of it fails."""
from infinisim import Lab

with Lab() as lab:
    box = lab.arrays[0]
    system = box.sdk()

    # Nodes, drives, power: a tree of parts, each with a state.
    nodes = system.components.nodes.to_list()
    assert [node.get_index() for node in nodes] == [1, 2, 3]
    assert {node.get_state() for node in nodes} == {"ACTIVE"}
    drives = [drive for enclosure in system.components.enclosures for drive in enclosure.get_drives()]
    assert len(drives) >= 60

    # A tester fails a part; the client sees its state, and an event.
    last = system.events.get_last_event().id
    box.set_component("nodes/3", "FAILED")
    assert nodes[2].get_state(from_cache=False) == "FAILED"
    [event] = system.events.find(system.events.fields.id > last).to_list()
    print(f"{event.get_code()}: {event.get_description()}")
    box.set_component("nodes/3", "ACTIVE")
    assert nodes[2].get_state(from_cache=False) == "ACTIVE"
