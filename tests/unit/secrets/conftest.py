"""The domain on the real store; only the audit log, the journal and the clock are stood in for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.domain.bindings import Bindings
from leger_secrets.domain.credentials import Credentials
from leger_secrets.domain.refusals import Refusals
from leger_secrets.domain.secrets import Secrets
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
    return Secrets(store=store, audit=audit, clock=clock)


@pytest.fixture
def refusals(clock: Clock) -> Refusals:
    return Refusals(clock=clock)


@pytest.fixture
def bindings(store: SqlcipherSecretStore, audit: AuditEntries, refusals: Refusals) -> Bindings:
    return Bindings(store=store, audit=audit, refusals=refusals)


@pytest.fixture
def credentials(
    store: SqlcipherSecretStore, audit: AuditEntries, refusals: Refusals, journal: JournalLines
) -> Credentials:
    return Credentials(store=store, audit=audit, refusals=refusals, journal=journal)
