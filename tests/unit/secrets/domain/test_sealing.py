"""What is asked of the store itself is decided and written down like everything else."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from leger_runtime.errors import LegerError
from leger_secrets.domain.audit import Action
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.errors import AuditUnavailable, StoreSealed
from leger_secrets.domain.passphrase import PassphraseWeak
from leger_secrets.domain.sealing import StoreCare, StoreFacts, Unlock
from leger_secrets.domain.sealing_errors import PassphraseWrong
from leger_secrets.domain.value import SecretValue
from unit.secrets.fakes import ME, AuditEntries

FACTS = StoreFacts(
    revision=7, secrets=2, key_time=datetime(2026, 1, 1, tzinfo=UTC), schema_version=2, size=4096
)
BACKUP = datetime(2026, 1, 2, tzinfo=UTC)
PASSPHRASE = SecretValue(b"correct horse battery staple")


class Seal:
    """A seal in memory."""

    def __init__(self) -> None:
        self.closed_by: LegerError | None = None
        self.opened_with = SecretValue(b"")
        self.rekeyed = 0

    def cause(self) -> LegerError | None:
        return self.closed_by

    def unlock(self) -> Unlock | None:
        return Unlock.ROOT_KEY

    def facts(self) -> StoreFacts:
        if self.closed_by:
            raise StoreSealed("Because.")
        return FACTS

    @contextmanager
    def unsealing(
        self, passphrase: SecretValue, *, accept_rollback: bool, begin_audit_log: Caller | None
    ) -> Iterator[list[str]]:
        if passphrase == SecretValue(b"wrong"):
            raise PassphraseWrong
        yield ["audit.log.broken"] if begin_audit_log else []
        self.opened_with, self.closed_by = passphrase, None

    def seal(self, cause: LegerError) -> None:
        self.closed_by = cause

    @contextmanager
    def rekeying(self, unlock: Unlock | None, passphrase: SecretValue) -> Iterator[int]:
        yield 12
        self.rekeyed += 1


@pytest.fixture
def seal() -> Seal:
    return Seal()


@pytest.fixture
def care(seal: Seal, audit: AuditEntries) -> StoreCare:
    return StoreCare(
        seal=seal,
        audit=audit,
        audit_problem=lambda: None,
        last_backup=lambda: BACKUP,
        weaknesses=("It may be swapped out.",),
    )


def unseal(care: StoreCare, passphrase: bytes = b"", **options: bool) -> list[str]:
    chosen = {"begin_audit_log": False, "accept_rollback": False, **options}
    return care.unseal(SecretValue(passphrase), by=ME, **chosen)


def test_the_status_of_an_open_store_has_facts(care: StoreCare, audit: AuditEntries) -> None:
    status = care.status()
    assert (status.cause, status.facts, status.last_backup) == (None, FACTS, BACKUP)
    assert status.weaknesses == ("It may be swapped out.",)
    assert audit.entries == []


def test_the_status_of_a_sealed_store_has_the_cause(care: StoreCare, seal: Seal) -> None:
    care.seal(by=ME)
    status = care.status()
    assert status.facts is None
    assert status.cause is seal.closed_by
    assert status.cause
    assert status.cause.why == "operator:root has sealed it."


def test_each_change_has_its_line(care: StoreCare, audit: AuditEntries) -> None:
    care.seal(by=ME)
    unseal(care, accept_rollback=True)
    assert care.rekey(unlock=Unlock.PASSPHRASE, passphrase=PASSPHRASE, by=ME) == 12
    assert [(entry.action, entry.detail, entry.outcome) for entry in audit.entries] == [
        (Action.SEAL, "", "allowed"),
        (Action.UNSEAL, "accept-rollback", "allowed"),
        (Action.REKEY, "passphrase", "allowed"),
    ]


def test_a_wrong_passphrase_has_its_line_and_is_not_in_it(
    care: StoreCare, audit: AuditEntries
) -> None:
    with pytest.raises(PassphraseWrong):
        unseal(care, b"wrong")
    assert audit.last.outcome == "PASSPHRASE_WRONG"
    assert "wrong" not in str(audit.last)


def test_a_weak_passphrase_does_not_begin_anything(
    care: StoreCare, seal: Seal, audit: AuditEntries
) -> None:
    with pytest.raises(PassphraseWeak):
        care.rekey(unlock=Unlock.PASSPHRASE, passphrase=SecretValue(b"short"), by=ME)
    assert seal.rekeyed == 0
    assert audit.last.outcome == "PASSPHRASE_WEAK"


def test_without_a_line_nothing_is_done(care: StoreCare, seal: Seal, audit: AuditEntries) -> None:
    audit.full = True
    with pytest.raises(AuditUnavailable):
        care.seal(by=ME)
    assert seal.closed_by is None
    with pytest.raises(AuditUnavailable):
        care.rekey(unlock=None, passphrase=SecretValue(b""), by=ME)
    assert seal.rekeyed == 0
    seal.closed_by = StoreSealed("Because.")
    with pytest.raises(AuditUnavailable):
        unseal(care)
    assert seal.closed_by


def test_the_files_of_a_log_that_was_set_aside_are_named(care: StoreCare) -> None:
    assert unseal(care, begin_audit_log=True) == ["audit.log.broken"]
