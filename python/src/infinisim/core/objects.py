"""The few kinds of objects that tests touch past the client under test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Generic, Iterator, List, Mapping, Type, TypeVar

import capacity

if TYPE_CHECKING:
    from ..infinibox import Infinibox


def in_bytes(size: Any) -> int:
    """A Capacity, or a number of bytes, in bytes.

    >>> from capacity import KiB
    >>> from infinisim.core.objects import in_bytes
    >>> in_bytes(KiB), in_bytes(7)
    (1024, 7)
    """
    return int(size // capacity.byte) if isinstance(size, capacity.Capacity) else int(size)


class Object:
    """One object of an array; every look is a request."""

    def __init__(self, simulator: "Infinibox", path: str, made: Mapping[str, Any]) -> None:
        self._simulator = simulator
        self._path = f"{path}/{made['id']}"
        self.id: int = made["id"]

    def get_field(self, name: str) -> Any:
        """The field as the array has it now."""
        return self._simulator.rest("GET", f"{self._path}?fields={name}")[name]

    def update_field(self, name: str, value: Any) -> Any:
        """Changes the field."""
        return self._simulator.rest("PUT", f"{self._path}?approved=true", {name: value})


_Kind = TypeVar("_Kind", bound=Object)


class Objects(Generic[_Kind]):
    """The objects of one kind."""

    path: str
    kind: Type[_Kind]

    def __init__(self, simulator: "Infinibox") -> None:
        self._simulator = simulator

    def _create(self, body: Dict[str, Any]) -> _Kind:
        return self.kind(self._simulator, self.path, self._simulator.rest("POST", self.path, body))

    def __iter__(self) -> Iterator[_Kind]:
        rows: List[Dict[str, Any]] = self._simulator.list(self.path)
        return iter([self.kind(self._simulator, self.path, row) for row in rows])

    def get_by_name(self, name: str) -> _Kind:
        """The object of that name."""
        [found] = self._simulator.rest("GET", f"{self.path}?name=eq:{name}")
        return self.kind(self._simulator, self.path, found)


class Pools(Objects[Object]):
    """The array's pools."""

    path = "pools"
    kind = Object

    def create(self, name: str, physical_capacity: Any, virtual_capacity: Any) -> Object:
        """Makes a pool."""
        sizes = {"physical_capacity": in_bytes(physical_capacity), "virtual_capacity": in_bytes(virtual_capacity)}
        return self._create({"name": name, **sizes})


class Volume(Object):
    """A volume."""

    def get_size(self) -> Any:
        """The size, as a Capacity."""
        return self.get_field("size") * capacity.byte

    def set_size(self, size: Any) -> None:
        """Changes the size."""
        self.update_field("size", in_bytes(size))


class Volumes(Objects[Volume]):
    """The array's volumes."""

    path = "volumes"
    kind = Volume

    def create(self, pool: Object, name: str, size: Any) -> Volume:
        """Makes a volume."""
        return self._create({"pool_id": pool.id, "name": name, "size": in_bytes(size)})


class Hosts(Objects[Object]):
    """The array's hosts."""

    path = "hosts"
    kind = Object

    def create(self, name: str) -> Object:
        """Makes a host."""
        return self._create({"name": name})


class ArrayUser(Object):
    """A user of the array."""

    def set_password(self, password: str) -> None:
        """Changes the password, whatever the array's policy says."""
        self._simulator.set_password(self.get_field("name"), password)


class Users(Objects[ArrayUser]):
    """The array's users."""

    path = "users"
    kind = ArrayUser
