"""The audit log as files of hash-chained lines."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from leger_runtime.errors import reason_of

from leger_secrets.adapters import audit_chain, audit_recovery
from leger_secrets.adapters.audit_chain import Link
from leger_secrets.adapters.audit_directory import AuditDirectory
from leger_secrets.adapters.audit_queue import GroupCommit
from leger_secrets.adapters.audit_written import WrittenFile
from leger_secrets.domain.audit import Action, AuditEntry
from leger_secrets.domain.audit_errors import AuditLogBroken
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.clock import Clock
from leger_secrets.domain.errors import AuditUnavailable

ROTATED_AT = 16 * 1024 * 1024
"""In bytes: a file that is longer is not written to any more."""


class AuditAnchor(Protocol):
    """Where the log's end is noted, outside of the log. Notes never raise."""

    def audit(self) -> tuple[int, str] | None:
        """Return the number and the hash of the line that was noted last; None when none was."""
        ...

    def note_audit(self, seq: int, digest: str) -> None:
        """Note a line that is on the disk."""
        ...


class End(NamedTuple):
    """How far the log has come, for those who read it.

    `link` is the last line's, `known` that of a line which the log must have; `anchored` tells
    whether an anchor says so.
    """

    written: WrittenFile
    link: Link
    known: Link
    anchored: bool
    problem: AuditLogBroken | None


