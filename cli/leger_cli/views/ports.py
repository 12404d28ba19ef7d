"""Ports as people write them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leger.deployer.v1.deployer_pb2 import PublishedPort


def container_side(port: "PublishedPort") -> str:
    """Return the port in the container, such as "8080/tcp"."""
    return f"{port.container_port}/{port.protocol or 'tcp'}"


def host_side(port: "PublishedPort") -> str:
    """Return where the host publishes it, such as "127.0.0.1:8080"."""
    address = f"[{port.host_address}]" if ":" in port.host_address else port.host_address
    return f"{address or '*'}:{port.host_port or 'any'}"
