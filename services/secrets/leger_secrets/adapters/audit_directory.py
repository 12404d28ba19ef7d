"""The files of the audit log: their names, and the one process that may use them."""

import errno
import fcntl
import os
import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from leger_runtime.errors import Kind, LegerError

_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW
_MODE = 0o600


class StateInUse(LegerError):
    """Another process serves from the same directory."""

    kind, reason = Kind.CONFLICT, "STATE_IN_USE"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The secrets service cannot use {path}.",
            why="Another process has locked it.",
            next_step="Stop the other secrets service; only one can run in a scope.",
        )


class AuditDirectory:
    """Where the log's files are: `audit.log`, which is written, and those that it was before.

    A file that has become long is renamed to `audit-<number of its first line>.log`. Both names
    come from that of the written one.
    """

    def __init__(self, path: Path) -> None:
        """Lock the directory of `path`, the written file. Raises StateInUse, OSError.

        The lock is on the directory, as every file in it is renamed at some time.
        """
        self.current = path.name
        self._next = f".{path.name}.next"
        self._rotated = re.compile(
            rf"{re.escape(path.stem)}-([0-9]{{12,18}}){re.escape(path.suffix)}"
        )
        self._pattern = f"{path.stem}-{{:012}}{path.suffix}"
        self._descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise StateInUse(path.parent) from None

    def close(self) -> None:
        """Unlock the directory."""
        descriptor, self._descriptor = self._descriptor, -1
        os.close(descriptor)

    def rotated(self) -> list[int]:
        """Return the numbers that the names of the earlier files have, ascending."""
        names = map(self._rotated.fullmatch, self._names())
        return sorted(int(found[1]) for found in names if found)

    def name(self, first: int) -> str:
        """Return the name of an earlier file, by the number of its first line."""
        return self._pattern.format(first)

    def open(self, name: str) -> int:
        """Return a descriptor that reads the file. Raises OSError, also for a symbolic link."""
        return os.open(name, os.O_RDONLY | _FLAGS, dir_fd=self._descriptor)

    def open_current(self) -> int:
        """Return a descriptor that appends to the written file, made if need be. Raises OSError."""
        self._remove_next()  # of a process that was killed while it rotated
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | _FLAGS
        descriptor = os.open(self.current, flags, _MODE, dir_fd=self._descriptor)
        self.sync()
        return descriptor

    def stat(self) -> os.stat_result:
        """Return what the name of the written file stands for now. Raises OSError."""
        return os.stat(self.current, dir_fd=self._descriptor, follow_symlinks=False)

    def create_next(self) -> int:
        """Return a descriptor that appends to a new file, which has no lasting name yet."""
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | _FLAGS
        return os.open(self._next, flags, _MODE, dir_fd=self._descriptor)

    def rotate(self, first: int) -> None:
        """Rename the written file by its first line's number, and put the next one in its place.

        Raises OSError and has changed nothing then. Killed in between, there is no written file:
        opening makes one. `sync` makes it lasting.
        """
        if self.name(first) in self._names():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), self.name(first))
        self._rename(self.current, self.name(first))
        try:
            self._rename(self._next, self.current)
        except OSError:
            self._rename(self.name(first), self.current)
            raise

    def set_aside(self, time: datetime) -> list[str]:
        """Rename all files, put the next one in the place of the written one; return the new names.

        Raises OSError, in between; calling it again does the rest.
        """
        found = [self.current, *map(self.name, self.rotated())]
        suffix = self._unused_suffix(f"broken-{time:%Y%m%dT%H%M%SZ}")
        aside = []
        for name in found:
            try:
                self._rename(name, f"{name}.{suffix}")
            except FileNotFoundError:  # the written one: somebody has removed it
                continue
            aside.append(f"{name}.{suffix}")
        self._rename(self._next, self.current)
        self.sync()
        return aside

    def sync(self) -> None:
        """Make the names durable (fsync(2) of a file does not). Raises OSError."""
        os.fsync(self._descriptor)

    def _rename(self, old: str, new: str) -> None:
        os.rename(old, new, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def _unused_suffix(self, wanted: str) -> str:
        names, suffix, number = self._names(), wanted, 1
        while any(name.endswith(f".{suffix}") for name in names):
            number += 1
            suffix = f"{wanted}-{number}"
        return suffix

    def _remove_next(self) -> None:
        with suppress(FileNotFoundError):
            os.unlink(self._next, dir_fd=self._descriptor)

    def _names(self) -> list[str]:
        return os.listdir(self._descriptor)  # noqa: PTH208 - pathlib knows no descriptors
