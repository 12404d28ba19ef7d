"""The domain on the real store; only the audit log, the journal and the clock are stood in for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from leger_secrets.adapters.private_keys import CryptographyKeyMaker
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.domain.bindings import Bindings
from leger_secrets.domain.credentials import Credentials
from leger_secrets.domain.generate import Generator
from leger_secrets.domain.grants import Authorizer
from leger_secrets.domain.handouts import Handouts
from leger_secrets.domain.imports import Imports
from leger_secrets.domain.notes import NoteKeeper
from leger_secrets.domain.refusals import Refusals
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.watch import Watches
from leger_secrets.domain.watch_slots import WatchSlots
from unit.secrets.fakes import KEY, AuditEntries, Clock, JournalLines


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def audit() -> AuditEntries:
    return AuditEntries()


@pytest.fixture
def journal() -> JournalLines:
    return JournalLines()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlcipherSecretStore]:
    store = SqlcipherSecretStore(path=tmp_path / "secrets.db", key=KEY)
    yield store
    store.close()


@pytest.fixture
def secrets(store: SqlcipherSecretStore, audit: AuditEntries, clock: Clock) -> Secrets:
    return Secrets(store=store, audit=audit, grants=Authorizer(), clock=clock)


@pytest.fixture
def notes(store: SqlcipherSecretStore, audit: AuditEntries, clock: Clock) -> NoteKeeper:
    return NoteKeeper(store=store, audit=audit, grants=Authorizer(), clock=clock)


@pytest.fixture
def generator(secrets: Secrets) -> Generator:
    return Generator(secrets=secrets, keys=CryptographyKeyMaker())


@pytest.fixture
def imports(store: SqlcipherSecretStore, audit: AuditEntries, clock: Clock) -> Imports:
    return Imports(store=store, audit=audit, grants=Authorizer(), clock=clock)


@pytest.fixture
def slots() -> WatchSlots:
    return WatchSlots()


@pytest.fixture
def watches(store: SqlcipherSecretStore, audit: AuditEntries, slots: WatchSlots) -> Watches:
    return Watches(store=store, audit=audit, grants=Authorizer(), slots=slots)


@pytest.fixture
def refusals(clock: Clock) -> Refusals:
    return Refusals(clock=clock)


@pytest.fixture
def handouts(clock: Clock) -> Handouts:
    return Handouts(clock=clock)


@pytest.fixture
def bindings(
    store: SqlcipherSecretStore,
    audit: AuditEntries,
    refusals: Refusals,
    handouts: Handouts,
    clock: Clock,
) -> Bindings:
    return Bindings(store=store, audit=audit, refusals=refusals, handouts=handouts, clock=clock)


@pytest.fixture
def credentials(
    store: SqlcipherSecretStore,
    audit: AuditEntries,
    refusals: Refusals,
    handouts: Handouts,
    journal: JournalLines,
) -> Credentials:
    return Credentials(
        store=store, audit=audit, refusals=refusals, handouts=handouts, journal=journal
    )
