"""Bearer tokens, on the real store."""

import hashlib
import threading
from datetime import timedelta

import pytest
from leger_secrets.adapters.sqlcipher_reader import SqlcipherReader
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.domain.access_errors import (
    InvalidExpiry,
    InvalidGrant,
    TokenExists,
    TokenNotFound,
)
from leger_secrets.domain.audit import Action
from leger_secrets.domain.errors import AuditUnavailable, InvalidName
from leger_secrets.domain.grants import Authorizer, Permission
from leger_secrets.domain.stored import Token
from leger_secrets.domain.tokens import GrantAsked, Tokens
from leger_secrets.domain.value import SecretValue
from unit.secrets.fakes import ME, AuditEntries, Clock, asked

GET_PROD = GrantAsked(["get"], ["prod/*"])


@pytest.fixture
def tokens(store: SqlcipherSecretStore, audit: AuditEntries, clock: Clock) -> Tokens:
    return Tokens(store=store, audit=audit, clock=clock)


def test_a_token_is_the_principal_of_its_name(tokens: Tokens) -> None:
    token = tokens.create("ci", [GET_PROD], by=ME)
    assert tokens.principal_of(token) == "token:ci"


def test_a_token_is_256_random_bits_behind_a_prefix(tokens: Tokens) -> None:
    first, second = tokens.create("a", [], by=ME), tokens.create("b", [], by=ME)
    assert first != second
    for token in (first.reveal().decode(), second.reveal().decode()):
        assert token.startswith("leger_")
        assert len(token) == len("leger_") + 43


def test_only_a_tokens_hash_is_stored(tokens: Tokens, store: SqlcipherSecretStore) -> None:
    token = tokens.create("ci", [], by=ME).reveal()
    with store.reading() as reader:
        (stored,) = reader.tokens()
    assert stored.digest == hashlib.sha256(token).digest()
    assert token.decode() not in repr(stored)


@pytest.mark.parametrize("change", ["", "x", "cut", "case", "prefix"])
def test_what_is_not_a_whole_token_is_nobodys(tokens: Tokens, change: str) -> None:
    token = tokens.create("ci", [], by=ME).reveal().decode()
    changed = {
        "": "",
        "x": token + "x",
        "cut": token[:-1],
        "case": token.swapcase(),
        "prefix": token.removeprefix("leger_"),
    }[change]
    assert tokens.principal_of(SecretValue(changed.encode())) is None


def test_a_revoked_token_is_nobodys_and_its_name_is_free_again(tokens: Tokens) -> None:
    token = tokens.create("ci", [GET_PROD], by=ME)
    tokens.revoke("ci", by=ME)
    assert tokens.principal_of(token) is None
    assert list(tokens.rules()) == []
    second = tokens.create("ci", [], by=ME)
    assert tokens.principal_of(token) is None
    assert tokens.principal_of(second) == "token:ci"


def test_a_token_that_another_hand_took_from_the_store_is_nobodys(
    tokens: Tokens, store: SqlcipherSecretStore
) -> None:
    token = tokens.create("ci", [GET_PROD], by=ME)
    with store.reading() as reader:
        contents = reader.contents()
    tokens.create("web", [], by=ME)
    with store.writing(contents.tokens[0].created) as writer:  # as a restore does
        writer.replace_contents(contents)
    assert [info.token.name for info in tokens.list_tokens()] == ["ci"]
    assert tokens.principal_of(token) == "token:ci"


def test_an_expired_token_is_nobodys_and_has_no_rules(tokens: Tokens, clock: Clock) -> None:
    token = tokens.create(
        "ci", [GET_PROD], expire_time=asked(clock.now + timedelta(hours=1)), by=ME
    )
    assert tokens.principal_of(token) == "token:ci"
    assert len(tokens.rules()) == 1
    clock.now += timedelta(hours=1)
    assert tokens.principal_of(token) is None
    assert list(tokens.rules()) == []


def test_a_token_may_do_what_it_was_made_for(tokens: Tokens) -> None:
    authorizer = Authorizer(tokens)
    tokens.create("ci", [GET_PROD, GrantAsked(["*"], ["ci/*"])], by=ME)
    tokens.create("web", [GrantAsked(["info"], ["*"])], by=ME)
    first = authorizer.deciding("token:ci", Permission.GET, "prod/db")
    second = authorizer.deciding("token:ci", Permission.PUT, "ci/db")
    assert first is not None
    assert second is not None
    assert (first.source, first.number, second.number) == ("token", 1, 2)
    assert authorizer.deciding("token:ci", Permission.INFO, "prod/db") is None
    assert authorizer.deciding("token:web", Permission.GET, "prod/db") is None


