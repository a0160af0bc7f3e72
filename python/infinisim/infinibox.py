"""A simulated array, as tests hold it."""
from .core import context, transport
from .core.server import server

transport.install()


class _User:
    """A user's name and password."""

    def __init__(self, username, password):
        self._username = username
        self._password = password

    def get_username(self):
        return self._username

    def get_password(self):
        return self._password


class _Auth:
    """Who tests log in as."""

    def get_current_user(self):
        return _User("infinidat", "123456")


class _Networking:
    """Addresses for the array's network spaces."""

    def __init__(self, simulator):
        self._simulator = simulator
        self._allocated = []

    def allocate_ip_address(self, network_space):
        """An address of the space that nothing in the lab has."""
        path = f"arrays/{self._simulator.key}/ips"
        address = server().call("POST", path, {"network_space": network_space})["ip_address"]
        self._allocated.append(address)
        return address


class Infinibox:
    """One simulated array. It exists from the start, and is reachable by its
    host name while it is active. The SDK asks for a class of this very name."""

    def __init__(self, *_):
        made = server().call("POST", "arrays", {})
        self.key = made["key"]
        self.url = made["url"]
        self._hostname = made["host"]
        self.serial = made["serial"]
        self.auth = _Auth()
        self.networking = _Networking(self)

    def get_hostname(self):
        """The name by which clients reach the array."""
        return self._hostname

    def get_floating_addresses(self):
        """The array's addresses: its host name."""
        return [self._hostname]

    def activate(self):
        """Makes the array reachable."""
        server().call("POST", f"arrays/{self.key}/activate")
        context.register(self)

    def deactivate(self):
        """Makes the array unreachable; doing so twice does nothing."""
        context.unregister(self)
        server().call("POST", f"arrays/{self.key}/deactivate")
