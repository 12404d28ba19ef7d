"""Locks on directories: one process has them, and loses them when it ends, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def waiting(directory: Path) -> Iterator[None]:
    """Lock `directory` when no other process has it; make it if need be. Raises OSError."""
    while True:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _opened(directory) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not _is_there_still(directory, descriptor):  # whoever had it has removed it
                continue
            yield
            return


@contextmanager
def at_once(directory: Path) -> Iterator[None]:
    """Lock `directory`. Raises BlockingIOError if another process has it, other OSErrors."""
    with _opened(directory) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


@contextmanager
def _opened(directory: Path) -> Iterator[int]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_there_still(directory: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(directory.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
