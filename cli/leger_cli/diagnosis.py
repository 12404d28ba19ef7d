"""Why a service does not answer, asked of the file system and systemd rather than guessed."""

import os
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from leger_runtime.errors import Kind, LegerError, NotPermitted, ServiceUnavailable

from leger_cli import legerd, systemd
from leger_cli.context import Scope
from leger_cli.views import words

if TYPE_CHECKING:
    from leger_cli.context import Session
    from leger_cli.systemd import State

_PATIENCE = 5.0
_POD = "leger-pod.service"
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
            f" `{systemd.systemctl(session)} restart {systemd.LEGERD}`.",
        )
    unit = f"leger-{service}.service"
    states = systemd.states((systemd.LEGERD, _POD, unit), session=session)
    if states is None:
        return ServiceUnavailable(
            f"The {service} service does not answer.",
            why=f"Nothing listens on {path}, and systemd could not be asked why.",
            next_step=f"See what `{systemd.systemctl(session)} status {systemd.LEGERD}` says: leger"
            " needs a host with systemd.",
        )
    legerd_state = states[systemd.LEGERD]
    if legerd_state["LoadState"] == "not-found":
        return _not_set_up(systemd.LEGERD, "Install the leger package.", session)
    bring_up = f"`{systemd.bring_up(legerd_state, session=session)}`"
    # Until legerd has started for the first time, nothing else is there.
    if states[unit]["LoadState"] == "not-found" and legerd_state["ActiveState"] != "activating":
        return _not_set_up(unit, f"Run {bring_up}{_other_scope(session)}.", session)
    if states[_POD]["ActiveState"] == states[unit]["ActiveState"] == "active":
        return ServiceUnavailable(
            f"The {service} service does not answer.",
            why=f"systemd says that {unit} is active, but nothing listens on {path}.",
            next_step=f"Run `{systemd.systemctl(session)} restart {unit}`.",
        )
    # Without it legerd starts nothing.
    needs_key = service == "secrets" or legerd_state["ActiveState"] == "failed"
    if needs_key and (missing := _missing_root_key(bring_up, service=service, session=session)):
        return missing
    # Each of them starts the next; but what fails by itself has the reason in its own journal.
    name = next(
        name
        for name, state in states.items()
        if state["ActiveState"] != "active" and (name == unit or not _fails(states[unit]))
    )
    return _of_unit(name, states[name], bring_up, service=service, session=session)


def _not_set_up(unit: str, next_step: str, session: "Session") -> LegerError:
    return NotSetUp(
        f"leger is not set up in the {session.scope.value} scope.",
        why=f"systemd knows no {unit} there.",
        next_step=next_step,
    )


def _fails(state: "State") -> bool:
    """Tell whether a unit was started, and does not come up."""
    return (
        state["ActiveState"] == "failed"
        or _lacks_credentials(state)
        or (state["ActiveState"] == "activating" and state["NRestarts"] != "0")
    )


def _lacks_credentials(state: "State") -> bool:
    return state["ActiveState"] != "active" and state["ExecMainStatus"] == _NO_CREDENTIALS


def _missing_root_key(bring_up: str, *, service: str, session: "Session") -> LegerError | None:
    """Return that the root key is gone, if it is: no start of anything can help then."""
    if not legerd.speaks_for(session):
        return None
    found = legerd.key_status()
    if not isinstance(found, legerd.RootKeyMissing):
        return None
    return legerd.RootKeyMissing(
        f"The {service} service does not answer. {found.what}",
        why=found.why,
        next_step=f"Put it back from a backup of this host, and run {bring_up}. If there is none,"
        f" move the directory of the store away, run {bring_up}, and restore a backup of the"
        " secrets with a recovery key: `leger secrets restore FILE --identity KEYFILE`.",
    )


def _of_unit(
    unit: str, state: "State", bring_up: str, *, service: str, session: "Session"
) -> LegerError:
    what = f"The {service} service does not answer: {unit} "
    journal = f"`{systemd.journalctl(session)} -u {unit} -n 20`"
    if _lacks_credentials(state):
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
                next_step=f"Read {journal}, then run {bring_up}.",
            )
        case "activating" if _fails(state):
            return ServiceUnavailable(
                f"{what}fails, and is started again.",
                why=f"systemd has restarted it {words.counted(int(state['NRestarts']), 'time')}.",
                next_step=f"Read {journal}: it has the reason.",
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
                next_step=f"Run {bring_up}.",
            )


def _forbidden(session: "Session") -> LegerError:
    if session.scope is Scope.SYSTEM:
        return NotPermitted(
            "This account may not use leger's system scope.",
            why=f"The sockets below {session.runtime / 'leger'} are open to root alone.",
            next_step=f"Run it with sudo{_other_scope(session)}.",
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
    if session.scope is Scope.USER:
        return ", or work on the other scope with --system"
    if session.account.usual_scope is Scope.USER:
        return ", or with --user for this account's own services"
    return (
        ", or give this account services of its own:"
        f" `systemctl --user enable --now {systemd.LEGERD}`"
    )
