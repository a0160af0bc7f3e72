"""What a tester makes go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Optional, Union

from .clock import Duration, to_text

if TYPE_CHECKING:
    from .array import Array
    from .lab import Lab


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


def _key(array: Union["Array", str, None]) -> Optional[str]:
    return array if array is None or isinstance(array, str) else array.key


class Faults:
    """The rules of a lab.

    Each maker takes what the rule matches by name: ``array``, ``method``,
    ``path`` (``volumes/*``, ``volumes/**``), ``kind``, ``object``, ``user``,
    ``fields``; and how often it strikes: ``times``, ``skip``, ``odds``,
    ``start_ms`` and ``until_ms``.

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

    def _make(self, site: str, effect: Dict[str, Any], matches: Dict[str, Any]) -> Fault:
        for short, long in (("start_ms", "from"), ("until_ms", "until")):
            if short in matches:
                matches[long] = matches.pop(short)
        for end in ("array", "peer"):
            if end in matches:
                matches[end] = _key(matches[end])
        return self.add({"site": site, **{k: v for k, v in matches.items() if v is not None}, "effect": effect})

    def error(self, code: str, message: str = "", status: int = 0, **matches: Any) -> Fault:
        """An error of the array in its own envelope; nothing is applied.

        >>> fault = lab.faults.error("VOLUME_NOT_FOUND", path="pools")
        >>> array.request("GET", "pools").error["code"]
        'VOLUME_NOT_FOUND'
        """
        effect = {"type": "error", "code": code, "message": message, "status": status}
        return self._make("http", {k: v for k, v in effect.items() if v}, matches)

    def status(self, status: int, body: str = "envelope", **matches: Any) -> Fault:
        """A bare status; the body is an envelope, empty, truncated or malformed. Nothing is applied.

        >>> fault = lab.faults.status(502, body="empty")
        >>> array.request("GET", "pools").status
        502
        """
        return self._make("http", {"type": "status", "status": status, "body": body}, matches)

    def reset(self, **matches: Any) -> Fault:
        """The connection is dropped; nothing is applied.

        >>> lab.faults.reset(path="pools").rule["effect"]
        {'type': 'reset'}
        """
        return self._make("http", {"type": "reset"}, matches)

    def lost(self, **matches: Any) -> Fault:
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

    def expire(self, **matches: Any) -> Fault:
        """The session that the request came with ends: 401.

        >>> lab.faults.expire(times=1).rule["times"]
        1
        """
        return self._make("http", {"type": "expire"}, matches)

    def delay(self, by: Duration, spread: Duration = 0, clock: str = "lab", **matches: Any) -> Fault:
        """Requests are answered later, on the lab's clock or the real one.

        >>> fault = lab.faults.delay(0.01, clock="real", path="pools")
        >>> array.request("GET", "pools").status
        200
        """
        return self._make("http", {"type": "delay", "delay": to_text(by), "spread": to_text(spread), "clock": clock}, matches)

    def fail_job(self, job: Optional[str] = None, retry: Optional[Duration] = None, **matches: Any) -> Fault:
        """Work that is due does not run now but later.

        >>> lab.faults.fail_job("replica.phase", times=1).rule["job"]
        'replica.phase'
        """
        effect = {"type": "fail"} if retry is None else {"type": "fail", "retry": to_text(retry)}
        return self._make("job", effect, {"job": job, **matches})

    def link_down(self, array: Union["Array", str], peer: Union["Array", str], **matches: Any) -> Fault:
        """The path between two arrays is down.

        >>> with lab.faults.link_down("box-1", "box-2"):
        ...     array.get(f"links/{lab.links[0].a_id}")["link_state"]
        'DOWN'
        """
        return self._make("link", {"type": "down"}, {"array": array, "peer": peer, **matches})
