"""A lab's time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Dict, Tuple, Union

if TYPE_CHECKING:
    from .lab import Lab

#: Seconds, a timedelta, or a text such as "1h30m".
Duration = Union[float, timedelta, str]


def to_text(duration: Duration) -> str:
    """A duration as the server reads it.

    >>> from datetime import timedelta
    >>> from infinisim.clock import to_text
    >>> to_text(1.5), to_text(timedelta(minutes=2)), to_text("1h30m")
    ('1500000us', '120000000us', '1h30m')
    """
    if isinstance(duration, str):
        return duration
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    return f"{round(seconds * 1_000_000)}us"


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)


@dataclass(frozen=True)
class Job:
    """Work of an array that ran.

    >>> moved = lab.clock.advance("48h")
    >>> all(job.array in ("box-1", "box-2") for job in moved.ran)
    True
    """

    due: datetime
    name: str
    array: str
    kind: str
    id: int
    #: "settle" for work that somebody asked for, "periodic" for what comes again.
    kind_of_work: str


@dataclass(frozen=True)
class Moved:
    """What happened while the clock moved.

    >>> moved = lab.clock.advance(60)
    >>> moved.now, moved.blocked
    (datetime.datetime(2025, 1, 1, 0, 1, tzinfo=datetime.timezone.utc), ())
    """

    now: datetime
    #: How many jobs ran, and the jobs: of very many the server tells the first alone.
    count: int
    ran: Tuple[Job, ...]
    #: What waits for a link or a slot.
    blocked: Tuple[str, ...]


class Clock:
    """A lab's clock: it stands still until somebody moves it, or runs.

    >>> lab.clock.now
    datetime.datetime(2025, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
    >>> lab.clock.advance("1h").now.hour
    1
    """

    def __init__(self, lab: "Lab") -> None:
        self._lab = lab

    def _read(self) -> Dict[str, Any]:
        answer: Dict[str, Any] = self._lab.call("GET", "clock")
        return answer

    @property
    def now(self) -> datetime:
        """The time.

        >>> lab.clock.now.year
        2025
        """
        return _time(self.now_ms)

    @property
    def now_ms(self) -> int:
        """The time in milliseconds since 1970, as arrays write it.

        >>> lab.clock.now_ms
        1735689600000
        """
        return int(self._read()["now"])

    @property
    def manual(self) -> bool:
        """Whether the clock stands still until it is moved.

        >>> lab.clock.manual
        True
        """
        return bool(self._read()["mode"] == "manual")

    def advance(self, by: Duration) -> Moved:
        """Moves the clock and runs everything that is due on the way, in no time.

        >>> before = lab.clock.now
        >>> (lab.clock.advance("90s").now - before).total_seconds()
        90.0
        """
        return self._moved("clock/advance", {"by": to_text(by)})

    def advance_to(self, time: Union[datetime, int]) -> Moved:
        """Moves the clock to a time, or to milliseconds since 1970.

        >>> lab.clock.advance_to(1735689660000).now.minute
        1
        """
        at = round(time.timestamp() * 1000) if isinstance(time, datetime) else time
        return self._moved("clock/advance", {"to": at})

    def settle(self) -> Moved:
        """Moves from due job to due job until nothing that was asked for is left.

        >>> lab.clock.settle().blocked
        ()
        """
        return self._moved("clock/settle", None)

    def run(self, speed: float = 1) -> None:
        """Lets the clock run, so many times as fast as the wall's.

        >>> lab.clock.run(speed=60)
        >>> lab.clock.manual
        False
        """
        self._lab.call("POST", "clock/speed", {"factor": speed})

    def freeze(self) -> None:
        """Has the clock stand still.

        >>> lab.clock.freeze()
        >>> lab.clock.manual
        True
        """
        self._lab.call("POST", "clock/freeze")

    def _moved(self, path: str, body: object) -> Moved:
        answer = self._lab.call("POST", path, body)
        ran = tuple(Job(_time(j["due"]), j["name"], j["array"], j["kind"], j["id"], j["class"]) for j in answer["ran"])
        return Moved(_time(answer["now"]), answer["count"], ran, tuple(answer["blocked"]))

    def __repr__(self) -> str:
        return f"<Clock {self.now.isoformat()}>"
