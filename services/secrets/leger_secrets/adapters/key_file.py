"""Reading the root key, which the host hands to the service."""

from pathlib import Path

from leger_runtime.errors import reason_of

from leger_secrets.adapters.key_wrapping import KEY_SIZE, wipe
from leger_secrets.domain.sealing_errors import StoreKeyInvalid, StoreKeyMissing


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
            f"The root key {path} cannot be read.",
            why=f"{reason_of(error)}.",
            next_step="`legerd key status` says where it should lie. Put it back, or make one as"
            " `leger secrets rekey --help` says; then run `systemctl reload legerd.service`.",
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
            next_step="Put the key back that the store was made with, then restart"
            " leger-secrets.service.",
        )
    return key
