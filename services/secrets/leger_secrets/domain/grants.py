"""Who may do what with which secret: setec's grants (acl/acl.go), and what decides them."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from leger_secrets.domain import names
from leger_secrets.domain.access_errors import InvalidAction, InvalidGrant
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.errors import AccessDenied, InvalidName


class Permission(StrEnum):
    """What a grant can allow: setec's six actions."""

    GET = "get"
    INFO = "info"
    PUT = "put"
    CREATE_VERSION = "create-version"
    ACTIVATE = "activate"
    DELETE = "delete"


ALL = frozenset(Permission)
ALL_WORD = "*"
"""How a grant of all actions is written."""

MAX_PATTERNS = 100
"""How many patterns one grant may have."""


@dataclass(frozen=True, kw_only=True)
class Grant:
    """These actions, with the secrets whose name matches one of the patterns.

    In a pattern `*` matches any characters, "/" too, and is the only wildcard.
    """

    actions: frozenset[Permission]
    secrets: tuple[str, ...]

    @classmethod
    def of(cls, actions: Sequence[str], secrets: Sequence[str], *, field: str = "grant") -> "Grant":
        """Return the grant that these words make, `*` being all actions.

        Raises InvalidGrant, naming `field`, for an unknown action, for a pattern that can match no
        secret, and for a grant of nothing.
        """
        if not actions or not secrets:
            missing = "secrets" if actions else "actions"
            raise InvalidGrant(f"It has no {missing}.", field=f"{field}.{missing}")
        if len(secrets) > MAX_PATTERNS:
            raise InvalidGrant(
                f"It has more than {MAX_PATTERNS} patterns.", field=f"{field}.secrets"
            )
        granted: set[Permission] = set()
        for word in actions:
            try:
                granted |= ALL if word == ALL_WORD else {permission(word)}
            except InvalidAction as error:
                raise InvalidGrant(str(error), field=f"{field}.actions") from None
        for pattern in secrets:
            if problem := _problem_of_pattern(pattern):
                raise InvalidGrant(problem, field=f"{field}.secrets")
        return cls(actions=frozenset(granted), secrets=tuple(secrets))

    def words(self) -> list[str]:
        """Return the actions as they are written, in setec's order."""
        if self.actions == ALL:
            return [ALL_WORD]
        return [str(action) for action in Permission if action in self.actions]

    def allows(self, action: Permission, secret: str) -> bool:
        """Tell whether this grant alone allows the action."""
        return action in self.actions and any(matches(p, secret) for p in self.secrets)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A grant, the principals it is for (patterns too), and where it stands: `number` from 1."""

    source: str
    number: int
    principals: tuple[str, ...]
    grant: Grant

    def concerns(self, principal: str) -> bool:
        """Tell whether this rule is for the principal."""
        return any(matches(p, principal) for p in self.principals)

    def allows(self, principal: str, action: Permission, secret: str) -> bool:
        """Tell whether this rule alone allows the principal the action."""
        return self.concerns(principal) and self.grant.allows(action, secret)


class RuleSource(Protocol):
    """Where rules come from."""

    def rules(self) -> Sequence[Rule]:
        """Return the rules that are in force now. Must be cheap, and never raises."""
        ...


BUILT_IN_SOURCE = "built in"
"""What the rules that need no file name as their source."""

BUILT_IN = (
    # Whoever may enter the operator's socket owns the scope, its store and its key.
    Rule(
        source=BUILT_IN_SOURCE,
        number=1,
        principals=("operator:*",),
        grant=Grant(actions=ALL, secrets=("*",)),
    ),
    # It plans by names and rolls rotations out; it never sees a value.
    Rule(
        source=BUILT_IN_SOURCE,
        number=2,
        principals=("svc:deployer",),
        grant=Grant(actions=frozenset({Permission.INFO, Permission.ACTIVATE}), secrets=("*",)),
    ),
)


_SERVICE = "svc:"


class Authorizer:
    """Decides by the built-in rules and those of its sources. What no rule allows is denied."""

    def __init__(self, *sources: RuleSource) -> None:
        self._sources = sources

    def rules(self) -> Iterator[Rule]:
        """Yield every rule in force, in the order in which they are tried."""
        yield from BUILT_IN
        for source in self._sources:
            yield from source.rules()

    def deciding(self, principal: str, action: Permission, secret: str) -> Rule | None:
        """Return the first rule that allows the action; None when it is denied."""
        rules = self._rules_that_count(principal)
        return next((r for r in rules if r.allows(principal, action, secret)), None)

    def concerning(self, principal: str) -> list[Rule]:
        """Return the rules that are for the principal, whatever they allow."""
        return [rule for rule in self._rules_that_count(principal) if rule.concerns(principal)]

    def _rules_that_count(self, principal: str) -> Iterable[Rule]:
        # What leger's own services may do is fixed: no file makes them able to do more.
        return BUILT_IN if principal.startswith(_SERVICE) else self.rules()

    def check(self, by: Caller, action: Permission, *secrets: str) -> None:
        """Raise AccessDenied unless the caller may do the action with every one of the secrets."""
        for secret in secrets:
            if self.deciding(by.principal, action, secret) is None:
                raise AccessDenied(by.principal, action, secret)

    def visible(self, by: Caller, secrets: Iterable[str]) -> set[str]:
        """Return those of the secrets that the caller may `info`."""
        grants = [rule.grant for rule in self.concerning(by.principal)]
        return {s for s in secrets if any(g.allows(Permission.INFO, s) for g in grants)}


def permission(word: str) -> Permission:
    """Return the action of that name. Raises InvalidAction, naming the nearest."""
    try:
        return Permission(word)
    except ValueError:
        nearest = difflib.get_close_matches(word, Permission, n=1, cutoff=0)[0]
        raise InvalidAction(
            f"{names.quoted(word)} is no action.",
            f"The actions are {', '.join(Permission)}; perhaps {nearest} is meant.",
        ) from None


def matches(pattern: str, text: str) -> bool:
    """Tell whether all of `text` matches a pattern whose `*` stands for any characters.

    The time it takes grows with the length of the text alone, whatever the pattern.
    """
    if "*" not in pattern:
        return pattern == text
    first, *middle, last = pattern.split("*")
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    # What is between two stars is best found as early as it occurs: more is left for the rest.
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _problem_of_pattern(pattern: str) -> str:
    if "*" in pattern:
        if len(pattern.encode()) > names.MAX_SECRET_NAME or not pattern.isprintable():
            return f"The pattern {names.quoted(pattern)} can match no secret's name."
        return ""
    try:
        names.check_secret(pattern)
    except InvalidName as error:
        return str(error)
    return ""
