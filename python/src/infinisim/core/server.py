"""The server that the arrays of this process are on."""

from __future__ import annotations

from ..server import Server, shared
from ..server import _shared as _server  # noqa: F401  whether one was started, for who asks only then


def server() -> Server:
    """The one server of this Python process, started when first asked for.

    >>> from infinisim.core.server import server
    >>> server() is server()
    True
    """
    return shared()
