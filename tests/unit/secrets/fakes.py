"""What stands in for the audit log, the journal and the clock."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from leger_secrets.domain.audit import AuditEntry
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.errors import AuditUnavailable
from leger_secrets.domain.time_asked import TimeAsked

KEY = bytes(range(32))

ME = Caller("operator:root")
DEPLOYER = Caller("svc:deployer")


def asked(time: datetime) -> TimeAsked:
    """Return the time as a request brings it."""
    return TimeAsked(int(time.timestamp()), time.microsecond * 1_000)


class AuditEntries:
    """An audit log in memory, whose disk can be full."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.full = False
        self.writes = 0

    def record(self, entries: Sequence[AuditEntry]) -> None:
        if self.full:
            raise AuditUnavailable("No space left on device.")
        self.entries.extend(entries)
        self.writes += 1

    @property
    def last(self) -> AuditEntry:
        return self.entries[-1]


class JournalLines:
    """A journal that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def tell(self, unit: str, message: str) -> None:
        self.lines.append((unit, message))


class Clock:
    """A clock on which each look takes one second."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now
