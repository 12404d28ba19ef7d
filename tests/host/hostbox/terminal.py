"""A terminal of the box's own for an interactive `box exec`."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import termios
import tty
from collections.abc import Sequence
from typing import Final

from . import enter
from .layout import Box

_TIOCSPTLCK: Final = 0x40045431  # ioctl_tty(2)
_TIOCGPTN: Final = 0x80045430


def execute(
    box: Box, pid: int, command: Sequence[str], user: str, environment: dict[str, str], cwd: str
) -> int:
    """Run `command` on a new terminal in the box, joined to this process's; its exit code."""
    master = os.open(f"/proc/{pid}/root/dev/pts/ptmx", os.O_RDWR | os.O_NOCTTY)
    fcntl.ioctl(master, _TIOCSPTLCK, struct.pack("i", 0))
    number = struct.unpack("i", fcntl.ioctl(master, _TIOCGPTN, b"\0" * 4))[0]
    _copy_size(master)
    environment.setdefault("TERM", os.environ.get("TERM", "dumb"))

    def take_terminal() -> None:
        path = f"/dev/pts/{number}"
        slave = os.open(path, os.O_RDWR)  # the session's first: becomes its own terminal
        os.chown(path, enter.account(1, user).uid, -1)
        for fd in (0, 1, 2):
            os.dup2(slave, fd)

    saved = termios.tcgetattr(0)
    child = enter.spawn(
        box, pid, command, user=user, environment=environment, cwd=cwd, before=take_terminal
    )
    try:
        tty.setraw(0, termios.TCSADRAIN)  # what was typed ahead is kept
        signal.signal(signal.SIGWINCH, lambda _n, _f: _copy_size(master))
        _relay(master)
    finally:
        termios.tcsetattr(0, termios.TCSAFLUSH, saved)
    return enter.wait(child)


def _copy_size(master: int) -> None:
    fcntl.ioctl(master, termios.TIOCSWINSZ, fcntl.ioctl(0, termios.TIOCGWINSZ, b"\0" * 8))


def _relay(master: int) -> None:
    """Copy both ways until the box's side of the terminal is closed."""
    sources = [0, master]
    while True:
        ready = select.select(sources, [], [])[0]
        if 0 in ready:
            typed = os.read(0, 65536)
            if typed:
                os.write(master, typed)
            else:
                sources.remove(0)
        if master in ready:
            try:
                shown = os.read(master, 65536)
            except OSError:
                return
            if not shown:
                return
            os.write(1, shown)
