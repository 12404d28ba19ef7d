"""Copying a store into a new file, encrypted with another key."""

import os
from pathlib import Path

from sqlcipher3 import dbapi2

from leger_secrets.adapters import sqlcipher


def copy(source: dbapi2.Connection, path: Path, key: bytes | bytearray) -> int:
    """Write all pages of the last commit to a new file, on the disk; return how many there are.

    Page by page, so that nothing of the file is lost that a copy of its tables would not have: its
    schema's version, its journal mode. `source` must not be in a transaction. Raises
    StoreUnavailable, StoreDamaged, OSError; what there is of the file then is to be removed.
    """
    # So that closing the source has nothing left to do, for which the disk could then be too small.
    sqlcipher.truncate_log(source)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    target = sqlcipher.unlock(str(path), key)
    try:
        with sqlcipher.translated():
            # Nobody reads it before it is whole, and all of it is forced to the disk below.
            target.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
            source.backup(target)
            # Not told by the copying itself: what it could not read would be in the new file, as
            # zeros that are authenticated.
            sqlcipher.check_intact(source)
            (pages,) = target.execute("PRAGMA page_count").fetchone()
    finally:
        target.close()
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return int(pages)
