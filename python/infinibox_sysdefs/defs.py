"""Constants of the array's release."""
from types import SimpleNamespace

from capacity import GiB, KiB


class _Role:
    """A role of a user."""

    def __init__(self, name):
        self._name = name

    def __str__(self):
        return self._name

    def get_name(self):
        """The role's name as the array writes it."""
        return self._name


class _Roles:
    """The roles, also by lower-case name."""

    _names = ("ADMIN", "INFINIDAT", "POOL_ADMIN", "READ_ONLY", "TECHNICIAN")

    def __init__(self):
        self._all = [_Role(name) for name in self._names]
        for role in self._all:
            setattr(self, role.get_name().lower(), role)

    def __iter__(self):
        return iter(self._all)


latest = SimpleNamespace(  # pylint: disable=invalid-name
    enums=SimpleNamespace(users=SimpleNamespace(roles=_Roles())),
    internal=SimpleNamespace(default_pool_reserved_capacity=100 * GiB, num_vus=6, section_size=64 * KiB),
)
