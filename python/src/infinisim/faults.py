"""What a tester makes go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Optional, Tuple, Union

from .clock import Duration, to_text
from .rules import Fault, Jobs, Preset, Requests, Trouble, Window

if TYPE_CHECKING:
    from typing_extensions import Literal, Unpack

    from .array import Array
    from .lab import Lab

    Body = Literal["envelope", "empty", "truncated", "malformed"]
    Spoiled = Literal["empty", "truncated", "malformed"]
    Ticking = Literal["lab", "real"]


def _key(array: Union["Array", str, None]) -> Optional[str]:
    return array if array is None or isinstance(array, str) else array.key


def _around(by: Duration, spread: Duration, sigma: float) -> Dict[str, Any]:
    """The members of a delay that is drawn."""
    return {"delay": to_text(by), "spread": to_text(spread) if spread else None, "sigma": sigma}


class Faults:
    """The rules of a lab.

    Each maker takes what its rule matches by name, for requests ``array``,
    ``method``, ``path`` (``volumes/*``, ``volumes/**``), ``kind``, ``object``,
    ``user``, ``fields``; and how often it strikes: ``times``, ``skip``, ``odds``,
    ``start_ms`` and ``until_ms``. A trouble with a name is a ``preset``.

    >>> fault = lab.faults.error("POOL_NOT_FOUND", path="pools", times=2)
    >>> [array.request("GET", "pools").status for _ in range(3)]
    [404, 404, 200]
    """

    def __init__(self, lab: "Lab") -> None:
        self._lab = lab

    def __iter__(self) -> Iterator[Fault]:
        rules: List[Dict[str, Any]] = self._lab.call("GET", "faults")
        return iter([Fault(self._lab, rule) for rule in rules])

    def add(self, rule: Mapping[str, Any]) -> Fault:
        """Any rule, as the control plane takes it.

        >>> lab.faults.add({"id": "busy", "site": "http", "path": "pools", "effect": {"type": "status", "status": 503}}).id
        'busy'
        """
        return Fault(self._lab, self._lab.call("POST", "faults", dict(rule)))

    def clear(self) -> None:
        """Takes all rules out of force.

        >>> fault = lab.faults.reset()
        >>> lab.faults.clear()
        >>> len(list(lab.faults))
        0
        """
        self._lab.call("DELETE", "faults")

    def presets(self) -> List[Preset]:
        """The troubles that have names.

        >>> [preset.name for preset in lab.faults.presets()][:3]
        ['link_flap', 'wan_brownout', 'clock_jump']
        """
        return [
            Preset(each["name"], each["about"], tuple(each["needs"]), each["usual"]) for each in self._lab.call("GET", "faults/presets")
        ]

    def preset(
        self,
        name: str,
        *,
        id: Optional[str] = None,
        array: Union["Array", str, None] = None,
        peer: Union["Array", str, None] = None,
        pool: Union[Mapping[str, Any], int, None] = None,
        component: Optional[str] = None,
        after: Optional[Duration] = None,
        lasting: Optional[Duration] = None,
        every: Optional[Duration] = None,
        count: Optional[int] = None,
        refuse: Optional[Duration] = None,
        odds: Optional[float] = None,
        delay: Optional[Duration] = None,
        sigma: Optional[float] = None,
        clock: Optional["Ticking"] = None,
        loss: Optional[float] = None,
        bandwidth: Optional[int] = None,
        by: Optional[Duration] = None,
    ) -> "Trouble":
        """A trouble that has a name, in words as well: ``"link flap"``. What is left out is the preset's own.

        >>> with lab.faults.preset("link flap", array="box-1", peer="box-2", lasting="5s", every="20s", count=3) as flap:
        ...     state = array.get(f"links/{lab.links[0].a_id}")["link_state"]
        ...     state, [fault.id for fault in flap]
        ('DOWN', ['link_flap-1', 'link_flap-2', 'link_flap-3'])
        """
        ask: Dict[str, Any] = {"preset": name.replace(" ", "_").replace("-", "_"), "id": id, "array": _key(array), "peer": _key(peer)}
        ask.update({"pool": pool["id"] if isinstance(pool, Mapping) else pool, "component": component, "count": count})
        ask.update({"odds": odds, "sigma": sigma, "clock": clock, "loss": loss, "bandwidth": bandwidth})
        times = {"after": after, "for": lasting, "every": every, "refuse": refuse, "delay": delay, "by": by}
        ask.update({key: to_text(value) for key, value in times.items() if value is not None})
        plan = self._lab.call("POST", "faults", {key: value for key, value in ask.items() if value is not None})
        return Trouble(Fault(self._lab, rule) for rule in plan["rules"])

    def _make(self, site: str, effect: Dict[str, Any], matches: Mapping[str, Any]) -> Fault:
        rule: Dict[str, Any] = {"site": site, "effect": {key: value for key, value in effect.items() if value not in (None, "", 0)}}
        long = {"start_ms": "from", "until_ms": "until", "class_": "class"}
        for name, value in matches.items():
            if value is not None:
                rule[long.get(name, name)] = _key(value) if name in {"array", "peer"} else value
        return self.add(rule)

    # What strikes requests.

    def error(self, code: str, message: str = "", status: int = 0, **matches: "Unpack[Requests]") -> Fault:
        """An error of the array in its own envelope; nothing is applied.

        >>> fault = lab.faults.error("VOLUME_NOT_FOUND", path="pools")
        >>> array.request("GET", "pools").error["code"]
        'VOLUME_NOT_FOUND'
        """
        return self._make("http", {"type": "error", "code": code, "message": message, "status": status}, matches)

    def status(self, status: int, body: "Body" = "envelope", **matches: "Unpack[Requests]") -> Fault:
        """A bare status; the body is an envelope, empty, truncated or malformed. Nothing is applied.

        >>> fault = lab.faults.status(502, body="empty")
        >>> array.request("GET", "pools").status
        502
        """
        return self._make("http", {"type": "status", "status": status, "body": body}, matches)

    def garble(self, body: "Spoiled" = "malformed", **matches: "Unpack[Requests]") -> Fault:
        """The request is applied, and the body of its answer spoiled: empty, truncated or malformed.

        >>> with lab.faults.garble("empty", method="POST", path="hosts"):
        ...     answer = array.request("POST", "hosts", {"name": "h"})
        >>> answer.status, answer.text, len(array.list("hosts"))
        (201, '', 1)
        """
        return self._make("http", {"type": "garble", "body": body}, matches)

    def reset(self, **matches: "Unpack[Requests]") -> Fault:
        """The connection is reset; nothing is applied.

        >>> lab.faults.reset(path="pools").rule["effect"]
        {'type': 'reset'}
        """
        return self._make("http", {"type": "reset"}, matches)

    def lost(self, **matches: "Unpack[Requests]") -> Fault:
        """The request is applied, and the connection dropped instead of the answer.

        >>> from infinisim import ConnectionDropped
        >>> with lab.faults.lost(method="POST", path="hosts"):
        ...     try:
        ...         array.post("hosts", {"name": "h"})
        ...     except ConnectionDropped:
        ...         print("no answer")
        no answer
        >>> [host["name"] for host in array.list("hosts")]
        ['h']
        """
        return self._make("http", {"type": "lost"}, matches)

    def duplicate(self, **matches: "Unpack[Requests]") -> Fault:
        """The request is applied twice, as if something on the way had sent it again; the second answer goes out.

        >>> with lab.faults.duplicate(method="POST", path="hosts"):
        ...     array.request("POST", "hosts", {"name": "h"}).error["code"]
        'HOST_NAME_CONFLICT'
        """
        return self._make("http", {"type": "duplicate"}, matches)

    def expire(self, **matches: "Unpack[Requests]") -> Fault:
        """The session that the request came with ends: 401.

        >>> lab.faults.expire(times=1).rule["times"]
        1
        """
        return self._make("http", {"type": "expire"}, matches)

    def delay(self, by: Duration, spread: Duration = 0, clock: "Ticking" = "lab", sigma: float = 0, **matches: "Unpack[Requests]") -> Fault:
        """Requests are answered later, on the lab's clock or the real one; with ``sigma`` lognormal around ``by``.

        >>> fault = lab.faults.delay(0.01, clock="real", path="pools")
        >>> array.request("GET", "pools").status
        200
        """
        return self._make("http", {"type": "delay", **_around(by, spread, sigma), "clock": clock}, matches)

    def drip(self, by: Duration, size: int = 16, clock: "Ticking" = "lab", **matches: "Unpack[Requests]") -> Fault:
        """The request is applied, and its answer arrives ``size`` bytes at a time, ``by`` before each piece.

        >>> fault = lab.faults.drip(0.001, size=64, clock="real", path="pools")
        >>> array.get("pools"), fault.hits
        ([], 1)
        """
        return self._make("http", {"type": "drip", "delay": to_text(by), "bytes": size, "clock": clock}, matches)

    # What strikes work that is due.

    def fail_job(self, job: Optional[str] = None, retry: Optional[Duration] = None, **matches: "Unpack[Jobs]") -> Fault:
        """Work that is due does not run now but later.

        >>> lab.faults.fail_job("replica.phase", times=1).rule["job"]
        'replica.phase'
        """
        effect = {"type": "fail", "retry": None if retry is None else to_text(retry)}
        return self._make("job", effect, {"job": job, **matches})

    def delay_job(
        self, by: Duration, job: Optional[str] = None, spread: Duration = 0, sigma: float = 0, **matches: "Unpack[Jobs]"
    ) -> Fault:
        """Work that is due runs later.

        >>> lab.faults.delay_job("30s", "replica.phase", kind="replica").rule["effect"]["delay"]
        '30s'
        """
        return self._make("job", {"type": "delay", **_around(by, spread, sigma)}, {"job": job, **matches})

    def stall_job(self, job: Optional[str] = None, **matches: "Unpack[Jobs]") -> Fault:
        """Work that is due does not run until the rule is gone.

        >>> lab.faults.stall_job("replica.phase").rule["effect"]
        {'type': 'stall'}
        """
        return self._make("job", {"type": "stall"}, {"job": job, **matches})

    # What a path between two arrays is like.

    def _link(self, effect: Dict[str, Any], ends: Tuple[Union["Array", str], Union["Array", str]], window: Mapping[str, Any]) -> Fault:
        return self._make("link", effect, {"array": ends[0], "peer": ends[1], **window})

    def link_down(self, array: Union["Array", str], peer: Union["Array", str], **window: "Unpack[Window]") -> Fault:
        """The path between two arrays is down.

        >>> with lab.faults.link_down("box-1", "box-2"):
        ...     array.get(f"links/{lab.links[0].a_id}")["link_state"]
        'DOWN'
        """
        return self._link({"type": "down"}, (array, peer), window)

    def link_cut(self, array: Union["Array", str], peer: Union["Array", str], **window: "Unpack[Window]") -> Fault:
        """What ``array`` sends does not arrive; what ``peer`` sends does, and its answer is lost.

        >>> lab.faults.link_cut("box-1", "box-2")
        <Fault ... link {'type': 'cut'}>
        """
        return self._link({"type": "cut"}, (array, peer), window)

    def link_loss(self, array: Union["Array", str], peer: Union["Array", str], loss: float, **window: "Unpack[Window]") -> Fault:
        """That share of the bytes is sent twice.

        >>> lab.faults.link_loss("box-1", "box-2", 0.02).rule["effect"]["loss"]
        0.02
        """
        return self._link({"type": "loss", "loss": loss}, (array, peer), window)

    def link_latency(
        self,
        array: Union["Array", str],
        peer: Union["Array", str],
        by: Duration,
        spread: Duration = 0,
        sigma: float = 0,
        **window: "Unpack[Window]",
    ) -> Fault:
        """The path is slower by that much, one way.

        >>> lab.faults.link_latency("box-1", "box-2", "40ms").rule["effect"]["delay"]
        '40ms'
        """
        return self._link({"type": "latency", **_around(by, spread, sigma)}, (array, peer), window)

    def link_bandwidth(self, array: Union["Array", str], peer: Union["Array", str], bandwidth: int, **window: "Unpack[Window]") -> Fault:
        """The path carries no more bytes a second than that, each way.

        >>> lab.faults.link_bandwidth("box-1", "box-2", 5_000_000).rule["effect"]["bandwidth"]
        5000000
        """
        return self._link({"type": "bandwidth", "bandwidth": bandwidth}, (array, peer), window)

    # What the parts of an array are like.

    def component(self, array: Union["Array", str], component: str, state: str = "", **window: "Unpack[Window]") -> Fault:
        """A part of the hardware is in a state, by default that of a failure, for as long as the rule is in force.

        >>> with lab.faults.component("box-1", "nodes/1"):
        ...     array.get("components/nodes/1", fields="state")["state"]
        'FAILED'
        >>> array.get("components/nodes/1", fields="state")["state"]
        'ACTIVE'
        """
        return self._make("array", {"type": "component", "component": component, "state": state}, {"array": array, **window})

    def full(self, array: Union["Array", str], pool: Union[Mapping[str, Any], int], **window: "Unpack[Window]") -> Fault:
        """A pool is LOCKED, whatever space it has; no administrator can unlock it.

        >>> pool = array.new_pool()
        >>> with lab.faults.full(array, pool):
        ...     array.get(f"pools/{pool['id']}")["state"]
        'LOCKED'
        """
        number = pool["id"] if isinstance(pool, Mapping) else pool
        return self._make("array", {"type": "full"}, {"array": array, "object": number, **window})
