"""setec's HTTP API where the operator wants it: another address, or none.

What leger.toml does not say stays with systemd: whether leger-setec.socket is enabled.
"""

from contextlib import suppress
from pathlib import Path

from leger_runtime import atomic

from leger_bootstrap.configuration import NAME, Configuration
from leger_bootstrap.drop_in import drop_in
from leger_bootstrap.scope import Scope

UNIT = "leger-setec.socket"
# Persistent, as sockets are there at a boot before `legerd bootstrap` runs; and sorted so that what
# `systemctl edit` writes, override.conf, wins.
FILE = f"{UNIT}.d/10-{NAME}.conf"


def unit_lines(configuration: Configuration) -> list[str]:
    """Return what the secrets service's [Unit] section needs: it wants a socket that is asked for.

    The package enables the socket for the system alone, and an administrator may have disabled it.
    """
    return [f"Wants={UNIT}"] if configuration.listen else []


def text(configuration: Configuration, *, leger_toml: Path) -> str:
    """Return the socket's drop-in; empty when it is to have none."""
    listen = configuration.listen
    if listen is None:
        return ""
    if not listen:
        # `systemctl status` shows it, and so names the file that has turned the socket off.
        return drop_in(Unit=[f"ConditionPathExists=!{leger_toml}"])
    return drop_in(Socket=["ListenStream=", f"ListenStream={listen}"])


def place(wanted: str, scope: Scope) -> bool:
    """Have the socket have this drop-in, or none; return whether it had another. Raises OSError."""
    file = scope.units / FILE
    found = file.read_text(encoding="utf-8") if file.exists() else ""
    if wanted == found:
        return False
    if wanted:
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(file, wanted.encode())
    else:
        remove(scope)
    return True


def remove(scope: Scope) -> None:
    """Remove the socket's drop-in, and its directory unless it has others. Raises OSError."""
    file = scope.units / FILE
    file.unlink(missing_ok=True)
    with suppress(OSError):  # it has others, or there is none
        file.parent.rmdir()
