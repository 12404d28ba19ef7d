"""Why a service does not answer, asked of the file system and systemd rather than guessed."""

import os
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from leger_runtime.errors import Kind, LegerError, NotPermitted, ServiceUnavailable

from leger_cli import systemd
from leger_cli.context import Scope

if TYPE_CHECKING:
    from leger_cli.context import Session

_PATIENCE = 5.0
# systemd.exec(5), "Process Exit Codes", EXIT_CREDENTIALS.
_NO_CREDENTIALS = "243"


class NotSetUp(LegerError):
    """The scope has no services yet."""

    kind, reason = Kind.UNAVAILABLE, "NOT_SET_UP"


class PodmanMissing(LegerError):
    """Nothing can run containers here."""

    kind, reason = Kind.UNAVAILABLE, "PODMAN_MISSING"


def of_silence(service: str, *, session: "Session") -> LegerError:
    """Return why `service` ("secrets" or "deployer") does not answer on its socket."""
    path = session.socket(service)
    if _is_forbidden(path):
        return _forbidden(session)
    if shutil.which("podman") is None:
        return PodmanMissing(
            f"The {service} service does not run, as podman is not installed.",
            why="leger's services are containers, and there is no `podman` in PATH.",
            next_step="Install podman 5.4 or newer, then run"
            f" `{systemd.sudo(session)}legerd bootstrap`.",
        )
    unit = f"leger-{service}.service"
    states = systemd.states(("leger-pod.service", unit), session=session)
    if states is None:
        return ServiceUnavailable(
            f"The {service} service does not answer.",
            why=f"Nothing listens on {path}, and systemd could not be asked why.",
            next_step=f"Run `{systemd.sudo(session)}legerd bootstrap` on a host with systemd.",
        )
    if states[unit]["LoadState"] == "not-found":
        return NotSetUp(
            f"leger is not set up in the {session.scope.value} scope.",
            why=f"systemd knows no {unit} there.",
            next_step=f"Run `{systemd.sudo(session)}legerd bootstrap`{_other_scope(session)}.",
        )
    # The pod first: the service cannot run without it.
    for name, state in states.items():
        if state["ActiveState"] != "active" and state["LoadState"] != "not-found":
            return _of_unit(name, state, service=service, session=session)
    return ServiceUnavailable(
        f"The {service} service does not answer.",
        why=f"systemd says that {unit} is active, but nothing listens on {path}.",
        next_step=f"Run `{systemd.systemctl(session)} restart {unit}`.",
    )


def _of_unit(
    unit: str, state: Mapping[str, str], *, service: str, session: "Session"
) -> LegerError:
    what = f"The {service} service does not answer: {unit} "
    journal = f"`{systemd.journalctl(session)} -u {unit} -n 20`"
    start = f"`{systemd.systemctl(session)} start {unit}`"
    if state["ExecMainStatus"] == _NO_CREDENTIALS and state["ActiveState"] != "active":
        return ServiceUnavailable(
            f"{what}cannot be given the root key of its store.",
            why="systemd finds no key, or cannot unseal it on this machine.",
            next_step=f"See `legerd key status`; {journal} has systemd's own words.",
        )
    match state["ActiveState"]:
        case "failed":
            return ServiceUnavailable(
                f"{what}has failed.",
                why=f"systemd says: {state['Result']}.",
                next_step=f"Read {journal}, then run {start}.",
            )
        case "activating" | "reloading":
            return ServiceUnavailable(
                f"{what}is still starting.",
                why=f"systemd says: {state['SubState']}.",
                next_step=f"Try again in a moment; {journal} shows how far it is.",
            )
        case _:
            return ServiceUnavailable(
                f"{what}is stopped.",
                why=f"systemd says: {state['ActiveState']} ({state['SubState']}).",
                next_step=f"Run {start}.",
            )


def _forbidden(session: "Session") -> LegerError:
    if session.scope is Scope.SYSTEM:
        return NotPermitted(
            "This account may not use leger's system scope.",
            why=f"The sockets below {session.runtime / 'leger'} are open to root alone.",
            next_step="Run it with sudo, or with --user for this account's own services.",
        )
    return NotPermitted(
        "This account may not use these services.",
        why=f"The sockets below {session.runtime / 'leger'} are open to their owner alone.",
        next_step="Run it as the account that the services belong to.",
    )


def _is_forbidden(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as attempt:
        attempt.settimeout(_PATIENCE)
        try:
            attempt.connect(os.fspath(path))
        except PermissionError:
            return True
        except OSError:
            return False
    return False


def _other_scope(session: "Session") -> str:
    if session.account.uid == 0:
        return ""
    other = "--user" if session.scope is Scope.SYSTEM else "--system"
    return f", or work on the other scope with {other}"
