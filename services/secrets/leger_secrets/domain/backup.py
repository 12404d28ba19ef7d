"""Making backups: for whoever asks, and scheduled ones, which the service keeps."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from leger_secrets.domain import passphrase as passphrases
from leger_secrets.domain import retention
from leger_secrets.domain.audit import Action, AuditEntry, AuditLog, Decision
from leger_secrets.domain.backup_errors import (
    BackupInvalid,
    BackupLocked,
    BackupTooLarge,
    BackupUnavailable,
    InvalidRecipient,
)
from leger_secrets.domain.backup_file import (
    MAX_DOCUMENT,
    MAX_RECIPIENTS,
    BackupCipher,
    BackupDirectory,
    BackupDocument,
    BackupFormat,
    BackupSummary,
    Keys,
    MachineIdentity,
    summary_of,
)
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.clock import Clock
from leger_secrets.domain.errors import StoreSealed
from leger_secrets.domain.passphrase import PassphraseWeak
from leger_secrets.domain.store import SecretStore
from leger_secrets.domain.stored import Author
from leger_secrets.domain.value import SecretValue


class Backup(NamedTuple):
    """A backup that was made; of a scheduled one, which has a file, no content is answered."""

    summary: BackupSummary
    content: bytes


class Kept(NamedTuple):
    """The backups that the service keeps, newest first, and in which directory of its host.

    `recovery_recipients` is None while the store is sealed, which alone knows them.
    """

    backups: list[BackupSummary]
    directory: str
    recovery_recipients: tuple[str, ...] | None


class Backups:
    """Every request about backups except restoring one. `by` is who makes it.

    Each method raises AuditUnavailable besides the errors it names, and each decision is in the
    audit log before the method returns or raises.
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
        self._scheduling = threading.Lock()

    def make(
        self,
        *,
        passphrase: SecretValue | None = None,
        recipients: Sequence[str] = (),
        scheduled: bool = False,
        by: Caller,
    ) -> Backup:
        """Back up all that is stored at this moment, in exactly one of the three ways.

        A scheduled backup is for this store itself and the recovery recipients. The service keeps
        it: it is read back and compared before older ones go (see `retention`). One is made also
        when nothing was changed since the last, so that the age of the last tells whether all is
        well, and is for those who are recovery recipients now.

        Raises InvalidRecipient, PassphraseWeak, BackupTooLarge, BackupUnavailable, StoreSealed,
        StoreUnavailable.
        """
        asked = AuditEntry(by, Action.BACKUP, detail="scheduled" if scheduled else "")
        with Decision(self._audit, asked) as decision:
            if [bool(passphrase), bool(recipients), scheduled].count(True) != 1:
                raise InvalidRecipient(
                    "The backup was not made.",
                    "It takes either a passphrase or recipients, who alone can open it.",
                    field="recipients",
                )
            if scheduled:
                with self._scheduling:
                    return self._make_scheduled(decision, asked)
            checked = self._checked(recipients)
            if passphrase:
                _check_passphrase(passphrase)
            document, encoded = self._document()
            if passphrase:
                content = self._cipher.encrypt_with(encoded, passphrase)
            else:
                content = self._cipher.encrypt(encoded, checked)
            # A line each, so that none is cut off behind the others.
            ways = checked or ["a passphrase"]
            decision.allow(*(asked._replace(detail=f"for {way}") for way in ways))
        return Backup(summary_of(document, size=len(content)), content)

    def kept(self, *, by: Caller) -> Kept:
        """List what the service keeps, also while the store is sealed.

        Raises BackupUnavailable, StoreUnavailable.
        """
        asked = AuditEntry(by, Action.LIST)
        with Decision(self._audit, asked) as decision:
            backups = self._directory.kept()
            recipients = None
            with suppress(StoreSealed), self._store.reading() as store:
                recipients = store.recovery_recipients()
            decision.allow(asked)
        return Kept(backups, self._directory.path, recipients)

    def last_time(self) -> datetime | None:
        """Return when the newest backup that is kept was made; None when none can be found.

        Why none can, `kept` tells.
        """
        try:
            return max((backup.create_time for backup in self._directory.kept()), default=None)
        except BackupUnavailable:
            return None

    def set_recovery_recipients(self, recipients: Sequence[str], *, by: Caller) -> None:
        """Set who, besides the store itself, can open scheduled backups that are made from now on.

        Raises InvalidRecipient, StoreSealed, StoreUnavailable.
        """
        asked = AuditEntry(by, Action.UPDATE, detail="recovery recipients")
        with Decision(self._audit, asked) as decision:
            # Not written down before they are checked: one could be an identity, by mistake.
            checked = self._checked(recipients)
            with self._store.writing(Author(by.principal, self._clock())) as store:
                store.set_recovery_recipients(checked)
                decision.allow(
                    *(asked._replace(detail=f"{asked.detail}: {r}") for r in checked or ["none"])
                )

    def _checked(self, recipients: Sequence[str]) -> list[str]:
        """Return the recipients, each once. Raises InvalidRecipient."""
        if len(recipients) > MAX_RECIPIENTS:
            raise InvalidRecipient(
                f"{len(recipients)} recipients are too many.",
                f"One backup can be made for {MAX_RECIPIENTS} at most.",
                field="recipients",
            )
        checked = [
            self._cipher.check_recipient(recipient, field=f"recipients[{number}]")
            for number, recipient in enumerate(recipients)
        ]
        return list(dict.fromkeys(checked))

    def _document(self) -> tuple[BackupDocument, bytes]:
        """Return all that is stored now, as it is and encoded."""
        with self._store.reading() as store:
            contents = store.contents()
        # To the second, as in the name of a file that the service keeps.
        document = BackupDocument(self._clock().replace(microsecond=0), contents)
        encoded = self._format.encode(document)
        if len(encoded) > MAX_DOCUMENT:
            raise BackupTooLarge(limit=MAX_DOCUMENT)
        return document, encoded

    def _make_scheduled(self, decision: Decision, asked: AuditEntry) -> Backup:
        document, encoded = self._document()
        recipients = [self._machine.recipient(), *document.contents.recovery_recipients]
        content = self._cipher.encrypt(encoded, recipients)
        decision.allow(asked)
        time = document.create_time
        file = self._directory.add(content, create_time=time)
        self._verify(file, encoded, time)
        times = [backup.create_time for backup in self._directory.kept()]
        for old in retention.expired(times, newest_made=time):
            self._directory.remove(old)
        return Backup(summary_of(document, size=len(content), file=file), b"")

    def _verify(self, file: str, encoded: bytes, create_time: datetime) -> None:
        """Remove the file, and raise BackupUnavailable, unless it holds what was written."""
        keys = Keys(own=self._machine.identity())
        try:
            if self._cipher.decrypt(self._directory.read(file), keys) == encoded:
                return
        except (BackupInvalid, BackupLocked):
            pass
        self._directory.remove(create_time)
        raise BackupUnavailable(
            f"The backup {file} was removed again.",
            "What was read back is not what was written.",
        )


def _check_passphrase(passphrase: SecretValue) -> None:
    passphrases.check(passphrase)
    try:
        passphrase.reveal().decode()
    except UnicodeDecodeError:
        raise PassphraseWeak("It is not text in UTF-8, as age takes it.") from None
