"""The configuration of the deployer service, read once from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from leger_runtime import config

from leger_deployer.domain.scope import Scope


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that can be set; each field is the variable LEGER_<FIELD>."""

    scope: Scope = Scope.SYSTEM
    # The operator's account name.
    account: str = "root"
    # The socket: operator/grpc.sock.
    runtime_dir: Path = Path("/run/leger/deployer")
    # The deployer's own way into the secrets service.
    secrets_socket: Path = Path("/run/leger/secrets-client/grpc.sock")
    podman_socket: Path = Path("/run/leger/podman/podman.sock")
    # The D-Bus socket of the scope's manager: the system's bus, or the user's.
    bus: Path = Path("/run/leger/bus")
    # These three are the same paths on the host.
    data_dir: Path = Path("/var/lib/leger")
    quadlet_dir: Path = Path("/etc/containers/systemd")
    host_runtime_dir: Path = Path("/run")


def read(environment: Mapping[str, str]) -> Config:
    """Return the configuration that the environment sets, defaults elsewhere.

    Raises ConfigInvalid for a LEGER_ variable that is unknown or has a value it cannot have.
    """
    found = config.read(Config, environment, service="the deployer service")
    config.check_sockets(found.runtime_dir, longest="operator/grpc.sock")
    return found
