"""A copy of the store, taken before a newer leger changes its schema.

A store that was brought to a newer schema cannot be opened by an older leger. So that an upgrade
can be taken back, the files are copied while no service has them open; what is encrypted stays so.
The audit log is not among them: it is never taken back, and a longer one is no contradiction.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from leger_runtime import atomic
from leger_runtime.errors import Kind, LegerError

from leger_bootstrap import directory_lock

# As the secrets service names them, and SQLite what belongs to a database. A write-ahead log of
# another database would be taken for its own, so a copy has all that were there, and no more.
DATABASE, KEYRING, ANCHOR = "secrets.db", "keyring.json", "anchor"
LOG, INDEX = f"{DATABASE}-wal", f"{DATABASE}-shm"
REKEYED = f"{DATABASE}.rekeyed"
_FILES = (DATABASE, LOG, KEYRING, ANCHOR)
# Of the database that is exchanged, and nothing to any other. All else is there at any moment:
# where it is not, the secrets service would begin a store.
_OF_ONE_DATABASE = (LOG, INDEX, REKEYED)


class StoreInUse(LegerError):
    """The store is to be copied or put back, and a service has it open."""

    kind, reason = Kind.UNAVAILABLE, "STORE_IN_USE"


@contextmanager
def closed(state: Path) -> Iterator[None]:
    """Keep the store in `state` closed. Raises StoreInUse, OSError.

    It is the lock that the secrets service takes before it opens any file: one that is started
    meanwhile, by its socket or for a stack, ends, and systemd starts it again until it may serve.
    """
    with ExitStack() as locked:
        try:
            locked.enter_context(directory_lock.at_once(state))
        except BlockingIOError:
            raise StoreInUse(
                "The secrets store cannot be exchanged.",
                why=f"A process has opened it: {state} is locked.",
                next_step="Stop what starts leger-secrets.service all the time, then try again.",
            ) from None
        yield


def directory(state: Path) -> Path:
    """Return where the copy of the store in `state` lies; a whole one or none."""
    return state / "before-upgrade"


def exists(state: Path) -> bool:
    """Tell whether there is a copy."""
    return directory(state).is_dir()


def make(state: Path) -> None:
    """Copy the store, in place of any earlier copy. It is to be closed. Raises OSError."""
    drop(state)
    scratch = _scratch(state)
    _copy(state, scratch)
    scratch.rename(directory(state))
    atomic.sync_directory(state)


def put_back(state: Path) -> None:
    """Make the store what it was when it was copied, and drop the copy. It is to be closed.

    Killed on the way, the copy is still there and whole, and putting back begins anew. Raises
    OSError; for a full disk before anything has changed.
    """
    scratch = _scratch(state)
    _remove(scratch)
    _copy(directory(state), scratch)
    for name in _OF_ONE_DATABASE:
        (state / name).unlink(missing_ok=True)
    for name in _FILES:
        if (scratch / name).exists():
            (scratch / name).rename(state / name)
        else:
            (state / name).unlink(missing_ok=True)
    atomic.sync_directory(state)
    drop(state)


def drop(state: Path) -> None:
    """Remove the copy: values that are deleted from the store would live on in it."""
    scratch = _scratch(state)
    _remove(scratch)
    if exists(state):
        directory(state).rename(scratch)  # from here on there is none
        atomic.sync_directory(state)
        _remove(scratch)


def _scratch(state: Path) -> Path:
    return state / ".before-upgrade.tmp"


def _remove(scratch: Path) -> None:
    shutil.rmtree(scratch, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    """Copy the files that there are to a new directory, durably."""
    target.mkdir(mode=0o700)
    for name in _FILES:
        if not (source / name).exists():
            continue
        # With mode; by reflink or in the kernel where that is possible.
        shutil.copy2(source / name, target / name)
        with (target / name).open("rb") as copied:
            os.fsync(copied.fileno())
    atomic.sync_directory(target)
