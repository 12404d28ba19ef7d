"""What decides who may do what, in words."""

from datetime import UTC, datetime, timedelta

import pytest
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.domain.access import Access
from leger_secrets.domain.access_errors import InvalidAction, InvalidPrincipal
from leger_secrets.domain.bindings import Bindings
from leger_secrets.domain.errors import InvalidName
from leger_secrets.domain.grants import Authorizer, Grant, Rule
from leger_secrets.domain.stored import Binding
from leger_secrets.domain.tokens import GrantAsked, Tokens
from unit.secrets.fakes import DEPLOYER, ME, AuditEntries, Clock, asked

PATH = "/etc/leger/policy.toml"


class File:
    """A policy file that a test writes down."""

    def __init__(self) -> None:
        self.path = PATH
        self.load_time: datetime | None = None
        self.problem = ""
        self.written: list[Rule] = []

    def write(self, principal: str, actions: str, secret: str) -> None:
        grant = Grant.of(actions.split(), [secret])
        number = len(self.written) + 1
        self.written.append(Rule(source=PATH, number=number, principals=(principal,), grant=grant))

    def rules(self) -> list[Rule]:
        return self.written


@pytest.fixture
def file() -> File:
    return File()


@pytest.fixture
def tokens(store: SqlcipherSecretStore, audit: AuditEntries, clock: Clock) -> Tokens:
    return Tokens(store=store, audit=audit, clock=clock)


@pytest.fixture
def access(store: SqlcipherSecretStore, tokens: Tokens, file: File) -> Access:
    return Access(
        store=store,
        authorizer=Authorizer(file, tokens),
        tokens=tokens,
        policy_file=file,
        operator="root",
    )


def said(access: Access, principal: str, action: str, secret: str) -> tuple[bool, str]:
    verdict = access.explain(principal, action, secret)
    assert (verdict.rule is not None) == verdict.allowed
    return verdict.allowed, verdict.explanation


def test_a_built_in_rule_is_named(access: Access) -> None:
    assert said(access, "operator:root", "delete", "x") == (
        True,
        "operator:root may delete x: built-in rule 1 allows it.",
    )


def test_nobody_is_the_operator_of_another_account(access: Access) -> None:
    assert said(access, "operator:alice", "get", "x") == (
        False,
        "operator:alice may not get x: nobody is that here; the operator is operator:root.",
    )
    assert said(access, "svc:deployer", "get", "x") == (
        False,
        "svc:deployer may not get x: the one rule that is for it does not allow that.",
    )


def test_a_rule_of_the_file_is_named_by_its_place(
    access: Access, file: File, tokens: Tokens
) -> None:
    tokens.create("ci", [], by=ME)
    file.write("token:web", "get", "*")
    file.write("token:*", "get info", "prod/*")
    allowed = access.explain("token:ci", "info", "prod/db")
    assert allowed.explanation == f"token:ci may info prod/db: rule 2 of {PATH} allows it."
    assert allowed.rule == file.written[1]


def test_a_grant_of_a_token_is_named_even_if_it_was_just_made(
    access: Access, tokens: Tokens
) -> None:
    tokens.create("ci", [GrantAsked(["put"], ["a"]), GrantAsked(["get"], ["b"])], by=ME)
    assert said(access, "token:ci", "get", "b") == (
        True,
        "token:ci may get b: grant 2 of the token itself allows it.",
    )
    assert said(access, "token:ci", "get", "a") == (
        False,
        "token:ci may not get a: none of the 2 rules that are for it allows that.",
    )


def test_a_token_that_is_not_there_or_has_expired_is_remarked(
    access: Access, file: File, tokens: Tokens, clock: Clock
) -> None:
    assert said(access, "token:ci", "get", "x") == (
        False,
        "token:ci may not get x: no rule is for it. But there is no token ci.",
    )
    file.write("token:ci", "get", "*")
    assert said(access, "token:ci", "get", "x") == (
        True,
        f"token:ci may get x: rule 1 of {PATH} allows it. But there is no token ci.",
    )
    tokens.create("ci", [], expire_time=asked(clock.now + timedelta(minutes=1)), by=ME)
    clock.now += timedelta(minutes=2)
    assert said(access, "token:ci", "get", "x")[1].endswith("But the token ci has expired.")


