"""The configuration of the secrets service, read once from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from leger_runtime import config


class Scope(Enum):
    """Whose units are served: the system's, or those of one user."""

    SYSTEM = "system"
    USER = "user"


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that can be set; each field is the variable LEGER_<FIELD>."""

    scope: Scope = Scope.SYSTEM
    # The operator's account name, as the audit log and `created_by` show it.
    account: str = "root"
    # Sockets: operator/grpc.sock, deployer/grpc.sock, credentials.sock.
    runtime_dir: Path = Path("/run/leger/secrets")
    # The store with its keyring and anchor, and the audit log.
    state_dir: Path = Path("/var/lib/legerd")
    # Scheduled backups; `backups` in the state directory unless it is set.
    backup_dir: Path = Path("/var/lib/legerd/backups")
    # The root key, which opens the keyring unless a passphrase does.
    key_file: Path = Path("/run/secrets/root-key")
    # Grants; it need not exist.
    policy_file: Path = Path("/etc/leger/policy.toml")
    journal_socket: Path = Path("/run/systemd/journal/socket")


def read(environment: Mapping[str, str]) -> Config:
    """Return the configuration that the environment sets, defaults elsewhere.

    Raises ConfigInvalid for a LEGER_ variable that is unknown or has a value it cannot have.
    """
    found = config.read(Config, environment, service="the secrets service")
    if "LEGER_BACKUP_DIR" not in environment:
        found = replace(found, backup_dir=found.state_dir / "backups")
    config.check_sockets(found.runtime_dir, longest="deployer/grpc.sock")
    return found
