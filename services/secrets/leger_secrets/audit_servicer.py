"""leger.secrets.v1.AuditService: unpack, call, pack."""

from collections.abc import Iterator

import grpc
from leger.secrets.v1 import audit_pb2 as pb
from leger.secrets.v1 import audit_pb2_grpc

from leger_secrets.convert import optional_timestamp, time_asked, timestamp
from leger_secrets.domain.audit_reading import AuditFilter, AuditReading, RecordedEntry


class AuditServicer(audit_pb2_grpc.AuditServiceServicer):
    """leger.secrets.v1.AuditService."""

    def __init__(self, *, reading: AuditReading) -> None:
        self._reading = reading

    def ReadAudit(
        self, request: pb.ReadAuditRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ReadAuditResponse]:
        """Stream the entries that match."""
        for entries in self._reading.read(
            _filter(request), limit=request.limit, follow=request.follow, client=context
        ):
            yield pb.ReadAuditResponse(entries=map(_entry, entries))

    def VerifyAudit(
        self, request: pb.VerifyAuditRequest, context: grpc.ServicerContext
    ) -> pb.VerifyAuditResponse:
        """Follow the whole chain."""
        found = self._reading.verify()
        return pb.VerifyAuditResponse(
            intact=not found.problem,
            lines=found.lines,
            files=found.files,
            first_time=optional_timestamp(found.first_time),
            last_time=optional_timestamp(found.last_time),
            file=found.file,
            line=found.line,
            problem=found.problem,
            anchored=found.anchored,
        )


def _filter(request: pb.ReadAuditRequest) -> AuditFilter:
    return AuditFilter.of(
        secret=request.secret,
        principal=request.principal,
        action=request.action,
        outcome=request.outcome,
        since=time_asked(request.since) if request.HasField("since") else None,
    )


def _entry(entry: RecordedEntry) -> pb.AuditEntry:
    return pb.AuditEntry(
        seq=entry.seq,
        time=timestamp(entry.time),
        request_id=entry.by.request_id,
        principal=entry.by.principal,
        process=entry.by.process,
        address=entry.by.address,
        action=entry.action,
        secret=entry.secret,
        version=entry.version,
        outcome=entry.outcome,
        stack=entry.stack,
        unit=entry.unit,
        credential=entry.credential,
        detail=entry.detail,
    )
