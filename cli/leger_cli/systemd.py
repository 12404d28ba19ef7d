"""Asking the scope's service manager how units are, by systemctl."""

import os
import subprocess
from collections.abc import Sequence
from typing import TYPE_CHECKING

from leger_cli.context import Scope

if TYPE_CHECKING:
    from leger_cli.context import Session

LEGERD = "legerd.service"  # it starts all others of leger's units

_PATIENCE = 5.0
_PROPERTIES = "Id,LoadState,ActiveState,SubState,Result,ExecMainStatus,NRestarts,UnitFileState"

# systemd's properties of a unit, as `systemctl show` prints them.
State = dict[str, str]


def states(units: Sequence[str], *, session: "Session") -> dict[str, State] | None:
    """Return systemd's properties of each unit, or None when systemd does not answer."""
    command = [
        "systemctl",
        *(["--user"] if session.scope is Scope.USER else []),
        "show",
        f"--property={_PROPERTIES}",
        *units,
    ]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(session.account.runtime)}
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE, env=environment, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    blocks = [
        dict(line.partition("=")[::2] for line in block.splitlines())
        for block in answer.stdout.strip().split("\n\n")
    ]
    found = {block.get("Id", ""): block for block in blocks}
    return {unit: found[unit] for unit in units} if set(units) <= set(found) else None


def bring_up(state: State, *, session: "Session") -> str:
    """Return the command that has leger's services run, from how legerd.service is.

    Where it is to be enabled, too, the services are there after the next boot.
    """
    if state["ActiveState"] in ("active", "reloading"):
        # To start it does nothing then, whereas a reload starts what does not run.
        verb = "reload"
    else:
        verb = "enable --now" if state["UnitFileState"] == "disabled" else "start"
    return f"{systemctl(session)} {verb} {LEGERD}"


def sudo(session: "Session") -> str:
    """Return what a command of the system scope begins with for this account."""
    return "sudo " if session.scope is Scope.SYSTEM and session.account.uid != 0 else ""


def systemctl(session: "Session") -> str:
    """Return how a person calls systemctl in this scope."""
    return "systemctl --user" if session.scope is Scope.USER else f"{sudo(session)}systemctl"


def journalctl(session: "Session") -> str:
    """Return how a person calls journalctl in this scope."""
    return "journalctl --user" if session.scope is Scope.USER else f"{sudo(session)}journalctl"
