"""Kept connections to one address, one for each thread.

The standard library's client: what stands in for ``requests`` in a test, such
as ``responses``, must not stand in for this.
"""

from __future__ import annotations

import http.client
import os
import threading
from typing import Mapping, NamedTuple, Optional
from urllib.parse import urlsplit


class Reply(NamedTuple):
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """Requests to one address. A request that got no answer is never sent again."""

    def __init__(self, url: str, seconds: float = 120) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or 80
        self._seconds = seconds
        self._local = threading.local()

    def _connection(self) -> http.client.HTTPConnection:
        kept: Optional[http.client.HTTPConnection] = getattr(self._local, "connection", None)
        if kept is None or self._local.pid != os.getpid():  # a forked child has its own
            kept = http.client.HTTPConnection(self.host, self.port, timeout=self._seconds)
            self._local.connection, self._local.pid = kept, os.getpid()
        return kept

    def send(self, method: str, path: str, body: Optional[bytes], headers: Mapping[str, str]) -> Reply:
        """Sends a request and reads its answer; raises OSError or HTTPException if there is none."""
        connection = self._connection()
        try:
            connection.request(method, path, body=body, headers=dict(headers))
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.headers), answer.read())
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Closes this thread's connection."""
        kept: Optional[http.client.HTTPConnection] = getattr(self._local, "connection", None)
        if kept is not None:
            kept.close()
