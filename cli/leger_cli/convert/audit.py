"""The audit log."""

from typing import TYPE_CHECKING

from leger_cli.convert.moments import optional_time
from leger_cli.shapes import audit as shapes

if TYPE_CHECKING:
    from leger.secrets.v1 import audit_pb2 as audit


def audit_entry(entry: "audit.AuditEntry") -> shapes.AuditEntry:
    """Return one decision."""
    return {
        "seq": entry.seq,
        "time": optional_time(entry, "time"),
        "request_id": entry.request_id,
        "principal": entry.principal,
        "process": entry.process,
        "address": entry.address,
        "action": entry.action,
        "secret": entry.secret,
        "version": entry.version or None,
        "outcome": entry.outcome,
        "stack": entry.stack,
        "unit": entry.unit,
        "credential": entry.credential,
        "detail": entry.detail,
    }


def audit_verified(found: "audit.VerifyAuditResponse") -> shapes.AuditVerified:
    """Return whether the log is as it was written."""
    return {
        "intact": found.intact,
        "lines": found.lines,
        "files": found.files,
        "first_time": optional_time(found, "first_time"),
        "last_time": optional_time(found, "last_time"),
        "anchored": found.anchored,
        "file": found.file,
        "line": found.line,
        "problem": found.problem,
    }
