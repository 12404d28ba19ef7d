"""The store's seal: what opens the store, what closes it, and what it is like."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from leger_runtime.errors import LegerError

from leger_secrets.domain import passphrase as passphrases
from leger_secrets.domain.audit import Action, AuditEntry, AuditLog, Decision
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.errors import StoreSealed
from leger_secrets.domain.sealing_errors import StoreDamaged
from leger_secrets.domain.value import SecretValue


class Unlock(StrEnum):
    """What opens the keyring, which holds the store's key."""

    ROOT_KEY = "root-key"
    PASSPHRASE = "passphrase"  # noqa: S105 - the kind of thing, not one


@dataclass(frozen=True, kw_only=True)
class StoreFacts:
    """What an open store tells of itself; `size` is in bytes, on the disk."""

    revision: int
    secrets: int
    key_time: datetime
    schema_version: int
    size: int


@dataclass(frozen=True, kw_only=True)
class StoreStatus:
    """How the store is. While it is sealed, `cause` says why and there are no facts.

    `unlock` is None where no keyring can be read. `audit_problem` says how the audit log is broken,
    if it is. `weaknesses` are whole sentences about what could not be done to protect this
    process's memory.
    """

    cause: LegerError | None
    unlock: Unlock | None
    facts: StoreFacts | None
    last_backup: datetime | None
    audit_problem: LegerError | None
    weaknesses: tuple[str, ...]


class Seal(Protocol):
    """The port to a store that can be closed and opened while the service runs."""

    def cause(self) -> LegerError | None:
        """Return why the store is sealed; None while it is open."""
        ...

    def unlock(self) -> Unlock | None:
        """Return what opens the store; None where that cannot be told."""
        ...

    def facts(self) -> StoreFacts:
        """Describe the open store. Raises StoreSealed, StoreUnavailable."""
        ...

    def unsealing(
        self, passphrase: SecretValue, *, accept_rollback: bool, begin_audit_log: Caller | None
    ) -> AbstractContextManager[list[str]]:
        """Open the store; leaving the block puts it in service, an exception leaves it sealed.

        An empty passphrase means none. With `begin_audit_log` a broken audit log is set aside, and
        that caller begins a new one; yields the names of the files that were set aside. An open
        store stays as it is, but for its audit log. Raises what a store can fail to open with.
        """
        ...

    def seal(self, cause: LegerError) -> None:
        """Close the store once the requests that use it are done, and forget its keys."""
        ...

    def rekeying(
        self, unlock: Unlock | None, passphrase: SecretValue
    ) -> AbstractContextManager[int]:
        """Encrypt the store with a new key; yield how many pages there were.

        Leaving the block puts the new file in the place of the old one, an exception undoes it.
        None keeps what opens the store. Raises StoreSealed, StoreKeyMissing, StoreKeyInvalid,
        StoreUnavailable.
        """
        ...


class StoreCare:
    """Every request about the store itself. `by` is who makes it.

    Each decision is in the audit log before the method returns or raises, except those about the
    status, which reveals no secret and no name.
    """

    def __init__(
        self,
        *,
        seal: Seal,
        audit: AuditLog,
        audit_problem: Callable[[], LegerError | None],
        last_backup: Callable[[], datetime | None],
        weaknesses: tuple[str, ...],
    ) -> None:
        self._seal = seal
        self._audit = audit
        self._audit_problem = audit_problem
        self._last_backup = last_backup
        self._weaknesses = weaknesses

    def status(self) -> StoreStatus:
        """Describe the store, sealed or not. Raises StoreUnavailable."""
        try:
            facts, cause = self._seal.facts(), None
        except (StoreSealed, StoreDamaged) as refused:
            facts, cause = None, self._seal.cause() or refused
        return StoreStatus(
            cause=cause,
            unlock=self._seal.unlock(),
            facts=facts,
            last_backup=self._last_backup(),
            audit_problem=self._audit_problem(),
            weaknesses=self._weaknesses,
        )

    def unseal(
        self, passphrase: SecretValue, *, begin_audit_log: bool, accept_rollback: bool, by: Caller
    ) -> list[str]:
        """Open the store; return as what the files of a broken audit log were set aside.

        An open store stays as it is. Raises PassphraseNeeded, PassphraseWrong, StoreKeyMissing,
        StoreKeyInvalid, StoreKeyWrong, StoreRolledBack, AnchorDamaged, StoreDamaged, StoreTooNew,
        AuditLogBroken, StoreUnavailable, AuditUnavailable.
        """
        asked = AuditEntry(by, Action.UNSEAL, detail="accept-rollback" if accept_rollback else "")
        with (
            Decision(self._audit, asked) as decision,
            self._seal.unsealing(
                passphrase,
                accept_rollback=accept_rollback,
                begin_audit_log=by if begin_audit_log else None,
            ) as set_aside,
        ):
            decision.allow(asked)
        return set_aside

    def seal(self, *, by: Caller) -> None:
        """Close the store and forget its keys. A sealed store stays as it is.

        Raises AuditUnavailable.
        """
        asked = AuditEntry(by, Action.SEAL)
        with Decision(self._audit, asked) as decision:
            decision.allow(asked)
            self._seal.seal(StoreSealed(f"{by.principal} has sealed it."))

    def rekey(self, *, unlock: Unlock | None, passphrase: SecretValue, by: Caller) -> int:
        """Encrypt the store with a new key; return how many pages there were.

        With `unlock` something else opens the store from then on: the root key, or the passphrase.
        Raises PassphraseWeak, StoreSealed, StoreKeyMissing, StoreKeyInvalid, StoreUnavailable,
        AuditUnavailable.
        """
        asked = AuditEntry(by, Action.REKEY, detail=unlock or "")
        with Decision(self._audit, asked) as decision:
            if unlock is Unlock.PASSPHRASE:
                passphrases.check(passphrase)
            with self._seal.rekeying(unlock, passphrase) as pages:
                decision.allow(asked)
        return pages
