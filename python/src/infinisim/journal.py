"""What the arrays of a lab were asked, and what they answered."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Tuple
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from .lab import Lab

_ROOT = "/api/rest/"


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text or None


@dataclass(frozen=True)
class Entry:
    """One request and its answer. Secrets are ``«secret:n»``, a number each.

    >>> rows = array.list("pools", name="eq:p")
    >>> entry = lab.journal.entries()[-1]
    >>> entry.method, entry.path, entry.status, entry.query["name"]
    ('GET', 'pools', 200, 'eq:p')
    """

    seq: int
    #: Nanoseconds since 1970 on the lab's clock.
    time_ns: int
    array: str
    method: str
    #: What follows /api/rest/; the whole path of anything else.
    path: str
    #: The pattern that the path fits, such as volumes/{id}; empty for none.
    route: str
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    #: The body, decoded if it is JSON; None for none.
    body: Any = field(repr=False)
    #: 0 for a connection that was dropped.
    status: int = 0
    answer: Any = field(default=None, repr=False)
    #: The faults that struck.
    faults: Tuple[str, ...] = ()

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> "Entry":
        """An entry from a line of the server's journal.

        >>> from infinisim import Entry
        >>> Entry.of({"seq": 1, "time_ns": 0, "array": "box-1", "method": "GET", "path": "/api/rest/pools", "status": 200}).path
        'pools'
        """
        path: str = line["path"]
        return cls(
            seq=line["seq"],
            time_ns=line["time_ns"],
            array=line["array"],
            method=line["method"],
            path=path[len(_ROOT) :] if path.startswith(_ROOT) else path,
            route=line.get("route", ""),
            query=dict(parse_qsl(line.get("query", ""), keep_blank_values=True)),
            headers=line.get("headers") or {},
            body=_decoded(line.get("body", "")),
            status=line["status"],
            answer=_decoded(line.get("answer", "")),
            faults=tuple(line.get("faults") or ()),
        )

    def __str__(self) -> str:
        query = "?" + "&".join(f"{k}={v}" for k, v in self.query.items()) if self.query else ""
        body = " " + json.dumps(self.body, ensure_ascii=False) if self.body is not None else ""
        struck = f" faults {', '.join(self.faults)}" if self.faults else ""
        return f"#{self.seq} {self.array} {self.method} {self.path}{query}{body} -> {self.status or 'dropped'}{struck}"


class Journal:
    """The journal of a lab, from its last ``restart`` on.

    >>> array.get("system/name")
    'simulator-box-1'
    >>> print(lab.journal.text())
    #1 box-1 GET system/name -> 200
    """

    def __init__(self, lab: "Lab") -> None:
        self._lab = lab
        self._since = 0

    def lines(self) -> List[Dict[str, Any]]:
        """The lines as the server has them.

        >>> lab.journal.lines()
        []
        """
        raw = self._lab.server.send("GET", self._lab.path("journal"), query={"since": str(self._since)})
        return [json.loads(line) for line in raw.decode("utf-8").splitlines()]

    def entries(self) -> List[Entry]:
        """The entries, oldest first.

        >>> len(lab.journal.entries())
        0
        """
        return [Entry.of(line) for line in self.lines()]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries())

    def restart(self) -> None:
        """Leaves out what was asked so far, as if it had been preparation.

        >>> pool = array.new_pool()
        >>> lab.journal.restart()
        >>> lab.journal.entries()
        []
        """
        for entry in self.entries():
            self._since = entry.seq

    def text(self, last: int = 0) -> str:
        """The entries as people read them; the last ones only, if a number is given.

        >>> names = [array.get("system/name") for _ in range(3)]
        >>> print(lab.journal.text(last=1))
        (2 earlier)
        #3 box-1 GET system/name -> 200
        """
        entries = self.entries()
        cut = len(entries) - last if 0 < last < len(entries) else 0
        return "\n".join([f"({cut} earlier)"] * bool(cut) + [str(entry) for entry in entries[cut:]])
