"""A box's cgroup: every process of the box, and none other, is in it or below it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .errors import BoxError, Code

EXEC: Final = "exec"  # where processes of `box exec` live, beside systemd's own slices
_USEFUL: Final = {"cpu", "cpuset", "io", "memory", "pids"}


def root() -> Path:
    """Where the cgroup2 hierarchy is mounted: differs between hybrid and pure machines."""
    for place in (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup")):
        if (place / "cgroup.procs").exists() and (place / "cgroup.controllers").exists():
            return place
    raise BoxError(
        "this machine has no cgroup2 hierarchy",
        why="neither /sys/fs/cgroup nor /sys/fs/cgroup/unified is one, and systemd needs one",
        todo="mount one: mount -t cgroup2 none /sys/fs/cgroup/unified",
        code=Code.UNAVAILABLE,
    )


def make(cgroup: Path) -> None:
    """Make the box's cgroup, with what controllers the machine can pass on, be it none."""
    (cgroup / EXEC).mkdir(parents=True)
    try:
        there = set((cgroup.parent / "cgroup.controllers").read_text().split())
        passed_on = set((cgroup.parent / "cgroup.subtree_control").read_text().split())
        for controller in (there & _USEFUL) - passed_on:
            (cgroup.parent / "cgroup.subtree_control").write_text(f"+{controller}")
    except OSError:
        return  # the parent holds processes, as in a container: then there are none


def processes(cgroup: Path) -> Iterator[int]:
    """The ids of all processes in and below the cgroup; it need not exist."""
    for directory, _, _ in os.walk(cgroup):
        try:
            pids = (Path(directory) / "cgroup.procs").read_text().split()
        except OSError:
            continue
        yield from map(int, pids)


def remove(cgroup: Path) -> None:
    """Kill every process of the cgroup and remove it; it need not exist. Raises BoxError."""
    deadline = time.monotonic() + 10
    while _kill_all(cgroup):
        if time.monotonic() > deadline:
            raise BoxError(
                f"processes in {cgroup} would not die",
                why="they are still there 10 s after SIGKILL",
                todo="look at them with ps, then run the command again",
            )
        time.sleep(0.01)
    for directory, _, _ in os.walk(cgroup, topdown=False):
        _remove_directory(Path(directory))


def _kill_all(cgroup: Path) -> bool:
    found = False
    for pid in processes(cgroup):
        found = True
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return found


def _remove_directory(directory: Path) -> None:
    """Remove an empty cgroup; the kernel may need a moment after its last process ended."""
    for _ in range(200):
        try:
            directory.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.01)
        else:
            return
    directory.rmdir()
