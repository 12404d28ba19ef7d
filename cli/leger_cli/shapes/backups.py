"""Backups, as `--json` prints them."""

from typing import TypedDict


class BackupMade(TypedDict):
    """A backup that was made."""

    file: str  # that was written; a scheduled one's name
    scheduled: bool
    create_time: str | None
    revision: int  # of the store, at that moment
    secrets: int
    versions: int
    size: int  # of the file, in bytes


class KeptBackup(TypedDict):
    """A scheduled backup that the service keeps."""

    file: str
    create_time: str | None
    size: int


class BackupList(TypedDict):
    """What the service keeps, and who else can open new ones."""

    backups: list[KeptBackup]  # newest first
    directory: str
    recovery_recipients: list[str] | None  # null while the store is sealed


class Restored(TypedDict):
    """What was restored, or would be."""

    dry_run: bool
    create_time: str | None  # of the backup
    secrets: int  # in the backup
    versions: int
    added: list[str]  # names of secrets, sorted
    changed: list[str]
    removed: list[str]
    added_tokens: list[str]  # names of tokens, sorted
    changed_tokens: list[str]
    removed_tokens: list[str]
    added_recipients: list[str]  # recovery recipients of the backup; those there were stay


class RecoveryKeys(TypedDict):
    """Who, besides the store itself, can open scheduled backups."""

    recovery_recipients: list[str]
    new_recipient: str | None  # of the key that was made
    file: str | None  # that the key was written to
