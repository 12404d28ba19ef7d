"""The secrets service, as far as the deployer may know it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from leger_deployer.domain.stack import Binding, SecretUse


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a unit did not get a credential when it last asked."""

    unit: str
    credential: str
    message: str


class SecretsDirectory(Protocol):
    """The secrets service, as far as the deployer may know it: names, never values."""

    def stored(self) -> frozenset[str]:
        """Return the names of all secrets that are stored."""
        ...

    def bind(self, stack: str, uses: Iterable[SecretUse]) -> None:
        """Let exactly these units have exactly these secrets; none takes all from the stack."""
        ...

    def all_bindings(self) -> Mapping[str, frozenset[Binding]]:
        """Return what the units of each stack may have; without stacks that are not bound."""
        ...

    def watch(self) -> AbstractContextManager[Iterator[bool]]:
        """Watch whether the store is open: how it is now comes first, then every change.

        Iterating ends, or raises SecretsUnavailable, when the service does. It waits, when it ends
        gracefully, for those that go on watching after a False.
        """
        ...

    def refusals(self) -> Sequence[Refusal]:
        """Return the latest refusal of each unit."""
        ...