class AuditFile:
    """Appends lines to a file, one fdatasync(2) for all callers that wait at the time.

    A write that fails is cut off again, so the log goes on by itself once the disk does. A file
    that has become long is renamed, and the chain goes on in a new one.

    A log that was changed by something else is *broken*: `problem` says how, nothing can be
    recorded, and `begin_anew` is the way out. That is found out on opening and on attaching the
    anchor, and before each write the written file must still be there, as long as it was left.
    """

    _written: WrittenFile
    _link: Link
    _problem: AuditLogBroken | None

    def __init__(self, *, path: Path, clock: Clock, size: int = ROTATED_AT) -> None:
        """Open or create the log. Raises StateInUse, OSError."""
        self._clock = clock
        self._size = size
        self._queue = GroupCommit(self._append)
        self._turn = threading.Lock()  # of whoever writes, renames, or must see neither
        self._grown = threading.Condition()
        self._anchor: AuditAnchor | None = None
        self._noted: Link | None = None
        self._reported: AuditLogBroken | None = None
        self._begun = False  # whether this process began the log, and no anchor knows of it yet
        self.directory = AuditDirectory(path)
        try:
            self._open()
        except BaseException:
            self.directory.close()
            raise

    @property
    def problem(self) -> AuditLogBroken | None:
        """How the log is broken; None when it is not, or the disk does not tell."""
        with self._turn, suppress(OSError):
            return self._find_problem()
        return None

    def record(self, entries: Sequence[AuditEntry]) -> None:
        """Append the entries; they are on the disk on return. Raises AuditUnavailable."""
        self._queue.submit(entries)

    def attach(self, anchor: AuditAnchor) -> None:
        """Check that the log has the line that the anchor knows; from now on note its end there.

        A broken log is looked at anew: somebody may have put its files back. One that this process
        was told to begin has no such line. Raises AuditLogBroken, AuditUnavailable.
        """
        with self._turn, _unavailable("Reading it failed"):
            noted = None if self._begun else anchor.audit()
            self._noted = Link(*noted) if noted else None
            if self._find_problem():
                old = self._written
                self._open()
                old.close()
            if self._noted and not self._problem:
                self._problem = audit_recovery.missing(
                    self.directory, self._written, self._link, self._noted
                )
            if self._problem:
                raise self._problem
            self._anchor, self._begun = anchor, False
            self._note()

    def detach(self) -> None:
        """Note nothing any more: the anchor's key is about to be forgotten."""
        with self._turn:
            self._anchor = self._noted = None

    def report(self, problem: AuditLogBroken) -> None:
        """Note that a line further back is not as it was written: the log may be begun anew.

        Its end is whole, so recording goes on meanwhile.
        """
        self._reported = problem

    def begin_anew(self, by: Caller) -> list[str]:
        """Set all files of a broken log aside and begin one that says so in its first line.

        Returns the files' new names; none when the log is not known to be broken. The numbers of
        the lines go on. Killed before the anchor is attached, the log is broken again, as the
        anchor knows of a line that it does not have. Raises AuditUnavailable; another call does
        the rest.
        """
        with self._turn, _unavailable("Beginning it anew failed"):
            if not (self._reported or self._find_problem()):
                return []
            last = max(self._noted or self._link, self._link, key=lambda link: link.seq)
            now = self._clock()
            detail = f"after line {last.seq}, SHA-256 {last.digest}"
            line, link = audit_chain.encode(
                last, AuditEntry(by, Action.BEGIN_LOG, detail=detail), now
            )
            written = WrittenFile(self.directory, self.directory.create_next(), first=link.seq)
            try:
                written.append(line)
                aside = self.directory.set_aside(now)
            except BaseException:
                written.close()
                raise
            self._written.close()
            self._written, self._link = written, link
            self._problem = self._reported = self._noted = None
            self._begun = self._anchor is None
            self._note()
        self._tell_waiting()
        return aside

    @contextmanager
    def steady(self) -> Iterator[End]:
        """Yield how far the log has come; inside the block nothing is written or renamed.

        Raises OSError.
        """
        with self._turn:
            anchored = bool(self._anchor or self._noted)
            known = self._noted or self._link
            yield End(self._written, self._link, known, anchored, self._find_problem())

    def wait(self, *, after: int, timeout: float) -> None:
        """Wait, at most `timeout` seconds, until there is a line behind the one of that number."""
        with self._grown:
            self._grown.wait_for(lambda: self._link.seq > after, timeout)

    def close(self) -> None:
        """Close the files; what was recorded is on the disk already."""
        with self._turn:
            self._written.close()
            self.directory.close()

    def _open(self) -> None:
        descriptor = self.directory.open_current()
        try:
            ending = audit_recovery.find(self.directory, descriptor)
            written = WrittenFile(self.directory, descriptor, first=ending.first)
            written.resume(ending.length)
        except BaseException:
            os.close(descriptor)
            raise
        self._written, self._link, self._problem = written, ending.link, ending.problem

    def _append(self, entries: Sequence[AuditEntry]) -> None:
        with self._turn, _unavailable("Writing it failed"):
            if problem := self._find_problem():
                raise AuditUnavailable(str(problem), next_step=problem.next_step)
            if self._written.length >= self._size:
                with suppress(OSError):  # better a long file than a refused request
                    self._rotate()
            link, lines = self._link, []
            for entry in entries:
                line, link = audit_chain.encode(link, entry, self._clock())
                lines.append(line)
            self._written.append(b"".join(lines))
            self._link = link
            self._note()
        self._tell_waiting()

    def _rotate(self) -> None:
        descriptor = self.directory.create_next()
        try:
            written = WrittenFile(self.directory, descriptor, first=self._link.seq + 1)
            self.directory.rotate(self._written.first)
        except BaseException:
            os.close(descriptor)
            raise
        self._written.close()
        self._written = written

    def _note(self) -> None:
        if self._anchor and self._link.seq:
            self._noted = self._link
            self._anchor.note_audit(*self._link)

    def _tell_waiting(self) -> None:
        with self._grown:
            self._grown.notify_all()

    def _find_problem(self) -> AuditLogBroken | None:
        if self._problem:
            return self._problem
        problem = self._written.problem()
        return AuditLogBroken(self.directory.current, problem) if problem else None


@contextmanager
def _unavailable(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AuditUnavailable(f"{what}: {reason_of(error)}.") from None
