"""The rules of a secret's versions, as in tailscale/setec (db/kv.go)."""

from dataclasses import dataclass
from typing import NamedTuple

from leger_secrets.domain import limits
from leger_secrets.domain.errors import SecretNotFound, VersionClaimed, VersionNotFound
from leger_secrets.domain.store import Writer
from leger_secrets.domain.stored import Found, Latest, Numbers
from leger_secrets.domain.value import SecretValue


@dataclass(frozen=True, kw_only=True)
class PutResult:
    """What a put came to: the version, and whether it is active now and was created by this."""

    version: int
    active: bool
    created: bool


_NONE_YET = Latest(Numbers(active=1, latest=0, previous=0), None)


class Existing(NamedTuple):
    """A version that is stored."""

    version: int
    value: SecretValue


def put(store: Writer, name: str, value: SecretValue, *, activate: bool) -> PutResult:
    """Store a value as the next version, unless the latest version has that value already.

    A secret's first version becomes active; a later one, or the latest that was put again, only
    with `activate`. Unlike in setec, a put after the latest version was deleted always stores one.
    Raises VersionClaimed when no number is left.
    """
    numbers, latest = store.latest(name) or _NONE_YET
    created = latest != value
    number = numbers.latest + created
    if number > limits.MAX_VERSION:
        raise VersionClaimed(name, limits.MAX_VERSION)
    if created:
        store.add_version(name, number, value)
    active = number == numbers.active
    if activate and not active:
        store.activate(name, number)
    return PutResult(version=number, active=active or activate, created=created)


def existing(name: str, version: int, found: Found | None) -> Existing:
    """Return what a look-up found. Raises SecretNotFound, VersionNotFound."""
    if found is None:
        raise SecretNotFound(name)
    if found.value is None:
        raise VersionNotFound(name, version)
    return Existing(found.version, found.value)
