"""Reading, following and verifying what was written down."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from leger_secrets.domain.audit import Action
from leger_secrets.domain.audit_errors import InvalidFilter
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.grants import matches
from leger_secrets.domain.time_asked import NoSuchTime, TimeAsked
from leger_secrets.domain.watch_slots import Client, Slot, WatchSlots

AT_ONCE = 500
"""Entries; so many of the longest that there can be fit into one gRPC message."""

_MAX_PATTERN = 255  # characters; no field of a line has more


class RecordedEntry(NamedTuple):
    """An entry as the log has it. Empty fields do not apply; `version` is 0 then."""

    seq: int
    time: datetime
    by: Caller
    action: str
    secret: str
    version: int
    outcome: str
    stack: str
    unit: str
    credential: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """What is to be read. Empty fields match everything, and `*` in one matches any characters."""

    secret: str = ""
    principal: str = ""
    action: str = ""
    outcome: str = ""
    since: datetime | None = None

    @classmethod
    def of(
        cls, *, secret: str, principal: str, action: str, outcome: str, since: TimeAsked | None
    ) -> "AuditFilter":
        """Return the filter that a request asks for. Raises InvalidFilter."""
        try:
            moment = None if since is None else since.moment()
        except NoSuchTime:
            raise InvalidFilter(
                "The time to read from is none.",
                "It lies outside of the years 1 to 9999, which google.protobuf.Timestamp has.",
                field="since",
            ) from None
        return cls(secret=secret, principal=principal, action=action, outcome=outcome, since=moment)

    def check(self) -> None:
        """Raise InvalidFilter when no line can ever match."""
        for field in ("secret", "principal", "action", "outcome"):
            length = len(getattr(self, field))
            if length > _MAX_PATTERN:
                raise InvalidFilter(
                    f"The filter for the {field} is too long.",
                    f"It has {length} characters, and what it is compared with has at most"
                    f" {_MAX_PATTERN}.",
                    field=field,
                )
        if self.action and not any(matches(self.action, action) for action in Action):
            raise InvalidFilter(
                "There is no such action.", f"The actions are {', '.join(Action)}.", field="action"
            )

    def admits(self, *, secret: str, principal: str, action: str, outcome: str) -> bool:
        """Tell whether an entry with these fields is wanted, whenever it was written."""
        return (
            (not self.secret or matches(self.secret, secret))
            and (not self.principal or matches(self.principal, principal))
            and (not self.action or matches(self.action, action))
            and (not self.outcome or matches(self.outcome, outcome))
        )


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What following the whole chain came to.

    `lines` is how many are whole, from the first on, and `files` how many there are. When something
    is wrong, `file`, `line` (in that file, from 1) and `problem`, a sentence, say what and where it
    begins. `anchored` tells whether the end was compared with what was noted outside of the log.
    """

    lines: int
    files: int
    first_time: datetime | None
    last_time: datetime | None
    anchored: bool
    file: str = ""
    line: int = 0
    problem: str = ""


class AuditReader(Protocol):
    """The port to the log's lines. Methods raise AuditUnavailable when they cannot be read."""

    def read(
        self, wanted: AuditFilter, *, limit: int, follow: bool
    ) -> Iterator[Sequence[RecordedEntry]]:
        """Yield the entries that are wanted, at most AT_ONCE at a time, oldest first.

        Of those that are there, `limit` says how many, the last ones; 0 means all. With `follow` it
        goes on with each new one. Where there is none for a moment, or for many lines, it yields
        none, so that the caller can end. Raises AuditLogBroken at a line that cannot be read.
        """
        ...

    def verify(self) -> Verification:
        """Follow the chain through all files."""
        ...


class AuditReading:
    """Every request to read the log. It leaves no line: a follower would read its own for ever."""

    def __init__(self, *, reader: AuditReader, slots: WatchSlots) -> None:
        self._reader = reader
        self._slots = slots

    def read(
        self, wanted: AuditFilter, *, limit: int, follow: bool, client: Client
    ) -> Iterator[Sequence[RecordedEntry]]:
        """Yield the entries that are wanted as AuditReader does, as long as the client is there.

        Raises InvalidFilter, AuditLogBroken, AuditUnavailable; with `follow` also TooManyWatches,
        and WatchEnded when the service stops.
        """
        wanted.check()
        with ExitStack() as begun:
            slot = begun.enter_context(self._slots.taken(client)) if follow else Slot(client)
            for entries in self._reader.read(wanted, limit=limit, follow=follow):
                if entries:
                    with slot.answering():
                        yield entries
                if not client.is_active():
                    return
                if follow:
                    self._slots.check()

    def verify(self) -> Verification:
        """Follow the chain through all files. Raises AuditUnavailable."""
        return self._reader.verify()
