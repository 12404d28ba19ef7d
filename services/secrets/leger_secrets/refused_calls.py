"""Calls that no servicer sees, as the policy table refuses them."""

import grpc
from leger_runtime.errors import NotPermitted

from leger_secrets import convert, policy
from leger_secrets.domain import limits
from leger_secrets.domain.audit import AuditEntry, AuditLog


class RefusedCalls:
    """Writes each down in the audit log, a line for each secret that it names; an OnRefusal."""

    def __init__(self, *, audit: AuditLog) -> None:
        self._audit = audit

    def __call__(self, method: str, request: object, context: grpc.ServicerContext) -> None:
        """Write one down. Raises AuditUnavailable."""
        by = convert.caller(context)
        secrets = convert.named_secrets(request) or [""]
        self._audit.record(
            [
                AuditEntry(
                    by,
                    policy.RULES[method].action,
                    secret=secret,
                    stack=getattr(request, "stack", ""),
                    outcome=NotPermitted.reason,
                )
                for secret in secrets[: limits.MAX_NAMES]
            ]
        )
