"""Where things are: for root in the system scope, for anybody else in the user scope."""

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# What the package installs; the same for both scopes.
SHARE = Path("/usr/share/leger")


@dataclass(frozen=True, kw_only=True)
class Scope:
    """One scope of a host; every path is absolute."""

    name: str  # "system" or "user"
    account: str
    runtime: Path  # what units call %t
    data: Path  # the deployer's state
    secrets_data: Path  # the secrets service's state
    config: Path  # what the operator writes: the configuration, the policy
    units: Path  # where systemd looks for what this host's administrator, or the user, adds
    quadlets: Path  # where Quadlet looks
    encrypted_credentials: Path  # systemd's directories for credentials at rest
    plain_credentials: Path
    bus: Path

    @property
    def systemctl(self) -> tuple[str, ...]:
        """The command that reaches this scope's service manager."""
        return ("systemctl",) if self.name == "system" else ("systemctl", "--user")

    @property
    def is_system(self) -> bool:
        """Whether this is root's scope."""
        return self.name == "system"


def system() -> Scope:
    """Return root's scope."""
    return Scope(
        name="system",
        account="root",
        runtime=Path("/run"),
        data=Path("/var/lib/leger"),
        secrets_data=Path("/var/lib/legerd"),
        config=Path("/etc/leger"),
        units=Path("/etc/systemd/system"),
        quadlets=Path("/etc/containers/systemd"),
        encrypted_credentials=Path("/etc/credstore.encrypted"),
        plain_credentials=Path("/etc/credstore"),
        bus=Path("/run/dbus/system_bus_socket"),
    )


def user(*, environment: Mapping[str, str], home: Path, uid: int, account: str) -> Scope:
    """Return an ordinary user's scope; directories as XDG's base directory specification says."""
    runtime = Path(environment.get("XDG_RUNTIME_DIR") or f"/run/user/{uid}")
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local/share")
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    return Scope(
        name="user",
        account=account,
        runtime=runtime,
        data=data / "leger",
        secrets_data=data / "legerd",
        config=config / "leger",
        units=config / "systemd/user",
        quadlets=config / "containers/systemd",
        encrypted_credentials=config / "credstore.encrypted",
        plain_credentials=config / "credstore",
        bus=runtime / "bus",
    )


def of_this_process() -> Scope:
    """Return the scope of whoever runs this process."""
    uid = os.geteuid()
    if uid == 0:
        return system()
    entry = pwd.getpwuid(uid)
    return user(environment=os.environ, home=Path(entry.pw_dir), uid=uid, account=entry.pw_name)
