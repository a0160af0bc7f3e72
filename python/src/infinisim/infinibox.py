"""A simulated array, as tests hold it that were written for one in process."""

from __future__ import annotations

from typing import Any, Dict, List

from .array import Array
from .core import context, transport
from .core.objects import Hosts, Pools, Users, Volumes
from .core.server import server
from .lab import Lab
from .server import Server

transport.install()

_ROOT = "/api/rest/"
_labs: Dict[Server, Lab] = {}


def surroundings() -> Lab:
    """The lab that the arrays of this process see each other in, and whose clock
    follows its flux timeline.

    >>> from infinisim.infinibox import Infinibox, surroundings
    >>> Infinibox().lab is surroundings()
    True
    """
    host = server()
    if host not in _labs or _labs[host].closed:
        _labs.clear()  # a server that ended took its labs with it
        lab = Lab(arrays=0, links="none", server=host) if host.is_shared else Lab.existing("default", server=host)
        lab.follow_flux()
        _labs[host] = lab
    return _labs[host]


class _User:
    """A user's name and password."""

    def __init__(self, username: str, password: str) -> None:
        self._username = username
        self._password = password

    def get_username(self) -> str:
        """The name to log in with."""
        return self._username

    def get_password(self) -> str:
        """The password to log in with."""
        return self._password


class _Auth:
    """Who tests log in as."""

    def get_current_user(self) -> _User:
        """The built-in user that may do everything."""
        return _User("infinidat", "123456")


class _Networking:
    """Addresses for the array's network spaces."""

    def __init__(self, simulator: "Infinibox") -> None:
        self._simulator = simulator
        self._allocated: List[str] = []

    def allocate_ip_address(self, network_space: str) -> str:
        """An address of the space that nothing in the lab has."""
        address = self._simulator.allocate_ip(network_space)
        self._allocated.append(address)
        return address


class _Feature:
    """One feature of an array."""

    def __init__(self, simulator: "Infinibox", name: str) -> None:
        self._simulator = simulator
        self._name = name

    def set_enabled(self, enabled: bool) -> None:
        """Switches the feature on or off."""
        self._simulator.set_feature(self._name, bool(enabled))


class _Features:
    """The features of an array by their names."""

    def __init__(self, simulator: "Infinibox") -> None:
        self._simulator = simulator

    def __getattr__(self, name: str) -> _Feature:
        if name.startswith("_"):
            raise AttributeError(name)
        return _Feature(self._simulator, name)


class _Events:
    """The array's events."""

    def __init__(self, simulator: "Infinibox") -> None:
        self._simulator = simulator

    def add_user_event(self, code: str) -> None:
        """Has the array emit an event of any code."""
        self._simulator.add_event(code)


class _Settings:
    """One group of the array's settings, by their keys."""

    def __init__(self, simulator: "Infinibox", group: str) -> None:
        self._simulator = simulator
        self._group = group

    def __getitem__(self, key: str) -> Any:
        return self._simulator.rest("GET", f"config/{self._group}/{key}")

    def __setitem__(self, key: str, value: Any) -> None:
        self._simulator.rest("PUT", f"config/{self._group}/{key}", value)


class _Config:
    """The array's settings."""

    def __init__(self, simulator: "Infinibox") -> None:
        self.mgmt = _Settings(simulator, "mgmt")


def _relative(path: str) -> str:
    return path[len(_ROOT) :] if path.startswith(_ROOT) else path


class _Api:
    """The array's API as tests bend it."""

    def __init__(self, simulator: "Infinibox") -> None:
        self._simulator = simulator
        self._flask_config: Dict[str, Any] = {}

    def set_propagate_exceptions(self, _: bool) -> None:
        """Has no effect: the arrays live in another process."""

    def set_default_page_size(self, size: int) -> None:
        """The length of a page where the client does not say."""
        self._simulator.set_page_size(size)

    def inject_fault(self, path: str, status: int, count: int = 1) -> None:
        """Answers the next requests for a path with a status."""
        lab = self._simulator.lab
        lab.faults.status(status, id=f"inject-{lab.next_number()}", array=self._simulator, path=_relative(path), times=count)

    def _send(self, method: str, path: str, data: Any) -> Any:
        return self._simulator.rest(method, _relative(path), data)

    def get(self, path: str, data: Any = None) -> Any:
        """A request as the built-in user; gives the result."""
        return self._send("GET", path, data)

    def post(self, path: str, data: Any = None) -> Any:
        """A request as the built-in user; gives the result."""
        return self._send("POST", path, data)

    def put(self, path: str, data: Any = None) -> Any:
        """A request as the built-in user; gives the result."""
        return self._send("PUT", path, data)

    def delete(self, path: str, data: Any = None) -> Any:
        """A request as the built-in user; gives the result."""
        return self._send("DELETE", path, data)


class Infinibox(Array):
    """One simulated array. It exists from the start, and is reachable by its
    host name while it is active. The SDK asks for a class of this very name.

    It is an ``Array`` too: what new tests do to theirs can be done to it.

    >>> from infinisdk import InfiniBox
    >>> from infinisim.infinibox import Infinibox
    >>> simulator = Infinibox()
    >>> simulator.activate()
    >>> system = InfiniBox(simulator, auth=("infinidat", "123456"))
    >>> system.login()
    <Response [200]>
    >>> system.get_simulator() is simulator
    True
    """

    def __init__(self, *_: object) -> None:
        lab = surroundings()
        lab.follower.catch_up()  # what is made now is made at the timeline's time
        super().__init__(lab, lab.call("POST", "arrays", {}))
        self.credentials = ("infinidat", "123456")
        self.auth = _Auth()
        self.networking = _Networking(self)
        self.features = _Features(self)
        self.events = _Events(self)
        self.config = _Config(self)
        self.api = _Api(self)
        self.pools = Pools(self)
        self.volumes = Volumes(self)
        self.hosts = Hosts(self)
        self.users = Users(self)

    def rest(self, method: str, path: str, body: object = None) -> Any:
        """A request to the array as the built-in user; gives the result.

        >>> from infinisim.infinibox import Infinibox
        >>> Infinibox().rest("GET", "pools")
        []
        """
        self.lab.follower.catch_up()
        return self._ask(method, path, body, {})

    def get_hostname(self) -> str:
        """The name by which clients reach the array.

        >>> from infinisim.infinibox import Infinibox
        >>> Infinibox().get_hostname().startswith("simulator-")
        True
        """
        return self.host

    def get_serial(self) -> int:
        """The serial number.

        >>> from infinisim.infinibox import Infinibox
        >>> Infinibox().get_serial() > 1000
        True
        """
        return self.serial

    def get_floating_addresses(self) -> List[str]:
        """The array's addresses: its host name.

        >>> from infinisim.infinibox import Infinibox
        >>> simulator = Infinibox()
        >>> simulator.get_floating_addresses() == [simulator.get_hostname()]
        True
        """
        return [self.host]

    def activate(self) -> None:
        """Makes the array reachable.

        >>> from infinisim.infinibox import Infinibox
        >>> Infinibox().activate()
        """
        super().activate()
        context.register(self)

    def deactivate(self) -> None:
        """Makes the array unreachable; doing so twice does nothing.

        >>> from infinisim.infinibox import Infinibox
        >>> simulator = Infinibox()
        >>> simulator.deactivate()
        >>> simulator.deactivate()
        """
        context.unregister(self)
        super().deactivate()
