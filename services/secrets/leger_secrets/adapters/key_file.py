"""Reading the key of the store."""

import os
from pathlib import Path

from leger_runtime.errors import Kind, LegerError

KEY_SIZE = 32
"""In bytes: the key is used as it is, without a derivation."""


class StoreKeyMissing(LegerError):
    """The file with the store's key is not there, or not for this process to read."""

    kind, reason = Kind.NOT_FOUND, "STORE_KEY_MISSING"


class StoreKeyInvalid(LegerError):
    """The file does not contain a key."""

    kind, reason = Kind.INVALID, "STORE_KEY_INVALID"


def read(path: Path) -> bytearray:
    """Return the 32 bytes of a key file: as they are, or as 64 hexadecimal digits.

    The caller wipes them after use. Raises StoreKeyMissing, StoreKeyInvalid.
    """
    content = bytearray(4 * KEY_SIZE)
    try:
        with path.open("rb", buffering=0) as file:
            length = file.readinto(content) or 0
    except OSError as error:
        raise StoreKeyMissing(
            f"The store's key {path} cannot be read.",
            why=f"{os.strerror(error.errno) if error.errno else 'I/O error'}.",
            next_step="Make one with `legerd bootstrap`, or point LEGER_KEY_FILE at the key.",
        ) from None
    del content[length:]
    if len(content) == KEY_SIZE:
        return content
    try:
        key = bytearray.fromhex(content.decode("ascii"))
    except ValueError:
        key = bytearray()
    wipe(content)
    if len(key) != KEY_SIZE:
        raise StoreKeyInvalid(
            f"The file {path} contains no key.",
            why=f"A key is {KEY_SIZE} bytes, or {2 * KEY_SIZE} hexadecimal digits;"
            f" the file has {length} bytes of something else.",
            next_step="Restore the key that the store was made with.",
        )
    return key


def wipe(key: bytearray) -> None:
    """Overwrite a key that is not needed any more."""
    key[:] = bytes(len(key))
