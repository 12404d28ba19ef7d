"""Which of setec's actions each request needs, on exactly the secrets that it names."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from leger_secrets.adapters.private_keys import CryptographyKeyMaker
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.errors import AccessDenied
from leger_secrets.domain.generate import Generator, Password
from leger_secrets.domain.grants import Authorizer, Grant, Permission, Rule
from leger_secrets.domain.imports import Imports, Item
from leger_secrets.domain.notes import NoteKeeper, NotesAsked
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.value import SecretValue
from unit.secrets.fakes import ME, AuditEntries, Clock

CI = Caller("token:ci")
VALUE = SecretValue(b"new")

# By their names: the request of the secret `mine`, and the actions that it takes.
REQUESTS: dict[str, tuple[Callable[[Any, str], object], set[str]]] = {
    "put": (lambda all_, name: all_.secrets.put(name, VALUE, activate=False, by=CI), {"put"}),
    "put and activate": (
        lambda all_, name: all_.secrets.put(name, VALUE, activate=True, by=CI),
        {"put", "activate"},
    ),
    "get": (lambda all_, name: all_.secrets.get(name, by=CI), {"get"}),
    "resolve": (lambda all_, name: all_.secrets.resolve([name], by=CI), {"get"}),
    "info": (lambda all_, name: all_.secrets.info(name, by=CI), {"info"}),
    "create-version": (
        lambda all_, name: all_.secrets.create_version(name, 7, VALUE, by=CI),
        {"create-version"},
    ),
    "activate": (lambda all_, name: all_.secrets.activate(name, 2, by=CI), {"activate"}),
    "delete": (lambda all_, name: all_.secrets.delete(name, force=False, by=CI), {"delete"}),
    "delete-version": (lambda all_, name: all_.secrets.delete_version(name, 2, by=CI), {"delete"}),
    "update": (
        lambda all_, name: all_.notes.update(
            name, NotesAsked(labels={}), mask=["description"], by=CI
        ),
        {"put"},
    ),
    "generate": (
        lambda all_, name: all_.generator.generate(name, Password(), activate=False, by=CI),
        {"put"},
    ),
    "generate and activate": (
        lambda all_, name: all_.generator.generate(name, Password(), activate=True, by=CI),
        {"put", "activate"},
    ),
    "import": (
        lambda all_, name: all_.imports.import_secrets([Item(name, VALUE)], dry_run=False, by=CI),
        {"put", "activate"},
    ),
    "dry run of an import": (
        lambda all_, name: all_.imports.import_secrets([Item(name, VALUE)], dry_run=True, by=CI),
        {"put", "activate"},
    ),
}


class Granted:
    """One rule: these actions, on `mine` alone."""

    def __init__(self) -> None:
        self.actions: set[str] = set()

    def rules(self) -> list[Rule]:
        grant = Grant(actions=frozenset(map(Permission, self.actions)), secrets=("mine",))
        return [Rule(source="test", number=1, principals=("token:ci",), grant=grant)]


@pytest.fixture
def granted() -> Granted:
    return Granted()


@pytest.fixture
def everything(
    store: SqlcipherSecretStore,
    secrets: Secrets,
    audit: AuditEntries,
    clock: Clock,
    granted: Granted,
) -> SimpleNamespace:
    for name in ("mine", "other"):
        for value in (b"one", b"two"):
            secrets.put(name, SecretValue(value), activate=False, by=ME)
    grants = Authorizer(granted)
    granted_secrets = Secrets(store=store, audit=audit, grants=grants, clock=clock)
    return SimpleNamespace(
        secrets=granted_secrets,
        notes=NoteKeeper(store=store, audit=audit, grants=grants, clock=clock),
        imports=Imports(store=store, audit=audit, grants=grants, clock=clock),
        generator=Generator(secrets=granted_secrets, keys=CryptographyKeyMaker()),
    )


@pytest.mark.parametrize("request_name", REQUESTS)
def test_a_request_takes_exactly_these_actions(
    everything: SimpleNamespace, granted: Granted, request_name: str
) -> None:
    request, needed = REQUESTS[request_name]
    for missing in needed:
        granted.actions = {str(action) for action in Permission} - {missing}
        with pytest.raises(AccessDenied):
            request(everything, "mine")
    granted.actions = needed
    request(everything, "mine")


@pytest.mark.parametrize("request_name", REQUESTS)
def test_what_is_not_granted_is_denied_whether_or_not_the_secret_exists_or_could(
    everything: SimpleNamespace,
    granted: Granted,
    audit: AuditEntries,
    secrets: Secrets,
    request_name: str,
) -> None:
    request, _ = REQUESTS[request_name]
    granted.actions = {str(action) for action in Permission}
    before = secrets.list_secrets(by=ME)
    for name in ("other", "absent", "cannot//exist"):
        with pytest.raises(AccessDenied) as caught:
            request(everything, name)
        assert name in caught.value.what
        assert (audit.last.by, audit.last.secret, audit.last.outcome) == (
            CI,
            name,
            "NOT_PERMITTED",
        )
    assert secrets.list_secrets(by=ME) == before


def test_a_list_shows_only_what_the_caller_may_info(
    everything: SimpleNamespace, granted: Granted
) -> None:
    granted.actions = {"get", "put", "activate", "delete", "create-version"}
    assert everything.secrets.list_secrets(by=CI)[0] == []
    granted.actions = {"info"}
    assert [info.name for info in everything.secrets.list_secrets(by=CI)[0]] == ["mine"]
