"""Requests to the host name of an active array reach the Go process."""
import logging
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

from . import context, timeline


class _Adapter(HTTPAdapter):
    """Sends to the array's port, whatever port and scheme the client wrote."""

    def __init__(self, simulator):
        super().__init__()
        self._simulator = simulator

    def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
        target = request.copy()
        parts = urlsplit(request.url)
        base = urlsplit(self._simulator.url)
        target.url = urlunsplit((base.scheme, base.netloc, parts.path, parts.query, parts.fragment))
        target.headers["Host"] = parts.hostname
        target.headers["X-Sim-Now"] = f"{timeline.now_ms():.3f}"
        response = super().send(target, stream=stream, timeout=timeout, verify=False, cert=None, proxies={})
        response.request, response.url = request, request.url
        due = response.headers.get("X-Sim-Next-Settle")
        timeline.arm(int(due) if due else None)
        return response


_original = requests.Session.get_adapter


def _get_adapter(session, url):
    simulator = context.lookup_simulator_by_address(urlsplit(url).hostname)
    if simulator is None:
        return _original(session, url)
    key = f"infinisim://{simulator.get_hostname()}"
    if key not in session.adapters:
        session.adapters[key] = _Adapter(simulator)
    return session.adapters[key]


def install():
    """Lets every session of requests reach active arrays by name.

    urllib3 falls silent: tests count the records of a request, and an array in
    process wrote none of its own.
    """
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    requests.Session.get_adapter = _get_adapter
