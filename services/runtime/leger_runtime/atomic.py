"""Writing files so that `kill -9` at any point leaves the old content or the new."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def write(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replace `path` by `content`: temporary file, fsync, rename, fsync of the directory.

    Raises OSError as the system calls do; the temporary file is removed then.
    """
    with writing(path, mode=mode) as file:
        file.write(content)


@contextmanager
def writing(path: Path, *, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Open a file that replaces `path` as `write` does when the block is left.

    An exception that leaves the block leaves `path` as it was.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)  # the umask may have narrowed it
            yield file
            file.flush()
            os.fsync(descriptor)
        scratch.rename(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def symlink(link: Path, target: str) -> None:
    """Make `link` point at `target`, replacing what it pointed at, by one rename."""
    scratch = link.with_name(f".{link.name}.{os.getpid()}.tmp")
    scratch.unlink(missing_ok=True)
    scratch.symlink_to(target)
    scratch.rename(link)
    sync_directory(link.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable (fsync(2) of a file does not)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
