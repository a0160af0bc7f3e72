"""Requests to the host name of an active array reach the process that serves it."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

from ..array import Array
from . import context, timeline


class _Adapter(HTTPAdapter):
    """Sends to the array's port, whatever port the client wrote; over TLS where it wrote HTTPS and the array has that."""

    def __init__(self, simulator: Array) -> None:
        super().__init__()
        self._simulator = simulator

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        target = request.copy()
        parts = urlsplit(request.url or "")
        base = urlsplit((parts.scheme == "https" and self._simulator.https_url) or self._simulator.url)
        target.url = urlunsplit((base.scheme, base.netloc, str(parts.path), str(parts.query), str(parts.fragment)))
        target.headers["Host"] = self._simulator.host
        target.headers["X-Sim-Now"] = f"{timeline.now_ms():.3f}"
        names = dict(zip(("stream", "timeout"), args))  # the array signs its certificate itself, for no name of these
        names.update({k: options[k] for k in ("stream", "timeout") if k in options})
        response = super().send(target, verify=False, cert=None, proxies={}, **names)
        response.request, response.url = request, str(request.url)
        due = response.headers.get("X-Sim-Next-Settle")
        follower = self._simulator.lab.follower
        if follower is not None:
            follower.arm(int(due) if due else None)
        return response


_original = requests.Session.get_adapter


def _get_adapter(session: requests.Session, url: Any) -> Any:
    simulator = context.lookup_url(url)
    if simulator is None:
        return _original(session, url)
    key = f"infinisim://{simulator.host}"
    kept = session.adapters.get(key)
    if not isinstance(kept, _Adapter) or kept._simulator is not simulator:  # an array of that name came anew
        session.adapters[key] = kept = _Adapter(simulator)
    return kept


def install() -> None:
    """Lets every session of requests reach active arrays by name.

    urllib3 falls silent: tests count the records of a request, and an array in
    process wrote none of its own.

    >>> from infinisim.core.transport import install
    >>> install()
    """
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    setattr(requests.Session, "get_adapter", _get_adapter)  # noqa: B010
