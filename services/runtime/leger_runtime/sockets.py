"""Binding Unix sockets that nobody but their owner may connect to."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def binding(path: Path) -> Iterator[None]:
    """Remove a stale socket, and give the one that the block binds mode 0600 from the first.

    Meanwhile the umask of the whole process is another, so that no other thread may make files or
    directories: a service binds all of its sockets before it serves on any. Raises OSError.
    """
    path.unlink(missing_ok=True)
    before = os.umask(0o177)  # there is no moment between bind(2) and chmod(2)
    try:
        yield
    finally:
        os.umask(before)
