"""Where a box keeps things, what is recorded of it, and whether it runs.

    <cache>/box/rootfs/<suite>-<recipe>/     the file system all boxes of a suite share, read-only
    <cache>/box/boxes/<name>/box.json        what is recorded
    <cache>/box/boxes/<name>/upper, work     the overlay's own layers: the box's disk
    <cache>/box/boxes/<name>/containers/*    container storage, on plain directories
    <cache>/box/boxes/<name>/root            where the box's own mount namespace has its root

`<cache>` is $LEGER_CACHE, or leger's directory in $XDG_CACHE_HOME or ~/.cache.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from . import cgroup
from .errors import BoxError, Code, box_is_down, no_such_box

_PF_EXITING: Final = 0x4  # linux/sched.h; proc_pid_stat(5) has the fields
NAME_PATTERN: Final = re.compile(r"[a-z][a-z0-9-]{0,40}")

SYSTEM_STORAGE: Final = "var/lib/containers"
USER_STORAGE: Final = "home/alice/.local/share/containers"


def store_point(number: int) -> Path:
    """Where the box's image store of this number is, relative to the box's root."""
    return Path(f"usr/lib/containers/storage-{number}")


def cache_dir() -> Path:
    """The directory everything of the boxes is below; it need not exist."""
    if own := os.environ.get("LEGER_CACHE"):
        return Path(own).absolute() / "box"
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "leger" / "box"


class Record(NamedTuple):
    """What a box was brought up with, and the process that is its systemd.

    `pid` is 0 when it was shut down in an orderly way; `started` is the process's start time
    in clock ticks since the machine's boot, so that a reused process id is noticed.
    """

    suite: str
    rootfs: str
    image_stores: tuple[str, ...] = ()
    pid: int = 0
    started: int = 0


class Box:
    """A box by its name; nothing is read until asked for."""

    def __init__(self, name: str) -> None:
        self.name: Final = name
        if not NAME_PATTERN.fullmatch(name):
            raise BoxError(
                f"{name!r} cannot be a box's name",
                why="it becomes a directory, a cgroup and a host name",
                todo="use a letter, then lower-case letters, digits and hyphens, at most 41",
                code=Code.USAGE,
            )

    @property
    def directory(self) -> Path:
        return cache_dir() / "boxes" / self.name

    @property
    def upper(self) -> Path:
        return self.directory / "upper"

    @property
    def work(self) -> Path:
        return self.directory / "work"

    @property
    def root(self) -> Path:
        return self.directory / "root"

    @property
    def console(self) -> Path:
        return self.directory / "console.log"

    @property
    def storage(self) -> dict[str, Path]:
        """Path in the box (relative) → the plain directory that is bound there."""
        return {
            SYSTEM_STORAGE: self.directory / "containers" / "system",
            USER_STORAGE: self.directory / "containers" / "alice",
        }

    @property
    def cgroup(self) -> Path:
        """The box's own cgroup: every process of the box, and none other, is in or below it."""
        mark = zlib.crc32(os.fsencode(self.directory))
        return cgroup.root() / f"leger-box-{self.name}-{mark:08x}"

    @property
    def exists(self) -> bool:
        return (self.directory / "box.json").exists()

    def read(self) -> Record:
        """The record. Raises BoxError (NOT_FOUND) when there is no such box."""
        try:
            text = (self.directory / "box.json").read_text()
        except (FileNotFoundError, NotADirectoryError):
            raise no_such_box(self.name, names()) from None
        values = json.loads(text)
        return Record(**values | {"image_stores": tuple(values["image_stores"])})

    def write(self, record: Record) -> None:
        """Replace the record, whole or not at all."""
        draft = self.directory / "box.json.new"
        draft.write_text(json.dumps(record._asdict(), indent=1) + "\n")
        draft.replace(self.directory / "box.json")

    def running_pid(self) -> int:
        """The process id of the box's systemd, 0 when it does not run (or there is no box)."""
        try:
            record = self.read()
        except BoxError:
            return 0
        return record.pid if record.pid and start_time(record.pid) == record.started else 0

    def require_running(self) -> int:
        """`running_pid`, or BoxError: NOT_FOUND without a box, UNAVAILABLE for one that is down."""
        self.read()
        pid = self.running_pid()
        if not pid:
            raise box_is_down(self.name)
        return pid

    @contextmanager
    def locked(self, *, create: bool = False) -> Iterator[None]:
        """Hold the box alone: up, reboot and down of one name wait for each other.

        The lock is the box's directory itself, so that nothing is left of it after `down`.
        Raises BoxError (NOT_FOUND) when there is no such directory and `create` is false.
        """
        while True:
            if create:
                self.directory.mkdir(parents=True, exist_ok=True, mode=0o711)
            try:
                fd = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                raise no_such_box(self.name, names()) from None
            try:
                fcntl.flock(fd, fcntl.LOCK_EX)
                if self._is_current(fd):
                    yield
                    return
            finally:
                os.close(fd)

    def _is_current(self, fd: int) -> bool:
        try:
            return os.path.samestat(os.fstat(fd), self.directory.stat())
        except FileNotFoundError:
            return False


def names() -> list[str]:
    """The names of all boxes there are, up or down."""
    return sorted(path.parent.name for path in cache_dir().glob("boxes/*/box.json"))


def start_time(pid: int) -> int:
    """Start of a live process in clock ticks since boot; -1 when it is gone or about to be."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return -1
    fields = text.rpartition(")")[2].split()
    ended = fields[0] in "ZX" or int(fields[6]) & _PF_EXITING
    return -1 if ended else int(fields[19])
