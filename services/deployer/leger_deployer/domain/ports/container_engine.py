"""Podman: images, and what lives in its transient store."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from leger_deployer.domain.health_check import HealthCheck


@dataclass(frozen=True, kw_only=True)
class Health:
    """What podman says of a container: "healthy", "unhealthy", "starting", or "" for no check.

    `failures` is how many probes have failed since one passed, as far as podman remembers them, and
    `output` what the latest probe printed.
    """

    status: str
    output: str = ""
    failures: int = 0


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network of podman and its subnets, such as "10.89.0.0/24"."""

    name: str
    subnets: tuple[str, ...] = ()


class ContainerEngine(Protocol):
    """Podman's transient store, with the images, networks and secrets that it shares."""

    def has_image(self, image: str) -> bool:
        """Whether the image is on the host."""
        ...

    def pull(self, image: str) -> None:
        """Fetch an image. Raises ImageUnavailable."""
        ...

    def image_health(self, image: str) -> HealthCheck | None:
        """Return the health check that the image brings; None for none, or for no such image."""
        ...

    def containers(self) -> frozenset[str]:
        """Return the names of all containers, running or not, and of all pods."""
        ...

    def health(self, container: str) -> Health:
        """Return a container's health; the status is "" when there is no such container."""
        ...

    def stop_container(self, container: str) -> None:
        """Stop a container as its own timeout allows. Fine when there is none."""
        ...

    def remove_container(self, container: str) -> None:
        """Remove a container, running or not. Fine when there is none."""
        ...

    def remove_pod(self, pod: str) -> None:
        """Remove a pod with its containers. Fine when there is none."""
        ...

    def networks(self) -> Sequence[Network]:
        """Return all networks."""
        ...

    def remove_network(self, network: str) -> bool:
        """Remove a network; False when something still uses it. Fine when there is none."""
        ...

    def volume_store(self) -> PurePosixPath:
        """Return the directory, on the host, in which the data of volumes are."""
        ...

    def volumes(self) -> frozenset[str]:
        """Return the volumes that there are, also those that only have their data left."""
        ...

    def remove_volume(self, volume: str) -> bool:
        """Remove a volume and its data; False when something uses it. Fine when there is none."""
        ...

    def create_secret(self, name: str, *, lookup: str) -> None:
        """Make a secret known by name, replacing one; podman runs `lookup` to get its value."""
        ...

    def remove_secret(self, name: str) -> None:
        """Make podman forget a secret's name. Fine when it does not know it."""
        ...
