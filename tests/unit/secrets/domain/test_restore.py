"""Restoring backups."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from leger_secrets.adapters import age, backup_format
from leger_secrets.adapters.backup_directory import LocalBackupDirectory
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.domain import restore
from leger_secrets.domain.backup_errors import (
    BackupInvalid,
    BackupLocked,
    BackupNotFound,
    BackupTooLarge,
    RecipientsTooMany,
    StoreNotEmpty,
)
from leger_secrets.domain.backup_file import BackupDocument
from leger_secrets.domain.bindings import Bindings
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.errors import AuditUnavailable
from leger_secrets.domain.restore import Differences, Restored, Restores
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.stored import Binding, Contents
from leger_secrets.domain.value import SecretValue
from pyrage import x25519
from unit.secrets.backups import CONTENTS, MADE, Machine
from unit.secrets.fakes import AuditEntries, Clock

ROOT = Caller("operator:root", "0123456789abcdef")
NONE = SecretValue(b"")
EMPTY = Contents(revision=0, secrets=(), tokens=(), recovery_recipients=())

Restore = Callable[..., Restored]


def file_of(contents: Contents, recipient: str) -> bytes:
    return age.encrypt(backup_format.encode(BackupDocument(MADE, contents)), [recipient])


def stored(store: SqlcipherSecretStore) -> Contents:
    with store.reading() as view:
        return view.contents()


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def directory(tmp_path: Path) -> LocalBackupDirectory:
    return LocalBackupDirectory(path=tmp_path / "backups")


@pytest.fixture
def run(
    store: SqlcipherSecretStore,
    audit: AuditEntries,
    machine: Machine,
    directory: LocalBackupDirectory,
    clock: Clock,
) -> Restore:
    """Restore contents from a backup that the machine can open, in pieces of 100 bytes."""
    restores = Restores(
        store=store,
        audit=audit,
        machine=machine,
        cipher=age,
        file_format=backup_format,
        directory=directory,
        clock=clock,
    )

    def run(
        what: Contents | bytes,
        *,
        file: str = "",
        identity: SecretValue = NONE,
        dry_run: bool = False,
        replace: bool = False,
    ) -> Restored:
        content = what if isinstance(what, bytes) else file_of(what, machine.recipient())
        return restores.restore(
            (content[at : at + 100] for at in range(0, len(content), 100)),
            file=file,
            identity=identity,
            passphrase=NONE,
            dry_run=dry_run,
            replace=replace,
            by=ROOT,
        )

    return run


def by_name(contents: Contents) -> Contents:
    """Return the contents in the order in which a store has them."""
    return replace(contents, secrets=tuple(sorted(contents.secrets, key=lambda s: s.name)))


def test_an_empty_store_holds_all_of_the_backup_afterwards(
    run: Restore, store: SqlcipherSecretStore, audit: AuditEntries
) -> None:
    restored = run(CONTENTS)
    assert replace(stored(store), revision=0) == replace(by_name(CONTENTS), revision=0)
    assert stored(store).revision == CONTENTS.revision + 1
    assert restored.secrets == Differences(["api_key", "empty", "prod/db"], [], [])
    assert restored.tokens == Differences(["ci", "never"], [], [])
    assert (restored.backup.create_time, restored.backup.versions) == (MADE, 4)
    assert (audit.last.action, audit.last.outcome) == ("restore", "allowed")


def test_a_number_that_was_burned_stays_burned(run: Restore, secrets: Secrets) -> None:
    run(CONTENTS)
    put = secrets.put("api_key", SecretValue(b"fourth"), activate=False, by=ROOT)
    assert put.version == 4
    with pytest.raises(Exception, match="Version 2 of the secret api_key is taken"):
        secrets.create_version("api_key", 2, SecretValue(b"x"), by=ROOT)


def test_a_store_that_is_not_empty_is_left_alone(
    run: Restore, store: SqlcipherSecretStore, secrets: Secrets, audit: AuditEntries
) -> None:
    secrets.put("mine", SecretValue(b"value"), activate=True, by=ROOT)
    before = stored(store)
    with pytest.raises(StoreNotEmpty) as refused:
        run(CONTENTS)
    assert "It holds 1 secret; " in refused.value.why
    assert stored(store) == before
    assert audit.last.outcome == "STORE_NOT_EMPTY"


@pytest.mark.parametrize(
    "there", [replace(EMPTY, tokens=CONTENTS.tokens), replace(EMPTY, recovery_recipients=("x",))]
)
def test_tokens_or_recovery_recipients_alone_are_not_taken_away_either(
    run: Restore, store: SqlcipherSecretStore, there: Contents, clock: Clock
) -> None:
    with store.writing(CONTENTS.secrets[0].created) as writer:
        writer.replace_contents(there)
    with pytest.raises(StoreNotEmpty):
        run(CONTENTS)


def test_a_replaced_store_keeps_its_bindings_and_loses_what_the_backup_lacks(
    run: Restore, store: SqlcipherSecretStore, secrets: Secrets, bindings: Bindings
) -> None:
    for name in ("api_key", "mine"):
        secrets.put(name, SecretValue(b"value"), activate=True, by=ROOT)
    bindings.bind_stack("web", [Binding("web.service", "mine", "mine")], by=ROOT)
    restored = run(CONTENTS, replace=True)
    assert restored.secrets == Differences(["empty", "prod/db"], ["api_key"], ["mine"])
    assert replace(stored(store), revision=0) == replace(by_name(CONTENTS), revision=0)
    assert [b.binding.secret for b in bindings.list_bindings()] == ["mine"]


def test_recovery_recipients_that_were_added_since_the_backup_stay(
    run: Restore, store: SqlcipherSecretStore, audit: AuditEntries
) -> None:
    newest = str(x25519.Identity.generate().to_public())
    with store.writing(CONTENTS.secrets[0].created) as writer:
        writer.set_recovery_recipients([newest])
    [of_backup] = CONTENTS.recovery_recipients
    assert run(CONTENTS, dry_run=True).added_recipients == [of_backup]
    assert stored(store).recovery_recipients == (newest,)
    assert run(CONTENTS, replace=True).added_recipients == [of_backup]
    assert set(stored(store).recovery_recipients) == {newest, of_backup}
    assert audit.last.detail == f"recovery recipients added: {of_backup}"
    assert run(CONTENTS, replace=True).added_recipients == []
    assert set(stored(store).recovery_recipients) == {newest, of_backup}


def test_more_recovery_recipients_than_there_may_be_are_refused_before_anything_changes(
    run: Restore, store: SqlcipherSecretStore, audit: AuditEntries
) -> None:
    there = [str(x25519.Identity.generate().to_public()) for _ in range(16)]
    with store.writing(CONTENTS.secrets[0].created) as writer:
        writer.set_recovery_recipients(there)
    before = stored(store)
    for dry_run in (True, False):
        with pytest.raises(RecipientsTooMany, match="not restored") as refused:
            run(CONTENTS, dry_run=dry_run, replace=True)
        assert "there would be 17; there may be 16" in refused.value.why
    assert stored(store) == before
    assert audit.last.outcome == "RECIPIENTS_TOO_MANY"


def test_the_revision_is_higher_than_both_were_and_earlier_ones_cannot_be_watched_from(
    run: Restore, store: SqlcipherSecretStore, secrets: Secrets
) -> None:
    for number in range(50):
        secrets.put("mine", SecretValue(bytes([number])), activate=True, by=ROOT)
    with store.reading() as view:
        before = view.revision()
    run(CONTENTS, replace=True)
    with store.reading() as view:
        assert view.revision() > max(before, CONTENTS.revision)
        assert view.changes(after=before, limit=10) is None


def test_a_dry_run_answers_the_same_and_changes_nothing(
    run: Restore, store: SqlcipherSecretStore, secrets: Secrets, audit: AuditEntries
) -> None:
    secrets.put("api_key", SecretValue(b"value"), activate=True, by=ROOT)
    before = stored(store)
    tried = run(CONTENTS, dry_run=True)
    assert tried.secrets == Differences(["empty", "prod/db"], ["api_key"], [])
    assert stored(store) == before
    assert (audit.last.outcome, audit.last.detail) == ("allowed", "dry-run")


def test_restoring_what_is_there_already_changes_no_secret(run: Restore) -> None:
    run(CONTENTS)
    again = run(CONTENTS, replace=True)
    assert again.secrets == again.tokens == Differences([], [], [])


def test_a_token_with_other_grants_is_one_that_changes(run: Restore) -> None:
    run(CONTENTS)
    ci, never = CONTENTS.tokens
    other = replace(CONTENTS, tokens=(replace(ci, grants=()), replace(never, name="new")))
    assert run(other, replace=True).tokens == Differences(["new"], ["ci"], ["never"])


def test_without_an_audit_line_nothing_is_restored(
    run: Restore, store: SqlcipherSecretStore, audit: AuditEntries
) -> None:
    audit.full = True
    with pytest.raises(AuditUnavailable):
        run(CONTENTS)
    assert stored(store) == EMPTY


def test_a_new_machine_restores_with_the_recovery_identity(
    run: Restore, store: SqlcipherSecretStore
) -> None:
    recovery = x25519.Identity.generate()
    file = file_of(CONTENTS, str(recovery.to_public()))
    with pytest.raises(BackupLocked):
        run(file)
    run(file, identity=SecretValue(str(recovery).encode()))
    assert len(stored(store).secrets) == 3


def test_a_scheduled_backup_is_restored_by_its_name(
    run: Restore, directory: LocalBackupDirectory, machine: Machine, store: SqlcipherSecretStore
) -> None:
    name = directory.add(file_of(CONTENTS, machine.recipient()), create_time=MADE)
    restored = run(b"", file=name)
    assert restored.backup.file == name
    assert len(stored(store).secrets) == 3
    with pytest.raises(BackupNotFound):
        run(b"", file="secrets-20200101T000000Z.age")


def test_an_upload_ends_when_it_is_too_large(run: Restore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore, "MAX_FILE", 300)
    with pytest.raises(BackupTooLarge):
        run(CONTENTS)


def test_a_damaged_backup_changes_nothing(
    run: Restore, store: SqlcipherSecretStore, machine: Machine
) -> None:
    file = file_of(CONTENTS, machine.recipient())
    for place in (0, 30, len(file) // 2, len(file) - 1):
        changed = bytearray(file)
        changed[place] ^= 1
        with pytest.raises((BackupInvalid, BackupLocked)):
            run(bytes(changed))
    assert stored(store) == EMPTY
