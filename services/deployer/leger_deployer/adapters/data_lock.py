"""Keeping a second deployer away from the same stacks."""

import fcntl
import os
from pathlib import Path

from leger_runtime.errors import Kind, LegerError

from leger_deployer.adapters.disk import translated

_FILE_NAME = "lock"


class StateInUse(LegerError):
    """Another process deploys from the same directory."""

    kind, reason = Kind.CONFLICT, "STATE_IN_USE"


def hold(data: Path) -> None:
    """Lock the data directory for as long as this process lives, however it ends.

    A second deployer would take what the first has under way for left behind, and undo it. Raises
    StateInUse, StorageUnavailable or DiskFull.
    """
    path = data / _FILE_NAME
    with translated(path):
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        # Never closed: the kernel does it, and lets go of the lock then.
        descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise StateInUse(
                f"The deployer service cannot use {data}.",
                why="Another process has locked it.",
                next_step="Stop the other deployer; only one can run in a scope.",
            ) from None
