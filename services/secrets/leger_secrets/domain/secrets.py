"""Versioned secrets with one active version each, as in tailscale/setec (db/db.go, db/kv.go)."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from leger_secrets.domain import limits, names, versions
from leger_secrets.domain.audit import Action, AuditEntry, AuditLog, Decision
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.clock import Clock
from leger_secrets.domain.errors import (
    NotForEnvironment,
    SecretInUse,
    SecretNotFound,
    VersionActive,
    VersionClaimed,
)
from leger_secrets.domain.grants import Authorizer, Permission
from leger_secrets.domain.store import SecretStore
from leger_secrets.domain.stored import Author, SecretInfo
from leger_secrets.domain.value import SecretValue
from leger_secrets.domain.versions import PutResult


class GetResult(NamedTuple):
    """A version's value, or no value when the caller said to have that version already."""

    version: int
    value: SecretValue | None


class Resolved(NamedTuple):
    """One of the secrets that were resolved together."""

    name: str
    version: int
    value: SecretValue


class Secrets:
    """Every request about secrets. `by` is who makes it.

    Each method raises AccessDenied, StoreSealed, StoreUnavailable and AuditUnavailable besides the
    errors it names, and each decision is in the audit log before the method returns or raises (see
    Decision). What a caller may not do is denied before it is told whether the secret exists, or
    could.
    """

    def __init__(
        self, *, store: SecretStore, audit: AuditLog, grants: Authorizer, clock: Clock
    ) -> None:
        self._store = store
        self._grants = grants
        self._audit = audit
        self._clock = clock

    def put(self, name: str, value: SecretValue, *, activate: bool, by: Caller) -> PutResult:
        """Store a value as the next version (see versions.put); `activate` is an action too.

        Raises InvalidName, ValueTooLarge, VersionClaimed.
        """
        return self.put_made(name, lambda: value, activate=activate, by=by)

    def put_made(
        self,
        name: str,
        make: Callable[[], SecretValue],
        *,
        activate: bool,
        detail: str = "",
        by: Caller,
    ) -> PutResult:
        """Do so with a value that is made only for a caller who may put it.

        `detail` is for the audit log. Raises what `make` does, too.
        """
        asked = AuditEntry(by, Action.PUT, name, detail=detail)
        with Decision(self._audit, asked) as decision:
            self._grants.check(by, Permission.PUT, name)
            if activate:
                self._grants.check(by, Permission.ACTIVATE, name)
            names.check_secret(name)
            value = make()
            limits.check_value(name, value)
            with self._store.writing(self._author(by)) as store:
                put = versions.put(store, name, value, activate=activate)
                decision.allow(asked._replace(version=put.version))
        return put

    def get(self, name: str, *, version: int = 0, if_version_not: int = 0, by: Caller) -> GetResult:
        """Return the active version, or the one asked for, without its value if it is known.

        Raises InvalidName, SecretNotFound, VersionNotFound.
        """
        asked = AuditEntry(by, Action.GET, name, version)
        with Decision(self._audit, asked) as decision:
            self._grants.check(by, Permission.GET, name)
            names.check_secret(name)
            found = self._store.find(name, version)
            number, value = versions.existing(name, version, found)
            if number == if_version_not:
                decision.allow(AuditEntry(by, Action.GET, name, number, "unchanged"))
                return GetResult(number, None)
            decision.allow(AuditEntry(by, Action.GET, name, number))
            return GetResult(number, value)

    def resolve(self, wanted: Sequence[str], *, by: Caller) -> tuple[list[Resolved], int]:
        """Return the active versions of all the secrets, in the order asked for, and the revision.

        All are of one moment. Raises InvalidName, SecretNotFound naming every one that is missing,
        else ValueTooLarge when they do not fit into one answer.
        """
        asked = [AuditEntry(by, Action.GET, name) for name in wanted or [""]]
        if len(wanted) > limits.MAX_NAMES:
            asked = [AuditEntry(by, Action.GET)]
        with Decision(self._audit, *asked) as decision:
            limits.check_count(len(wanted), verb="asked for", field="names")
            self._grants.check(by, Permission.GET, *wanted)
            names.check_secrets(wanted)
            resolved, missing, total = [], [], 0
            with self._store.reading() as store:
                for name in wanted:
                    found = store.find(name, 0)
                    if found is None:
                        missing.append(name)
                        continue
                    number, value = versions.existing(name, 0, found)
                    total += len(value)
                    if total <= limits.MAX_RESOLVED:  # what is answered, and no more, is held
                        resolved.append(Resolved(name, number, value))
                revision = store.revision()
            if missing:
                raise SecretNotFound(*dict.fromkeys(missing))
            limits.check_total(len(wanted), total)
            decision.allow(*(AuditEntry(by, Action.GET, r.name, r.version) for r in resolved))
        return resolved, revision

    def info(self, name: str, *, by: Caller) -> SecretInfo:
        """Describe one secret. Raises InvalidName, SecretNotFound."""
        asked = AuditEntry(by, Action.INFO, name)
        with Decision(self._audit, asked) as decision:
            self._grants.check(by, Permission.INFO, name)
            names.check_secret(name)
            with self._store.reading() as store:
                info = store.info(name)
            if info is None:
                raise SecretNotFound(name)
            decision.allow(asked)
        return info

    def list_secrets(self, *, by: Caller) -> tuple[list[SecretInfo], int]:
        """Describe the secrets that the caller may `info`, by name, and return the revision."""
        asked = AuditEntry(by, Action.LIST)
        with Decision(self._audit, asked) as decision:
            with self._store.reading() as store:
                infos, revision = store.infos(), store.revision()
            decision.allow(asked)
        visible = self._grants.visible(by, [info.name for info in infos])
        return [info for info in infos if info.name in visible], revision

    def create_version(self, name: str, version: int, value: SecretValue, *, by: Caller) -> None:
        """Store a value under a number that was never used, and activate it.

        Raises InvalidName, InvalidVersion, ValueTooLarge, VersionClaimed.
        """
        asked = AuditEntry(by, Action.CREATE_VERSION, name, version)
        with Decision(self._audit, asked) as decision:
            self._grants.check(by, Permission.CREATE_VERSION, name)
            names.check_secret(name)
            limits.check_version(version)
            limits.check_value(name, value)
            with self._store.writing(self._author(by)) as store:
                if store.was_used(name, version):
                    raise VersionClaimed(name, version)
                numbers = store.numbers(name)
                store.add_version(name, version, value)
                if numbers:  # else it is active already, as the first one
                    store.activate(name, version)
                decision.allow(asked)

    def activate(
        self,
        name: str,
        version: int,
        *,
        previous: int | None = None,
        for_environment: bool = False,
        by: Caller,
    ) -> int:
        """Make a stored version the active one and return the one that was before.

        That one is what a roll-back goes to, unless `previous` names another stored version, or
        0 for none: who takes an activation back does not want it to be gone back to.
        Raises InvalidName, InvalidVersion, SecretNotFound, VersionNotFound, and with
        `for_environment` NotForEnvironment.
        """
        asked = AuditEntry(by, Action.ACTIVATE, name, version)
        with Decision(self._audit, asked) as decision:
            self._grants.check(by, Permission.ACTIVATE, name)
            names.check_secret(name)
            limits.check_version(version)
            with self._store.writing(self._author(by)) as store:
                found = versions.existing(name, version, store.find(name, version))
                if for_environment and b"\0" in found.value.reveal():
                    raise NotForEnvironment(name, version)
                if previous:
                    versions.existing(name, previous, store.find(name, previous))
                active = versions.existing(name, 0, store.find(name, 0)).version
                if active != version:
                    store.activate(name, version, 0 if previous == version else previous)
                decision.allow(asked)
        return active

    def delete(self, name: str, *, force: bool, by: Caller) -> None:
        """Delete a secret with all its versions; a secret put later begins at version 1 again.

        Raises InvalidName, SecretNotFound, and SecretInUse unless `force`.
        """
        asked = AuditEntry(by, Action.DELETE, name)
        with Decision(self._audit, asked) as decision:
            self._grants.check(by, Permission.DELETE, name)
            names.check_secret(name)
            with self._store.writing(self._author(by)) as store:
                if store.numbers(name) is None:
                    raise SecretNotFound(name)
                units = dict.fromkeys(b.binding.unit for b in store.bindings(secret=name))
                if units and not force:
                    raise SecretInUse(name, tuple(sorted(units)))
                store.delete_secret(name)
                decision.allow(asked)

    def delete_version(self, name: str, version: int, *, by: Caller) -> None:
        """Delete one version that is not the active one; its number is never used again.

        Raises InvalidName, InvalidVersion, SecretNotFound, VersionNotFound, VersionActive.
        """
        asked = AuditEntry(by, Action.DELETE_VERSION, name, version)
        with Decision(self._audit, asked) as decision:
            self._grants.check(by, Permission.DELETE, name)
            names.check_secret(name)
            limits.check_version(version)
            with self._store.writing(self._author(by)) as store:
                versions.existing(name, version, store.find(name, version))
                if version == versions.existing(name, 0, store.find(name, 0)).version:
                    raise VersionActive(name, version)
                store.delete_version(name, version)
                decision.allow(asked)

    def _author(self, by: Caller) -> Author:
        return Author(by.principal, self._clock())
