"""The port to the store, and what it holds."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from leger_secrets.domain.value import SecretValue


@dataclass(frozen=True, kw_only=True)
class Version:
    """One stored version, without its value. `created_by` is a principal."""

    number: int
    create_time: datetime
    created_by: str


@dataclass(frozen=True, kw_only=True)
class SecretInfo:
    """A secret without any value: its stored versions, ascending, and its units, sorted."""

    name: str
    versions: tuple[Version, ...]
    active: int
    revision: int
    units: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """The active version's number, and the highest that was ever used."""

    active: int
    latest: int


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


class Reader(Protocol):
    """One consistent view of the store. Every method raises StoreUnavailable."""

    def revision(self) -> int:
        """Return the number that grows with every change to a secret."""
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


class Writer(Reader, Protocol):
    """A view whose changes are stored together, or not at all."""

    def add_version(self, name: str, version: Version, value: SecretValue) -> None:
        """Add a version; of a secret that is not there yet, as its active one."""
        ...

    def activate(self, name: str, version: int) -> None:
        """Make a stored version the active one."""
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


class SecretStore(Protocol):
    """A store of secrets and bindings that survives the loss of power at any point."""

    def find(self, name: str, version: int) -> Found | None:
        """Look up one version as a Reader does, in a view of its own. Raises StoreUnavailable."""
        ...

    def reading(self) -> AbstractContextManager[Reader]:
        """Open a view. Raises StoreUnavailable."""
        ...

    def writing(self) -> AbstractContextManager[Writer]:
        """Open the only changing view; leaving it commits durably, an exception undoes it.

        Raises StoreUnavailable, also on leaving, and has changed nothing then.
        """
        ...
