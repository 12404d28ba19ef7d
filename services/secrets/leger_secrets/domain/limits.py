"""How large a request and its answer may be."""

from leger_secrets.domain.errors import InvalidName, InvalidVersion, ValueTooLarge
from leger_secrets.domain.value import SecretValue

MAX_VALUE = 1_000_000
"""In bytes; a unit's credentials may have 1 MiB in all (systemd.exec(5), "Credentials")."""

MAX_RESOLVED = 7_000_000
"""In bytes, of all values in one answer: seven of the largest."""

MAX_NAMES = 1_000
"""How many secrets one request may name."""

MAX_BINDINGS = 10_000
"""How many bindings one stack may have."""

MAX_VERSION = 2**32 - 1
"""setec's version numbers are uint32."""


def check_version(version: int) -> None:
    """Raise InvalidVersion unless a version can have this number."""
    if not 1 <= version <= MAX_VERSION:
        raise InvalidVersion(version)


def check_value(name: str, value: SecretValue, *, field: str = "value") -> None:
    """Raise ValueTooLarge unless the value can be handed to a unit."""
    if len(value) > MAX_VALUE:
        raise ValueTooLarge(
            f"The value for {name} was not stored.",
            why=f"It has {len(value)} bytes, and systemd hands a unit at most {MAX_VALUE}.",
            next_step="Store a shorter value, or split it into several secrets.",
            field=field,
        )


def check_count(count: int, *, verb: str, field: str, noun: str = "secrets") -> None:
    """Raise InvalidName, naming `field`, unless so many secrets can be e.g. "imported" at once."""
    if not 0 < count <= MAX_NAMES:
        raise InvalidName(
            f"{count} {noun} cannot be {verb} at once.",
            f"One request takes 1 to {MAX_NAMES} {noun}.",
            field=field,
        )


def check_total(count: int, total: int) -> None:
    """Raise ValueTooLarge unless so many values, of `total` bytes, fit into one answer."""
    if total > MAX_RESOLVED:
        raise ValueTooLarge(
            f"{count} secrets are too much for one answer.",
            why=f"They have {total} bytes together, and one answer carries {MAX_RESOLVED}.",
            next_step="Ask for fewer of them at once.",
            field="names",
        )
