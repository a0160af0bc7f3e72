"""The few kinds of objects that tests touch past the client under test."""
import capacity


def in_bytes(size):
    """A Capacity, or a number of bytes, in bytes."""
    return size // capacity.byte if isinstance(size, capacity.Capacity) else size


class _Object:
    """One object of an array; every look is a request."""

    def __init__(self, simulator, path, made):
        self._simulator = simulator
        self._path = f"{path}/{made['id']}"
        self.id = made["id"]

    def get_field(self, name):
        """The field as the array has it now."""
        return self._simulator.rest("GET", f"{self._path}?fields={name}")[name]

    def update_field(self, name, value):
        """Changes the field."""
        return self._simulator.rest("PUT", f"{self._path}?approved=true", {name: value})


class _Objects:
    """The objects of one kind."""

    path = None
    kind = _Object

    def __init__(self, simulator):
        self._simulator = simulator

    def _create(self, body):
        return self.kind(self._simulator, self.path, self._simulator.rest("POST", self.path, body))

    def __iter__(self):
        return iter([self.kind(self._simulator, self.path, item) for item in self._all()])

    def _all(self):
        page, items = 1, []
        while True:
            more = self._simulator.rest("GET", f"{self.path}?page_size=1000&page={page}")
            items.extend(more)
            if len(more) < 1000:
                return items
            page += 1

    def get_by_name(self, name):
        """The object of that name."""
        [found] = self._simulator.rest("GET", f"{self.path}?name=eq:{name}")
        return self.kind(self._simulator, self.path, found)


class Pools(_Objects):
    """The array's pools."""

    path = "pools"

    def create(self, name, physical_capacity, virtual_capacity):
        """Makes a pool."""
        return self._create({
            "name": name, "physical_capacity": in_bytes(physical_capacity), "virtual_capacity": in_bytes(virtual_capacity)})


class _Volume(_Object):
    """A volume."""

    def get_size(self):
        """The size, as a Capacity."""
        return self.get_field("size") * capacity.byte

    def set_size(self, size):
        """Changes the size."""
        self.update_field("size", in_bytes(size))


class Volumes(_Objects):
    """The array's volumes."""

    path = "volumes"
    kind = _Volume

    def create(self, pool, name, size):
        """Makes a volume."""
        return self._create({"pool_id": pool.id, "name": name, "size": in_bytes(size)})


class Hosts(_Objects):
    """The array's hosts."""

    path = "hosts"

    def create(self, name):
        """Makes a host."""
        return self._create({"name": name})


class _ArrayUser(_Object):
    """A user of the array."""

    def set_password(self, password):
        """Changes the password, whatever the array's policy says."""
        self._simulator.control("PUT", f"users/{self.get_field('name')}/password", {"password": password})


class Users(_Objects):
    """The array's users."""

    path = "users"
    kind = _ArrayUser
