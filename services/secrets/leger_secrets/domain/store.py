"""The port to the store."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from leger_secrets.domain.changes import Change
from leger_secrets.domain.stored import (
    Author,
    Binding,
    Contents,
    Found,
    Latest,
    Notes,
    Numbers,
    SecretInfo,
    StackBinding,
    Token,
)
from leger_secrets.domain.value import SecretValue


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

    def latest(self, name: str) -> Latest | None:
        """Return the same with the latest version's value."""
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
