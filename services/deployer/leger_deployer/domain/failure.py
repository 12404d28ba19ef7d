"""Why a unit does not run: what systemd, the secrets service and its journal say, never a guess."""

import json
import re
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from leger_deployer.domain.errors import HostCommandFailed, SecretsUnavailable
from leger_deployer.domain.ports.host_commands import HostCommands
from leger_deployer.domain.ports.secrets_directory import Refusal, SecretsDirectory
from leger_deployer.domain.ports.unit_manager import UnitState
from leger_deployer.domain.scope import Scope
from leger_deployer.domain.stack import stem

_TOLD_LINES, _TOLD_CHARACTERS = 5, 1000
_EXITED, _KILLED, _DUMPED = 1, 2, 3  # CLD_EXITED and so on, sigaction(2)
_EXIT_CODES = {"exited": _EXITED, "killed": _KILLED, "dumped": _DUMPED}
# SD_MESSAGE_UNIT_PROCESS_EXIT, systemd's sd-messages.h.
_PROCESS_EXIT = "98e322203f7a4ed290d09fe03c09fe15"

# systemd.exec(5), "Process exit codes": those that a container's unit can meet.
EXIT_CREDENTIALS = 243
_SYSTEMD_EXITS = {
    200: "its working directory cannot be entered",
    203: "its command cannot be executed",
    226: "its namespaces cannot be set up",
    233: "its runtime directory cannot be made",
    EXIT_CREDENTIALS: "systemd did not get the credentials (secrets) that it asks for",
}
# podman-run(1), "Exit status".
_PODMAN_EXITS = {
    125: "podman itself failed (status 125)",
    126: "the container's command cannot be executed (status 126)",
    127: "the container's command is not found (status 127)",
}


def in_words(state: UnitState) -> str:
    """Return systemd's reason for a unit's failure as a sentence; "" when there is none."""
    match state.result:
        case "success":
            return ""
        case "exit-code":
            return f"{_exit(state)}."
        case "signal" | "core-dump":
            if not _is_told(state):
                return "A command of its unit was killed by a signal."
            return f"It was killed by signal {_signal(state.exit_status)}."
        case "timeout":
            return (
                "It took longer to start or stop than its unit allows (TimeoutStartSec=,"
                " TimeoutStopSec=)."
            )
        case "oom-kill":
            return "It was killed because memory ran out."
        case "watchdog":
            return "It did not show in time that it is alive (WatchdogSec=)."
        case "start-limit-hit":
            return "It failed too often in a short time, so systemd does not try again."
        case "resources":
            return "systemd could not set up what it needs."
        case "protocol":
            return "It ended without telling systemd that it was ready."
        case "exec-condition":
            return "A condition of its unit (ExecCondition=) is not met."
        case other:
            return f"systemd says {other}."


def _exit(state: UnitState) -> str:
    status = state.exit_status
    if not _is_told(state):
        return "A command of its unit failed"
    if status in _SYSTEMD_EXITS:
        return f"It did not start, as {_SYSTEMD_EXITS[status]} (status {status})"
    if state.failed_command:
        return f"{state.failed_command}, which runs before it, failed with status {status}"
    if status in _PODMAN_EXITS:
        return f"It did not start, as {_PODMAN_EXITS[status]}"
    return f"It ended with status {status}"


def _is_told(state: UnitState) -> bool:
    """Tell whether the command that the state tells of is one that can have had its result.

    If not, systemd does not know any more: all that is left is the main process of an earlier
    start, or nothing.
    """
    match state.result:
        case "exit-code":
            return state.exit_code == _EXITED and state.exit_status != 0
        case "signal" | "core-dump":
            return state.exit_code in (_KILLED, _DUMPED)
    return True


def _signal(number: int) -> str:
    try:
        return f"{number} ({signal.Signals(number).name})"
    except ValueError:
        return str(number)


