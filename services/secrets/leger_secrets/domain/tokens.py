"""The bearer tokens of callers that have no socket of their own."""

import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from leger_secrets.domain import names
from leger_secrets.domain.access_errors import (
    InvalidExpiry,
    InvalidGrant,
    TokenExists,
    TokenNotFound,
)
from leger_secrets.domain.audit import Action, AuditEntry, AuditLog, Decision
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.clock import Clock
from leger_secrets.domain.errors import InvalidName
from leger_secrets.domain.grants import Grant, Rule
from leger_secrets.domain.store import SecretStore
from leger_secrets.domain.stored import Author, Token
from leger_secrets.domain.time_asked import NoSuchTime, TimeAsked
from leger_secrets.domain.value import SecretValue

SOURCE = "token"
"""What the rules of tokens name as their source."""

PRINCIPAL = "token:"
"""What the principal of a token begins with; the token's name follows."""

MAX_GRANTS = 100
"""How many grants one token may have."""

_PREFIX = "leger_"
_RANDOM_BYTES = 32
# The prefix lets scanners for leaked secrets find one; the rest is base64url of 32 bytes.
_TOKEN = re.compile((_PREFIX + r"[A-Za-z0-9_-]{43}").encode())
_NAME = re.compile(r"[a-z][a-z0-9.-]{0,62}")


class GrantAsked(NamedTuple):
    """A grant in a person's words: actions and patterns."""

    actions: Sequence[str]
    secrets: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class TokenInfo:
    """A token without itself, and when it was last used since the service started."""

    token: Token
    use_time: datetime | None


class Tokens:
    """Every request about tokens, and the rules that tokens bring with them.

    Whoever shows a token is the principal `token:<name>`. What is stored is a token's SHA-256: as
    a token is 256 random bits, that cannot be turned back, and needs no salt.
    """

    def __init__(self, *, store: SecretStore, audit: AuditLog, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._known: tuple[Token, ...] = ()
        self._looking = threading.Lock()
        self._used: dict[bytes, datetime] = {}

    def create(
        self,
        name: str,
        grants: Sequence[GrantAsked],
        *,
        expire_time: TimeAsked | None = None,
        by: Caller,
    ) -> SecretValue:
        """Make a token and return it; it cannot be had a second time.

        Raises InvalidName, InvalidGrant, InvalidExpiry, TokenExists, StoreUnavailable and
        AuditUnavailable.
        """
        now = self._clock()
        made = SecretValue((_PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)).encode())
        asked = AuditEntry(by, Action.CREATE_TOKEN, detail=name)
        with Decision(self._audit, asked) as decision:
            check_name(name)
            token = Token(
                name=name,
                digest=_digest(made),
                grants=_checked(grants),
                created=Author(by.principal, now),
                expire_time=None if expire_time is None else _expiry(name, expire_time),
            )
            if _is_over(token, now):
                raise InvalidExpiry(name)
            with self._store.writing(token.created) as store:
                if any(other.name == name for other in store.tokens()):
                    raise TokenExists(name)
                store.add_token(token)
                decision.allow(asked)
        self._refresh()
        return made

    def revoke(self, name: str, *, by: Caller) -> None:
        """Make a token worthless: no request that begins from now on is served for it.

        Raises InvalidName, TokenNotFound, StoreUnavailable and AuditUnavailable.
        """
        asked = AuditEntry(by, Action.REVOKE_TOKEN, detail=name)
        with Decision(self._audit, asked) as decision:
            check_name(name)
            with self._store.writing(Author(by.principal, self._clock())) as store:
                if not store.delete_token(name):
                    raise TokenNotFound(name)
                decision.allow(asked)
        self._refresh()

    def list_tokens(self) -> list[TokenInfo]:
        """Describe all tokens, by name. Raises StoreUnavailable. Nothing secret, so not audited."""
        known = self._refresh()
        return [TokenInfo(token=t, use_time=self._used.get(t.digest)) for t in known]

    def principal_of(self, shown: SecretValue) -> str | None:
        """Return whose token this is; None for one that is unknown, revoked or expired.

        It takes the same time wherever it differs from a token. Raises StoreUnavailable.
        """
        if not _TOKEN.fullmatch(shown.reveal()):
            return None
        digest, now = _digest(shown), self._clock()
        found = None
        for token in self._refresh():  # every one: the answer does not depend on which it is
            if hmac.compare_digest(token.digest, digest):
                found = token
        if found is None or _is_over(found, now):
            return None
        self._used[digest] = now
        return PRINCIPAL + found.name

    def find(self, name: str) -> Token | None:
        """Return the token of that name, also when it is expired. Raises StoreUnavailable."""
        return next((token for token in self._refresh() if token.name == name), None)

    def is_over(self, token: Token) -> bool:
        """Tell whether the token has expired."""
        return _is_over(token, self._clock())

    def rules(self) -> list[Rule]:
        """Return the rules of the tokens that had not expired when tokens were last looked at.

        Each request by token looks at them first. So this never asks the store, which may be
        sealed, or busy with the very request that is being decided.
        """
        now = self._clock()
        return [
            Rule(source=SOURCE, number=number, principals=(PRINCIPAL + token.name,), grant=grant)
            for token in self._known
            if not _is_over(token, now)
            for number, grant in enumerate(token.grants, 1)
        ]

    def _refresh(self) -> tuple[Token, ...]:
        """Read the tokens; the store alone knows them, as a restore replaces them too."""
        # One look at a time: else an older one could bring back what was revoked since.
        with self._looking, self._store.reading() as store:
            self._known = known = tuple(store.tokens())
        stored = {token.digest for token in known}
        for digest in list(self._used):  # a copy: other requests add to it meanwhile
            if digest not in stored:
                self._used.pop(digest, None)
        return known


def check_name(name: str, *, field: str = "name") -> None:
    """Raise InvalidName unless `name` may be the name of a token."""
    if not _NAME.fullmatch(name):
        raise InvalidName(
            f"{names.quoted(name)} cannot be the name of a token.",
            "It takes 1 to 63 lower-case letters, digits, `-` and `.`, beginning with a letter.",
            field=field,
        )


def _checked(grants: Sequence[GrantAsked]) -> tuple[Grant, ...]:
    if len(grants) > MAX_GRANTS:
        raise InvalidGrant(f"A token has at most {MAX_GRANTS} grants.", field="grants")
    return tuple(
        Grant.of(grant.actions, grant.secrets, field=f"grants[{number}]")
        for number, grant in enumerate(grants)
    )


def _expiry(name: str, asked: TimeAsked) -> datetime:
    try:
        return asked.moment()
    except NoSuchTime:
        why = "The time at which it would expire lies outside of the years 1 to 9999."
        raise InvalidExpiry(name, why) from None


def _digest(token: SecretValue) -> bytes:
    return hashlib.sha256(token.reveal()).digest()


def _is_over(token: Token, now: datetime) -> bool:
    return token.expire_time is not None and token.expire_time <= now
