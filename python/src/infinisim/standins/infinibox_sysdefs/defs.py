"""Constants of the array's release."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Iterator

from capacity import GiB, KiB


class _Role:
    """A role of a user."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __str__(self) -> str:
        return self._name

    def get_name(self) -> str:
        """The role's name as the array writes it."""
        return self._name


class _Roles:
    """The roles, also by lower-case name."""

    _names = ("ADMIN", "INFINIDAT", "POOL_ADMIN", "READ_ONLY", "TECHNICIAN")

    def __init__(self) -> None:
        self._all = [_Role(name) for name in self._names]
        for role in self._all:
            setattr(self, role.get_name().lower(), role)

    def __iter__(self) -> Iterator[_Role]:
        return iter(self._all)


latest = SimpleNamespace(
    enums=SimpleNamespace(users=SimpleNamespace(roles=_Roles())),
    internal=SimpleNamespace(default_pool_reserved_capacity=100 * GiB, num_vus=6, section_size=64 * KiB),
)
