"""The journal of a service, as it was and as it goes on."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from leger_deployer.domain.failure import message
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

        Yields None now and then while nothing comes, so that the caller can see whether anybody
        still listens. Closing the iterator ends the command.
        """
        option = "--unit" if self.scope is Scope.SYSTEM else "--user-unit"
        command = [
            "/usr/bin/journalctl",
            f"{option}={unit.unit}",
            "--output=json",
            # Else journalctl leaves out a text of more than 4096 bytes (journalctl(1), --output=).
            "--all",
            "--quiet",
            f"--lines={min(tail, MAX_TAIL)}",
        ]
        if follow:
            command.append("--follow")
        with self.commands.lines(command) as printed:
            for line in printed:
                if line is None:
                    yield None
                elif (entry := parse(line)) is not None:
                    yield entry


def parse(line: str) -> LogLine | None:
    """Return an entry that `journalctl --output=json` printed; None for one without a text."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    text = message(entry)
    if not text:
        return None
    moment = int(entry.get("__REALTIME_TIMESTAMP", 0))
    source = entry.get("CONTAINER_NAME") or entry.get("SYSLOG_IDENTIFIER")
    return LogLine(
        time=datetime.fromtimestamp(moment / 1_000_000, UTC),
        source=str(source or entry.get("_COMM", "")),
        message=text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]} …",
    )