@dataclass(frozen=True, kw_only=True)
class Explainer:
    """Finds out why units do not run."""

    commands: HostCommands
    secrets: SecretsDirectory
    scope: Scope

    def refusals(self) -> dict[str, Refusal] | None:
        """Return the latest refused secret of each unit; None when nobody answers."""
        try:
            return {refusal.unit: refusal for refusal in self.secrets.refusals()}
        except SecretsUnavailable:
            return None

    def why(self, state: UnitState, *, since: datetime) -> str:
        """Return all that is known: the refused secret or systemd's reason, and the last lines."""
        refusal = (self.refusals() or {}).get(state.unit)
        reason = refusal.message if refusal else in_words(self.recalled(state))
        said = self.last_words(state.unit, since=since)
        return f"{reason} {said}".strip() or f"systemd says it is {state.active} ({state.sub})."

    def recalled(self, state: UnitState) -> UnitState:
        """Return the state with how a command before, or beside, the main process ended.

        Each reload has systemd forget that, and its journal has it still. Where systemd knows, or
        the journal does not, the state is returned as it is.
        """
        if _is_told(state):
            return state
        # --boot: the failure is not older than the machine's start.
        matches = (
            f"MESSAGE_ID={_PROCESS_EXIT}",
            "COMMAND=ExecCondition",
            "COMMAND=ExecStartPre",
            "COMMAND=ExecStartPost",
        )
        try:
            answer = self.commands.run(
                [*self._journalctl(state.unit), "--boot", "--lines=1", *matches]
            )
            entry = json.loads(answer.output)
            found = replace(
                state,
                exit_code=_EXIT_CODES[entry["EXIT_CODE"]],
                exit_status=int(entry["EXIT_STATUS"]),
                failed_command=f"{entry['COMMAND']}=",
            )
        except (HostCommandFailed, ValueError, KeyError, TypeError):
            return state
        # Else it is of an earlier failure.
        return found if _is_told(found) else state

    def was_held_back(self, unit: str) -> bool:
        """Tell whether its last start came to nothing, as something that it requires failed.

        Of that a unit keeps no trace: it is as if it had been stopped. False when nobody can tell.
        """
        jobs = ("JOB_TYPE=start", "JOB_TYPE=restart", "JOB_TYPE=stop")
        try:
            answer = self.commands.run([*self._journalctl(unit), "--boot", "--lines=1", *jobs])
            last = json.loads(answer.output)
            return bool(last["JOB_RESULT"] == "dependency")
        except (HostCommandFailed, ValueError, KeyError, TypeError):
            return False

    def journal(self, unit: str) -> str:
        """Return the command by which a person reads a unit's journal."""
        return " ".join(("journalctl", *self.scope.systemd_option, "-u", unit))

    def last_words(self, unit: str, *, since: datetime) -> str:
        """Return the last lines as one sentence; "" when there are none, or nobody can tell."""
        try:
            lines = self.last_lines(unit, since=since)
        except HostCommandFailed:  # the reason is worth telling without them
            return ""
        return f"Its last words: {' | '.join(lines)}" if lines else ""

    def last_lines(self, unit: str, *, since: datetime) -> list[str]:
        """Return the last lines that a unit's container, or else its podman, wrote."""
        moment = f"--since=@{since.timestamp():.3f}"
        answer = self.commands.run([*self._journalctl(unit), "--all", "--lines=100", moment])
        return told(answer.output.splitlines(), stem(unit))[-_TOLD_LINES:]

    def _journalctl(self, unit: str) -> list[str]:
        option = "--unit" if self.scope is Scope.SYSTEM else "--user-unit"
        return ["/usr/bin/journalctl", f"{option}={unit}", "--output=json", "--quiet"]


def told(entries: Iterable[str], identifier: str) -> list[str]:
    """Return what the container wrote; if it wrote nothing, what podman said in the unit.

    `entries` are journal entries in JSON, `identifier` is the unit's SyslogIdentifier=.
    """
    container: list[str] = []
    unit: list[str] = []
    for line in entries:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        # --all brings them whole, as without it journalctl leaves out those of over 4096 bytes.
        text = message(entry)[:_TOLD_CHARACTERS]
        if not text or is_event(entry):
            continue
        if "CONTAINER_NAME" in entry:
            container.append(text)
        elif entry.get("SYSLOG_IDENTIFIER") == identifier and not _is_chatter(text):
            unit.append(text)
    return container or unit


def is_event(entry: Mapping[str, object]) -> bool:
    """Tell whether podman wrote a journal entry about what happens to a container anyway."""
    return "PODMAN_EVENT" in entry


def message(entry: dict[str, object]) -> str:
    """Return the text of a journal entry; journalctl gives bytes that are no text as a list."""
    found = entry.get("MESSAGE")
    if isinstance(found, list):
        found = bytes(found).decode(errors="replace")
    return str(found or "").rstrip()


# What podman prints though nothing failed: a container's id, and remarks of its own.
_CHATTER = re.compile(r'[0-9a-f]{64}|time="[^"]*" level=(debug|info|warning) .*')


def _is_chatter(text: str) -> bool:
    return _CHATTER.fullmatch(text) is not None
