"""A copy of the store, taken before a newer leger changes its schema.

A store that was brought to a newer schema cannot be opened by an older leger. So that an upgrade
can be taken back, the files are copied while no service has them open; what is encrypted stays so.
The audit log is not among them: it is never taken back, and a longer one is no contradiction.
"""

import os
import shutil
from pathlib import Path

from leger_runtime import atomic

# As the secrets service names them. A copy has those that were there; the write-ahead log belongs
# to the database, and one of another database would be taken for it.
_FILES = ("secrets.db", "secrets.db-wal", "keyring.json", "anchor")
_DERIVED = ("secrets.db-shm", "secrets.db.rekeyed")


def directory(state: Path) -> Path:
    """Return where the copy of the store in `state` lies; a whole one or none."""
    return state / "before-upgrade"


def exists(state: Path) -> bool:
    """Tell whether there is a copy."""
    return directory(state).is_dir()


def make(state: Path) -> None:
    """Copy the store, in place of any earlier copy. Nothing may have it open. Raises OSError."""
    drop(state)
    scratch = _scratch(state)
    scratch.mkdir(mode=0o700)
    for name in _FILES:
        if (state / name).exists():
            _copy(state / name, scratch / name)
    atomic.sync_directory(scratch)
    scratch.rename(directory(state))
    atomic.sync_directory(state)


def put_back(state: Path) -> None:
    """Make the store what it was when it was copied. Nothing may have it open. Raises OSError.

    Killed on the way, the copy is still whole, and putting back begins anew.
    """
    for name in (*_DERIVED, *_FILES):
        (state / name).unlink(missing_ok=True)
    for copied in directory(state).iterdir():
        _copy(copied, state / copied.name)
    atomic.sync_directory(state)


def drop(state: Path) -> None:
    """Remove the copy: values that are deleted from the store would live on in it."""
    scratch = _scratch(state)
    if exists(state):
        directory(state).rename(scratch)  # from here on there is none
    shutil.rmtree(scratch, ignore_errors=True)


def _scratch(state: Path) -> Path:
    return state / ".before-upgrade.tmp"


def _copy(source: Path, target: Path) -> None:
    shutil.copy2(source, target)  # with mode; by reflink or in the kernel where that is possible
    with target.open("rb") as copied:
        os.fsync(copied.fileno())
