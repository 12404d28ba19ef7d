"""The store's files, and how they become an open store.

`secrets.db` is the database, `keyring.json` has its key, `anchor` tells how new it must be, and
`secrets.db.rekeyed` is a database that is not in use yet. Whatever moment the process was killed
at, opening goes on from there: the keyring has every key that the database can have then.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from leger_runtime import atomic

from leger_secrets.adapters import keyring_file, sqlcipher_probe
from leger_secrets.adapters.anchor import Anchor
from leger_secrets.adapters.key_wrapping import subkey
from leger_secrets.adapters.keyring import Keyring, RootKey, StoreKey
from leger_secrets.adapters.open_store import AnchoredLog, OpenStore, attach
from leger_secrets.adapters.sqlcipher_store import SqlcipherSecretStore
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.clock import Clock
from leger_secrets.domain.errors import StoreUnavailable
from leger_secrets.domain.sealing import Unlock
from leger_secrets.domain.sealing_errors import (
    NEW_KEYRING,
    AnchorDamaged,
    StoreDamaged,
    StoreKeyMissing,
    StoreKeyWrong,
    StoreRolledBack,
)
from leger_secrets.domain.value import SecretValue

DATABASE = "secrets.db"
ANCHOR = "anchor"
_ANCHOR_KEY = "leger anchor"


class StoreFiles:
    """The files in `directory`, which exists."""

    def __init__(
        self, *, directory: Path, root_key: RootKey, audit: AnchoredLog, clock: Clock
    ) -> None:
        self.database = directory / DATABASE
        self.rekeyed = self.database.with_suffix(".db.rekeyed")
        self._keyring = directory / keyring_file.NAME
        self._anchor = directory / ANCHOR
        self._log = self.database.with_name(f"{DATABASE}-wal")  # SQLite's name for it
        self._root_key = root_key
        self._audit = audit
        self._clock = clock

    def now(self) -> datetime:
        """Return the time."""
        return self._clock()

    def unlock(self) -> Unlock | None:
        """Tell what opens the keyring; None where it cannot be read."""
        return keyring_file.unlock_of(self._keyring)

    def size(self) -> int:
        """Return the bytes of the database and its write-ahead log. Raises OSError."""
        return sum(path.stat().st_size for path in (self.database, self._log) if path.exists())

    def unlocked(self, passphrase: SecretValue) -> Keyring:
        """Open the keyring; make one where there is no store yet.

        Raises StoreKeyMissing, StoreKeyInvalid, StoreKeyWrong, PassphraseNeeded, PassphraseWrong,
        StoreDamaged, OSError.
        """
        if self._keyring.exists():
            return Keyring.open(
                path=self._keyring, root_key=self._root_key, passphrase=passphrase.reveal()
            )
        if self.database.exists():
            raise StoreKeyMissing(
                f"The store {self.database} cannot be opened.",
                why=f"Its keyring {self._keyring} is gone, which alone has the store's key.",
                next_step=f"Put the keyring back. {NEW_KEYRING}",
            )
        self._anchor.unlink(missing_ok=True)  # of a store that is gone with its keyring
        return Keyring.create(path=self._keyring, root_key=self._root_key, now=self._clock())

    def relocked(
        self, keyring: Keyring, unlock: Unlock | None, key_id: str, passphrase: SecretValue
    ) -> Keyring | None:
        """Return a keyring of one key that something else opens; None keeps what opens it.

        Raises StoreKeyMissing, StoreKeyInvalid.
        """
        if unlock is None:
            return None
        return keyring.relocked(
            unlock, key_id=key_id, root_key=self._root_key, passphrase=passphrase.reveal()
        )

    def open(
        self, keyring: Keyring, *, accept_rollback: bool, begin: Caller | None
    ) -> tuple[OpenStore, list[str]]:
        """Verify the files against each other and open the store, finishing what was interrupted.

        `accept_rollback` takes a store that is older than the anchor, or that has no valid anchor,
        for the right one; `begin` sets a broken audit log aside, and its files' new names are
        returned. The keyring is the caller's until then. Raises StoreRolledBack, AnchorDamaged,
        StoreDamaged, StoreTooNew, StoreUnavailable, AuditLogBroken, AuditUnavailable, OSError.
        """
        with keyring.keys() as keys, ExitStack() as opened:
            key, revision = self._key_in_use(keys)
            opened.enter_context(self._naming_damage(key))
            self.rekeyed.unlink(missing_ok=True)
            anchor = self._open_anchor(keys, key, revision, accept_rollback=accept_rollback)
            opened.callback(anchor.close)
            if revision < anchor.generation and not accept_rollback:
                raise self._rolled_back(revision, anchor.generation)
            store = SqlcipherSecretStore(path=self.database, key=key.key)
            opened.callback(store.close)
            # After opening, which mends what a loss of power can tear, and before any use.
            sqlcipher_probe.verify(self.database, key.key)
            if store.revision < anchor.generation:
                store.outrun(anchor.generation)
            anchor.note_revision(store.revision)
            set_aside = attach(self._audit, anchor, begin=begin)
            opened.callback(self._audit.detach)
            with suppress(OSError):  # nothing that serving needs
                if len(keys) > 1:
                    anchor.sign_with(subkey(key.key, purpose=_ANCHOR_KEY))
                    keyring.keep(key.id)
            atomic.sync_directory(self.database.parent)
            opened.pop_all()
        return OpenStore(
            store=store,
            anchor=anchor,
            audit=self._audit,
            keyring=keyring,
            key=key.id,
            key_time=key.created,
        ), set_aside

    def put_in_use(self, anchor: Anchor, key: StoreKey) -> None:
        """Put the re-keyed database in the place of the one that was closed.

        A write-ahead log of the old one would be taken for the new one's: it must be gone, also
        after a loss of power. Raises StoreUnavailable, OSError.
        """
        if self._log.exists() and self._log.stat().st_size:
            raise StoreUnavailable("Another process has the database open.")
        atomic.sync_directory(self.database.parent)
        anchor.sign_with(subkey(key.key, purpose=_ANCHOR_KEY))
        self.rekeyed.rename(self.database)
        atomic.sync_directory(self.database.parent)

    def _key_in_use(self, keys: list[StoreKey]) -> tuple[StoreKey, int]:
        """Return the key that the database has, and its revision; the first when there is none."""
        if not self.database.exists() or not self.database.stat().st_size:
            return keys[0], 0
        for key in keys:
            try:
                with self._naming_damage(key):
                    return key, sqlcipher_probe.revision(self.database, key.key)
            except StoreKeyWrong:
                continue
        raise StoreDamaged(
            self.database,
            "Its first page cannot be read with the key in the keyring: it is damaged, or the two"
            " do not belong together.",
        )

    @contextmanager
    def _naming_damage(self, key: StoreKey) -> Iterator[None]:
        """Name the damaged pages where SQLite says no more than that there are some."""
        try:
            yield
        except StoreDamaged as damage:
            sqlcipher_probe.verify(self.database, key.key)
            raise StoreDamaged(self.database, damage.why) from None

    def _open_anchor(
        self, keys: list[StoreKey], key: StoreKey, revision: int, *, accept_rollback: bool
    ) -> Anchor:
        own = subkey(key.key, purpose=_ANCHOR_KEY)
        # Its first one is made before the database, so that no database is without.
        if not self._anchor.exists() and not self.database.exists():
            return Anchor.create(path=self._anchor, key=own, generation=0)
        signing = [own, *(subkey(k.key, purpose=_ANCHOR_KEY) for k in keys if k is not key)]
        try:
            return Anchor(path=self._anchor, keys=signing)
        except AnchorDamaged:
            if not accept_rollback:
                raise
            return Anchor.create(path=self._anchor, key=own, generation=revision)

    def _rolled_back(self, revision: int, generation: int) -> StoreRolledBack:
        if not self.database.exists():
            return StoreRolledBack(
                self.database, f"It is gone, while its anchor tells of revision {generation}."
            )
        return StoreRolledBack(
            self.database, f"Its revision is {revision}, and was {generation} or more."
        )
