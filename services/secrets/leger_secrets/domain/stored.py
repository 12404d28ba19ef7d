"""What the store holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from leger_secrets.domain.grants import Grant
from leger_secrets.domain.value import SecretValue

_LAST_TIME = datetime.max.replace(tzinfo=UTC)


class Author(NamedTuple):
    """The principal that makes a change, and when; all changes of a transaction have one."""

    principal: str
    time: datetime


@dataclass(frozen=True, kw_only=True)
class Version:
    """One stored version, without its value. `created_by` is a principal."""

    number: int
    create_time: datetime
    created_by: str


@dataclass(frozen=True, kw_only=True)
class Notes:
    """What a person notes about a secret; none of it is secret.

    `expire_time` is when the value ends to be valid at its issuer; `rotate_after_days` is 0 when no
    rotation is asked for.
    """

    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    expire_time: datetime | None = None
    rotate_after_days: int = 0


@dataclass(frozen=True, kw_only=True)
class SecretInfo:
    """A secret without any value: its stored versions, ascending, and its units, sorted.

    `previous` is the stored version that was active before the active one, 0 when there is none.
    """

    name: str
    versions: tuple[Version, ...]
    active: int
    previous: int
    revision: int
    units: tuple[str, ...]
    notes: Notes
    created: Author
    updated: Author
    activate_time: datetime

    @property
    def rotate_due_time(self) -> datetime | None:
        """When the active version has been active for as long as it should be."""
        days = self.notes.rotate_after_days
        if not days:
            return None
        return self.activate_time + min(timedelta(days=days), _LAST_TIME - self.activate_time)


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """The active version's number, the highest that was ever used, and the one active before."""

    active: int
    latest: int
    previous: int


class Latest(NamedTuple):
    """A secret's numbers, and the value of the latest version unless it was deleted."""

    numbers: Numbers
    value: SecretValue | None


class Found(NamedTuple):
    """What a look-up in an existing secret came to; no value means no such version."""

    version: int
    value: SecretValue | None


class Binding(NamedTuple):
    """The unit, or all instances of a template, gets the secret as the credential."""

    unit: str
    credential: str
    secret: str


class StackBinding(NamedTuple):
    """A binding, and the stack it belongs to."""

    stack: str
    binding: Binding


@dataclass(frozen=True, kw_only=True)
class Token:
    """A bearer token without itself: `digest` is its SHA-256."""

    name: str
    digest: bytes
    grants: tuple[Grant, ...]
    created: Author
    expire_time: datetime | None


class StoredVersion(NamedTuple):
    """A version with its value, which is None when it was deleted and its number burned."""

    version: Version
    value: SecretValue | None


@dataclass(frozen=True, kw_only=True)
class StoredSecret:
    """All there is of one secret."""

    name: str
    active: int
    latest: int
    previous: int
    notes: Notes
    created: Author
    updated: Author
    activate_time: datetime
    versions: tuple[StoredVersion, ...]


@dataclass(frozen=True, kw_only=True)
class Contents:
    """All that a backup holds. Bindings are not in it: they are of the host's own stacks."""

    revision: int
    secrets: tuple[StoredSecret, ...]
    tokens: tuple[Token, ...]
    recovery_recipients: tuple[str, ...]
