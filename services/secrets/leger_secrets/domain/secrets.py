"""Versioned secrets with one active version each, as in tailscale/setec (db/db.go, db/kv.go)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from leger_secrets.domain import limits, names
from leger_secrets.domain.audit import Action, AuditEntry, AuditLog, Decision
from leger_secrets.domain.clock import Clock
from leger_secrets.domain.errors import (
    SecretInUse,
    SecretNotFound,
    VersionActive,
    VersionClaimed,
    VersionNotFound,
)
from leger_secrets.domain.store import Found, SecretInfo, SecretStore, Version
from leger_secrets.domain.value import SecretValue


@dataclass(frozen=True, kw_only=True)
class PutResult:
    """What a put came to: the version, and whether it is active now and was created by this."""

    version: int
    active: bool
    created: bool


@dataclass(frozen=True, kw_only=True)
class GetResult:
    """A version's value, or no value when the caller said to have that version already."""

    version: int
    value: SecretValue | None


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """One of the secrets that were resolved together."""

    name: str
    version: int
    value: SecretValue


class Secrets:
    """Every request about secrets. `by` is the principal that makes it.

    Each method raises StoreUnavailable and AuditUnavailable besides the errors it names, and each
    decision is in the audit log before the method returns or raises (see Decision).
    """

    def __init__(self, *, store: SecretStore, audit: AuditLog, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock

    def put(self, name: str, value: SecretValue, *, activate: bool, by: str) -> PutResult:
        """Store a value as the next version, unless the latest version has that value already.

        A secret's first version becomes active; a later one, or the latest that was put again,
        only with `activate`. Unlike in setec, a put after the latest version was deleted always
        stores one. Raises InvalidName, ValueTooLarge, VersionClaimed when no number is left.
        """
        asked = AuditEntry(by, Action.PUT, name)
        with Decision(self._audit, asked) as decision:
            names.check_secret(name)
            limits.check_value(name, value)
            with self._store.writing() as store:
                numbers = store.numbers(name)
                latest = store.find(name, numbers.latest) if numbers else None
                created = latest is None or latest.value != value
                number = numbers.latest + created if numbers else 1
                if number > limits.MAX_VERSION:
                    raise VersionClaimed(name, limits.MAX_VERSION)
                if created:
                    store.add_version(name, self._version(number, by), value)
                active = number == (numbers.active if numbers else 1)
                if activate and not active:
                    store.activate(name, number)
                decision.allow(asked._replace(version=number))
        return PutResult(version=number, active=active or activate, created=created)

    def get(self, name: str, *, version: int = 0, if_version_not: int = 0, by: str) -> GetResult:
        """Return the active version, or the one asked for, without its value if it is known.

        Raises InvalidName, SecretNotFound, VersionNotFound.
        """
        asked = AuditEntry(by, Action.GET, name, version)
        with Decision(self._audit, asked) as decision:
            names.check_secret(name)
            found = self._store.find(name, version)
            number, value = _existing(name, version, found)
            if number == if_version_not:
                decision.allow(asked._replace(version=number, outcome="unchanged"))
                return GetResult(version=number, value=None)
            decision.allow(asked._replace(version=number))
            return GetResult(version=number, value=value)

    def resolve(self, wanted: Sequence[str], *, by: str) -> tuple[list[Resolved], int]:
        """Return the active versions of all the secrets, in the order asked for, and the revision.

        All are of one moment. Raises InvalidName, SecretNotFound naming every one that is missing,
        and ValueTooLarge when they do not fit into one answer.
        """
        asked = [AuditEntry(by, Action.GET, name) for name in wanted or [""]]
        if len(wanted) > limits.MAX_NAMES:
            asked = [AuditEntry(by, Action.GET)]
        with Decision(self._audit, *asked) as decision:
            limits.check_names(wanted)
            with self._store.reading() as store:
                found = [(name, store.find(name, 0)) for name in wanted]
                revision = store.revision()
            missing = dict.fromkeys(name for name, version in found if version is None)
            if missing:
                raise SecretNotFound(*missing)
            resolved = []
            for name, version in found:
                number, value = _existing(name, 0, version)
                resolved.append(Resolved(name=name, version=number, value=value))
            limits.check_total([secret.value for secret in resolved])
            decision.allow(*(AuditEntry(by, Action.GET, r.name, r.version) for r in resolved))
        return resolved, revision

    def info(self, name: str, *, by: str) -> SecretInfo:
        """Describe one secret. Raises InvalidName, SecretNotFound."""
        asked = AuditEntry(by, Action.INFO, name)
        with Decision(self._audit, asked) as decision:
            names.check_secret(name)
            with self._store.reading() as store:
                info = store.info(name)
            if info is None:
                raise SecretNotFound(name)
            decision.allow(asked)
        return info

    def list_secrets(self, *, by: str) -> tuple[list[SecretInfo], int]:
        """Describe all secrets, sorted by name, and return the revision."""
        asked = AuditEntry(by, Action.LIST)
        with Decision(self._audit, asked) as decision:
            with self._store.reading() as store:
                infos, revision = store.infos(), store.revision()
            decision.allow(asked)
        return infos, revision

    def create_version(self, name: str, version: int, value: SecretValue, *, by: str) -> None:
        """Store a value under a number that was never used, and activate it.

        Raises InvalidName, InvalidVersion, ValueTooLarge, VersionClaimed.
        """
        asked = AuditEntry(by, Action.CREATE_VERSION, name, version)
        with Decision(self._audit, asked) as decision:
            names.check_secret(name)
            limits.check_version(version)
            limits.check_value(name, value)
            with self._store.writing() as store:
                if store.was_used(name, version):
                    raise VersionClaimed(name, version)
                store.add_version(name, self._version(version, by), value)
                store.activate(name, version)
                decision.allow(asked)

    def activate(self, name: str, version: int, *, by: str) -> int:
        """Make a stored version the active one and return the one that was before.

        Raises InvalidName, InvalidVersion, SecretNotFound, VersionNotFound.
        """
        asked = AuditEntry(by, Action.ACTIVATE, name, version)
        with Decision(self._audit, asked) as decision:
            names.check_secret(name)
            limits.check_version(version)
            with self._store.writing() as store:
                _existing(name, version, store.find(name, version))
                previous = _existing(name, 0, store.find(name, 0)).version
                if previous != version:
                    store.activate(name, version)
                decision.allow(asked)
        return previous

    def delete(self, name: str, *, force: bool, by: str) -> None:
        """Delete a secret with all its versions; a secret put later begins at version 1 again.

        Raises InvalidName, SecretNotFound, and SecretInUse unless `force`.
        """
        asked = AuditEntry(by, Action.DELETE, name)
        with Decision(self._audit, asked) as decision:
            names.check_secret(name)
            with self._store.writing() as store:
                if store.numbers(name) is None:
                    raise SecretNotFound(name)
                units = dict.fromkeys(b.binding.unit for b in store.bindings(secret=name))
                if units and not force:
                    raise SecretInUse(name, tuple(sorted(units)))
                store.delete_secret(name)
                decision.allow(asked)

    def delete_version(self, name: str, version: int, *, by: str) -> None:
        """Delete one version that is not the active one; its number is never used again.

        Raises InvalidName, InvalidVersion, SecretNotFound, VersionNotFound, VersionActive.
        """
        asked = AuditEntry(by, Action.DELETE_VERSION, name, version)
        with Decision(self._audit, asked) as decision:
            names.check_secret(name)
            limits.check_version(version)
            with self._store.writing() as store:
                _existing(name, version, store.find(name, version))
                if version == _existing(name, 0, store.find(name, 0)).version:
                    raise VersionActive(name, version)
                store.delete_version(name, version)
                decision.allow(asked)

    def _version(self, number: int, by: str) -> Version:
        return Version(number=number, create_time=self._clock(), created_by=by)


class _Existing(NamedTuple):
    version: int
    value: SecretValue


def _existing(name: str, version: int, found: Found | None) -> _Existing:
    if found is None:
        raise SecretNotFound(name)
    if found.value is None:
        raise VersionNotFound(name, version)
    return _Existing(found.version, found.value)
