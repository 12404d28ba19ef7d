"""The one file of the audit log that is written to."""

import os
from contextlib import suppress

from leger_secrets.adapters.audit_directory import AuditDirectory


class WrittenFile:
    """A file that only this process should write to, and that is as long as it was left.

    `first` is the number of its first line, there or not; `length` the bytes of its whole lines.
    """

    def __init__(self, directory: AuditDirectory, descriptor: int, *, first: int) -> None:
        """Take over a descriptor for appending. Raises OSError."""
        status = os.fstat(descriptor)
        self.first = first
        self.length = 0
        self._directory = directory
        self._descriptor = descriptor
        self._identity = status.st_dev, status.st_ino
        self._named = False  # whether its name is on the disk
        self._dirty = False  # whether there may be bytes behind `length`

    def resume(self, length: int) -> None:
        """Go on behind the first `length` bytes; what follows them is cut off. Raises OSError."""
        self.length = length
        # Cut when there is something to write, so that opening a log changes nothing.
        self._dirty = os.fstat(self._descriptor).st_size > length

    def append(self, content: bytes) -> None:
        """Write all or nothing; it is on the disk on return. Raises OSError."""
        try:
            if self._dirty:
                self._cut()
            self._dirty = True
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            os.fdatasync(self._descriptor)
            if not self._named:
                self._directory.sync()
                self._named = True
        except OSError:
            with suppress(OSError):  # else it is cut before the next write
                self._cut()
            raise
        self._dirty = False
        self.length += len(content)

    def problem(self) -> str:
        """Say what was done to the file by something else; empty when nothing. Raises OSError."""
        try:
            found = self._directory.stat()
        except FileNotFoundError:
            return "It was removed or renamed while the service ran."
        if (found.st_dev, found.st_ino) != self._identity:
            return "It was replaced by another file while the service ran."
        if found.st_size < self.length or (found.st_size > self.length and not self._dirty):
            return f"It has {found.st_size} bytes, and the service left it with {self.length}."
        return ""

    def duplicate(self) -> int:
        """Return a descriptor that still reads this file when it is renamed or closed here."""
        return os.dup(self._descriptor)

    def close(self) -> None:
        """Close the file. Appending and the look for a problem fail with an OSError from now on."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _cut(self) -> None:
        os.ftruncate(self._descriptor, self.length)
        self._dirty = False
