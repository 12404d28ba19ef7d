"""Following the whole chain of the audit log, through all its files."""

import os
from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from leger_secrets.adapters import audit_chain, audit_lines
from leger_secrets.adapters.audit_chain import GENESIS, BrokenChain, Head
from leger_secrets.adapters.audit_directory import AuditDirectory
from leger_secrets.adapters.audit_file import AuditFile
from leger_secrets.adapters.audit_walk import Break, Place, Walk
from leger_secrets.domain.audit_errors import AuditLogBroken
from leger_secrets.domain.audit_reading import Verification


def verify(log: AuditFile) -> Verification:
    """Walk from the first line to what is the last one now; report a break to the log.

    Raises OSError.
    """
    directory = log.directory
    with log.steady() as end:
        rotated = directory.rotated()
        written, length = end.written.duplicate(), end.written.length
    walk = Walk(start=GENESIS, known=end.known if end.known.seq else None)
    broken: Break | None = None
    try:
        earlier = (_lines_of_rotated(directory, first) for first in rotated)
        walk.follow(chain(chain.from_iterable(earlier), _lines(written, directory.current, length)))
        walk.finish(directory.current)
        if end.problem:
            raise Break(Place(end.problem.file, 1), end.problem.problem)
    except Break as found:
        broken = found
        log.report(AuditLogBroken(found.place.file, found.problem))
    finally:
        os.close(written)
    return Verification(
        lines=walk.lines,
        files=len(rotated) + 1,
        first_time=_time(walk.first),
        last_time=_time(walk.last),
        anchored=end.anchored,
        file=broken.place.file if broken else "",
        line=broken.place.line if broken else 0,
        problem=broken.problem if broken else "",
    )


def _lines_of_rotated(directory: AuditDirectory, first: int) -> Iterator[tuple[Place, bytes]]:
    name = directory.name(first)
    descriptor = directory.open(name)
    try:
        yield from _lines(descriptor, name, os.fstat(descriptor).st_size)
        line = audit_lines.first(descriptor)
        begins = audit_chain.head(line).seq if line else 0
        if begins != first:
            raise Break(Place(name, 1), f"Its name says {first}, and it begins with line {begins}.")
    finally:
        os.close(descriptor)


def _lines(descriptor: int, name: str, length: int) -> Iterator[tuple[Place, bytes]]:
    number = 0
    try:
        for number, line in enumerate(audit_lines.forwards(descriptor, 0, length), 1):
            yield Place(name, number), line
    except BrokenChain as error:
        raise Break(Place(name, number + 1), str(error)) from None


def _time(head: Head | None) -> datetime | None:
    try:
        return datetime.fromisoformat(head.time) if head else None
    except ValueError:  # of a line that was forged: the chain tells that
        return None