def test_a_mistake_in_the_file_is_remarked(
    access: Access, file: File, tokens: Tokens, clock: Clock
) -> None:
    tokens.create("ci", [], expire_time=None, by=ME)
    file.write("token:ci", "get", "*")
    file.load_time = clock.now
    file.problem = "Line 3: `action` is not known."
    allowed, explanation = said(access, "token:ci", "get", "x")
    assert allowed
    assert explanation == (
        f"token:ci may get x: rule 1 of {PATH} allows it. The last good rules of {PATH} are in"
        " force, as it has a mistake now: Line 3: `action` is not known."
    )


def test_a_file_that_was_never_good_has_no_rules_in_force(access: Access, file: File) -> None:
    file.load_time = None
    file.problem = "Line 3: `action` is not known."
    assert f"No rules of {PATH} are in force" in said(access, "token:ci", "get", "x")[1]


def test_no_rule_of_a_file_makes_a_service_of_legers_able_to_do_more(
    access: Access, file: File
) -> None:
    file.write("*", "*", "*")
    assert said(access, "svc:deployer", "get", "x") == (
        False,
        "svc:deployer may not get x: the one rule that is for it does not allow that.",
    )


def test_a_units_bindings_decide_whatever_rules_say(
    access: Access, file: File, bindings: Bindings
) -> None:
    file.write("*", "*", "*")
    bindings.bind_stack("notes", [Binding("web.service", "db", "notes/db")], by=DEPLOYER)
    verdict = access.explain("unit:web.service", "get", "notes/db")
    assert verdict.rule is not None
    assert (verdict.rule.source, verdict.rule.principals) == ("binding", ("unit:web.service",))
    assert verdict.explanation == (
        "unit:web.service may get notes/db: the stack notes gives it as the credential db."
    )
    assert said(access, "unit:web.service", "get", "other") == (
        False,
        "unit:web.service may not get other: no stack that is installed gives it.",
    )
    assert said(access, "unit:web.service", "info", "notes/db") == (
        False,
        "unit:web.service may not info notes/db: a unit is only ever handed values.",
    )


def test_an_instance_gets_what_its_template_does_unless_it_has_its_own(
    access: Access, bindings: Bindings
) -> None:
    bindings.bind_stack(
        "notes",
        [
            Binding("web@.service", "db", "shared"),
            Binding("web@eu.service", "db", "european"),
        ],
        by=DEPLOYER,
    )
    assert said(access, "unit:web@us.service", "get", "shared")[0]
    assert not said(access, "unit:web@eu.service", "get", "shared")[0]
    assert said(access, "unit:web@eu.service", "get", "european")[0]
    assert not said(access, "unit:web@us.service", "get", "european")[0]


@pytest.mark.parametrize(
    "principal",
    ["", "root", "operator:", "token:", "token:a b", "token:*", "svc:sync", "Token:ci", "unit"],
)
def test_what_is_no_principal_is_refused(access: Access, principal: str) -> None:
    with pytest.raises(InvalidPrincipal):
        access.explain(principal, "get", "x")


def test_bad_words_are_refused(access: Access) -> None:
    with pytest.raises(InvalidAction):
        access.explain("token:ci", "read", "x")
    with pytest.raises(InvalidName):
        access.explain("token:ci", "get", "a//b")
    with pytest.raises(InvalidName):
        access.explain("unit:web", "get", "x")


def test_asking_is_not_audited(access: Access, audit: AuditEntries) -> None:
    access.explain("token:ci", "get", "x")
    access.policy()
    assert audit.entries == []


def test_the_policy_is_all_rules_in_their_order(access: Access, file: File, tokens: Tokens) -> None:
    tokens.create("ci", [GrantAsked(["get"], ["x"])], by=ME)
    file.write("token:ci", "get", "*")
    file.load_time = datetime(2026, 1, 1, tzinfo=UTC)
    policy = access.policy()
    assert [rule.source for rule in policy.rules] == ["built in", "built in", PATH, "token"]
    assert (policy.path, policy.load_time, policy.problem) == (PATH, file.load_time, "")