def test_lists_tell_when_a_token_was_last_used(tokens: Tokens, clock: Clock) -> None:
    token = tokens.create("ci", [GET_PROD], by=ME)
    tokens.create("idle", [], by=ME)
    tokens.principal_of(token)
    used = clock.now
    listed = {info.token.name: info for info in tokens.list_tokens()}
    assert listed["ci"].use_time == used
    assert listed["ci"].token.created.principal == ME.principal
    assert listed["idle"].use_time is None


def test_making_and_revoking_are_audited_by_name(tokens: Tokens, audit: AuditEntries) -> None:
    token = tokens.create("ci", [], by=ME)
    made = audit.last
    tokens.revoke("ci", by=ME)
    assert (made.action, made.detail, made.outcome) == (Action.CREATE_TOKEN, "ci", "allowed")
    assert (audit.last.action, audit.last.detail) == (Action.REVOKE_TOKEN, "ci")
    assert token.reveal().decode() not in repr(audit.entries)


def test_without_an_audit_line_no_token_is_made_or_revoked(
    tokens: Tokens, audit: AuditEntries
) -> None:
    token = tokens.create("ci", [], by=ME)
    audit.full = True
    with pytest.raises(AuditUnavailable):
        tokens.create("other", [], by=ME)
    with pytest.raises(AuditUnavailable):
        tokens.revoke("ci", by=ME)
    assert [info.token.name for info in tokens.list_tokens()] == ["ci"]
    assert tokens.principal_of(token) == "token:ci"


@pytest.mark.parametrize("name", ["", "CI", "1ci", "-ci", "c i", "c/i", "c" * 64, "ci\n"])
def test_a_bad_name_is_refused_and_audited(tokens: Tokens, audit: AuditEntries, name: str) -> None:
    with pytest.raises(InvalidName):
        tokens.create(name, [], by=ME)
    assert audit.last.outcome == "INVALID_NAME"
    with pytest.raises(InvalidName):
        tokens.revoke(name, by=ME)


def test_a_name_is_taken_once(tokens: Tokens, audit: AuditEntries) -> None:
    token = tokens.create("ci", [GET_PROD], by=ME)
    with pytest.raises(TokenExists):
        tokens.create("ci", [], by=ME)
    assert audit.last.outcome == "TOKEN_EXISTS"
    assert tokens.principal_of(token) == "token:ci"
    assert len(tokens.rules()) == 1


def test_a_token_that_would_have_expired_is_not_made(tokens: Tokens, clock: Clock) -> None:
    with pytest.raises(InvalidExpiry):
        tokens.create("ci", [], expire_time=asked(clock.now), by=ME)
    assert tokens.list_tokens() == []


def test_a_bad_grant_is_refused_by_its_place(tokens: Tokens, audit: AuditEntries) -> None:
    with pytest.raises(InvalidGrant) as refused:
        tokens.create("ci", [GET_PROD, GrantAsked(["got"], ["x"])], by=ME)
    assert refused.value.violations[0].field == "grants[1].actions"
    assert audit.last.outcome == "INVALID_GRANT"
    with pytest.raises(InvalidGrant, match="at most 100"):
        tokens.create("ci", [GET_PROD] * 101, by=ME)


def test_revoking_what_is_not_there_is_not_found(tokens: Tokens, audit: AuditEntries) -> None:
    with pytest.raises(TokenNotFound):
        tokens.revoke("ci", by=ME)
    assert audit.last.outcome == "TOKEN_NOT_FOUND"


def test_a_slow_look_at_the_tokens_brings_no_old_grant_back(
    store: SqlcipherSecretStore, audit: AuditEntries, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = Tokens(store=store, audit=audit, clock=clock)
    tokens.create("ci", [GrantAsked(["get"], ["*"])], by=ME)
    looked, go_on = threading.Event(), threading.Event()
    slow = threading.Thread(target=tokens.list_tokens)
    look = SqlcipherReader.tokens

    def slowly(view: SqlcipherReader) -> list[Token]:
        found = look(view)
        if threading.current_thread() is slow:
            looked.set()
            go_on.wait(10)
        return found

    monkeypatch.setattr(SqlcipherReader, "tokens", slowly)
    slow.start()
    assert looked.wait(10)

    def replace() -> None:
        tokens.revoke("ci", by=ME)
        tokens.principal_of(tokens.create("ci", [GrantAsked(["info"], ["public/*"])], by=ME))

    replacing = threading.Thread(target=replace)
    replacing.start()
    replacing.join(0.2)  # it may have to wait for the slow one
    go_on.set()
    for thread in (slow, replacing):
        thread.join(10)
    assert not Authorizer(tokens).deciding("token:ci", Permission.GET, "prod/db")
