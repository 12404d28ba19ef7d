"""The keyring: the store's key, and this machine's own age identity, wrapped by another key."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from leger_secrets.adapters import keyring_file
from leger_secrets.adapters.key_wrapping import (
    KEY_SIZE,
    Derivation,
    WrappingKey,
    WrongKey,
    new_derivation,
    wipe,
)
from leger_secrets.adapters.keyring_file import Content, Entry
from leger_secrets.domain.sealing import Unlock
from leger_secrets.domain.sealing_errors import PassphraseNeeded, PassphraseWrong, StoreKeyWrong

_ID_SIZE = 4

RootKey = Callable[[], bytearray]
"""Reads the host's root key; the caller wipes it. Raises StoreKeyMissing, StoreKeyInvalid."""


@dataclass(frozen=True, kw_only=True)
class StoreKey:
    """A raw SQLCipher key."""

    id: str
    created: datetime
    key: bytearray = field(repr=False)


class Keyring:
    """An unlocked keyring. `wipe` it when the store is sealed.

    It has one store key, or two while the store is re-keyed and after that was interrupted.
    """

    def __init__(self, *, path: Path, content: Content, wrapping: WrappingKey) -> None:
        self._path = path
        self._content = content
        self._wrapping = wrapping

    @classmethod
    def create(cls, *, path: Path, root_key: RootKey, now: datetime) -> "Keyring":
        """Make a keyring with a new store key and identity, which the root key opens.

        It is on the disk then. Raises StoreKeyMissing, StoreKeyInvalid, OSError.
        """
        import pyrage  # here, as only the first start of all needs it

        wrapping = _wrapping(new_derivation(Unlock.ROOT_KEY), root_key, b"")
        identity = pyrage.x25519.Identity.generate()
        content = _locked(
            wrapping,
            recipient=str(identity.to_public()),
            identity=str(identity).encode(),
            keys=[_new_key(now)],
        )
        keyring_file.write(path, content)
        return cls(path=path, content=content, wrapping=wrapping)

    @classmethod
    def open(cls, *, path: Path, root_key: RootKey, passphrase: bytes) -> "Keyring":
        """Read a keyring and unlock it by what it says opens it.

        Raises StoreDamaged, PassphraseNeeded, PassphraseWrong, StoreKeyMissing, StoreKeyInvalid,
        StoreKeyWrong, OSError.
        """
        content = keyring_file.read(path)
        wrapping = _wrapping(content.derivation, root_key, passphrase)
        keyring = cls(path=path, content=content, wrapping=wrapping)
        try:
            with keyring.keys():
                return keyring
        except WrongKey:
            keyring.wipe()
        if keyring.unlock is Unlock.PASSPHRASE:
            raise PassphraseWrong
        raise StoreKeyWrong(path)

    @property
    def unlock(self) -> Unlock:
        """What opens it."""
        return self._content.derivation.unlock

    @property
    def recipient(self) -> str:
        """For whom to encrypt what this store alone should read: an age recipient ("age1…")."""
        return self._content.recipient

    def identity(self) -> bytearray:
        """Return the machine's age identity ("AGE-SECRET-KEY-1…"); the caller wipes it."""
        place = keyring_file.place_of_identity(self._content.derivation, self.recipient)
        return self._wrapping.unwrap(self._content.identity, place=place)

    @contextmanager
    def keys(self) -> Iterator[list[StoreKey]]:
        """Yield the store keys, oldest first, and wipe them afterwards."""
        keys: list[StoreKey] = []
        try:
            for entry in self._content.entries:
                place = keyring_file.place_of_key(self._content.derivation, entry.id, entry.created)
                key = self._wrapping.unwrap(entry.wrapped, place=place)
                keys.append(StoreKey(id=entry.id, created=entry.created, key=key))
            yield keys
        finally:
            for unwrapped in keys:
                wipe(unwrapped.key)

    def add_key(self, now: datetime) -> str:
        """Make another store key and return its id; it is on the disk then. Raises OSError."""
        key = _new_key(now)
        entry = _entry(self._wrapping, key)
        wipe(key.key)
        self._replace((*self._content.entries, entry))
        return entry.id

    def keep(self, key_id: str) -> None:
        """Forget all store keys but one, on the disk too. Raises OSError."""
        if len(self._content.entries) > 1:
            self._replace(tuple(e for e in self._content.entries if e.id == key_id))

    def relocked(
        self, unlock: Unlock, *, key_id: str, root_key: RootKey, passphrase: bytes
    ) -> "Keyring":
        """Return a keyring of that one key which something else opens; `save` makes it count.

        Raises StoreKeyMissing, StoreKeyInvalid.
        """
        wrapping = _wrapping(new_derivation(unlock), root_key, passphrase)
        identity = self.identity()
        try:
            with self.keys() as keys:
                content = _locked(
                    wrapping,
                    recipient=self.recipient,
                    identity=identity,
                    keys=[key for key in keys if key.id == key_id],
                )
        finally:
            wipe(identity)
        return Keyring(path=self._path, content=content, wrapping=wrapping)

    def save(self) -> None:
        """Put this keyring in the place of what the file says, durably. Raises OSError."""
        keyring_file.write(self._path, self._content)

    def wipe(self) -> None:
        """Overwrite the key that unwraps the others."""
        self._wrapping.wipe()

    def _replace(self, entries: tuple[Entry, ...]) -> None:
        content = replace(self._content, entries=entries)
        keyring_file.write(self._path, content)
        self._content = content


def _wrapping(derivation: Derivation, root_key: RootKey, passphrase: bytes) -> WrappingKey:
    if derivation.unlock is Unlock.PASSPHRASE:
        if not passphrase:
            raise PassphraseNeeded
        return WrappingKey(derivation, passphrase)
    key = root_key()
    try:
        return WrappingKey(derivation, key)
    finally:
        wipe(key)


def _locked(
    wrapping: WrappingKey, *, recipient: str, identity: bytes | bytearray, keys: list[StoreKey]
) -> Content:
    place = keyring_file.place_of_identity(wrapping.derivation, recipient)
    return Content(
        derivation=wrapping.derivation,
        recipient=recipient,
        identity=wrapping.wrap(identity, place=place),
        entries=tuple(_entry(wrapping, key) for key in keys),
    )


def _new_key(now: datetime) -> StoreKey:
    key = bytearray(secrets.token_bytes(KEY_SIZE))
    return StoreKey(id=secrets.token_hex(_ID_SIZE), created=now, key=key)


def _entry(wrapping: WrappingKey, key: StoreKey) -> Entry:
    place = keyring_file.place_of_key(wrapping.derivation, key.id, key.created)
    return Entry(id=key.id, created=key.created, wrapped=wrapping.wrap(key.key, place=place))
