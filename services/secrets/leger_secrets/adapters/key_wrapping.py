"""Keeping keys under another key, which comes from the host's root key or from a passphrase."""

import secrets
from dataclasses import dataclass
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from leger_secrets.domain.sealing import Unlock

KEY_SIZE = 32
_SALT_SIZE = 16
_NONCE_SIZE = 12  # NIST SP 800-38D, section 5.2.1.1
_TAG_SIZE = 16
_WRAPPING = b"leger keyring"  # what the root key is used for, and nothing else

# RFC 9106, section 4, the second recommended choice: 64 MiB in 3 passes over 4 lanes. It takes a
# fifth of a second here, once for each time that a person types a passphrase, and the memory goes
# back to the system at once. Less would only make guessing cheaper.
_ITERATIONS, _LANES, _MEMORY_KIB = 3, 4, 64 * 1024
# What a keyring may ask for: a file that somebody changed is not to take all memory, or hours.
_MAX_ITERATIONS, _MAX_LANES, _MAX_MEMORY_KIB = 16, 16, 1024 * 1024


class WrongKey(Exception):
    """What was wrapped does not open with this key, or is not for this place."""


class Wrapped(NamedTuple):
    """A key, encrypted and authenticated by AES-256-GCM."""

    nonce: bytes
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Derivation:
    """How a wrapping key is made; none of it is secret. The last three are Argon2id's alone."""

    unlock: Unlock
    salt: bytes
    iterations: int = 0
    lanes: int = 0
    memory_kib: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for numbers that no keyring has."""
        numbers = (self.iterations, self.lanes, self.memory_kib)
        if self.unlock is Unlock.ROOT_KEY:
            possible = numbers == (0, 0, 0)
        else:
            limits = (_MAX_ITERATIONS, _MAX_LANES, _MAX_MEMORY_KIB)
            possible = all(0 < n <= limit for n, limit in zip(numbers, limits, strict=True))
        if not possible or len(self.salt) != _SALT_SIZE:
            raise ValueError("not a derivation of a keyring")


def new_derivation(unlock: Unlock) -> Derivation:
    """Return a derivation with a salt of its own."""
    salt = secrets.token_bytes(_SALT_SIZE)
    if unlock is Unlock.ROOT_KEY:
        return Derivation(unlock=unlock, salt=salt)
    return Derivation(
        unlock=unlock, salt=salt, iterations=_ITERATIONS, lanes=_LANES, memory_kib=_MEMORY_KIB
    )


class WrappingKey:
    """Wraps and unwraps other keys. `wipe` it when it is not needed any more."""

    def __init__(self, derivation: Derivation, source: bytes | bytearray) -> None:
        """Derive it from the root key or the passphrase, as the derivation says."""
        self.derivation = derivation
        self._key = bytearray(KEY_SIZE)
        if derivation.unlock is Unlock.ROOT_KEY:
            hkdf = HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=derivation.salt, info=_WRAPPING)
            hkdf.derive_into(source, self._key)
        else:
            Argon2id(
                salt=derivation.salt,
                length=KEY_SIZE,
                iterations=derivation.iterations,
                lanes=derivation.lanes,
                memory_cost=derivation.memory_kib,
            ).derive_into(bytes(source), self._key)

    def wrap(self, key: bytes | bytearray, *, place: bytes) -> Wrapped:
        """Encrypt a key; it can be unwrapped for the same place alone."""
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return Wrapped(nonce, AESGCM(self._key).encrypt(nonce, key, place))

    def unwrap(self, wrapped: Wrapped, *, place: bytes) -> bytearray:
        """Return the key, which the caller wipes. Raises WrongKey."""
        if len(wrapped.nonce) != _NONCE_SIZE or len(wrapped.content) <= _TAG_SIZE:
            raise WrongKey
        key = bytearray(len(wrapped.content) - _TAG_SIZE)
        try:
            AESGCM(self._key).decrypt_into(wrapped.nonce, wrapped.content, place, key)
        except InvalidTag:
            raise WrongKey from None
        return key

    def wipe(self) -> None:
        """Overwrite the key."""
        wipe(self._key)


def wipe(key: bytearray) -> None:
    """Overwrite a key that is not needed any more."""
    key[:] = bytes(len(key))


def subkey(key: bytes | bytearray, *, purpose: str) -> bytes:
    """Derive a key for one purpose from a store key (HKDF-SHA256, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=None, info=purpose.encode()).derive(
        bytes(key)
    )
