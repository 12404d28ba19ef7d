"""No audit line, no answer, and no change."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.domain.audit import Action, AuditEntry
from leger_secrets.domain.bindings import Bindings
from leger_secrets.domain.credentials import Credentials
from leger_secrets.domain.errors import AuditUnavailable, SecretNotFound, StoreUnavailable
from leger_secrets.domain.generate import Generator, Password
from leger_secrets.domain.imports import Imports, Item
from leger_secrets.domain.notes import NoteKeeper, NotesAsked
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.stored import Binding
from leger_secrets.domain.value import SecretValue
from unit.secrets.fakes import DEPLOYER, ME, AuditEntries

WEB = Binding("web.service", "token", "a")


@pytest.fixture
def stored(secrets: Secrets, audit: AuditEntries) -> Secrets:
    secrets.put("a", SecretValue(b"one"), activate=False, by=ME)
    secrets.put("a", SecretValue(b"two"), activate=False, by=ME)
    audit.entries.clear()
    return secrets


REQUESTS: dict[str, tuple[Callable[[Secrets], object], AuditEntry]] = {
    "put": (
        lambda s: s.put("a", SecretValue(b"three"), activate=True, by=ME),
        AuditEntry(ME, Action.PUT, "a", 3),
    ),
    "get": (lambda s: s.get("a", by=ME), AuditEntry(ME, Action.GET, "a", 1)),
    "get unchanged": (
        lambda s: s.get("a", if_version_not=1, by=ME),
        AuditEntry(ME, Action.GET, "a", 1, "unchanged"),
    ),
    "resolve": (lambda s: s.resolve(["a"], by=ME), AuditEntry(ME, Action.GET, "a", 1)),
    "info": (lambda s: s.info("a", by=ME), AuditEntry(ME, Action.INFO, "a")),
    "list": (lambda s: s.list_secrets(by=ME), AuditEntry(ME, Action.LIST)),
    "create-version": (
        lambda s: s.create_version("a", 9, SecretValue(b"nine"), by=ME),
        AuditEntry(ME, Action.CREATE_VERSION, "a", 9),
    ),
    "activate": (lambda s: s.activate("a", 2, by=ME), AuditEntry(ME, Action.ACTIVATE, "a", 2)),
    "delete": (lambda s: s.delete("a", force=False, by=ME), AuditEntry(ME, Action.DELETE, "a")),
    "delete-version": (
        lambda s: s.delete_version("a", 2, by=ME),
        AuditEntry(ME, Action.DELETE_VERSION, "a", 2),
    ),
}


@pytest.mark.parametrize("request_name", REQUESTS)
def test_each_request_writes_one_line(
    stored: Secrets, audit: AuditEntries, request_name: str
) -> None:
    request, line = REQUESTS[request_name]
    request(stored)
    assert audit.entries == [line]


@pytest.mark.parametrize("request_name", REQUESTS)
def test_without_a_line_nothing_is_answered_and_nothing_changes(
    stored: Secrets, audit: AuditEntries, request_name: str
) -> None:
    request, _ = REQUESTS[request_name]
    before = stored.list_secrets(by=ME)
    audit.full = True
    with pytest.raises(AuditUnavailable):
        request(stored)
    audit.full = False
    assert stored.list_secrets(by=ME) == before
    request(stored)


OTHERS: dict[str, tuple[Callable[[Any], object], list[AuditEntry]]] = {
    "update": (
        lambda all_: all_.notes.update(
            "a", NotesAsked(description="x", labels={}), mask=["description", "labels"], by=ME
        ),
        [AuditEntry(ME, Action.UPDATE, "a", detail="description labels")],
    ),
    "generate": (
        lambda all_: all_.generator.generate("a", Password(), activate=True, by=ME),
        [AuditEntry(ME, Action.PUT, "a", 3, detail="generated")],
    ),
    "import": (
        lambda all_: all_.imports.import_secrets(
            [Item("a", SecretValue(b"x")), Item("b", SecretValue(b"y"))], dry_run=False, by=ME
        ),
        [
            AuditEntry(ME, Action.PUT, "a", 3, detail="import"),
            AuditEntry(ME, Action.PUT, "b", 1, detail="import"),
        ],
    ),
}


@dataclass
class All:
    notes: NoteKeeper
    generator: Generator
    imports: Imports


@pytest.mark.parametrize("request_name", OTHERS)
def test_each_other_change_is_written_at_once_or_not_made(
    stored: Secrets,
    audit: AuditEntries,
    notes: NoteKeeper,
    generator: Generator,
    imports: Imports,
    request_name: str,
) -> None:
    request, lines = OTHERS[request_name]
    everything = All(notes, generator, imports)
    before = stored.list_secrets(by=ME)
    audit.full = True
    with pytest.raises(AuditUnavailable):
        request(everything)
    audit.full = False
    assert stored.list_secrets(by=ME) == before
    audit.entries.clear()
    writes = audit.writes
    request(everything)
    assert audit.entries == lines
    assert audit.writes == writes + 1
    assert stored.list_secrets(by=ME) != before


def test_a_refusal_is_written_with_its_reason(stored: Secrets, audit: AuditEntries) -> None:
    with pytest.raises(SecretNotFound):
        stored.get("absent", version=4, by=ME)
    assert audit.entries == [AuditEntry(ME, Action.GET, "absent", 4, "SECRET_NOT_FOUND")]


def test_a_refusal_that_cannot_be_written_is_not_told(stored: Secrets, audit: AuditEntries) -> None:
    audit.full = True
    with pytest.raises(AuditUnavailable):
        stored.get("absent", by=ME)


def test_resolve_writes_all_its_lines_at_once(stored: Secrets, audit: AuditEntries) -> None:
    stored.put("b", SecretValue(b"x"), activate=False, by=ME)
    audit.entries.clear()
    writes = audit.writes
    stored.resolve(["a", "b"], by=ME)
    assert audit.writes == writes + 1
    assert audit.entries == [
        AuditEntry(ME, Action.GET, "a", 1),
        AuditEntry(ME, Action.GET, "b", 1),
    ]


def test_a_refused_resolve_writes_a_line_for_each_name(
    stored: Secrets, audit: AuditEntries
) -> None:
    with pytest.raises(SecretNotFound):
        stored.resolve(["a", "absent"], by=ME)
    assert {(e.secret, e.outcome) for e in audit.entries} == {
        ("a", "SECRET_NOT_FOUND"),
        ("absent", "SECRET_NOT_FOUND"),
    }


def test_each_changed_binding_gets_a_line(bindings: Bindings, audit: AuditEntries) -> None:
    other = Binding("web.service", "key", "b")
    bindings.bind_stack("notes", [WEB], by=DEPLOYER)
    bindings.bind_stack("notes", [other], by=DEPLOYER)
    bindings.bind_stack("notes", [other], by=DEPLOYER)
    assert [(e.action, e.stack, e.unit, e.credential, e.secret) for e in audit.entries] == [
        ("bind", "notes", "web.service", "token", "a"),
        ("unbind", "notes", "web.service", "token", "a"),
        ("bind", "notes", "web.service", "key", "b"),
        ("bind", "notes", "", "", ""),
    ]


def test_without_a_line_nothing_is_bound(bindings: Bindings, audit: AuditEntries) -> None:
    audit.full = True
    with pytest.raises(AuditUnavailable):
        bindings.bind_stack("notes", [WEB], by=DEPLOYER)
    assert bindings.list_bindings() == []


def test_what_a_unit_gets_is_written_as_the_units(
    stored: Secrets, bindings: Bindings, credentials: Credentials, audit: AuditEntries
) -> None:
    bindings.bind_stack("notes", [WEB], by=DEPLOYER)
    credentials.hand_out("web.service", "token")
    assert audit.last.by.principal == "unit:web.service"
    assert audit.last.by.request_id
    assert audit.last == AuditEntry(
        audit.last.by, Action.GET, "a", 1, unit="web.service", credential="token"
    )


def test_without_a_line_a_unit_gets_nothing(
    stored: Secrets, bindings: Bindings, credentials: Credentials, audit: AuditEntries
) -> None:
    bindings.bind_stack("notes", [WEB], by=DEPLOYER)
    audit.full = True
    with pytest.raises(AuditUnavailable):
        credentials.hand_out("web.service", "token")


def test_a_store_that_is_full_is_the_reason_that_is_written(
    stored: Secrets, audit: AuditEntries, store: SqlcipherSecretStore
) -> None:
    (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreUnavailable) as caught:
        stored.put("a", SecretValue(b"x" * 100_000), activate=False, by=ME)
    assert caught.value.why == "No space left on device."
    assert audit.entries == [AuditEntry(ME, Action.PUT, "a", 0, "STORE_UNAVAILABLE")]
