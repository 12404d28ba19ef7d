"""The port to the store, and what it holds."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

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


class ChangeKind(StrEnum):
    """What happened to a secret."""

    VERSION_ADDED = "version-added"
    ACTIVATED = "activated"
    VERSION_DELETED = "version-deleted"
    DELETED = "deleted"
    UPDATED = "updated"


class Change(NamedTuple):
    """One change; those of one transaction share its revision. `version` is 0 where none applies.

    `last` marks the last change of its revision.
    """

    revision: int
    kind: ChangeKind
    secret: str
    version: int
    author: Author
    last: bool


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


class Reader(Protocol):
    """One consistent view of the store. Every method raises StoreUnavailable."""

    def revision(self) -> int:
        """Return the number that grows with every commit that changes anything."""
        ...

    def count(self) -> int:
        """Return how many secrets there are."""
        ...

    def find(self, name: str, version: int) -> Found | None:
        """Look up a version, 0 meaning the active one; None when there is no such secret."""
        ...

    def numbers(self, name: str) -> Numbers | None:
        """Return a secret's version numbers; None when there is no such secret."""
        ...

    def was_used(self, name: str, version: int) -> bool:
        """Tell whether the number belongs to a version of the secret, or once did."""
        ...

    def info(self, name: str) -> SecretInfo | None:
        """Describe one secret; None when there is none."""
        ...

    def infos(self) -> list[SecretInfo]:
        """Describe all secrets, sorted by name."""
        ...

    def bindings(self, *, stack: str = "", secret: str = "") -> list[StackBinding]:
        """Return bindings sorted by stack, unit and credential; empty means any."""
        ...

    def bound_secret(self, unit: str, credential: str) -> str | None:
        """Return the secret bound to exactly this unit and credential."""
        ...

    def changes(self, *, after: int, limit: int) -> list[Change] | None:
        """Return the changes of the revisions after `after`, in order.

        Whole revisions only: as many as have `limit` changes together, at least one. None when
        changes after that revision are not kept any more, or the store never had that revision.
        """
        ...

    def tokens(self) -> list[Token]:
        """Return all tokens, sorted by name."""
        ...

    def recovery_recipients(self) -> tuple[str, ...]:
        """Return who, besides this store, can open scheduled backups."""
        ...

    def contents(self) -> Contents:
        """Return everything that a backup holds."""
        ...


class Writer(Reader, Protocol):
    """A view whose changes are stored together, or not at all, and have one author."""

    def add_version(self, name: str, number: int, value: SecretValue) -> None:
        """Add a version; of a secret that is not there yet, as its active one."""
        ...

    def activate(self, name: str, version: int, previous: int | None = None) -> None:
        """Make a stored version, which is not the active one, the active one.

        `previous` is what counts as active before, 0 for none, unless that is what is active now.
        """
        ...

    def set_notes(self, name: str, notes: Notes) -> None:
        """Put these notes in the place of those that the secret has."""
        ...

    def delete_version(self, name: str, version: int) -> None:
        """Delete a value for good; its number stays used."""
        ...

    def delete_secret(self, name: str) -> None:
        """Delete all values of a secret for good, and its numbers with them."""
        ...

    def replace_bindings(self, stack: str, bindings: Sequence[Binding]) -> None:
        """Put these bindings in the place of all that the stack has."""
        ...

    def add_token(self, token: Token) -> None:
        """Add a token under a name that no other has."""
        ...

    def delete_token(self, name: str) -> bool:
        """Delete a token; return whether there was one."""
        ...

    def set_recovery_recipients(self, recipients: Iterable[str]) -> None:
        """Put these in the place of those there are."""
        ...

    def replace_contents(self, contents: Contents) -> None:
        """Put these in the place of all secrets, tokens and recipients. Bindings stay.

        The revision becomes higher than both were; no earlier one can be watched from.
        """
        ...


class SecretStore(Protocol):
    """A store of secrets and bindings that survives the loss of power at any point.

    It can be sealed: then every method raises StoreSealed, and what a closing store waits for are
    its open views. So nobody asks for a view who has one open.
    """

    def find(self, name: str, version: int) -> Found | None:
        """Look up one version as a Reader does, in a view of its own. Raises StoreUnavailable."""
        ...

    def reading(self) -> AbstractContextManager[Reader]:
        """Open a view. Raises StoreUnavailable."""
        ...

    def writing(self, author: Author) -> AbstractContextManager[Writer]:
        """Open the only changing view; leaving it commits durably, an exception undoes it.

        Raises StoreUnavailable, also on leaving, and has changed nothing then.
        """
        ...

    def wait(self, *, after: int, timeout: float) -> bool:
        """Wait, at most `timeout` seconds, until the revision is higher than `after`; tell if so.

        Raises StoreSealed as soon as the store is sealed.
        """
        ...
