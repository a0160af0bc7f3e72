"""The arrays' clock follows the flux timeline of this process."""
import flux

from .server import server

_armed = [None]


def now_ms():
    """The timeline's time in milliseconds since 1970."""
    return flux.current_timeline.time() * 1000


def arm(next_settle_ms):
    """Has the timeline move the arrays when work that was asked for is due.

    A frozen timeline runs the callback when somebody sleeps that long; periodic
    work never arms it, so that waiting for all callbacks comes to an end.
    """
    if next_settle_ms is None:
        return
    if _armed[0] is not None and _armed[0] <= next_settle_ms:
        return
    _armed[0] = next_settle_ms
    flux.current_timeline.schedule_callback(max(0, (next_settle_ms - now_ms()) / 1000), _fire, next_settle_ms)


def catch_up(due_ms=None):
    """Moves the arrays to a time, or to the timeline's, if they are behind it;
    gives their clock."""
    due_ms = int(now_ms() if due_ms is None else due_ms)
    clock = server().call("GET", "clock")
    if clock["now"] < due_ms:
        clock = server().call("POST", "clock/advance", {"to": due_ms})
    return clock


def _fire(due_ms):
    if _armed[0] == due_ms:
        _armed[0] = None
    arm(catch_up(due_ms)["next_settle"])
