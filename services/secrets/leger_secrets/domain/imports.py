"""Several values put at once, as from a file of settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from leger_secrets.domain import limits, names, versions
from leger_secrets.domain.audit import Action, AuditEntry, AuditLog, Decision
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.clock import Clock
from leger_secrets.domain.errors import InvalidName, VersionClaimed
from leger_secrets.domain.grants import Authorizer, Permission
from leger_secrets.domain.store import Reader, SecretStore
from leger_secrets.domain.stored import Author
from leger_secrets.domain.value import SecretValue


class Item(NamedTuple):
    """A value, and the secret it is to be the active value of."""

    name: str
    value: SecretValue


class ImportChange(Enum):
    """What an import does to a secret."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    ACTIVATED = "activated"


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What became of one item: `version` is active now, and `units` have it after a restart."""

    name: str
    change: ImportChange
    version: int
    units: tuple[str, ...]


class Imports:
    """Every request to import. Errors and the audit log are as in Secrets."""

    def __init__(
        self, *, store: SecretStore, audit: AuditLog, grants: Authorizer, clock: Clock
    ) -> None:
        self._store = store
        self._audit = audit
        self._grants = grants
        self._clock = clock

    def import_secrets(
        self, items: Sequence[Item], *, dry_run: bool, by: Caller
    ) -> tuple[list[Imported], int]:
        """Put and activate all the values or none, and return what that did and the revision.

        A secret whose active value is the given one is left alone. With `dry_run` the store is not
        changed, and the result is what it would be. Raises InvalidName, ValueTooLarge,
        VersionClaimed.
        """
        template = AuditEntry(by, Action.PUT, detail="dry run" if dry_run else "import")
        asked = [template._replace(secret=item.name) for item in items[: limits.MAX_NAMES]]
        with Decision(self._audit, *(asked or [template])) as decision:
            limits.check_count(len(items), verb="imported", field="secrets")
            wanted = [item.name for item in items]
            self._grants.check(by, Permission.PUT, *wanted)
            self._grants.check(by, Permission.ACTIVATE, *wanted)
            _check(items)
            if dry_run:
                with self._store.reading() as reader:
                    results = [_planned(reader, item) for item in items]
                    revision = reader.revision()
                decision.allow(*_entries(template, results))
                return results, revision
            with self._store.writing(Author(by.principal, self._clock())) as store:
                results = [_planned(store, item) for item in items]
                for item, result in zip(items, results, strict=True):
                    if result.change is not ImportChange.UNCHANGED:
                        versions.put(store, item.name, item.value, activate=True)
                revision = store.revision()
                decision.allow(*_entries(template, results))
        return results, revision


def _check(items: Sequence[Item]) -> None:
    seen: set[str] = set()
    for number, (name, value) in enumerate(items):
        field = f"secrets[{number}]"
        names.check_secret(name, field=f"{field}.name")
        if name in seen:
            raise InvalidName(
                f"{names.quoted(name)} cannot be imported.",
                "It is given twice, and only one value can be the active one.",
                field=f"{field}.name",
            )
        seen.add(name)
        limits.check_value(name, value, field=f"{field}.value")


def _planned(store: Reader, item: Item) -> Imported:
    """Return what a put of the item with activation will do; raise VersionClaimed if it cannot."""
    numbers = store.numbers(item.name)
    units = sorted({bound.binding.unit for bound in store.bindings(secret=item.name)})

    def imported(change: ImportChange, version: int) -> Imported:
        return Imported(name=item.name, change=change, version=version, units=tuple(units))

    def has_the_value(version: int) -> bool:
        found = store.find(item.name, version)
        return found is not None and found.value == item.value

    if numbers is None:
        return imported(ImportChange.CREATED, 1)
    if has_the_value(numbers.active):
        return imported(ImportChange.UNCHANGED, numbers.active)
    if has_the_value(numbers.latest):
        return imported(ImportChange.ACTIVATED, numbers.latest)
    if numbers.latest >= limits.MAX_VERSION:
        raise VersionClaimed(item.name, limits.MAX_VERSION)
    return imported(ImportChange.UPDATED, numbers.latest + 1)


def _entries(template: AuditEntry, results: Sequence[Imported]) -> list[AuditEntry]:
    return [template._replace(secret=r.name, version=r.version) for r in results]
