"""The audit log as a file of hash-chained lines."""

import fcntl
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from leger_runtime import atomic
from leger_runtime.errors import Kind, LegerError

from leger_secrets.adapters import audit_chain
from leger_secrets.domain.audit import AuditEntry
from leger_secrets.domain.clock import Clock
from leger_secrets.domain.errors import AuditUnavailable

_TAIL = 64 * 1024  # bytes of old lines that opening verifies: many, at a bounded cost


class AuditLogBroken(LegerError):
    """The end of the audit log was changed by something else."""

    kind, reason = Kind.CONFLICT, "AUDIT_LOG_BROKEN"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"The audit log {path} is not as it was written.",
            why=f"Its chain of hashes is broken: {why}.",
            next_step=f"Find out who changed it; then move it away (`mv {path} {path}.broken`)"
            " and start again: a new log begins.",
        )


class StateInUse(LegerError):
    """Another process serves from the same directory."""

    kind, reason = Kind.CONFLICT, "STATE_IN_USE"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The secrets service cannot use {path.parent}.",
            why="Another process has locked the audit log there.",
            next_step="Stop the other secrets service; only one can run in a scope.",
        )


class _Request:
    """The entries of one waiting caller, and what became of them.

    `turn` is held until the request is done, or is the one to lead.
    """

    __slots__ = ("done", "entries", "failure", "turn")

    def __init__(self, entries: Sequence[AuditEntry]) -> None:
        self.entries = entries
        self.done = False
        self.failure = ""
        self.turn = threading.Lock()
        self.turn.acquire()


class AuditFile:
    """Appends lines to a file, one fdatasync(2) for all callers that wait at the time.

    The first caller to come leads: it writes for everybody who waits then, itself included, while
    later ones gather; the first of those leads next.

    A write that fails is cut off again, so the log goes on by itself once the disk does. Opening it
    repairs what a crash in the middle of a write can leave: a last line without its end, which
    nobody was told of.
    """

    def __init__(self, *, path: Path, clock: Clock) -> None:
        """Open or create the log. Raises AuditLogBroken, StateInUse, OSError."""
        self._clock = clock
        self._guard = threading.Lock()
        self._waiting: list[_Request] = []
        self._led = False
        self._descriptor = os.open(
            path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        try:
            self._lock(path)
            atomic.sync_directory(path.parent)
            self._length, self._link = self._recover(path)
        except BaseException:
            os.close(self._descriptor)
            raise
        # Whether there may be bytes past `_length`, to be cut off before the next write.
        self._dirty = os.fstat(self._descriptor).st_size > self._length

    def record(self, entries: Sequence[AuditEntry]) -> None:
        """Append the entries; they are on the disk on return. Raises AuditUnavailable."""
        request = _Request(entries)
        with self._guard:
            self._waiting.append(request)
            follows, self._led = self._led, True
        if follows:
            request.turn.acquire()
        if not request.done:
            self._lead()
        if request.failure:
            raise AuditUnavailable(request.failure)

    def close(self) -> None:
        """Close the file; what was recorded is on the disk already."""
        descriptor, self._descriptor = self._descriptor, -1
        os.close(descriptor)

    def _lead(self) -> None:
        """Write for everybody who waits, then wake them, and whoever is to lead next."""
        with self._guard:
            group, self._waiting = self._waiting, []
        failure = "Writing it was interrupted."
        try:
            self._append([entry for request in group for entry in request.entries])
            failure = ""
        except OSError as error:
            failure = f"Writing it failed: {error.strerror or 'I/O error'}."
        finally:
            for request in group:
                request.done, request.failure = True, failure
            with self._guard:
                woken = self._waiting[:1]
                self._led = bool(woken)
            # Not by a Condition: its waiters would all queue for one lock once more.
            for request in woken + group:
                request.turn.release()

    def _append(self, entries: Sequence[AuditEntry]) -> None:
        link = self._link
        lines = []
        for entry in entries:
            line, link = audit_chain.encode(link, entry, self._clock())
            lines.append(line)
        content = b"".join(lines)
        try:
            if self._dirty:
                self._cut()
            self._write(content)
        except OSError:
            with suppress(OSError):  # else it is cut before the next write
                self._cut()
            raise
        self._length += len(content)
        self._link = link

    def _write(self, content: bytes) -> None:
        self._dirty = True
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        os.fdatasync(self._descriptor)
        self._dirty = False

    def _cut(self) -> None:
        """Remove what follows the last line that was acknowledged."""
        os.ftruncate(self._descriptor, self._length)
        self._dirty = False

    def _lock(self, path: Path) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateInUse(path) from None

    def _recover(self, path: Path) -> tuple[int, audit_chain.Link]:
        """Verify the last lines; return where the last whole one ends, and its link."""
        size = os.fstat(self._descriptor).st_size
        start = max(0, size - _TAIL)
        tail = os.pread(self._descriptor, size - start, start)
        *lines, torn = tail.split(b"\n")
        if start:
            del lines[:1]  # its beginning was not read
        try:
            link = audit_chain.follow(lines, start=None if start else audit_chain.GENESIS)
        except audit_chain.BrokenChain as error:
            raise AuditLogBroken(path, str(error)) from error
        return size - len(torn), link
