"""What is written down before anything is answered."""

from collections.abc import Sequence
from enum import StrEnum
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from leger_runtime.errors import LegerError

from leger_secrets.domain.audit_errors import AuditLogBroken
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.errors import AuditUnavailable, StoreSealed


class Action(StrEnum):
    """What was asked for: setec's six actions, told apart where one covers several requests."""

    GET = "get"
    INFO = "info"
    LIST = "list"
    PUT = "put"
    CREATE_VERSION = "create-version"
    ACTIVATE = "activate"
    DELETE = "delete"
    DELETE_VERSION = "delete-version"
    UPDATE = "update"
    WATCH = "watch"
    BIND = "bind"
    UNBIND = "unbind"
    CREATE_TOKEN = "create-token"  # noqa: S105 - the name of an action
    REVOKE_TOKEN = "revoke-token"  # noqa: S105
    UNSEAL = "unseal"
    SEAL = "seal"
    REKEY = "rekey"
    BACKUP = "backup"
    RESTORE = "restore"
    BEGIN_LOG = "begin-log"


class AuditEntry(NamedTuple):
    """One decision: who asked for what, and what was decided.

    `outcome` is "allowed", "unchanged" (allowed, but the caller has the value already) or the
    reason of the error that refused it. `detail` is what the action concerned besides, such as a
    token's name. Empty fields do not apply.
    """

    by: Caller
    action: Action
    secret: str = ""
    version: int = 0
    outcome: str = "allowed"
    stack: str = ""
    unit: str = ""
    credential: str = ""
    detail: str = ""


class AuditLog(Protocol):
    """Where decisions are kept."""

    def record(self, entries: Sequence[AuditEntry]) -> None:
        """Write the entries, all or none; they are durable on return.

        Raises AuditUnavailable.
        """
        ...


class Decision:
    """The rule "no audit line, no answer", around the code that decides one request.

    The code calls `allow` once it knows that the request is granted: for a read, before the value
    is returned; for a change, as the last act of the store's transaction, so that the line is
    durable before the commit. A failing audit log thereby undoes the change. What can remain is a
    line without its change, when the commit fails after it; then the failure gets a second line.

    A LegerError that leaves the block is written with its reason; when that cannot be written,
    AuditUnavailable takes its place. Not of an error that says no more than that: a sealed store
    answers nobody anything, and a broken log has nothing written to it.
    """

    def __init__(self, log: AuditLog, *asked: AuditEntry) -> None:
        self._log = log
        self._asked = asked

    def concerns(self, *asked: AuditEntry) -> None:
        """Replace what would be written in case of a refusal, as more of it is known now."""
        self._asked = asked

    def allow(self, *entries: AuditEntry) -> None:
        """Write that the request is granted. Raises AuditUnavailable."""
        self._log.record(entries)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not isinstance(failure, LegerError) or isinstance(failure, AuditUnavailable):
            return
        try:
            self._log.record([entry._replace(outcome=failure.reason) for entry in self._asked])
        except AuditUnavailable:
            if not isinstance(failure, StoreSealed | AuditLogBroken):
                raise
