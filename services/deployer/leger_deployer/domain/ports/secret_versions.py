"""The versions of one secret, as far as rolling one out needs them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class SecretState:
    """Which version is active, which was before it (0 for none), and which are stored."""

    active: int
    previous: int
    versions: frozenset[int]


@dataclass(frozen=True, kw_only=True)
class Served:
    """The version that a unit was last handed, and when."""

    version: int
    time: datetime


@dataclass(frozen=True, kw_only=True)
class BoundUnit:
    """A unit, or a template, of a stack that gets the secret.

    `served` tells of each unit, or instance, what it was last handed; the secrets service knows
    that since it started.
    """

    stack: str
    unit: str
    served: Mapping[str, Served] = field(default_factory=dict)


class SecretVersions(Protocol):
    """Versions by their numbers, never a value. What is not stored raises an error of its kind."""

    def state(self, secret: str) -> SecretState:
        """Return what is known of a secret's versions."""
        ...

    def activate(
        self,
        secret: str,
        version: int,
        *,
        previous: int | None = None,
        for_environment: bool = False,
    ) -> None:
        """Make a stored version the active one. Fine when it is.

        `previous` is the stored version that counts as active before, 0 for none, unless that is
        the one that is active now. With `for_environment`, one that no environment variable can
        hold is refused.
        """
        ...

    def bound(self, secret: str) -> Sequence[BoundUnit]:
        """Return the units that are bound to a secret."""
        ...
