"""leger.secrets.v1.BackupService: unpack, call, pack."""

from collections.abc import Iterator
from itertools import chain

import grpc
from leger.secrets.v1 import backup_pb2 as pb
from leger.secrets.v1 import backup_pb2_grpc

from leger_secrets import convert
from leger_secrets.domain.backup import Backup, Backups
from leger_secrets.domain.backup_file import BackupSummary
from leger_secrets.domain.restore import Restores
from leger_secrets.domain.value import SecretValue

_PIECE = 1024 * 1024  # bytes of content in a message; a message may have eight times as many


class BackupServicer(backup_pb2_grpc.BackupServiceServicer):
    """leger.secrets.v1.BackupService."""

    def __init__(self, *, backups: Backups, restores: Restores) -> None:
        self._backups = backups
        self._restores = restores

    def BackupStore(
        self, request: pb.BackupStoreRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.BackupStoreResponse]:
        """Make a backup and stream it."""
        backup = self._backups.make(
            passphrase=SecretValue(request.passphrase),
            recipients=request.recipients,
            scheduled=request.scheduled,
            by=convert.caller(context),
        )
        return _streamed(backup)

    def RestoreStore(
        self, request_iterator: Iterator[pb.RestoreStoreRequest], context: grpc.ServicerContext
    ) -> pb.RestoreStoreResponse:
        """Take a backup in, check it and restore it."""
        first = next(request_iterator, pb.RestoreStoreRequest())
        start = first.start
        restored = self._restores.restore(
            (request.content for request in chain([first], request_iterator)),
            file=start.file,
            identity=SecretValue(start.identity),
            passphrase=SecretValue(start.passphrase),
            dry_run=start.dry_run,
            replace=start.replace,
            by=convert.caller(context),
        )
        return pb.RestoreStoreResponse(
            backup=_summary(restored.backup),
            added=restored.secrets.added,
            changed=restored.secrets.changed,
            removed=restored.secrets.removed,
            added_tokens=restored.tokens.added,
            changed_tokens=restored.tokens.changed,
            removed_tokens=restored.tokens.removed,
            added_recipients=restored.added_recipients,
        )

    def ListBackups(
        self, request: pb.ListBackupsRequest, context: grpc.ServicerContext
    ) -> pb.ListBackupsResponse:
        """List what is kept."""
        kept = self._backups.kept(by=convert.caller(context))
        return pb.ListBackupsResponse(
            backups=map(_summary, kept.backups),
            recovery_recipients=kept.recovery_recipients or (),
            directory=kept.directory,
            sealed=kept.recovery_recipients is None,
        )

    def SetRecoveryRecipients(
        self, request: pb.SetRecoveryRecipientsRequest, context: grpc.ServicerContext
    ) -> pb.SetRecoveryRecipientsResponse:
        """Set who else can open scheduled backups."""
        self._backups.set_recovery_recipients(request.recipients, by=convert.caller(context))
        return pb.SetRecoveryRecipientsResponse()


def _streamed(backup: Backup) -> Iterator[pb.BackupStoreResponse]:
    for start in range(0, len(backup.content), _PIECE):
        yield pb.BackupStoreResponse(content=backup.content[start : start + _PIECE])
    yield pb.BackupStoreResponse(summary=_summary(backup.summary))


def _summary(summary: BackupSummary) -> pb.BackupSummary:
    return pb.BackupSummary(
        file=summary.file,
        create_time=convert.timestamp(summary.create_time),
        revision=summary.revision,
        secrets=summary.secrets,
        versions=summary.versions,
        size=summary.size,
    )
