"""The arrays that are active in this process, by host name."""

from __future__ import annotations

from typing import Dict, Optional
from urllib.parse import urlsplit

from ..array import Array

_active: Dict[str, Array] = {}
_ports: Dict[str, Array] = {}


def register(simulator: Array) -> None:
    """Makes an array reachable by its host name."""
    _active[simulator.host] = simulator
    _ports[urlsplit(simulator.url).netloc] = simulator


def unregister(simulator: Array) -> None:
    """Makes an array unreachable; one that is so already stays so."""
    _active.pop(simulator.host, None)
    _ports.pop(urlsplit(simulator.url).netloc, None)


def lookup_simulator_by_address(address: str) -> Optional[Array]:
    """Finds the active array of a host name, None if there is none.

    >>> from infinisim.core.context import lookup_simulator_by_address
    >>> from infinisim.infinibox import Infinibox
    >>> simulator = Infinibox()
    >>> simulator.activate()
    >>> lookup_simulator_by_address(simulator.get_hostname()) is simulator
    True
    """
    return _active.get(address)


def lookup_url(url: str) -> Optional[Array]:
    """Finds the active array that a URL leads to, by its host name or its own port."""
    parts = urlsplit(url)
    return _active.get(parts.hostname or "") or _ports.get(parts.netloc)
