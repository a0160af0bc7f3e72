"""A volume on an array in a container, by InfiniSDK."""

from collections.abc import Iterator

import pytest
from infinisdk import InfiniBox

from infinisim_container import InfinisimContainer


@pytest.fixture(scope="session")
def infinisim() -> Iterator[InfinisimContainer]:
    """The container, for all tests."""
    with InfinisimContainer() as container:
        yield container


def test_volume(infinisim: InfinisimContainer) -> None:
    """A volume that is made has the size that was asked for."""
    system = InfiniBox(infinisim.address(8080), auth=("admin", "123456"))
    system.login()
    pool = system.pools.create(name="pool-1")
    assert str(system.volumes.create(name="vol-1", pool=pool).get_size()) == "1 GB"
