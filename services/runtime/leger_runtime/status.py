"""The single mapping between LegerError and google.rpc.Status.

Details follow google/rpc/error_details.proto: an ErrorInfo (domain "leger", the reason, and
metadata "why"), a Help whose first link's description is the next step, and a BadRequest where
fields are wrong.
"""

from typing import cast

import grpc
from google.protobuf.any_pb2 import Any
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from leger_runtime.errors import FieldViolation, Kind, LegerError, RemoteError

DOMAIN = "leger"

_CODES = {
    Kind.INTERNAL: grpc.StatusCode.INTERNAL,
    Kind.USAGE: grpc.StatusCode.INVALID_ARGUMENT,
    Kind.NOT_SIGNED_IN: grpc.StatusCode.UNAUTHENTICATED,
    Kind.NOT_PERMITTED: grpc.StatusCode.PERMISSION_DENIED,
    Kind.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Kind.CONFLICT: grpc.StatusCode.FAILED_PRECONDITION,
    Kind.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Kind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
}

_KINDS = {
    grpc.StatusCode.UNAUTHENTICATED: Kind.NOT_SIGNED_IN,
    grpc.StatusCode.PERMISSION_DENIED: Kind.NOT_PERMITTED,
    grpc.StatusCode.NOT_FOUND: Kind.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS: Kind.CONFLICT,
    grpc.StatusCode.FAILED_PRECONDITION: Kind.CONFLICT,
    grpc.StatusCode.ABORTED: Kind.CONFLICT,
    grpc.StatusCode.INVALID_ARGUMENT: Kind.INVALID,
    grpc.StatusCode.OUT_OF_RANGE: Kind.INVALID,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Kind.UNAVAILABLE,
    grpc.StatusCode.UNAVAILABLE: Kind.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: Kind.UNAVAILABLE,
    grpc.StatusCode.UNIMPLEMENTED: Kind.UNAVAILABLE,
}


def to_grpc(error: LegerError) -> grpc.Status:
    """Return the status with which a server aborts a call that failed with `error`."""
    info = error_details_pb2.ErrorInfo(
        reason=error.reason, domain=DOMAIN, metadata={"why": error.why}
    )
    help_ = error_details_pb2.Help()
    help_.links.add(description=error.next_step)
    details = [info, help_]
    if error.violations:
        request = error_details_pb2.BadRequest()
        for violation in error.violations:
            request.field_violations.add(field=violation.field, description=violation.description)
        details.append(request)
    status = status_pb2.Status(code=_CODES[error.kind].value[0], message=error.what)
    for detail in details:
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    return rpc_status.to_status(status)


def from_grpc(error: grpc.RpcError) -> LegerError:
    """Return what a failed call says, as the error that the server raised.

    A call that no leger server answered (a transport's failure, a foreign server) keeps the
    transport's text as its `why`.
    """
    code: grpc.StatusCode = error.code()
    kind = _KINDS.get(code, Kind.INTERNAL)
    status = rpc_status.from_call(cast("grpc.Call", error))
    if status is None:
        return RemoteError(
            "The service did not answer as expected.",
            why=f"gRPC says {code.name}: {error.details() or 'nothing more'}.",
            next_step="Read its journal: `journalctl -u leger-secrets -u leger-deployer`.",
            kind=kind,
            reason=code.name,
        )
    reason, why, next_step = code.name, "", ""
    violations: list[FieldViolation] = []
    for detail in status.details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo()
            detail.Unpack(info)
            reason, why = info.reason, info.metadata.get("why", "")
        elif detail.Is(error_details_pb2.Help.DESCRIPTOR):
            help_ = error_details_pb2.Help()
            detail.Unpack(help_)
            next_step = help_.links[0].description if help_.links else ""
        elif detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            request = error_details_pb2.BadRequest()
            detail.Unpack(request)
            violations = [
                FieldViolation(field=v.field, description=v.description)
                for v in request.field_violations
            ]
    return RemoteError(
        status.message,
        why=why,
        next_step=next_step,
        kind=kind,
        reason=reason,
        violations=violations,
    )
