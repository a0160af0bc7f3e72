"""One simulated array."""

from __future__ import annotations

import base64
import http.client
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Tuple, Union
from urllib.parse import urlencode, urlsplit

from ._wire import Wire
from .clock import Duration, to_text
from .errors import ArrayError, ConnectionDropped

if TYPE_CHECKING:
    from .lab import Lab

_ROOT = "/api/rest/"
_PAGE = 1000
TERABYTE = 10**12
GIGABYTE = 10**9

#: A row of an array, as JSON has it.
Row = Dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What an array answered, whatever the status.

    >>> answer = array.request("GET", "pools", query={"page_size": "1"})
    >>> answer.status, answer.result, answer.metadata["number_of_objects"]
    (200, [], 0)
    """

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        """The whole envelope; None for what is no JSON.

        >>> sorted(array.request("GET", "pools").body)
        ['error', 'metadata', 'result']
        """
        try:
            return json.loads(self.text)
        except ValueError:
            return None

    def _member(self, name: str) -> Any:
        body = self.body
        return body.get(name) if isinstance(body, dict) else None

    @property
    def result(self) -> Any:
        """The member ``result``.

        >>> array.request("GET", "system/name").result
        'simulator-box-1'
        """
        return self._member("result")

    @property
    def error(self) -> Any:
        """The member ``error``; None if all went well.

        >>> array.request("GET", "nowhere").error["code"]
        'PATH_NOT_FOUND'
        """
        return self._member("error")

    @property
    def metadata(self) -> Any:
        """The member ``metadata``.

        >>> array.request("GET", "pools").metadata["ready"]
        True
        """
        return self._member("metadata")


@dataclass(frozen=True)
class Digest:
    """What a dataset holds: equal content has an equal digest, on any array.

    >>> pool = array.new_pool()
    >>> one, other = (array.new_volume(pool)["id"] for _ in range(2))
    >>> array.write(one, length=4096, seed=7) == array.write(other, length=4096, seed=7)
    True
    """

    digest: str
    #: How many bytes hold something.
    used: int


class Array:
    """One array of a lab: its REST API, and what a tester may do to it that its
    administrator may not.

    Any client reaches it at ``array.url`` with ``array.credentials``.

    >>> pool = array.post("pools", {"name": "p", "physical_capacity": 10**12, "virtual_capacity": 10**12})
    >>> array.get(f"pools/{pool['id']}", fields="name,volumes_count")["name"]
    'p'
    """

    def __init__(self, lab: "Lab", view: Mapping[str, Any]) -> None:
        #: The lab that the array belongs to.
        self.lab = lab
        #: Its key in the lab, such as ``box-1``.
        self.key: str = view["key"]
        self.name: str = view["name"]
        self.serial: int = view["serial"]
        #: Its host name: any array's port answers to it.
        self.host: str = view["host"]
        self.url: str = view["url"]
        #: Its address for HTTPS, None unless the server has ``tls``.
        self.https_url: Optional[str] = view["https_url"]
        #: A user and password that may do everything an administrator may.
        self.credentials: Tuple[str, str] = (view["username"], view["password"])
        self._wire = Wire(self.url)

    @property
    def address(self) -> Tuple[str, int]:
        """Host and port, as InfiniSDK takes them.

        >>> array.url == "http://{}:{}".format(*array.address)
        True
        """
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 80

    def sdk(self, **options: Any) -> Any:
        """An InfiniSDK object of the array, logged in; needs ``pip install infinisdk``.

        >>> str(array.sdk().pools.create(name="p").get_name())
        'p'
        """
        try:
            from infinisdk import InfiniBox
        except ImportError as error:
            raise ImportError("Array.sdk() needs InfiniSDK: pip install infinisdk") from error
        system = InfiniBox(self.address, auth=self.credentials, **options)
        system.login()
        return system

    # The array's own API.

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
    ) -> Answer:
        """Sends a request and gives its answer, whatever it is.

        A path without a leading slash follows ``/api/rest/``.

        >>> array.request("DELETE", "pools/1").status
        404
        """
        target = path if path.startswith("/") else _ROOT + path
        if query:
            target += ("&" if "?" in target else "?") + urlencode(query)
        raw = None if body is None else json.dumps(body).encode()
        identity = base64.b64encode(":".join(self.credentials).encode()).decode()
        given = {"Authorization": f"Basic {identity}", "Content-Type": "application/json", **(headers or {})}
        try:
            reply = self._wire.send(method, target, raw, given)
        except (OSError, http.client.HTTPException) as error:
            self.lab.server.send("GET", "health")  # a server that is gone raises what there is to say
            raise ConnectionDropped(f"{method} {path} on {self.key}: no answer ({error})") from error
        return Answer(reply.status, reply.headers, reply.body.decode("utf-8", "replace"))

    def _ask(self, method: str, path: str, body: object, query: Mapping[str, Any]) -> Any:
        answer = self.request(method, path, body, query)
        if answer.status >= 400:
            error = answer.error if isinstance(answer.error, dict) else {}
            raise ArrayError(f"{method} {path} on {self.key}", answer.status, error.get("code", ""), error.get("message", answer.text))
        return answer.result

    def get(self, path: str, **query: Any) -> Any:
        """The result of a GET; raises ArrayError if there is none.

        >>> array.get("system", fields="name")["name"]
        'simulator-box-1'
        """
        return self._ask("GET", path, None, query)

    def post(self, path: str, body: object = None, **query: Any) -> Any:
        """The result of a POST; raises ArrayError if there is none.

        >>> array.post("hosts", {"name": "h"})["name"]
        'h'
        """
        return self._ask("POST", path, body, query)

    def put(self, path: str, body: object = None, **query: Any) -> Any:
        """The result of a PUT, approved; raises ArrayError if there is none.

        >>> host = array.post("hosts", {"name": "h"})
        >>> array.put(f"hosts/{host['id']}", {"name": "i"})["name"]
        'i'
        """
        return self._ask("PUT", path, body, {"approved": "true", **query})

    def delete(self, path: str, body: object = None, **query: Any) -> Any:
        """The result of a DELETE, approved; raises ArrayError if there is none.

        >>> host = array.post("hosts", {"name": "h"})
        >>> array.delete(f"hosts/{host['id']}")["name"]
        'h'
        """
        return self._ask("DELETE", path, body, {"approved": "true", **query})

    def list(self, path: str, **query: Any) -> List[Row]:
        """All objects of a collection, page by page to the end.

        >>> pool = array.new_pool()
        >>> volumes = [array.new_volume(pool) for _ in range(3)]
        >>> len(array.list("volumes", pool_id=f"eq:{pool['id']}"))
        3
        """
        rows: List[Row] = []
        page = 1
        while True:
            answer = self.request("GET", path, query={"page_size": _PAGE, **query, "page": page})
            if answer.status >= 400:
                self._ask("GET", path, None, {"page_size": _PAGE, **query, "page": page})
            rows += answer.result
            if page >= answer.metadata["pages_total"]:
                return rows
            page += 1

    def _fresh(self, word: str) -> str:
        """A name that nothing in the lab got from here before."""
        return f"{word}-{self.lab.next_number()}"

    def new_pool(self, name: Optional[str] = None, capacity: int = 10 * TERABYTE, **fields: Any) -> Row:
        """Makes a pool.

        >>> array.new_pool("p")["name"]
        'p'
        """
        made = {"name": name or self._fresh("pool"), "physical_capacity": capacity, "virtual_capacity": capacity, **fields}
        row: Row = self.post("pools", made)
        return row

    def new_volume(self, pool: Union[Row, int], name: Optional[str] = None, size: int = GIGABYTE, **fields: Any) -> Row:
        """Makes a volume in a pool.

        >>> array.new_volume(array.new_pool(), "v")["size"]
        1000000000
        """
        pool_id = pool if isinstance(pool, int) else pool["id"]
        row: Row = self.post("volumes", {"name": name or self._fresh("volume"), "pool_id": pool_id, "size": size, **fields})
        return row

    # What a tester may do.

    def control(self, method: str, path: str = "", body: object = None) -> Any:
        """A request about the array to the control plane.

        >>> array.control("PATCH", body={"version": "5.5"})["key"]
        'box-1'
        """
        return self.lab.call(method, f"arrays/{self.key}/{path}".rstrip("/"), body)

    def write(self, dataset: int, offset: int = 0, length: int = 1 << 20, seed: int = 1) -> Digest:
        """A host's write; the seed stands for the content, 0 for zeros.

        >>> volume = array.new_volume(array.new_pool())
        >>> array.write(volume["id"], length=8192, seed=3).used
        8192
        """
        answer = self.control("POST", f"datasets/{dataset}/write", {"offset": offset, "length": length, "seed": seed})
        return Digest(answer["digest"], answer["used"])

    def digest(self, dataset: int) -> Digest:
        """What a dataset holds.

        >>> array.digest(array.new_volume(array.new_pool())["id"]).used
        0
        """
        answer = self.control("GET", f"datasets/{dataset}/digest")
        return Digest(answer["digest"], answer["used"])

    def set_workload(self, dataset: int, reads: int = 0, writes: int = 0, block_size: int = 8192, latency: Duration = 0.001) -> None:
        """What hosts do to a dataset from now on, a second.

        >>> array.set_workload(array.new_volume(array.new_pool())["id"], reads=300)
        """
        body = {"reads": reads, "writes": writes, "block_size": block_size, "latency": to_text(latency)}
        self.control("PUT", f"datasets/{dataset}/workload", body)

    def deactivate(self) -> None:
        """Takes the array off the network: connections are dropped, its links are down.

        >>> array.deactivate()
        """
        self.control("POST", "deactivate")

    def activate(self) -> None:
        """Brings the array back on the network.

        >>> array.activate()
        """
        self.control("POST", "activate")

    def set_version(self, version: str) -> None:
        """Has the array report a version, any text.

        >>> array.set_version("5.5.0.12-a")
        >>> array.get("system", fields="version")["version"]
        '5.5.0.12-a'
        """
        self.control("PATCH", body={"version": version})

    def set_serial(self, serial: int) -> None:
        """Gives the array another serial number.

        >>> array.set_serial(4711)
        >>> array.get("system/serial_number")
        4711
        """
        self.serial = self.control("PATCH", body={"serial": serial})["serial"]

    def set_page_size(self, size: int) -> None:
        """The length of a page where the client does not say.

        >>> array.set_page_size(2)
        >>> array.request("GET", "pools").metadata["page_size"]
        2
        """
        self.control("PATCH", body={"default_page_size": size})

    def set_feature(self, name: str, enabled: bool) -> None:
        """Switches a feature of the release on or off.

        >>> array.set_feature("native_smb", False)
        """
        self.control("PUT", f"features/{name}", {"enabled": enabled})

    def set_component(self, path: str, state: str) -> Row:
        """A part of the hardware changes its state, by the array's own path.

        >>> array.set_component("nodes/1", "FAILED")["state"]
        'FAILED'
        """
        row: Row = self.control("PATCH", f"components/{path}", {"state": state})
        return row

    def set_password(self, user: str, password: str) -> None:
        """Changes a user's password, whatever the array's policy says.

        >>> array.set_password("infinidat", "x")
        """
        self.control("PUT", f"users/{user}/password", {"password": password})

    def add_event(self, code: str) -> None:
        """Has the array emit an event of any code.

        >>> array.add_event("HOST_DOWN")
        >>> array.list("events", sort="-id")[0]["code"]
        'HOST_DOWN'
        """
        self.control("POST", "events", {"code": code})

    def allocate_ip(self, network_space: Union[str, int]) -> str:
        """An address of a network space that nothing in the lab has.

        >>> space = array.list("network/spaces")[0]
        >>> address = array.allocate_ip(space["id"])
        >>> address in [ip["ip_address"] for ip in space["ips"]]
        False
        """
        return str(self.control("POST", "ips", {"network_space": network_space})["ip_address"])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key} {self.url}>"
