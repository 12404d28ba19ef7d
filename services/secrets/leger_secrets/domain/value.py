"""A secret's bytes, kept from everywhere that text goes."""

import hmac
from typing import NoReturn


class SecretValue:
    """The value of one version of a secret.

    Only `reveal` answers the bytes: `repr`, `str` and `format` say that they are hidden, pickling
    and copying raise TypeError, and comparing takes the same time wherever two values differ.
    """

    __slots__ = ("_hidden",)
    __hash__ = None  # type: ignore[assignment]  # a hash in a log could be guessed back

    def __init__(self, value: bytes) -> None:
        self._hidden = value

    def reveal(self) -> bytes:
        """Return the bytes, for the wire and the store alone."""
        return self._hidden

    def __len__(self) -> int:
        return len(self._hidden)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecretValue):
            return NotImplemented
        return hmac.compare_digest(self._hidden, other._hidden)

    def __repr__(self) -> str:
        return "SecretValue(hidden)"

    def __format__(self, format_spec: str) -> str:
        return repr(self)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A secret value is not serialised.")
