"""Sealing, unsealing and re-keying the store."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from leger_runtime.errors import LegerError, reason_of

from leger_secrets.adapters import rekey, schema
from leger_secrets.adapters.open_store import OpenStore, attach
from leger_secrets.adapters.sealable_store import SealableSecretStore
from leger_secrets.adapters.store_files import StoreFiles
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.errors import StoreUnavailable
from leger_secrets.domain.sealing import StoreFacts, Unlock
from leger_secrets.domain.sealing_errors import PassphraseWrong, StoreDamaged
from leger_secrets.domain.value import SecretValue


class StoreSeal:
    """The port Seal of a SealableSecretStore. One change at a time: others wait for it.

    So passphrases are tried one after the other, each at the cost of its derivation.
    """

    def __init__(self, *, store: SealableSecretStore, files: StoreFiles) -> None:
        self._store = store
        self._files = files

    def cause(self) -> LegerError | None:
        """See Seal."""
        state = self._store.state
        return state if isinstance(state, LegerError) else None

    def unlock(self) -> Unlock | None:
        """See Seal."""
        return self._files.unlock()

    def facts(self) -> StoreFacts:
        """See Seal."""
        opened = self._store.opened()
        with self._store.reading() as view, _unavailable():
            return StoreFacts(
                revision=view.revision(),
                secrets=view.count(),
                key_time=opened.key_time,
                schema_version=schema.VERSION,
                size=self._files.size(),
            )

    @contextmanager
    def unsealing(
        self, passphrase: SecretValue, *, accept_rollback: bool, begin_audit_log: Caller | None
    ) -> Iterator[list[str]]:
        """See Seal."""
        with self._store.changing:
            state = self._store.state
            if isinstance(state, OpenStore):
                yield attach(state.audit, state.anchor, begin=begin_audit_log)
                return
            try:
                with _unavailable():
                    opened, set_aside = self._open(
                        passphrase, accept_rollback=accept_rollback, begin=begin_audit_log
                    )
            except PassphraseWrong:
                raise  # what keeps the store sealed is what it was
            except LegerError as cause:
                self._store.put(cause)
                raise
            try:
                yield set_aside
            except BaseException:
                opened.close()
                raise
            self._store.put(opened)

    def seal(self, cause: LegerError) -> None:
        """See Seal."""
        with self._store.changing:
            state = self._store.state
            if isinstance(state, OpenStore):
                try:
                    self._store.put(cause)
                finally:
                    state.close()

    @contextmanager
    def rekeying(self, unlock: Unlock | None, passphrase: SecretValue) -> Iterator[int]:
        """See Seal.

        Until the new file is in its place, the keyring opens as before and has both keys; it is
        locked anew last of all. So there is no moment at which nobody could open the store.
        """
        with self._store.changing, _unavailable():
            old = self._store.opened()
            with old.store.frozen() as source:  # writers wait, readers go on
                new_key = old.keyring.add_key(self._files.now())
                try:
                    relocked = self._files.relocked(old.keyring, unlock, new_key, passphrase)
                    with old.keyring.keys() as keys:
                        pages = rekey.copy(source, self._files.rekeyed, keys[-1].key)
                    yield pages
                except BaseException as failure:
                    with suppress(OSError):
                        self._files.rekeyed.unlink(missing_ok=True)
                        old.keyring.keep(old.key)
                    if isinstance(failure, StoreDamaged):
                        raise self._store.give_up(old, failure) from None
                    raise
                new = self._exchange(old)
            old.keyring.keep(new.key)  # on a full disk it was left for later
            if relocked:
                relocked.save()
                self._store.put(replace(new, keyring=relocked))
                old.keyring.wipe()

    def _exchange(self, old: OpenStore) -> OpenStore:
        """Put the re-keyed file in the place of the store's, and serve from it.

        What fails ends like a process that was killed: whichever file is there then is opened.
        """
        try:
            old.store.close()
            with old.keyring.keys() as keys:
                self._files.put_in_use(old.anchor, keys[-1])
        finally:
            old.close_files()
            try:
                with _unavailable():
                    new, _ = self._files.open(old.keyring, accept_rollback=False, begin=None)
            except LegerError as cause:
                old.keyring.wipe()
                self._store.put(cause)
                raise
            self._store.put(new)
        return new

    def _open(
        self, passphrase: SecretValue, *, accept_rollback: bool, begin: Caller | None
    ) -> tuple[OpenStore, list[str]]:
        keyring = self._files.unlocked(passphrase)
        try:
            return self._files.open(keyring, accept_rollback=accept_rollback, begin=begin)
        except BaseException:
            keyring.wipe()
            raise


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        subject = f"{error.filename}: " if error.filename else ""
        raise StoreUnavailable(f"{subject}{reason_of(error)}.") from None
