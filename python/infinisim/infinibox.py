"""A simulated array, as tests hold it."""
from .core import context, transport
from .core.objects import Hosts, Pools, Users, Volumes
from .core.server import server
from .core.timeline import catch_up

transport.install()


class _User:
    """A user's name and password."""

    def __init__(self, username, password):
        self._username = username
        self._password = password

    def get_username(self):
        """The name to log in with."""
        return self._username

    def get_password(self):
        """The password to log in with."""
        return self._password


class _Auth:
    """Who tests log in as."""

    def get_current_user(self):
        """The built-in user that may do everything."""
        return _User("infinidat", "123456")


class _Networking:
    """Addresses for the array's network spaces."""

    def __init__(self, simulator):
        self._simulator = simulator
        self._allocated = []

    def allocate_ip_address(self, network_space):
        """An address of the space that nothing in the lab has."""
        address = self._simulator.control("POST", "ips", {"network_space": network_space})["ip_address"]
        self._allocated.append(address)
        return address


class _Feature:
    """One feature of an array."""

    def __init__(self, simulator, name):
        self._simulator = simulator
        self._name = name

    def set_enabled(self, enabled):
        """Switches the feature on or off."""
        self._simulator.control("PUT", f"features/{self._name}", {"enabled": bool(enabled)})


class _Features:
    """The features of an array by their names."""

    def __init__(self, simulator):
        self._simulator = simulator

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return _Feature(self._simulator, name)


class _Events:
    """The array's events."""

    def __init__(self, simulator):
        self._simulator = simulator

    def add_user_event(self, code):
        """Has the array emit an event of any code."""
        self._simulator.control("POST", "events", {"code": code})


class _Settings:
    """One group of the array's settings, by their keys."""

    def __init__(self, simulator, group):
        self._simulator = simulator
        self._group = group

    def __getitem__(self, key):
        return self._simulator.rest("GET", f"config/{self._group}/{key}")

    def __setitem__(self, key, value):
        self._simulator.rest("PUT", f"config/{self._group}/{key}", value)


class _Config:
    """The array's settings."""

    def __init__(self, simulator):
        self.mgmt = _Settings(simulator, "mgmt")


_ROOT = "/api/rest/"


class _Api:
    """The array's API as tests bend it."""

    def __init__(self, simulator):
        self._simulator = simulator
        self._flask_config = {}

    def set_propagate_exceptions(self, _):
        """Has no effect: the arrays live in another process."""

    def set_default_page_size(self, size):
        """The length of a page where the client does not say."""
        self._simulator.control("PATCH", "", {"default_page_size": size})

    def inject_fault(self, path, status, count=1):
        """Answers the next requests for a path with a status."""
        self._simulator.faults += 1
        server().call("POST", "faults", {
            "id": f"{self._simulator.key}-{self._simulator.faults}", "site": "http", "array": self._simulator.key,
            "path": path.removeprefix(_ROOT), "times": count, "effect": {"type": "status", "status": status}})

    def _send(self, method, path, data):
        return self._simulator.rest(method, path.removeprefix(_ROOT), data)

    def get(self, path, data=None):
        """A request as the built-in user; gives the result."""
        return self._send("GET", path, data)

    def post(self, path, data=None):
        """A request as the built-in user; gives the result."""
        return self._send("POST", path, data)

    def put(self, path, data=None):
        """A request as the built-in user; gives the result."""
        return self._send("PUT", path, data)

    def delete(self, path, data=None):
        """A request as the built-in user; gives the result."""
        return self._send("DELETE", path, data)


class Infinibox:  # pylint: disable=too-many-instance-attributes
    """One simulated array. It exists from the start, and is reachable by its
    host name while it is active. The SDK asks for a class of this very name."""

    def __init__(self, *_):
        catch_up()  # what is made now is made at the timeline's time
        made = server().call("POST", "arrays", {})
        self.key = made["key"]
        self.url = made["url"]
        self._hostname = made["host"]
        self._serial = made["serial"]
        self.faults = 0
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

    def control(self, method, path, body=None):
        """A request about this array to the control plane."""
        return server().call(method, f"arrays/{self.key}/{path}".rstrip("/"), body)

    def rest(self, method, path, body=None):
        """A request to the array as the built-in user; gives the result."""
        catch_up()
        return server().rest(self.url, method, path, body)

    def get_hostname(self):
        """The name by which clients reach the array."""
        return self._hostname

    def get_serial(self):
        """The serial number."""
        return self._serial

    def set_serial(self, serial):
        """Gives the array another serial number."""
        self._serial = self.control("PATCH", "", {"serial": serial})["serial"]

    def set_version(self, version):
        """Has the array report a version, any text."""
        self.control("PATCH", "", {"version": version})

    def get_floating_addresses(self):
        """The array's addresses: its host name."""
        return [self._hostname]

    def activate(self):
        """Makes the array reachable."""
        self.control("POST", "activate")
        context.register(self)

    def deactivate(self):
        """Makes the array unreachable; doing so twice does nothing."""
        context.unregister(self)
        self.control("POST", "deactivate")
