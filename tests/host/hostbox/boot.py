"""The life of a box: boot it and wait until it is up, shut it down, end it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Final

from . import cgroup, enter, host, init
from .errors import BoxError
from .layout import Box, Record, start_time

UP_SECONDS: Final = 180.0
SHUTDOWN_SECONDS: Final = 45.0
POWER_OFF: Final = signal.SIGRTMIN + 4  # systemd(1): start poweroff.target


def boot(box: Box, record: Record) -> str:
    """Boot the box on its disk; return systemd's state once it is up: running or degraded.

    The record is written with the new process id. The caller holds the box's lock, and the box
    does not run; what a killed `up` left running is ended. Raises BoxError when it does not come
    up; nothing runs then.
    """
    power_off(box)
    host.prepare(box, record)
    cgroup.make(box.cgroup)
    try:
        pid = init.start(box, record)
        box.write(record._replace(pid=pid, started=start_time(pid)))
        return _wait_until_up(box, pid)
    except BaseException:
        power_off(box)
        raise


def shut_down(box: Box) -> None:
    """Have systemd stop everything and end; what is left after 45 s is killed."""
    pid = box.running_pid()
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, POWER_OFF)
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        while box.running_pid() and time.monotonic() < deadline:
            time.sleep(0.02)
    power_off(box)


def power_off(box: Box) -> None:
    """Kill every process of the box, as a power cut does; none of it need be there.

    It goes by the cgroup and not by the record: a half-started box is found as well.
    """
    cgroup.remove(box.cgroup)


def _wait_until_up(box: Box, pid: int) -> str:
    """Wait for systemd and alice's user manager; return what `is-system-running` says."""
    deadline = time.monotonic() + UP_SECONDS
    waits = (
        ("root", "run/systemd/private", ("systemctl", "is-system-running", "--wait")),
        ("alice", "run/user/1000/bus", ("systemctl", "--user", "is-system-running", "--wait")),
    )
    states = []
    for user, socket, command in waits:
        while not Path(f"/proc/{pid}/root/{socket}").exists():
            _require_time(box, pid, deadline, f"/{socket} did not appear")
            time.sleep(0.02)
        state = ""
        while state not in ("running", "degraded"):
            _require_time(box, pid, deadline, f"systemctl as {user} says {state!r}")
            state = enter.capture(box, pid, command, user=user)[1].decode().strip()
        states.append(state)
    return states[0]


def _require_time(box: Box, pid: int, deadline: float, symptom: str) -> None:
    if start_time(pid) == -1:
        raise BoxError(
            f"the box {box.name!r} ended while it booted",
            why=_last_words(box),
            todo="see that overlay, cgroup2 and namespaces work on this machine",
        )
    if time.monotonic() > deadline:
        raise BoxError(
            f"the box {box.name!r} was not up after {UP_SECONDS:.0f} s",
            why=symptom,
            todo="try again; a loaded machine may only be slow",
        )


def _last_words(box: Box) -> str:
    lines = box.console.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "its systemd said nothing"
