"""Explaining who may do what."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from leger_secrets.domain import grants, names
from leger_secrets.domain.access_errors import InvalidPrincipal
from leger_secrets.domain.grants import Authorizer, Grant, Permission, Rule, RuleSource
from leger_secrets.domain.store import SecretStore
from leger_secrets.domain.tokens import PRINCIPAL as TOKEN
from leger_secrets.domain.tokens import SOURCE, Tokens

BINDING = "binding"
"""What a rule names as its source that is a unit's binding."""

_UNIT, _OPERATOR = "unit:", "operator:"
_PRINCIPAL = re.compile(r"(operator:|token:|unit:)[^\s*]+|svc:deployer")


class PolicyFile(RuleSource, Protocol):
    """The file in which the operator writes rules down."""

    @property
    def path(self) -> str:
        """Where it is, or would be."""
        ...

    @property
    def load_time(self) -> datetime | None:
        """When the rules in force were read; None when it never could be, or does not exist."""
        ...

    @property
    def problem(self) -> str:
        """What is wrong with it now, in one sentence; empty when nothing is."""
        ...


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a principal may do something, the first rule that allows it, and a sentence or two.

    `rule` is None when none does.
    """

    allowed: bool
    rule: Rule | None
    explanation: str


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The rules in force, in the order in which they are tried, and the state of the file."""

    rules: Sequence[Rule]
    path: str
    load_time: datetime | None
    problem: str


class Access:
    """Answers questions about grants. They reveal no secret and change nothing: not audited.

    `operator` is the one account whose calls are an operator's here.
    """

    def __init__(
        self,
        *,
        store: SecretStore,
        authorizer: Authorizer,
        tokens: Tokens,
        policy_file: PolicyFile,
        operator: str,
    ) -> None:
        self._operator = operator
        self._store = store
        self._authorizer = authorizer
        self._tokens = tokens
        self._policy_file = policy_file

    def explain(self, principal: str, action: str, secret: str) -> Verdict:
        """Tell whether the principal may do the action with the secret, which need not exist.

        For a unit its bindings decide. Raises InvalidPrincipal, InvalidAction, InvalidName and
        StoreUnavailable.
        """
        _check_principal(principal)
        permission = grants.permission(action)
        names.check_secret(secret, field="secret")
        if principal.startswith(_UNIT):
            rule, why = self._of_unit(principal.removeprefix(_UNIT), permission, secret)
        else:
            rule, why = self._of_others(principal, permission, secret)
        may = "may" if rule else "may not"
        return Verdict(
            allowed=rule is not None,
            rule=rule,
            explanation=f"{principal} {may} {permission} {secret}: {why}",
        )

    def policy(self) -> Policy:
        """Return the rules in force. Raises StoreUnavailable."""
        self._tokens.list_tokens()  # brings the rules of tokens up to date
        rules = tuple(self._authorizer.rules())
        file = self._policy_file
        return Policy(rules=rules, path=file.path, load_time=file.load_time, problem=file.problem)

    def _of_others(
        self, principal: str, action: Permission, secret: str
    ) -> tuple[Rule | None, str]:
        remark = self._about_token(principal)
        if principal.startswith(_OPERATOR) and principal != _OPERATOR + self._operator:
            # A rule may be for it, but only this account can open the operator's socket.
            return None, f"nobody is that here; the operator is {_OPERATOR}{self._operator}."
        rule = self._authorizer.deciding(principal, action, secret)
        if self._policy_file.problem:
            which = "The last good rules" if self._policy_file.load_time else "No rules"
            remark += f" {which} of {self._policy_file.path} are in force, as it has a mistake"
            remark += f" now: {self._policy_file.problem}"
        if rule is not None:
            return rule, f"{_place(rule)} allows it.{remark}"
        count = len(self._authorizer.concerning(principal))
        if count == 0:
            return None, f"no rule is for it.{remark}"
        if count == 1:
            return None, f"the one rule that is for it does not allow that.{remark}"
        return None, f"none of the {count} rules that are for it allows that.{remark}"

    def _about_token(self, principal: str) -> str:
        if not principal.startswith(TOKEN):
            return ""
        name = principal.removeprefix(TOKEN)
        token = self._tokens.find(name)
        if token is None:
            return f" But there is no token {name}."
        return f" But the token {name} has expired." if self._tokens.is_over(token) else ""

    def _of_unit(self, unit: str, action: Permission, secret: str) -> tuple[Rule | None, str]:
        names.check_unit(unit, field="principal")
        if action != Permission.GET:
            return None, "a unit is only ever handed values."
        with self._store.reading() as store:
            found = store.bindings(secret=secret)
            bound = {b.binding.credential for b in store.bindings() if b.binding.unit == unit}
        for number, (stack, binding) in enumerate(found, 1):
            # What is bound to an instance itself hides what is bound to its template.
            by_template = binding.unit == names.template_of(unit)
            if binding.unit == unit or (by_template and binding.credential not in bound):
                grant = Grant(actions=frozenset({action}), secrets=(secret,))
                rule = Rule(
                    source=BINDING, number=number, principals=(_UNIT + binding.unit,), grant=grant
                )
                return rule, f"the stack {stack} gives it as the credential {binding.credential}."
        return None, "no stack that is installed gives it."


def _place(rule: Rule) -> str:
    if rule.source == grants.BUILT_IN_SOURCE:
        return f"built-in rule {rule.number}"
    if rule.source == SOURCE:
        return f"grant {rule.number} of the token itself"
    return f"rule {rule.number} of {rule.source}"


def _check_principal(principal: str) -> None:
    if not _PRINCIPAL.fullmatch(principal):
        raise InvalidPrincipal(
            f"{names.quoted(principal)} is no principal.",
            "A principal is operator:ACCOUNT, svc:deployer, token:NAME or unit:UNIT.service.",
        )
