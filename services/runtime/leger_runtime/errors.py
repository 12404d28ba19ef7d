"""The one kind of error a user of leger ever sees, on either side of the wire."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar


class Kind(Enum):
    """What sort of failure it is; the value is the exit code of a command that fails so."""

    INTERNAL = 1
    USAGE = 2
    NOT_SIGNED_IN = 3
    NOT_PERMITTED = 4
    NOT_FOUND = 5
    CONFLICT = 6
    INVALID = 7
    UNAVAILABLE = 8


@dataclass(frozen=True, kw_only=True)
class FieldViolation:
    """One wrong field of an input: which, and what is wrong with it."""

    field: str
    description: str


class LegerError(Exception):
    """A failure with a stable reason and a text of three parts.

    `what` happened, `why`, and `next_step`, what the reader can do about it, are whole sentences.
    Subclasses fix `kind` and `reason`; a reason never changes once released, the texts may. No part
    ever carries a secret's value.
    """

    kind: ClassVar[Kind] = Kind.INTERNAL
    reason: ClassVar[str] = "INTERNAL"

    def __init__(
        self,
        what: str,
        *,
        why: str,
        next_step: str,
        violations: Sequence[FieldViolation] = (),
    ) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.next_step = next_step
        self.violations = tuple(violations)

    def __str__(self) -> str:
        return f"{self.what} {self.why}"


class InternalError(LegerError):
    """A defect in leger: something no input should have caused."""


class NotPermitted(LegerError):
    """The calling principal may not do this."""

    kind, reason = Kind.NOT_PERMITTED, "NOT_PERMITTED"


class RequestUnreadable(LegerError):
    """What was sent is not the message that the method takes."""

    kind, reason = Kind.INVALID, "REQUEST_UNREADABLE"


class ServiceUnavailable(LegerError):
    """A service that is needed does not answer."""

    kind, reason = Kind.UNAVAILABLE, "SERVICE_UNAVAILABLE"


class RemoteError(LegerError):
    """A failure that another process reported; its kind and reason are the instance's."""

    def __init__(
        self,
        what: str,
        *,
        why: str,
        next_step: str,
        kind: Kind,
        reason: str,
        violations: Sequence[FieldViolation] = (),
    ) -> None:
        super().__init__(what, why=why, next_step=next_step, violations=violations)
        # The class attributes are defaults; a remote failure brings its own.
        self.__dict__.update({"kind": kind, "reason": reason})


def as_text(error: LegerError) -> str:
    """Return the lines that a person reads on standard error: what, why, fields, next step."""
    lines = [f"error: {error.what}", f"  {error.why}"]
    lines += [f"  - {v.field}: {v.description}" for v in error.violations]
    lines.append(f"  → {error.next_step}")
    return "\n".join(lines)


def as_json(error: LegerError) -> Mapping[str, object]:
    """Return the error as the object that `--json` prints under "error"."""
    return {
        "reason": error.reason,
        "exit_code": error.kind.value,
        "what": error.what,
        "why": error.why,
        "next": error.next_step,
        "fields": [{"field": v.field, "description": v.description} for v in error.violations],
    }


def reason_of(error: OSError) -> str:
    """Return what the system says of its refusal, such as "No such file or directory"."""
    return error.strerror or "I/O error"


def place(error: BaseException) -> str:
    """Return where a defect was raised, such as "store.py:12 (find)"; "" when that is not known.

    With its type that is enough to find it. Its text is not for any log: it could hold a value.
    """
    traceback = error.__traceback__
    if traceback is None:
        return ""
    while traceback.tb_next:
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code
    return f"{code.co_filename}:{traceback.tb_lineno} ({code.co_name})"
