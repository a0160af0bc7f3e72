"""The surroundings that tests put their arrays in.

Arrays of one process see each other anyway, so that everything here only has
to be there.
"""

from __future__ import annotations


class _InfinilabMock:
    """A directory of arrays."""

    def add_system(self, _: object) -> None:
        """Lists an array; it is known already."""


class _InfinilabClientMock:
    """The way to the directory."""

    def __init__(self) -> None:
        self._lab = _InfinilabMock()

    def get_mocked_infinilab(self) -> _InfinilabMock:
        """The directory."""
        return self._lab


class _Mocks:
    """Everything that a context stands in for."""

    def __init__(self) -> None:
        self.infinilab_client = _InfinilabClientMock()


class SimulationContext:
    """Surroundings that a test enters and leaves."""

    def __init__(self, isolated_env: bool = False) -> None:
        self.isolated_env = isolated_env
        self.mocks = _Mocks()

    def enter_mocked_context(self) -> None:
        """Has no effect."""

    def exit_mocked_context(self) -> None:
        """Has no effect."""
