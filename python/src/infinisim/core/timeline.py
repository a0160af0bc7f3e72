"""The arrays' clock follows the flux timeline of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional

import flux

if TYPE_CHECKING:
    from ..lab import Lab


def now_ms() -> float:
    """The timeline's time in milliseconds since 1970.

    >>> from infinisim.core.timeline import now_ms
    >>> now_ms() > 1_500_000_000_000
    True
    """
    return float(flux.current_timeline.time() * 1000)


class Follower:
    """Moves a lab as the timeline moves.

    >>> lab.follow_flux()
    >>> lab.follower.catch_up()["now"] > 1_500_000_000_000
    True
    """

    def __init__(self, lab: "Lab") -> None:
        self._lab = lab
        self._armed: Optional[int] = None

    def arm(self, next_settle_ms: Optional[int]) -> None:
        """Has the timeline move the arrays when work that was asked for is due.

        A frozen timeline runs the callback when somebody sleeps that long; periodic
        work never arms it, so that waiting for all callbacks comes to an end.
        """
        if next_settle_ms is None or (self._armed is not None and self._armed <= next_settle_ms):
            return
        self._armed = next_settle_ms
        flux.current_timeline.schedule_callback(max(0, (next_settle_ms - now_ms()) / 1000), self._fire, next_settle_ms)

    def catch_up(self, due_ms: Optional[float] = None) -> Dict[str, Any]:
        """Moves the arrays to a time, or to the timeline's, if they are behind it; gives their clock."""
        due = int(now_ms() if due_ms is None else due_ms)
        clock: Dict[str, Any] = self._lab.call("GET", "clock")
        if clock["now"] < due:
            clock = self._lab.call("POST", "clock/advance", {"to": due})
        return clock

    def _fire(self, due_ms: int) -> None:
        if self._lab.closed or not self._lab.server.alive:
            return
        if self._armed == due_ms:
            self._armed = None
        self.arm(self.catch_up(due_ms)["next_settle"])
