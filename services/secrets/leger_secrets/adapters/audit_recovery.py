"""Where the audit log ends when it is opened: what a crash, or somebody else, has left of it."""

import os
from typing import NamedTuple

from leger_secrets.adapters import audit_chain, audit_lines
from leger_secrets.adapters.audit_chain import GENESIS, BrokenChain, Link
from leger_secrets.adapters.audit_directory import AuditDirectory
from leger_secrets.adapters.audit_walk import Break, Place, Walk, lines_are
from leger_secrets.adapters.audit_written import WrittenFile
from leger_secrets.domain.audit_errors import AuditLogBroken

_TAIL = (
    2 * audit_chain.MAX_LINE
)  # bytes of old lines that opening verifies: many, at a bounded cost


class Ending(NamedTuple):
    """Where a log ends.

    `first` is the number that the written file's first line has or will have, `length` the bytes of
    its whole lines, `link` the last line's. With a `problem`, link is the best that is known.
    """

    first: int
    length: int
    link: Link
    problem: AuditLogBroken | None


class _Tail(NamedTuple):
    """The last lines of a file; `first` is its first one, when that is not among them."""

    name: str
    first: bytes | None
    lines: list[bytes]
    is_whole: bool
    length: int
    torn: bool


def find(directory: AuditDirectory, descriptor: int) -> Ending:
    """Verify the last lines and return where they end. Raises OSError.

    A last line without its end is no problem: a crash in the middle of a write leaves it, and
    nobody was told of it. It does not count, and is cut off by the next write.
    """
    tail, earlier = _tail(directory.current, descriptor), _newest_rotated(directory)
    link, problem = GENESIS, None
    try:
        if earlier:
            link = _end_of_rotated(earlier, is_only=len(directory.rotated()) == 1)
        link = _walk(tail, before=link)
    except Break as error:
        problem = AuditLogBroken(error.place.file, error.problem)
        link = _best_guess([*(earlier.lines if earlier else []), *tail.lines])
    first = _first_number(descriptor) if tail.lines else None
    return Ending(first or link.seq + 1, tail.length, link, problem)


def missing(
    directory: AuditDirectory, written: WrittenFile, link: Link, noted: Link
) -> AuditLogBroken | None:
    """Say how a log that ends with `link` lacks the line that was noted; None when it has it.

    The line is looked for from the end, where it is unless notes were lost. Raises OSError.
    """
    current = directory.current
    if link == noted:
        return None
    if link.seq < noted.seq:
        return AuditLogBroken(current, f"{lines_are(link.seq + 1, noted.seq)} missing at its end.")
    names = [current, *map(directory.name, reversed(directory.rotated()))]
    for name in names:
        descriptor = directory.open(name)
        try:
            length = written.length if name == current else os.fstat(descriptor).st_size
            for _, line in audit_lines.backwards(descriptor, length):
                seq = audit_chain.head(line).seq
                if seq == noted.seq and audit_chain.digest(line) == noted.digest:
                    return None
                if seq <= noted.seq:
                    return AuditLogBroken(name, f"Line {noted.seq} is not as it was written.")
        except BrokenChain as error:
            return AuditLogBroken(name, str(error))
        finally:
            os.close(descriptor)
    return AuditLogBroken(names[-1], f"Line {noted.seq} is missing before its first one.")


def _newest_rotated(directory: AuditDirectory) -> _Tail | None:
    rotated = directory.rotated()
    if not rotated:
        return None
    name = directory.name(rotated[-1])
    descriptor = directory.open(name)
    try:
        return _tail(name, descriptor)
    finally:
        os.close(descriptor)


def _end_of_rotated(tail: _Tail, *, is_only: bool) -> Link:
    # It was whole when it was renamed, so a torn line in it is no crash's.
    if tail.torn or not tail.lines:
        raise Break(Place(tail.name, 0), "Its last line is not there, or not as a whole.")
    return _walk(tail, before=GENESIS if is_only else None)


def _walk(tail: _Tail, *, before: Link | None) -> Link:
    if not tail.lines and not tail.is_whole:
        raise Break(Place(tail.name, 0), "Its last line is longer than any line of the log.")
    if tail.first is not None and before is not None:
        Walk(start=before).follow([(Place(tail.name, 1), tail.first)])
    walk = Walk(start=before if tail.is_whole else None)
    walk.follow((Place(tail.name, number), line) for number, line in enumerate(tail.lines, 1))
    return walk.link if tail.lines else before or GENESIS


def _tail(name: str, descriptor: int) -> _Tail:
    size = os.fstat(descriptor).st_size
    start = max(0, size - _TAIL)
    *lines, torn = os.pread(descriptor, size - start, start).split(b"\n")
    if start:
        del lines[:1]  # its beginning was not read
    first = audit_lines.first(descriptor) if start else None
    return _Tail(name, first, lines, not start, size - len(torn), bool(torn))


def _best_guess(lines: list[bytes]) -> Link:
    for line in reversed(lines):
        try:
            return Link(audit_chain.head(line).seq, audit_chain.digest(line))
        except BrokenChain:
            continue
    return GENESIS


def _first_number(descriptor: int) -> int | None:
    line = audit_lines.first(descriptor)
    try:
        return audit_chain.head(line).seq if line else None
    except BrokenChain:
        return None
