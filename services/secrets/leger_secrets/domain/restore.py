"""Restoring a backup: all of it, in the place of all that is stored, or nothing.

Only recovery recipients are kept, beside the backup's: a restore that took away one that was added
since would leave its key, the newest, opening no new backup, and nobody would notice in time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import replace as with_changes
from typing import NamedTuple, Self

from leger_secrets.domain import contents_check
from leger_secrets.domain.audit import Action, AuditEntry, AuditLog, Decision
from leger_secrets.domain.backup_errors import (
    BackupTooLarge,
    RecipientsTooMany,
    StoreNotEmpty,
)
from leger_secrets.domain.backup_file import (
    MAX_DOCUMENT,
    MAX_FILE,
    MAX_RECIPIENTS,
    BackupCipher,
    BackupDirectory,
    BackupFormat,
    BackupSummary,
    Keys,
    MachineIdentity,
    summary_of,
)
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.clock import Clock
from leger_secrets.domain.store import SecretStore
from leger_secrets.domain.stored import Author, Contents
from leger_secrets.domain.value import SecretValue


class Differences(NamedTuple):
    """Names, sorted: what a restore adds, changes and takes away."""

    added: list[str]
    changed: list[str]
    removed: list[str]

    @classmethod
    def between(cls, before: Mapping[str, object], after: Mapping[str, object]) -> Self:
        """Compare what there is, by name, with what there will be."""
        return cls(
            added=sorted(after.keys() - before.keys()),
            changed=sorted(n for n in after.keys() & before.keys() if after[n] != before[n]),
            removed=sorted(before.keys() - after.keys()),
        )


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What was restored, or would be."""

    backup: BackupSummary
    secrets: Differences
    tokens: Differences
    added_recipients: list[str]


class Restores:
    """Every request to restore. `by` is who makes it.

    Each decision is in the audit log before the method returns or raises.
    """

    def __init__(
        self,
        *,
        store: SecretStore,
        audit: AuditLog,
        machine: MachineIdentity,
        cipher: BackupCipher,
        file_format: BackupFormat,
        directory: BackupDirectory,
        clock: Clock,
    ) -> None:
        self._store = store
        self._audit = audit
        self._machine = machine
        self._cipher = cipher
        self._format = file_format
        self._directory = directory
        self._clock = clock

    def restore(
        self,
        content: Iterable[bytes],
        *,
        file: str,
        identity: SecretValue,
        passphrase: SecretValue,
        dry_run: bool,
        replace: bool,
        by: Caller,
    ) -> Restored:
        """Put what a backup holds in the place of all that is stored, but for the bindings.

        The store's recovery recipients stay, and the backup's are added.
        The backup is the `file` that the service keeps, else the pieces of `content`. It is opened
        by the identity or the passphrase, which may be empty, or by the store's own identity, and
        checked wholly before anything else. A `dry_run` changes nothing.

        Raises BackupNotFound, BackupTooLarge, BackupLocked, BackupInvalid, BackupTooNew,
        StoreNotEmpty unless `replace`, RecipientsTooMany, BackupUnavailable, StoreSealed,
        StoreUnavailable and AuditUnavailable.
        """
        detail = " ".join(filter(None, ["dry-run" if dry_run else "", file]))
        asked = AuditEntry(by, Action.RESTORE, detail=detail)
        with Decision(self._audit, asked) as decision:
            encrypted = self._directory.read(file) if file else _collected(content)
            own = self._machine.identity()
            keys = Keys(own=own, identity=identity or None, passphrase=passphrase or None)
            document = self._format.decode(self._cipher.decrypt(encrypted, keys))
            contents = document.contents
            contents_check.check(contents, self._cipher)
            if dry_run:
                with self._store.reading() as store:
                    before = store.contents()
                added = _added_recipients(before, contents)
                decision.allow(asked)
            else:
                with self._store.writing(Author(by.principal, self._clock())) as store:
                    before = store.contents()
                    if not replace:
                        _check_empty(before)
                    added = _added_recipients(before, contents)
                    recipients = (*before.recovery_recipients, *added)
                    store.replace_contents(with_changes(contents, recovery_recipients=recipients))
                    noted = [f"recovery recipients added: {recipient}" for recipient in added]
                    decision.allow(asked, *(asked._replace(detail=detail) for detail in noted))
        return Restored(
            backup=summary_of(document, size=len(encrypted), file=file),
            secrets=Differences.between(
                {secret.name: secret for secret in before.secrets},
                {secret.name: secret for secret in contents.secrets},
            ),
            tokens=Differences.between(
                {token.name: token for token in before.tokens},
                {token.name: token for token in contents.tokens},
            ),
            added_recipients=added,
        )


def _collected(pieces: Iterable[bytes]) -> bytes:
    collected = bytearray()
    for piece in pieces:
        collected += piece
        if len(collected) > MAX_FILE:
            raise BackupTooLarge(limit=MAX_DOCUMENT)
    return bytes(collected)


def _added_recipients(before: Contents, backup: Contents) -> list[str]:
    """Return the recovery recipients that only the backup has. Raises RecipientsTooMany."""
    kept = before.recovery_recipients
    added = [recipient for recipient in backup.recovery_recipients if recipient not in kept]
    if len(kept) + len(added) > MAX_RECIPIENTS:
        raise RecipientsTooMany(count=len(kept) + len(added), limit=MAX_RECIPIENTS)
    return added


def _check_empty(contents: Contents) -> None:
    found = contents.secrets, contents.tokens, contents.recovery_recipients
    if any(found):
        secrets, tokens, recipients = map(len, found)
        raise StoreNotEmpty(secrets=secrets, tokens=tokens, recipients=recipients)
