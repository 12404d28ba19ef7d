"""Keeping the memory of this process from other processes."""

import ctypes

_PR_SET_DUMPABLE = 4  # linux/prctl.h


def forbid_dumps() -> bool:
    """Forbid core dumps of this process, and other processes of its account to look into it.

    A program that takes its place by execve(2) is as any other again. Returns whether the system
    did it.
    """
    done: int = ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    return done == 0
