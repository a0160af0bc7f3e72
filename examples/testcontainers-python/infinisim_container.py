"""Two linked arrays in a container, for tests in Python."""

from __future__ import annotations

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import HttpWaitStrategy

TOKEN = "secret"


class InfinisimContainer(DockerContainer):
    """A container that serves two linked arrays and their control plane."""

    def __init__(self, image: str = "infinisim:latest") -> None:
        super().__init__(image)
        self.with_env("INFINISIM_CONTROL_TOKEN", TOKEN)
        self.with_exposed_ports(8079, 8080, 8081)
        self.waiting_for(HttpWaitStrategy(8079, "/_sim/v1/health").for_status_code(200))

    def address(self, port: int) -> tuple[str, int]:
        """Where a port is reached: 8080 and 8081 are the arrays, 8079 the control plane."""
        return self.get_container_host_ip(), int(self.get_exposed_port(port))

    def control(self) -> str:
        """The URL of the control plane, which asks for `Authorization: Bearer secret`."""
        host, port = self.address(8079)
        return f"http://{host}:{port}/_sim/v1"
