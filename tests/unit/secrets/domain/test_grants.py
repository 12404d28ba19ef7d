"""Who may do what: setec's rules (acl/acl_test.go), and what decides."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leger_secrets.domain import grants
from leger_secrets.domain.access_errors import InvalidAction, InvalidGrant
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.errors import AccessDenied
from leger_secrets.domain.grants import ALL, Authorizer, Grant, Permission, Rule

CI = "token:ci"


class Rules:
    """A source of rules that a test writes down."""

    def __init__(self, *rules: Rule) -> None:
        self._rules = rules
        self.asked = 0

    def rules(self) -> tuple[Rule, ...]:
        self.asked += 1
        return self._rules


def rule(actions: str, secrets: str, principals: str = CI, number: int = 1) -> Rule:
    return Rule(
        source="a file",
        number=number,
        principals=tuple(principals.split()),
        grant=Grant.of(actions.split(), secrets.split()),
    )


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("exact", ["exact"], ["Exact", "exact/x", "xexact", ""]),
        ("*", ["", "x", "a/b", "two\nlines"], []),
        ("prod/*", ["prod/", "prod/db", "prod/db/eu"], ["prod", "production", "x/prod/db"]),
        ("*/tail", ["/tail", "x/tail", "x/y/tail"], ["tail", "x/tail/y"]),
        ("a*b*c", ["abc", "a-b-c", "abcbc", "a/b/c"], ["ac", "ab", "acb", "xabc", "abcx"]),
        ("a*a", ["aa", "aba"], ["a"]),
        ("*aa*a", ["aaa", "xaaxa"], ["aa", "aax"]),
        ("q?x", ["q?x"], ["qzx"]),
        ("[ab].x", ["[ab].x"], ["a.x", "a1x"]),
    ],
)
def test_only_the_star_is_a_wildcard(pattern: str, matching: list[str], others: list[str]) -> None:
    assert [text for text in matching + others if grants.matches(pattern, text)] == matching


@given(st.text("ab*/", max_size=6), st.text("ab/", max_size=8))
def test_patterns_match_what_the_same_regular_expression_does(pattern: str, text: str) -> None:
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL)
    assert grants.matches(pattern, text) == bool(expected)


def test_no_pattern_takes_long() -> None:
    # As a regular expression this would not end before the universe does.
    assert not grants.matches("*a" * 60 + "b*", "a" * 1_000_000)


def test_the_operator_may_do_everything_and_the_deployer_never_sees_a_value() -> None:
    authorizer = Authorizer()
    for action in Permission:
        assert authorizer.deciding("operator:root", action, "any/secret")
        may = authorizer.deciding("svc:deployer", action, "any/secret") is not None
        assert may == (action in {Permission.INFO, Permission.ACTIVATE})
        assert authorizer.deciding(CI, action, "any/secret") is None


def test_rules_add_up_and_the_first_that_allows_decides() -> None:
    first = rule("get", "control/foo control/bar")
    second = rule("info put create-version activate", "*", number=2)
    third = rule("get delete", "dev/*  control/*", number=3)
    authorizer = Authorizer(Rules(first, second), Rules(third))
    assert authorizer.deciding(CI, Permission.GET, "control/foo") is first
    assert authorizer.deciding(CI, Permission.GET, "control/quux") is third
    assert authorizer.deciding(CI, Permission.PUT, "control/quux") is second
    assert authorizer.deciding(CI, Permission.DELETE, "dev/foo") is third
    assert authorizer.deciding(CI, Permission.DELETE, "dev") is None


def test_a_rule_is_for_the_principals_that_it_names() -> None:
    authorizer = Authorizer(Rules(rule("get", "*", "token:ci token:web-*")))
    allowed = ["token:ci", "token:web-1"]
    for principal in [*allowed, "token:c", "token:ci2", "token:web", "unit:token:ci"]:
        may = authorizer.deciding(principal, Permission.GET, "x") is not None
        assert may == (principal in allowed)


def test_what_no_rule_allows_is_denied_by_name() -> None:
    authorizer = Authorizer(Rules(rule("get", "prod/*")))
    by = Caller(CI)
    authorizer.check(by, Permission.GET, "prod/a", "prod/b")
    with pytest.raises(AccessDenied, match="token:ci may not get the secret dev/a"):
        authorizer.check(by, Permission.GET, "prod/a", "dev/a")


def test_visible_is_what_may_be_asked_info_of_and_rules_are_looked_up_once() -> None:
    source = Rules(rule("info", "prod/*"), rule("get", "dev/*"), rule("info", "*", "token:other"))
    secrets = [f"{kind}/{number}" for kind in ("prod", "dev") for number in range(50)]
    seen = Authorizer(source).visible(Caller(CI), secrets)
    assert seen == {name for name in secrets if name.startswith("prod/")}
    assert source.asked == 1


def test_no_rule_of_a_file_makes_more_visible_to_a_service() -> None:
    source = Rules(rule("info", "*", "*"))
    assert Authorizer(source).visible(Caller("svc:sync"), ["prod/a"]) == set()


def test_a_grant_of_star_is_one_of_all_actions() -> None:
    assert Grant.of(["*"], ["prod/*"]).actions == ALL
    assert Grant.of(["*"], ["prod/*"]).words() == ["*"]
    assert Grant.of(["put", "get", "put"], ["x"]).words() == ["get", "put"]


@pytest.mark.parametrize(
    ("actions", "secrets", "field", "why"),
    [
        ([], ["x"], "grant.actions", "It has no actions."),
        (["get"], [], "grant.secrets", "It has no secrets."),
        (["gett"], ["x"], "grant.actions", "perhaps get is meant"),
        (["Get"], ["x"], "grant.actions", '"Get" is no action'),
        (["get"], [""], "grant.secrets", "It is empty."),
        (["get"], ["prod/"], "grant.secrets", "cannot be the name of a secret"),
        (["get"], ["_internal/x"], "grant.secrets", "are reserved"),
        (["get"], ["a\n*"], "grant.secrets", "can match no secret's name"),
        (["get"], ["*" + "n" * 300], "grant.secrets", "can match no secret's name"),
        (["get"], ["x"] * 101, "grant.secrets", "more than 100 patterns"),
    ],
)
def test_a_grant_of_nothing_is_refused(
    actions: list[str], secrets: list[str], field: str, why: str
) -> None:
    with pytest.raises(InvalidGrant) as refused:
        Grant.of(actions, secrets)
    assert refused.value.violations[0].field == field
    assert why in refused.value.why


def test_an_unknown_action_is_told_the_nearest() -> None:
    with pytest.raises(InvalidAction, match="perhaps create-version is meant"):
        grants.permission("createversion")
