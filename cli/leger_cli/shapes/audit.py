"""The audit log, as `--json` prints it."""

from typing import TypedDict


class AuditEntry(TypedDict):
    """One decision. With --follow each is one JSON object on a line of its own."""

    seq: int  # the line's number in the log
    time: str | None
    request_id: str  # entries of one request have the same
    principal: str
    process: str  # what the client says it is
    address: str  # of a client over HTTP
    action: str
    secret: str
    version: int | None  # null where none applies
    outcome: str  # "allowed", "unchanged", or the reason of the error that refused it
    stack: str
    unit: str
    credential: str
    detail: str


class AuditLog(TypedDict):
    """Decisions about secrets."""

    entries: list[AuditEntry]  # oldest first


class AuditVerified(TypedDict):
    """Whether the log is as it was written."""

    intact: bool
    lines: int  # that are whole, from the first on
    files: int
    first_time: str | None
    last_time: str | None
    anchored: bool  # whether the end was compared with the anchor; false while the store is sealed
    file: str  # the first place that is wrong; empty when intact
    line: int  # in that file, from 1
    problem: str
