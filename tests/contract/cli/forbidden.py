"""A directory of sockets that is another account's."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NOBODY = 65_534


@contextmanager
def closed(directory: Path) -> Iterator[list[str]]:
    """Keep a command out of a directory inside the block; yield what the command begins with."""
    prefix: list[str] = []
    if os.geteuid() == 0:
        # Root may enter any directory, unless the capability that says so is gone.
        os.chown(directory, _NOBODY, _NOBODY)
        prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    else:
        directory.chmod(0)
    try:
        yield prefix
    finally:
        os.chown(directory, os.geteuid(), os.getegid())
        directory.chmod(0o700)
