"""An open store, and what must be open with it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from leger_secrets.adapters.anchor import Anchor
from leger_secrets.adapters.keyring import Keyring
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.domain.audit_errors import AuditLogBroken
from leger_secrets.domain.caller import Caller


class AnchoredLog(Protocol):
    """The audit log, whose end the anchor knows while the store is open."""

    def attach(self, anchor: Anchor) -> None:
        """Compare it with the anchor, and note its end there from now on.

        Raises AuditLogBroken, AuditUnavailable.
        """
        ...

    def detach(self) -> None:
        """Note nothing any more."""
        ...

    def begin_anew(self, by: Caller) -> list[str]:
        """Set a log that is known to be broken aside, and begin another; return as what.

        Raises AuditUnavailable.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class OpenStore:
    """A store in use. `key` is the id of the store key that it is encrypted with."""

    store: SqlcipherSecretStore
    anchor: Anchor
    audit: AnchoredLog
    keyring: Keyring
    key: str
    key_time: datetime

    def note_commit(self) -> None:
        """Have the anchor know of the last commit."""
        self.anchor.note_revision(self.store.revision)

    def close_files(self) -> None:
        """Close everything but the keyring, once the requests that use the store are done."""
        self.store.close()
        self.audit.detach()
        self.anchor.close()

    def close(self) -> None:
        """Close everything, and forget the keys."""
        self.close_files()
        self.keyring.wipe()


def attach(audit: AnchoredLog, anchor: Anchor, *, begin: Caller | None) -> list[str]:
    """Attach the log; one that is broken is set aside in the name of `begin`, if there is one.

    Returns as what it was set aside. Raises AuditLogBroken, AuditUnavailable.
    """
    set_aside = audit.begin_anew(begin) if begin else []
    try:
        audit.attach(anchor)
    except AuditLogBroken:  # the anchor alone knew
        if begin is None:
            raise
        set_aside = audit.begin_anew(begin)
        audit.attach(anchor)
    return set_aside
