"""Why the audit log cannot be read, followed or gone on with."""

from leger_runtime.errors import FieldViolation, Kind, LegerError


class AuditLogBroken(LegerError):
    """The audit log is not as it was written; `file` is where, without its directory."""

    kind, reason = Kind.CONFLICT, "AUDIT_LOG_BROKEN"

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(
            f"The audit log is not as it was written: {file} was changed by something else.",
            why=problem,
            next_step="Find out by whom, with `leger audit verify`. Then set it aside and begin a"
            " new one: `leger secrets unseal --begin-audit-log`.",
        )
        self.file = file
        self.problem = problem


class InvalidFilter(LegerError):
    """A filter that no line could ever match; `field` is the request's field that holds it."""

    kind, reason = Kind.INVALID, "INVALID_FILTER"

    def __init__(self, what: str, why: str, *, field: str) -> None:
        super().__init__(
            what,
            why=why,
            next_step="See what each option takes: `leger audit --help`.",
            violations=[FieldViolation(field=field, description=why)],
        )
