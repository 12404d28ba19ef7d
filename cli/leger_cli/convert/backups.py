"""Backups."""

from typing import TYPE_CHECKING

from leger_cli.convert.moments import optional_time
from leger_cli.shapes import backups as shapes

if TYPE_CHECKING:
    from leger.secrets.v1 import backup_pb2 as backups


def backup_made(
    summary: "backups.BackupSummary", *, file: str, scheduled: bool
) -> shapes.BackupMade:
    """Return a backup that was made."""
    return {
        "file": file,
        "scheduled": scheduled,
        "create_time": optional_time(summary, "create_time"),
        "revision": summary.revision,
        "secrets": summary.secrets,
        "versions": summary.versions,
        "size": summary.size,
    }


def backup_list(answer: "backups.ListBackupsResponse") -> shapes.BackupList:
    """Return what the service keeps."""
    return {
        "backups": [
            {
                "file": backup.file,
                "create_time": optional_time(backup, "create_time"),
                "size": backup.size,
            }
            for backup in answer.backups
        ],
        "directory": answer.directory,
        "recovery_recipients": None if answer.sealed else list(answer.recovery_recipients),
    }


def restored(answer: "backups.RestoreStoreResponse", *, dry_run: bool) -> shapes.Restored:
    """Return what was restored, or would be."""
    return {
        "dry_run": dry_run,
        "create_time": optional_time(answer.backup, "create_time"),
        "secrets": answer.backup.secrets,
        "versions": answer.backup.versions,
        "added": list(answer.added),
        "changed": list(answer.changed),
        "removed": list(answer.removed),
        "added_tokens": list(answer.added_tokens),
        "changed_tokens": list(answer.changed_tokens),
        "removed_tokens": list(answer.removed_tokens),
        "added_recipients": list(answer.added_recipients),
    }
