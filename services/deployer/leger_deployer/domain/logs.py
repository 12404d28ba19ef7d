"""The journal of a service, as it was and as it goes on."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from leger_deployer.domain.failure import is_event, message
from leger_deployer.domain.ports.host_commands import HostCommands
from leger_deployer.domain.scope import Scope
from leger_deployer.domain.stack import StackUnit

MAX_TAIL = 100_000
# Characters: with four bytes each they still fit into one message of gRPC.
MAX_TEXT = 1_000_000


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One entry of a journal; `source` is the container's name, "systemd", "podman" and so on."""

    time: datetime
    source: str
    message: str


@dataclass(frozen=True, kw_only=True)
class LogReader:
    """Reads journals with the host's own journalctl."""

    commands: HostCommands
    scope: Scope

    def lines(self, unit: StackUnit, *, tail: int, follow: bool) -> Iterator[LogLine | None]:
        """Yield the latest `tail` entries, oldest first, and with `follow` all that come.

        Podman's events are none: they say of each start and stop what systemd's entries say.
        Yields None now and then while nothing comes, so that the caller can see whether anybody
        still listens. Closing the iterator ends the command.
        """
        command = [
            *self._journalctl(unit),
            # Else journalctl leaves out a text of more than 4096 bytes (journalctl(1), --output=).
            "--all",
        ]
        if tail == 0:
            command.append("--lines=0")
        else:
            # journalctl follows from the last ten lines unless it is told otherwise.
            command += ["--no-tail", *self._first(unit, min(tail, MAX_TAIL))]
        if follow:
            command.append("--follow")
        with self.commands.lines(command) as printed:
            for line in printed:
                if line is None:
                    yield None
                elif (entry := parse(line)) is not None:
                    yield entry

    def _first(self, unit: StackUnit, tail: int) -> list[str]:
        """Return the options by which journalctl begins with the first of the latest entries.

        It can match fields but not their absence, so events are passed over on the way back.
        """
        command = [*self._journalctl(unit), "--output-fields=PODMAN_EVENT", "--reverse"]
        left, cursor = tail, ""
        with self.commands.lines(command) as printed:
            for line in printed:
                entry = _decoded(line) if line is not None else {}
                if "__CURSOR" not in entry or is_event(entry):
                    continue
                left, cursor = left - 1, str(entry["__CURSOR"])
                if not left:
                    break
        return [f"--cursor={cursor}"] if cursor else []

    def _journalctl(self, unit: StackUnit) -> list[str]:
        option = "--unit" if self.scope is Scope.SYSTEM else "--user-unit"
        return ["/usr/bin/journalctl", f"{option}={unit.unit}", "--output=json", "--quiet"]


def parse(line: str) -> LogLine | None:
    """Return an entry that `journalctl --output=json` printed; None for one without a text.

    None also for an event of podman.
    """
    entry = _decoded(line)
    text = message(entry)
    if not text or is_event(entry):
        return None
    moment = int(entry.get("__REALTIME_TIMESTAMP", 0))
    source = entry.get("CONTAINER_NAME") or entry.get("SYSLOG_IDENTIFIER")
    return LogLine(
        time=datetime.fromtimestamp(moment / 1_000_000, UTC),
        source=str(source or entry.get("_COMM", "")),
        message=text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]} …",
    )


def _decoded(line: str) -> dict[str, Any]:
    try:
        entry: dict[str, Any] = json.loads(line)
    except ValueError:  # such as "-- Boot --"
        return {}
    return entry
