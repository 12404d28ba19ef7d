"""Making backups."""

from datetime import timedelta
from pathlib import Path

import pytest
from leger_secrets.adapters import age, backup_format
from leger_secrets.adapters.backup_directory import LocalBackupDirectory
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.domain import backup, backup_file
from leger_secrets.domain.backup import Backups
from leger_secrets.domain.backup_errors import (
    BackupLocked,
    BackupTooLarge,
    BackupUnavailable,
    InvalidRecipient,
)
from leger_secrets.domain.backup_file import BackupDocument, Keys
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.errors import AuditUnavailable, StoreSealed
from leger_secrets.domain.passphrase import PassphraseWeak
from leger_secrets.domain.stored import Author
from leger_secrets.domain.value import SecretValue
from pyrage import x25519
from unit.secrets.backups import CONTENTS, Machine
from unit.secrets.fakes import AuditEntries, Clock

ROOT = Caller("operator:root", "0123456789abcdef")
PASSPHRASE = SecretValue(b"five random words are good")


def pair() -> tuple[SecretValue, str]:
    """Return an identity and its recipient."""
    identity = x25519.Identity.generate()
    return SecretValue(str(identity).encode()), str(identity.to_public())


class CorruptDisk(LocalBackupDirectory):
    """A directory on a disk that does not give back what it was given."""

    def read(self, file: str) -> bytes:
        content = super().read(file)
        return content[:-1] + bytes([content[-1] ^ 1])


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def directory(tmp_path: Path) -> LocalBackupDirectory:
    return LocalBackupDirectory(path=tmp_path / "backups")


@pytest.fixture
def backups(
    store: SqlcipherSecretStore,
    audit: AuditEntries,
    machine: Machine,
    directory: LocalBackupDirectory,
    clock: Clock,
) -> Backups:
    with store.writing(Author("operator:root", clock())) as writer:
        writer.replace_contents(CONTENTS)
    return making(store, audit, machine, directory, clock)


def making(
    store: SqlcipherSecretStore,
    audit: AuditEntries,
    machine: Machine,
    directory: LocalBackupDirectory,
    clock: Clock,
) -> Backups:
    return Backups(
        store=store,
        audit=audit,
        machine=machine,
        cipher=age,
        file_format=backup_format,
        directory=directory,
        clock=clock,
    )


def opened(content: bytes, **keys: SecretValue) -> BackupDocument:
    return backup_format.decode(age.decrypt(content, Keys(**keys)))


def test_a_backup_for_recipients_holds_all_and_is_theirs_alone(
    backups: Backups, audit: AuditEntries, machine: Machine
) -> None:
    (identity, recipient), (other, _) = pair(), pair()
    made = backups.make(recipients=[recipient], by=ROOT)
    document = opened(made.content, identity=identity)
    assert document.contents.secrets == tuple(sorted(CONTENTS.secrets, key=lambda s: s.name))
    assert document.contents.tokens == CONTENTS.tokens
    assert document.contents.recovery_recipients == CONTENTS.recovery_recipients
    for key in (other, machine.identity()):
        with pytest.raises(BackupLocked):
            opened(made.content, identity=key)
    assert audit.last.action == "backup"
    assert (audit.last.outcome, audit.last.detail) == ("allowed", f"for {recipient}")


def test_the_audit_log_names_every_recipient(backups: Backups, audit: AuditEntries) -> None:
    recipients = [pair()[1] for _ in range(16)]
    backups.make(recipients=recipients, by=ROOT)
    assert [e.detail for e in audit.entries[-16:]] == [f"for {r}" for r in recipients]
    backups.set_recovery_recipients(recipients, by=ROOT)
    assert [e.detail for e in audit.entries[-16:]] == [
        f"recovery recipients: {r}" for r in recipients
    ]
    backups.set_recovery_recipients([], by=ROOT)
    assert audit.last.detail == "recovery recipients: none"


def test_the_summary_counts_what_is_in_it(backups: Backups) -> None:
    _, recipient = pair()
    made = backups.make(recipients=[recipient], by=ROOT)
    assert (made.summary.secrets, made.summary.versions) == (3, 4)  # one version is deleted
    assert made.summary.size == len(made.content)
    assert made.summary.revision == CONTENTS.revision + 1
    assert made.summary.file == ""


def test_a_backup_for_a_passphrase_opens_with_it(backups: Backups, audit: AuditEntries) -> None:
    made = backups.make(passphrase=PASSPHRASE, by=ROOT)
    assert len(opened(made.content, passphrase=PASSPHRASE).contents.secrets) == 3
    assert audit.last.detail == "for a passphrase"


@pytest.mark.parametrize("weak", [b"eleven char", b"aaaaaaaaaaaaaaaa", b"\xff" * 20 + b"\xfe"])
def test_a_weak_passphrase_is_refused(backups: Backups, audit: AuditEntries, weak: bytes) -> None:
    with pytest.raises(PassphraseWeak):
        backups.make(passphrase=SecretValue(weak), by=ROOT)
    assert audit.last.outcome == "PASSPHRASE_WEAK"


def test_it_takes_either_a_passphrase_or_recipients(backups: Backups) -> None:
    _, recipient = pair()
    with pytest.raises(InvalidRecipient):
        backups.make(by=ROOT)
    with pytest.raises(InvalidRecipient):
        backups.make(passphrase=PASSPHRASE, recipients=[recipient], by=ROOT)


