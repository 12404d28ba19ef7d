"""What to look for when a string must not be on a disk: itself, and its base64 forms."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, Protocol

SHORTEST: Final = 4  # bytes; anything shorter is in every file
_WHITESPACE: Final = (b"\r", b"\n", b" ", b"\t", b"\\n")


class Bytes(Protocol):
    """What can be searched: bytes, or a mapped file."""

    def find(self, wanted: bytes, start: int = ..., /) -> int: ...

    def __getitem__(self, part: slice, /) -> bytes: ...


class Needle(NamedTuple):
    """One form of a string. `probes` are the lines for grep: a hit needs one of them at least."""

    number: int
    form: str
    whole: bytes
    probes: tuple[bytes, ...]


def make(strings: Sequence[bytes]) -> list[Needle]:
    """Every form of every string; strings are numbered from 1, in their order."""
    return [needle for n, text in enumerate(strings, 1) for needle in _forms(n, text)]


def _forms(number: int, text: bytes) -> Iterator[Needle]:
    yield Needle(number, "raw", text, (max(text.split(b"\n"), key=len),))
    seen = set()
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # The characters that depend on neighbouring bytes are left out on both sides.
            encoded = encode(b"\0" * offset + text)
            core = encoded[(0, 2, 3)[offset] : 8 * (offset + len(text)) // 6]
            if core not in seen:
                seen.add(core)
                yield Needle(number, "base64", core, _halves(core))


def _halves(core: bytes) -> tuple[bytes, ...]:
    """Two pieces of which a line break leaves one whole.

    Base64 is wrapped at 76 (RFC 2045) or 64 characters (RFC 7468): 48 hold one break at most.
    """
    if len(core) < 16:
        return (core,)
    start = core[:48]
    return start[: len(start) // 2], start[len(start) // 2 :]


def found(needles: Sequence[Needle], data: Bytes) -> set[tuple[int, str]]:
    """Which strings are in `data`: their numbers, each with the form it was found in."""
    return {(n.number, n.form) for n in needles if _is_in(n, data)}


def _is_in(needle: Needle, data: Bytes) -> bool:
    if data.find(needle.whole) >= 0:
        return True
    return needle.form == "base64" and any(
        needle.whole in window
        for probe in needle.probes
        for window in _windows(needle, probe, data)
    )


def _windows(needle: Needle, probe: bytes, data: Bytes) -> Iterator[bytes]:
    """The surroundings of every `probe` in `data`, without line breaks."""
    reach = 2 * len(needle.whole) + 64
    at = data.find(probe)
    while at >= 0:
        window = data[max(0, at - reach) : at + reach]
        for blank in _WHITESPACE:
            window = window.replace(blank, b"")
        yield window
        at = data.find(probe, at + 1)
