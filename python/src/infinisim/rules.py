"""The rules of faults: what they are made from, and what they are once in force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, Mapping, Tuple, TypedDict, Union

if TYPE_CHECKING:
    from typing_extensions import Literal

    from .array import Array
    from .lab import Lab


class Window(TypedDict, total=False):
    """What every rule takes: its name, and the lab time in which it holds, in milliseconds since 1970.

    With ``every``, such as ``"24h"``, that window comes again.
    """

    id: str
    start_ms: int
    until_ms: int
    every: str


class Strikes(Window, total=False):
    """What rules take that strike what comes along: where, and how often."""

    array: Union["Array", str, None]
    kind: str
    object: int
    times: int
    skip: int
    odds: float


class Requests(Strikes, total=False):
    """Which requests a rule strikes.

    >>> lab.faults.reset(method="PUT", path="volumes/*", fields={"name": "v"}, times=1).rule["fields"]
    {'name': 'v'}
    """

    method: "Literal['GET', 'POST', 'PUT', 'DELETE']"
    path: str
    user: str
    #: Members of the body, and their values.
    fields: Mapping[str, Any]


class Jobs(Strikes, total=False):
    """Which work a rule strikes; ``class_`` is ``settle``, ``deadline`` or ``periodic``.

    >>> lab.faults.stall_job(class_="periodic", kind="snapshot_policy").rule["class"]
    'periodic'
    """

    class_: "Literal['settle', 'deadline', 'periodic']"


class Fault:
    """A rule that strikes until it is removed, or at the end of a ``with``.

    >>> with lab.faults.status(503, path="pools") as fault:
    ...     array.request("GET", "pools").status, fault.hits
    (503, 1)
    >>> array.request("GET", "pools").status
    200
    """

    def __init__(self, lab: "Lab", rule: Dict[str, Any]) -> None:
        self._lab = lab
        #: The rule as the server has it.
        self.rule = rule
        #: Its name: answers that it struck have it in ``X-Sim-Fault``.
        self.id: str = rule["id"]

    def _count(self, name: str) -> int:
        for each in self._lab.call("GET", "faults"):
            if each["id"] == self.id:
                return int(each[name])
        raise LookupError(f"fault {self.id} was removed")

    @property
    def hits(self) -> int:
        """How often the rule struck.

        >>> lab.faults.reset(path="pools").hits
        0
        """
        return self._count("hits")

    @property
    def matched(self) -> int:
        """How often the rule matched, whether it struck or not.

        >>> lab.faults.reset(path="pools").matched
        0
        """
        return self._count("matched")

    def remove(self) -> None:
        """Takes the rule out of force.

        >>> fault = lab.faults.lost(method="POST")
        >>> fault.remove()
        >>> list(lab.faults)
        []
        """
        self._lab.call("DELETE", f"faults/{self.id}")

    def __enter__(self) -> "Fault":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"<Fault {self.id} {self.rule['site']} {self.rule['effect']}>"


@dataclass(frozen=True)
class Preset:
    """A trouble that has a name.

    >>> preset = lab.faults.presets()[0]
    >>> preset.name, preset.needs, preset.usual["every"]
    ('link_flap', ('array', 'peer'), '20s')
    """

    name: str
    #: What happens.
    about: str
    #: What has to be told.
    needs: Tuple[str, ...]
    #: What it is where it is not told; ``lasting`` is ``for`` here.
    usual: Dict[str, Any]


class Trouble:
    """The rules of a preset, until they are removed, or to the end of a ``with``.

    >>> trouble = lab.faults.preset("wan brownout", array="box-1", peer="box-2")
    >>> [fault.rule["effect"]["type"] for fault in trouble]
    ['latency', 'loss', 'bandwidth']
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        #: The rules, in order; a clock that jumps has none.
        self.faults = tuple(faults)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self.faults)

    @property
    def hits(self) -> int:
        """How often its rules struck.

        >>> trouble = lab.faults.preset("applied but lost", odds=1)
        >>> answer = array.request("GET", "pools")
        >>> trouble.hits
        0
        """
        return sum(fault.hits for fault in self.faults)

    def remove(self) -> None:
        """Takes its rules out of force.

        >>> trouble = lab.faults.preset("node down", array="box-1")
        >>> trouble.remove()
        >>> list(lab.faults)
        []
        """
        for fault in self.faults:
            fault.remove()

    def __enter__(self) -> "Trouble":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"<Trouble {[fault.id for fault in self.faults]}>"
