"""The Linux calls Python 3.11 has no function for: namespaces, mounts, process control.

Every function raises OSError with the kernel's errno, as `os` functions do.
"""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path
from typing import Final

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWCGROUP: Final = 0x02000000
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000

MS_RDONLY: Final = 0x1
MS_NOSUID: Final = 0x2
MS_NODEV: Final = 0x4
MS_NOEXEC: Final = 0x8
MS_REMOUNT: Final = 0x20
MS_BIND: Final = 0x1000
MS_REC: Final = 0x4000
MS_PRIVATE: Final = 0x40000
MS_SHARED: Final = 0x100000
MNT_DETACH: Final = 0x2

_PR_SET_PDEATHSIG: Final = 1
_CLONE_INTO_CGROUP: Final = 0x200000000
_IN_MEMORY: Final = (0x01021994, 0x858458F6, 0x958458F6)  # linux/magic.h
_SYS_CLONE3: Final = 435  # the same on every architecture

_libc = ctypes.CDLL(None, use_errno=True)
_libc_with_gil = ctypes.PyDLL(None, use_errno=True)
_libc.mount.argtypes = (
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_char_p,
)
_libc.prctl.argtypes = (ctypes.c_int,) + (ctypes.c_ulong,) * 4


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def unshare(flags: int) -> None:
    """Give this process new namespaces (unshare(2)); CLONE_NEWPID counts for its children."""
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def setns(fd: int, flags: int) -> None:
    """Join the namespaces of `flags` that the pidfd or namespace file `fd` stands for."""
    _check(_libc.setns(ctypes.c_int(fd), ctypes.c_int(flags)), "setns")


def mount(
    source: str | Path, target: str | Path, fstype: str = "", flags: int = 0, data: str = ""
) -> None:
    """Mount, as mount(2); an empty `fstype` or `data` is passed as NULL."""
    result = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        os.fsencode(fstype) or None,
        flags,
        os.fsencode(data) or None,
    )
    _check(result, str(target))


def umount(target: str, flags: int = 0) -> None:
    """Unmount, as umount2(2)."""
    _check(_libc.umount2(os.fsencode(target), ctypes.c_int(flags)), target)


def pivot_root(new_root: str, put_old: str) -> None:
    """Make `new_root` the root of this mount namespace, as pivot_root(2)."""
    _check(_libc.pivot_root(os.fsencode(new_root), os.fsencode(put_old)), new_root)


def fork_into(cgroup: int) -> int:
    """Fork as os.fork does, the child in the cgroup2 directory that `cgroup` is open on.

    The kernel makes the child there (clone3(2)): moving a process afterwards costs some 14 ms.
    For a process with a single thread only: nothing is locked that the child would miss.
    """
    arguments = (ctypes.c_uint64 * 11)(_CLONE_INTO_CGROUP, 0, 0, 0, signal.SIGCHLD)
    arguments[10] = cgroup
    pid: int = _libc_with_gil.syscall(_SYS_CLONE3, arguments, ctypes.sizeof(arguments))
    if pid < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "clone3")
    return pid


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Have the kernel send this process `number` when its parent ends (prctl(2))."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0), "prctl")


def lives_in_memory(path: Path) -> bool:
    """Whether `path` is on tmpfs, ramfs or hugetlbfs (statfs(2)): gone with the power."""
    buffer = (ctypes.c_long * 64)()
    _check(_libc.statfs(os.fsencode(path), buffer), str(path))
    return buffer[0] & 0xFFFFFFFF in _IN_MEMORY
