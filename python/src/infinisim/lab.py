"""A lab: one isolated world of arrays."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple, Union

from . import server as servers
from .array import Array
from .clock import Clock
from .errors import ServerDied
from .faults import Faults
from .journal import Journal
from .links import Link
from .server import Server
from .verify import Verify

_numbers = itertools.count(1)


def _fresh_name(server: Server, word: str) -> str:
    """A name that no other lab of the server has; other processes may use the server too."""
    stranger = f"-{os.urandom(4).hex()}" if server.is_shared else ""
    return f"{word}-{os.getpid()}-{next(_numbers)}{stranger}" if server.is_shared else f"{word}-{next(_numbers)}"


def culprit(first: Mapping[str, Any]) -> str:
    """The first change after which a lab was not as it must be, in words.

    >>> from infinisim.lab import culprit
    >>> culprit({"by": "request", "entry": 12, "array": "box-1", "method": "POST", "path": "/api/rest/volumes"})
    'request #12, box-1 POST /api/rest/volumes'
    >>> culprit({"by": "job", "entry": 40, "array": "box-1", "job": "snapshot"})
    'job #40, snapshot on box-1'
    >>> culprit({"by": "tester", "after": 7})
    "a change past the arrays' API, after #7"
    """
    if first["by"] == "request":
        return f"request #{first['entry']}, {first['array']} {first['method']} {first['path']}"
    if first["by"] == "job":
        return f"job #{first['entry']}, {first['job']} on {first['array']}"
    return f"a change past the arrays' API, after #{first.get('after', 0)}"


class Lab:
    """One isolated world: its own clock, seed, faults, journal and arrays.

    ``links`` says which arrays are linked: ``none``, ``ring`` (two arrays: one
    link) or ``mesh``. ``clock`` is ``manual`` (it stands still until it is moved),
    ``system`` (it runs), or ``flux`` (it follows the flux timeline of this process,
    for requests that go by the ``requests`` library). With ``check`` the lab looks
    after every request whether everything is as it must be, and names the first that
    broke something. ``estate`` is a file that says which arrays there are and what
    they hold, in place of ``arrays`` and ``links``, or the same as a mapping. At the
    end of a ``with`` the lab is checked and removed.

    >>> from infinisim import Lab
    >>> with Lab(arrays=3, links="mesh", seed=7) as lab:
    ...     len(lab.arrays), len(lab.links), lab.seed
    (3, 3, 7)
    """

    def __init__(
        self,
        arrays: int = 2,
        links: str = "ring",
        *,
        name: Optional[str] = None,
        seed: Optional[int] = None,
        profile: Optional[str] = None,
        clock: str = "manual",
        check: Optional[bool] = None,
        estate: Union[str, "os.PathLike[str]", Mapping[str, Any], None] = None,
        server: Optional[Server] = None,
    ) -> None:
        server = server or servers.shared()
        plan: Dict[str, Any] = {"name": name or _fresh_name(server, "lab")}
        if estate is None:
            plan.update({"arrays": arrays, "links": links})
        else:
            plan["estate"] = estate if isinstance(estate, Mapping) else Path(estate).read_text(encoding="utf-8")
        plan["clock"] = "manual" if clock == "flux" else clock
        plan.update({"seed": seed} if seed is not None else {})
        plan.update({"profile": profile} if profile is not None else {})
        plan.update({"check": check} if check is not None else {})
        self._setup(server, server.call("POST", "labs", plan), flux=clock == "flux")

    def _setup(self, server: Server, view: Mapping[str, Any], flux: bool = False) -> None:
        #: The server that the lab is on.
        self.server = server
        self.name: str = view["name"]
        self.seed: int = view["seed"]
        self._closed = False
        self._count = itertools.count(1)
        self._arrays = {each["key"]: Array(self, each) for each in view["arrays"]}
        #: The links that the lab was made with.
        self.links: Tuple[Link, ...] = tuple(Link(self, each) for each in view["links"])
        self.clock = Clock(self)
        self.faults = Faults(self)
        self.journal = Journal(self)
        self.verify = Verify(self.journal)
        self._follower: Any = None
        if flux:
            self.follow_flux()

    @classmethod
    def existing(cls, name: str, server: Optional[Server] = None) -> "Lab":
        """A lab that a server has already.

        >>> from infinisim import Lab
        >>> Lab.existing(lab.name, server=lab.server).arrays
        (<Array box-1 http://127...>, <Array box-2 http://127...>)
        """
        server = server or servers.shared()
        self = cls.__new__(cls)
        self._setup(server, server.call("GET", f"labs/{name}"))
        return self

    def follow_flux(self) -> None:
        """Has the lab's clock follow the flux timeline of this process from now on.

        >>> import flux
        >>> lab.follow_flux()
        >>> lab.clock.advance_to(int(flux.current_timeline.time() * 1000) + 1000).blocked
        ()
        """
        from .core import context, timeline, transport

        transport.install()
        self._follower = timeline.Follower(self)
        self._follower.catch_up()  # before there is much that comes again on the way
        for array in self.arrays:
            context.register(array)

    @property
    def follower(self) -> Any:
        """What moves the lab with the flux timeline, None for nothing.

        >>> lab.follower is None
        True
        """
        return self._follower

    def path(self, path: str) -> str:
        """A path of the control plane that speaks of this lab.

        >>> lab.path("clock") == f"labs/{lab.name}/clock"
        True
        """
        return f"labs/{self.name}/{path}"

    def call(self, method: str, path: str, body: object = None) -> Any:
        """A request about the lab to the control plane; gives its answer.

        >>> lab.call("GET", "clock")["mode"]
        'manual'
        """
        return self.server.call(method, self.path(path), body)

    def next_number(self) -> int:
        """A number that this object did not give before, for names.

        >>> lab.next_number(), lab.next_number()
        (1, 2)
        """
        return next(self._count)

    @property
    def arrays(self) -> Tuple[Array, ...]:
        """The arrays.

        >>> [array.key for array in lab.arrays]
        ['box-1', 'box-2']
        """
        return tuple(self._arrays.values())

    def __getitem__(self, key: str) -> Array:
        """The array of a key; raises KeyError that names those there are."""
        try:
            return self._arrays[key]
        except KeyError:
            raise KeyError(f"{key}: this lab has {', '.join(self._arrays) or 'no arrays'}") from None

    def add_array(self, name: Optional[str] = None, serial: Optional[int] = None, profile: Optional[str] = None) -> Array:
        """Adds an array, linked to nothing.

        >>> lab.add_array().key
        'box-3'
        """
        ask = {"name": name, "serial": serial, "profile": profile}
        array = Array(self, self.call("POST", "arrays", {k: v for k, v in ask.items() if v is not None}))
        self._arrays[array.key] = array
        return array

    def remove_array(self, key: str) -> None:
        """Takes an array away: its peers see it as lost.

        >>> lab.remove_array("box-2")
        >>> [array.key for array in lab.arrays]
        ['box-1']
        """
        self.call("DELETE", f"arrays/{self[key].key}")
        del self._arrays[key]

    def fork(self, name: Optional[str] = None, snapshot: str = "") -> "Lab":
        """A copy of the lab as it is now, or as a snapshot holds it, for as little as microseconds.

        >>> pool = array.new_pool("p")
        >>> with lab.fork() as copy:
        ...     [pool["name"] for pool in copy["box-1"].list("pools")]
        ['p']
        """
        copy = Lab.__new__(Lab)
        body = {"name": name or _fresh_name(self.server, "fork"), "snapshot": snapshot}
        copy._setup(self.server, self.call("POST", "fork", body), flux=self._follower is not None)
        return copy

    def travel(self, entry: int, name: Optional[str] = None) -> "Past":
        """A copy of the lab as it was just before an entry of its journal.

        >>> pool = array.new_pool("p")
        >>> last = lab.journal.entries()[-1]
        >>> with lab.travel(last.seq) as past:
        ...     past["box-1"].list("pools")
        ...     past.repeat()["result"]["name"]
        []
        'p'
        """
        past = Past.__new__(Past)
        body = {"name": name or _fresh_name(self.server, "past"), "entry": entry}
        view = self.call("POST", "travel", body)
        past._setup(self.server, view)
        past.request = {
            each: view[each] for each in ("entry", "array", "method", "path", "query", "body", "user", "cookie", "status", "answer")
        }
        return past

    def snapshot(self, name: str) -> None:
        """Keeps the lab as it is now under a name, for restore and fork.

        >>> lab.snapshot("before")
        >>> lab.snapshots()
        ('before',)
        """
        self.call("POST", "snapshots", {"name": name})

    def snapshots(self) -> Tuple[str, ...]:
        """The names of what snapshot kept.

        >>> lab.snapshots()
        ()
        """
        return tuple(each["name"] for each in self.call("GET", "snapshots"))

    def restore(self, snapshot: str) -> None:
        """Makes the lab what it was when a snapshot was taken, its time too; the journal is empty then.

        >>> lab.snapshot("before")
        >>> pool = array.new_pool()
        >>> lab.restore("before")
        >>> array.list("pools")
        []
        """
        view = self.call("POST", "restore", {"snapshot": snapshot})
        before = self._arrays
        self._arrays = {each["key"]: before.get(each["key"]) or Array(self, each) for each in view["arrays"]}
        self.links = tuple(Link(self, each) for each in view["links"])
        self.journal = Journal(self)
        self.verify = Verify(self.journal)

    def generate(self, **plan: Any) -> Any:
        """Fills an array by the thousand: pools, volumes, filesystems, snapshots, hosts, mappings, used, seed, prefix.

        >>> lab.generate(pools=1, volumes=20, seed=7)["objects"]
        21
        """
        return self.call("POST", "generate", plan)

    def reset(self) -> None:
        """Fresh arrays, the same links, no faults, an empty journal; the clock stays.

        >>> pool = array.new_pool()
        >>> lab.reset()
        >>> array.list("pools")
        []
        """
        self.call("POST", "reset")
        self.journal = Journal(self)
        self.verify = Verify(self.journal)

    def violations(self) -> List[str]:
        """Everything in the lab that is not as it must be.

        >>> lab.violations()
        []
        """
        found: List[str] = self.call("POST", "check")["violations"]
        return found

    def check(self) -> None:
        """Raises AssertionError if something in the lab is not as it must be.

        >>> lab.check()
        """
        lines = ["  " + each for each in self.violations()]
        first = self.broken()
        if first:
            lines += [f"the first that broke it: {culprit(first)}", *("  " + each for each in first["violations"])]
        if lines:
            raise AssertionError("\n".join(["the lab is not as it must be:", *lines]))

    def broken(self) -> Optional[Dict[str, Any]]:
        """The first change after which something was not as it must be, None for
        none, and for a lab that was not made with ``check``.

        >>> from infinisim import Lab
        >>> with Lab(check=True) as careful:
        ...     pool = careful["box-1"].new_pool()
        ...     careful.broken()
        """
        first: Optional[Dict[str, Any]] = self.call("GET", "check")["first"]
        return first

    def missing(self) -> Dict[str, int]:
        """Requests that no route answered, and how many.

        >>> array.request("GET", "nowhere").status, lab.missing()
        (404, {'box-1 GET /api/rest/nowhere': 1})
        """
        return {each["request"]: each["count"] for each in self.call("GET", "missing")}

    def unread(self) -> Dict[str, int]:
        """Members of bodies that nothing knew, and how many.

        >>> lab.unread()
        {}
        """
        return {each["request"]: each["count"] for each in self.call("GET", "unread")}

    def driven(self) -> Dict[str, int]:
        """How often each route was asked.

        >>> name = array.get("system/name")
        >>> lab.driven()
        {'GET system/{field}': 1}
        """
        answer: Dict[str, int] = self.call("GET", "driven")
        return answer

    @property
    def closed(self) -> bool:
        """Whether the lab was removed.

        >>> lab.closed
        False
        """
        return self._closed

    def close(self) -> None:
        """Removes the lab; doing so twice does nothing.

        >>> copy = lab.fork()
        >>> copy.close()
        >>> copy.name in lab.server.labs()
        False
        """
        if self._closed:
            return
        self._closed = True
        if self._follower is not None:
            from .core import context

            for array in self.arrays:
                context.unregister(array)
        self.server.call("DELETE", f"labs/{self.name}")

    def __enter__(self) -> "Lab":
        return self

    def __exit__(self, kind: Optional[type], *_: object) -> None:
        try:
            if kind is None:
                self.check()
        finally:
            try:
                self.close()
            except ServerDied:
                if kind is None:
                    raise

    def __repr__(self) -> str:
        return f"<Lab {self.name} {' '.join(self._arrays)}>"


class Past(Lab):
    """A lab as it was just before an entry of another lab's journal, on a clock that stands still.

    >>> lab.travel(1)
    Traceback (most recent call last):
    infinisim.errors.ControlError: POST labs/...: 404 ENTRY_NOT_FOUND: entry: the journal does not hold #1; its last is #0
    """

    #: The request that came next: ``entry``, ``array``, ``method``, ``path``, ``query``, ``body``, ``user``, ``status``,
    #: ``answer``, and the ``cookie`` by which this lab knows whoever made it.
    request: Dict[str, Any]

    def repeat(self) -> Any:
        """Makes that request again, as whoever made it; gives the answer's body.

        >>> name = array.get("system/name")
        >>> with lab.travel(1) as past:
        ...     past.repeat()["result"] == name
        True
        """
        asked = self.request
        path = asked["path"] + ("?" + asked["query"] if asked["query"] else "")
        body = json.loads(asked["body"]) if asked["body"] else None
        # No user: the cookie tells who it is.
        return self[asked["array"]].request(asked["method"], path, body, headers={"Authorization": "", "Cookie": asked["cookie"]}).body