def test_a_wrong_recipient_is_named_by_its_place_and_not_written_down(
    backups: Backups, audit: AuditEntries
) -> None:
    identity, recipient = pair()
    mistaken = identity.reveal().decode()
    with pytest.raises(InvalidRecipient) as refused:
        backups.make(recipients=[recipient, mistaken], by=ROOT)
    assert refused.value.violations[0].field == "recipients[1]"
    with pytest.raises(InvalidRecipient):
        backups.set_recovery_recipients([mistaken], by=ROOT)
    assert mistaken not in repr(audit.entries)
    assert audit.last.outcome == "INVALID_RECIPIENT"


def test_more_recipients_than_a_backup_has_are_refused(backups: Backups) -> None:
    with pytest.raises(InvalidRecipient, match="17 recipients"):
        backups.make(recipients=[pair()[1] for _ in range(17)], by=ROOT)


def test_without_an_audit_line_there_is_no_backup(
    backups: Backups, audit: AuditEntries, directory: LocalBackupDirectory
) -> None:
    audit.full = True
    with pytest.raises(AuditUnavailable):
        backups.make(recipients=[pair()[1]], by=ROOT)
    with pytest.raises(AuditUnavailable):
        backups.make(scheduled=True, by=ROOT)
    assert directory.kept() == []


def test_a_store_that_is_too_large_is_not_backed_up(
    backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "MAX_DOCUMENT", 100)
    with pytest.raises(BackupTooLarge):
        backups.make(recipients=[pair()[1]], by=ROOT)


def test_a_scheduled_backup_is_kept_for_the_store_itself_and_the_recovery_recipients(
    backups: Backups, directory: LocalBackupDirectory, machine: Machine, audit: AuditEntries
) -> None:
    identity, recipient = pair()
    backups.set_recovery_recipients([recipient, recipient], by=ROOT)
    assert audit.last.detail == f"recovery recipients: {recipient}"
    made = backups.make(scheduled=True, by=ROOT)
    assert made.content == b""
    content = directory.read(made.summary.file)
    assert made.summary.size == len(content)
    assert opened(content, own=machine.identity()) == opened(content, identity=identity)
    assert opened(content, identity=identity).contents.recovery_recipients == (recipient,)
    assert (audit.last.outcome, audit.last.detail) == ("allowed", "scheduled")


def test_scheduled_backups_are_listed_with_the_newest_first(
    backups: Backups, machine: Machine, directory: LocalBackupDirectory
) -> None:
    assert backups.last_time() is None
    first = backups.make(scheduled=True, by=ROOT).summary
    second = backups.make(scheduled=True, by=ROOT).summary
    kept = backups.kept(by=ROOT)
    assert [b.file for b in kept.backups] == [second.file, first.file]
    assert first.create_time < second.create_time == backups.last_time()
    assert kept.directory == directory.path
    assert kept.recovery_recipients == CONTENTS.recovery_recipients


def test_older_ones_go_as_newer_ones_come(
    backups: Backups, clock: Clock, directory: LocalBackupDirectory
) -> None:
    for _ in range(12):
        backups.make(scheduled=True, by=ROOT)
        clock.now += timedelta(days=1)
    # January 4 is a Sunday, the last day of its week.
    days = [backup.create_time.day for backup in directory.kept()]
    assert days == [12, 11, 10, 9, 8, 7, 6, 4]


def test_nothing_is_removed_before_the_new_one_is_known_to_be_good(
    store: SqlcipherSecretStore,
    audit: AuditEntries,
    machine: Machine,
    clock: Clock,
    backups: Backups,
    directory: LocalBackupDirectory,
    tmp_path: Path,
) -> None:
    before = backups.make(scheduled=True, by=ROOT).summary.file
    corrupt = making(store, audit, machine, CorruptDisk(path=tmp_path / "backups"), clock)
    with pytest.raises(BackupUnavailable, match="removed again"):
        corrupt.make(scheduled=True, by=ROOT)
    assert [backup.file for backup in directory.kept()] == [before]
    assert audit.last.outcome == "BACKUP_UNAVAILABLE"


def test_a_sealed_store_lists_its_backups_and_makes_none(
    backups: Backups, machine: Machine, monkeypatch: pytest.MonkeyPatch, store: SqlcipherSecretStore
) -> None:
    file = backups.make(scheduled=True, by=ROOT).summary.file

    def sealed() -> None:
        raise StoreSealed("A test says so.")

    monkeypatch.setattr(store, "reading", sealed)
    kept = backups.kept(by=ROOT)
    assert [backup.file for backup in kept.backups] == [file]
    assert kept.recovery_recipients is None
    with pytest.raises(StoreSealed):
        backups.make(scheduled=True, by=ROOT)


def test_the_limits_leave_room_for_what_age_adds() -> None:
    pieces = backup_file.MAX_DOCUMENT // (64 * 1024) + 1
    header = 200 * (backup_file.MAX_RECIPIENTS + 2)  # with room for a stanza of grease
    assert backup_file.MAX_DOCUMENT + 16 * pieces + header < backup_file.MAX_FILE
