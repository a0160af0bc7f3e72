"""What was to be asked of the arrays, held against what was."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, List, Mapping, Optional, Sequence, Set, Tuple, Union

from .errors import VerificationError
from .journal import Entry

if TYPE_CHECKING:
    from .array import Array
    from .journal import Journal

_NEAREST = 3


def _differences(want: Any, got: Any, at: str) -> List[str]:
    """What of a value is not as it is to be: members that are not named may be anything."""
    if callable(want):
        return [] if want(got) else [f"{at} is {got!r}, which the check refuses"]
    if isinstance(want, Mapping):
        if not isinstance(got, Mapping):
            return [f"{at} is {got!r}, not an object"]
        out = []
        for name, value in want.items():
            out += _differences(value, got[name], f"{at}.{name}") if name in got else [f"{at}.{name} is missing"]
        return out
    if isinstance(want, bool) is isinstance(got, bool) and want == got:
        return []
    return [f"{at} is {got!r}, not {want!r}"]


def _pattern(path: str) -> "re.Pattern[str]":
    parts = []
    for part in path.strip("/").split("/"):
        parts.append(".*" if part == "**" else re.escape(part).replace(r"\*", "[^/]*"))
    return re.compile("/".join(parts).replace("/.*", "(/.*)?"))


@dataclass(frozen=True)
class Asked:
    """What a request is to look like; what is left out may be anything.

    In ``path`` a star stands for a part, two for all that follow; a route such as
    ``volumes/{id}`` does too. ``body`` and ``query`` name the members that must be
    there: values, objects that are held the same way, or functions that say yes.

    >>> from infinisim import Asked
    >>> pool = array.new_pool("p")
    >>> lab.verify.once(Asked("POST", "pools", body={"name": "p", "physical_capacity": lambda size: size > 0}))
    """

    method: str
    path: str
    body: Any = None
    query: Optional[Mapping[str, Any]] = None
    headers: Optional[Mapping[str, Any]] = None
    array: Union["Array", str, None] = None
    status: Optional[int] = None

    def misses(self, entry: Entry) -> List[str]:
        """Why an entry is not what was to be asked; nothing if it is.

        >>> from infinisim import Asked
        >>> pool = array.new_pool("p")
        >>> Asked("POST", "pools", body={"name": "q"}).misses(lab.journal.entries()[0])
        ["body.name is 'p', not 'q'"]
        """
        out = []
        key = self.array if self.array is None or isinstance(self.array, str) else self.array.key
        if self.method not in ("*", entry.method):
            out.append(f"method is {entry.method}, not {self.method}")
        if self.path != entry.route and not _pattern(self.path).fullmatch(entry.path.strip("/")):
            out.append(f"path is {entry.path}, not {self.path}")
        if key is not None and key != entry.array:
            out.append(f"array is {entry.array}, not {key}")
        if self.status is not None and self.status != entry.status:
            out.append(f"status is {entry.status}, not {self.status}")
        for name, want in self._contents():
            out += _differences(want, getattr(entry, name), name)
        return out

    def _contents(self) -> List[Tuple[str, Any]]:
        named = [("body", self.body), ("query", self.query), ("headers", self.headers)]
        return [(name, value) for name, value in named if value is not None]

    def __str__(self) -> str:
        more = [f"{name}={value!r}" for name, value in self._contents()]
        if self.array is not None:
            more.append(f"array={self.array if isinstance(self.array, str) else self.array.key!r}")
        if self.status is not None:
            more.append(f"status={self.status}")
        return " ".join([self.method, self.path, *more])


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _nearest(asked: Asked, entries: Sequence[Entry]) -> List[str]:
    """The entries that miss the least, and why they miss."""
    if not entries:
        return ["  nothing at all was asked"]
    ranked: List[Tuple[int, int, Entry, List[str]]] = []
    for entry in entries:
        misses = asked.misses(entry)
        if misses:
            # A request for something else at all is farther away than one with another body.
            weight = sum(3 if miss.startswith(("path is", "method is")) else 1 for miss in misses)
            ranked.append((weight, entry.seq, entry, misses))
    ranked.sort(key=lambda each: each[:2])
    out = ["  nearest:"] if ranked else []
    for _, _, entry, misses in ranked[:_NEAREST]:
        out.append(f"    {entry}")
        out += [f"      {miss}" for miss in misses]
    return out


class Verify:
    """Verifications over a lab's journal; each raises VerificationError with the
    requests that were nearest.

    >>> from infinisim import Asked
    >>> host = array.post("hosts", {"name": "h"})
    >>> gone = array.delete(f"hosts/{host['id']}")
    >>> lab.verify.in_order(Asked("POST", "hosts"), Asked("DELETE", "hosts/*"))
    >>> lab.verify.never(Asked("*", "volumes/**"))
    >>> lab.verify.nothing_else()
    """

    def __init__(self, journal: "Journal") -> None:
        self._journal = journal
        self._seen: Set[int] = set()

    def exactly(self, times: int, asked: Asked) -> None:
        """It was asked so many times.

        >>> from infinisim import Asked
        >>> names = [array.get("system/name") for _ in range(2)]
        >>> lab.verify.exactly(2, Asked("GET", "system/name"))
        """
        entries = self._journal.entries()
        found = [entry for entry in entries if not asked.misses(entry)]
        if len(found) != times:
            lines = [f"{asked} was asked {_times(len(found))}, not {_times(times)}"]
            lines += ["  these are:"] * bool(found) + [f"    {entry}" for entry in found]
            raise VerificationError("\n".join(lines + (_nearest(asked, entries) if len(found) < times else [])))
        self._seen.update(entry.seq for entry in found)

    def once(self, asked: Asked) -> None:
        """It was asked once.

        >>> from infinisim import Asked
        >>> name = array.get("system/name")
        >>> lab.verify.once(Asked("GET", "system/*"))
        """
        self.exactly(1, asked)

    def at_least(self, times: int, asked: Asked) -> None:
        """It was asked so many times, or more often.

        >>> from infinisim import Asked
        >>> names = [array.get("system/name") for _ in range(3)]
        >>> lab.verify.at_least(2, Asked("GET", "system/name"))
        """
        entries = self._journal.entries()
        found = [entry for entry in entries if not asked.misses(entry)]
        if len(found) < times:
            lines = [f"{asked} was asked {_times(len(found))}, not {_times(times)} or more"]
            raise VerificationError("\n".join(lines + _nearest(asked, entries)))
        self._seen.update(entry.seq for entry in found)

    def never(self, asked: Asked) -> None:
        """It was not asked.

        >>> from infinisim import Asked
        >>> lab.verify.never(Asked("DELETE", "**"))
        """
        found = [entry for entry in self._journal.entries() if not asked.misses(entry)]
        if found:
            raise VerificationError("\n".join([f"{asked} was asked {_times(len(found))}, not never", *(f"    {entry}" for entry in found)]))

    def in_order(self, *asked: Asked) -> None:
        """They were asked one after the other; anything may lie between them.

        >>> from infinisim import Asked
        >>> pool = array.new_pool()
        >>> volume = array.new_volume(pool)
        >>> lab.verify.in_order(Asked("POST", "pools"), Asked("POST", "volumes"))
        """
        entries = self._journal.entries()
        place = 0
        found: List[Entry] = []
        for number, each in enumerate(asked):
            at = next((i for i in range(place, len(entries)) if not each.misses(entries[i])), None)
            if at is None:
                lines = [f"{each} was not asked" + (f" after #{entries[place - 1].seq}" if place else "")]
                lines += [f"  step {i + 1}, {asked[i]}, was {entry}" for i, entry in enumerate(found)]
                early = [entry for entry in entries[:place] if not each.misses(entry)]
                lines += [f"  step {number + 1} came too early: {entry}" for entry in early[:_NEAREST]]
                raise VerificationError("\n".join(lines + _nearest(each, entries[place:])))
            found.append(entries[at])
            place = at + 1
        self._seen.update(entry.seq for entry in found)

    def nothing_else(self, *ignoring: Asked) -> None:
        """Nothing was asked but what was verified before, and what is to be ignored.

        >>> from infinisim import Asked
        >>> pool = array.new_pool()
        >>> name = array.get("system/name")
        >>> lab.verify.once(Asked("POST", "pools"))
        >>> lab.verify.nothing_else(Asked("GET", "**"))
        """
        rest = [e for e in self._journal.entries() if e.seq not in self._seen and all(each.misses(e) for each in ignoring)]
        if rest:
            raise VerificationError(
                "\n".join([f"{len(rest)} more {'request was' if len(rest) == 1 else 'requests were'} asked:", *(f"    {e}" for e in rest)])
            )
