"""The arrays that are active in this process, by host name."""

_active = {}


def register(simulator):
    """Makes an array reachable by its host name."""
    _active[simulator.get_hostname()] = simulator


def unregister(simulator):
    """Makes an array unreachable; one that is so already stays so."""
    _active.pop(simulator.get_hostname(), None)


def lookup_simulator_by_address(address):
    """Finds the active array of a host name, None if there is none."""
    return _active.get(address)
