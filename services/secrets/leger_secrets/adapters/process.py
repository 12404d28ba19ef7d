"""Keeping the memory of this process from the disk and from other processes."""

import ctypes
import os
import resource
from pathlib import Path

from leger_runtime import memory

# linux/mman.h, linux/capability.h
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
_CAP_IPC_LOCK = 14


def harden() -> list[str]:
    """Forbid core dumps and tracing, close the umask, lock memory; return what was not possible.

    Each entry is a whole sentence. Nothing of it is required for serving.
    """
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    weaknesses = []
    if not memory.forbid_dumps():
        weaknesses.append("Other processes of this user may read the memory of this one.")
    # On fault: each page is locked when it is used, so that untouched stacks cost nothing.
    flags = _MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT
    if (not _may_lock() or libc.mlockall(flags) != 0) and _has_swap():
        weaknesses.append("Memory is not locked, and the host has swap: it may be swapped out.")
    return weaknesses


def _has_swap() -> bool:
    """Tell whether the host can swap anything out: proc_swaps(5), of the host in containers too."""
    return len(Path("/proc/swaps").read_text().splitlines()) > 1


def _may_lock() -> bool:
    """Tell whether all memory may be locked.

    Under a limit, mlockall(2) can succeed and make a later allocation fail, which is worse.
    """
    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY:
        return True
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> _CAP_IPC_LOCK & 1)
    return False
