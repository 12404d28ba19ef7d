"""setec's HTTP API where the operator wants it: another address, or none.

What leger.toml does not say stays with systemd: whether leger-setec.socket is enabled.
"""

import errno
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from leger_runtime import atomic
from leger_runtime.errors import reason_of

from leger_bootstrap.commands import Run
from leger_bootstrap.configuration import NAME, Configuration
from leger_bootstrap.drop_in import drop_in
from leger_bootstrap.scope import Scope

UNIT = "leger-setec.socket"
# Persistent, as sockets are there at a boot before `legerd bootstrap` runs; and sorted so that what
# `systemctl edit` writes, override.conf, wins.
FILE = f"{UNIT}.d/10-{NAME}.conf"
# How systemd shows an address that the socket has, or is to have.
_ADDRESS = re.compile(r"Listen=(?P<address>\[?(?P<host>[0-9a-f:.]+?)\]?:(?P<port>\d+)) \(Stream\)")


class Broken(NamedTuple):
    """Why the socket does not listen, in sentences, and what to do, without its full stop."""

    why: str
    mend: str


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


def taken(wanted: str, scope: Scope, run: Run) -> Broken | None:
    """Tell whether another program has the address of a drop-in that is not placed yet.

    The address that the socket itself has is nobody else's.
    """
    lines = _shown(scope, run)
    for address in re.findall(r"^ListenStream=(.+)$", wanted, re.MULTILINE):
        line = f"Listen={address} (Stream)"
        found = _ADDRESS.fullmatch(line)
        if found and not ("ActiveState=active" in lines and line in lines):
            error = _refusal(found["host"], int(found["port"]))
            # Of anything else systemd, which may do more, is the judge.
            if error and error.errno == errno.EADDRINUSE:
                return _cannot_listen(address, error)
    return None


def broken(scope: Scope, run: Run) -> Broken | None:
    """Tell why the socket does not listen, if it was to and systemd could not have it."""
    lines = _shown(scope, run)
    if "ActiveState=failed" not in lines:
        return None
    for found in filter(None, map(_ADDRESS.fullmatch, lines)):
        if error := _refusal(found["host"], int(found["port"])):
            return _cannot_listen(found["address"], error)
    return Broken(f"{UNIT} does not listen.", f"`systemctl status {UNIT}` says why. Correct {NAME}")


def _shown(scope: Scope, run: Run) -> list[str]:
    shown = run([*scope.systemctl, "show", "--property=ActiveState,Listen", UNIT], b"")
    return shown.output.decode(errors="replace").splitlines()


def _cannot_listen(address: str, error: OSError) -> Broken:
    look = "See with `ss -ltnp` what has that address. "
    return Broken(
        f"{UNIT} cannot listen on {address}: {reason_of(error)}.",
        (look if error.errno == errno.EADDRINUSE else "") + f"Write another address into {NAME}",
    )


def _refusal(host: str, port: int) -> OSError | None:
    """Return what the kernel says to whoever wants to listen there; systemd tells nobody."""
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as systemd does
            probe.bind((host, port))
            probe.listen()
    except OSError as error:
        return error
    return None
