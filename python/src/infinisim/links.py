"""The paths between the arrays of a lab."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Optional, Union

from .array import Array, Row
from .clock import Duration, to_text

if TYPE_CHECKING:
    from .lab import Lab


def _texts(values: Mapping[str, Any]) -> Dict[str, Any]:
    """What was given, durations as texts."""
    given = {name: value for name, value in values.items() if value is not None}
    return {name: to_text(value) if name in ("latency", "jitter", "after") else value for name, value in given.items()}


class Link:
    """A link between two arrays; ``a`` and ``b`` are its ends.

    >>> link = lab.links[0]
    >>> with link.down():
    ...     link.a.get(f"links/{link.a_id}")["link_state"]
    'DOWN'
    >>> link.a.get(f"links/{link.a_id}")["link_state"]
    'UP'
    """

    def __init__(self, lab: "Lab", view: Mapping[str, Any]) -> None:
        self.name: str = view["name"]
        self.a: Array = lab[view["a"]]
        self.b: Array = lab[view["b"]]
        #: The ids of the link on both arrays.
        self.a_id: int = view["a_id"]
        self.b_id: int = view["b_id"]

    def _control(self, method: str, path: str, body: object = None) -> Any:
        return self.a.control(method, f"links/{self.a_id}/{path}", body)

    def cut(self, sent_by: Union[Array, str, None] = None) -> None:
        """Takes the path down: in both directions, or only for what one array sends.

        >>> lab.links[0].cut(sent_by="box-1")
        """
        key = sent_by.key if isinstance(sent_by, Array) else sent_by
        self._control("POST", "cut", {} if key is None else {"from": key})

    def restore(self) -> None:
        """Brings the path back.

        >>> lab.links[0].restore()
        """
        self._control("POST", "restore")

    @contextmanager
    def down(self, sent_by: Union[Array, str, None] = None) -> Iterator["Link"]:
        """Takes the path down for a while.

        >>> with lab.links[0].down():
        ...     moved = lab.clock.advance("1h")
        """
        self.cut(sent_by)
        try:
            yield self
        finally:
            self.restore()

    @property
    def model(self) -> Row:
        """How the path behaves.

        >>> lab.links[0].model["cut"]
        False
        """
        row: Row = self._control("GET", "model")
        return row

    def set_model(
        self,
        *,
        bandwidth: Optional[int] = None,
        latency: Optional[Duration] = None,
        jitter: Optional[Duration] = None,
        loss: Optional[float] = None,
        slots: Optional[int] = None,
        addresses_down: Optional[int] = None,
    ) -> Row:
        """Changes how the path behaves: bytes a second, one way times, the share of
        bytes sent twice, first copies at a time, addresses that are down.

        >>> lab.links[0].set_model(bandwidth=10**6, latency="5ms")["latency"]
        '5ms'
        """
        given = {
            "bandwidth": bandwidth,
            "latency": latency,
            "jitter": jitter,
            "loss": loss,
            "slots": slots,
            "addresses_down": addresses_down,
        }
        row: Row = self._control("PUT", "model", _texts(given))
        return row

    def set_schedule(self, steps: List[Dict[str, Any]], every: Optional[Duration] = None) -> None:
        """Changes of the model by the lab's clock, once or again and again; no steps end it.

        >>> lab.links[0].set_schedule([{"after": 10, "cut": True}, {"after": 12, "cut": False}], every=15)
        >>> moved = lab.clock.advance(11)
        >>> lab.links[0].model["cut"]
        True
        """
        body: Dict[str, Any] = {"steps": [_texts(step) for step in steps]}
        if every is not None:
            body["every"] = to_text(every)
        self._control("PUT", "schedule", body)

    def replicate(self, dataset: int, remote_pool: Union[Row, int], entity_type: str = "VOLUME", **fields: Any) -> Row:
        """Makes a replica of a dataset of ``a`` on ``b``; gives it as ``a`` has it.

        >>> link = lab.links[0]
        >>> volume = link.a.new_volume(link.a.new_pool())["id"]
        >>> written = link.a.write(volume, seed=7)
        >>> replica = link.replicate(volume, link.b.new_pool())
        >>> moved = lab.clock.settle()
        >>> link.b.digest(replica["entity_pairs"][0]["remote_entity_id"]) == written
        True
        """
        pool = remote_pool if isinstance(remote_pool, int) else remote_pool["id"]
        body = {
            "link_id": self.a_id,
            "entity_type": entity_type,
            "remote_pool_id": pool,
            "entity_pairs": [{"local_entity_id": dataset, "remote_base_action": "CREATE"}],
            **fields,
        }
        row: Row = self.a.post("replicas", body)
        return row

    def __repr__(self) -> str:
        return f"<Link {self.name}>"
