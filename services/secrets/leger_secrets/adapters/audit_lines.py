"""Reading the lines of a file from either end, with little of it in memory."""

import os
from collections.abc import Iterator

from leger_secrets.adapters.audit_chain import MAX_LINE, BrokenChain

_CHUNK = 4 * MAX_LINE


def forwards(descriptor: int, start: int, end: int) -> Iterator[bytes]:
    """Yield the lines between two offsets, without their newlines; a line begins at `start`.

    Raises BrokenChain at what is longer than any line, and at a last line without its end; OSError.
    """
    rest = b""
    while start < end:
        chunk = os.pread(descriptor, min(_CHUNK, end - start), start)
        if not chunk:
            break
        start += len(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if len(rest) > MAX_LINE:
            raise BrokenChain("It is longer than any line of the log.")
    if rest:
        raise BrokenChain("It has no end.")


def backwards(descriptor: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield the lines in front of an offset, the last one first, and where each begins.

    What is behind the last newline is passed over. Raises BrokenChain at what is longer than any
    line; OSError.
    """
    rest, at, torn = b"", end, True
    while at > 0:
        size = min(_CHUNK, at)
        at -= size
        rest, *lines = (os.pread(descriptor, size, at) + rest).split(b"\n")
        begin = at + len(rest) + 1 + sum(map(len, lines)) + len(lines)
        for line in reversed(lines):
            begin -= len(line) + 1
            if not torn:
                yield begin, line
            torn = False
        if len(rest) > MAX_LINE:
            raise BrokenChain("It is longer than any line of the log.")
    if rest and not torn:
        yield 0, rest


def first(descriptor: int) -> bytes | None:
    """Return a file's first line without its newline; None when it has no whole one."""
    line, newline, _ = os.pread(descriptor, MAX_LINE, 0).partition(b"\n")
    return line if newline else None
