"""Run processes in a running box: in its namespaces and its cgroup, as one of its users."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import warnings  # noqa: F401  (os.execvpe imports it, too late once the root is another)
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from . import kernel
from .errors import BoxError, Code
from .layout import Box

ROOT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
USER_PATH: Final = "/usr/local/bin:/usr/bin:/bin"
_NAMESPACES: Final = (
    kernel.CLONE_NEWNS
    | kernel.CLONE_NEWUTS
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWNET
    | kernel.CLONE_NEWCGROUP
)


class Account(NamedTuple):
    """A user as the box's own /etc/passwd and /etc/group have it."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str
    shell: str

    def environment(self) -> dict[str, str]:
        """What a login of this user has: nothing of the caller's environment is in it."""
        values = {
            "HOME": self.home,
            "USER": self.name,
            "LOGNAME": self.name,
            "SHELL": self.shell,
            "PATH": USER_PATH if self.uid else ROOT_PATH,
            "LANG": "C.UTF-8",
        }
        if self.uid:
            values["XDG_RUNTIME_DIR"] = f"/run/user/{self.uid}"
            values["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path=/run/user/{self.uid}/bus"
        return values


def account(pid: int, user: str) -> Account:
    """Look `user` (a name or a number) up in the box. Raises BoxError (NOT_FOUND)."""
    etc = Path(f"/proc/{pid}/root/etc")
    for name, _, uid, gid, _, home, shell in _entries(etc / "passwd", fields=7):
        if user in (name, uid):
            groups = [int(gid)]
            for _, _, number, members in _entries(etc / "group", fields=4):
                if name in members.split(",") and int(number) != int(gid):
                    groups.append(int(number))
            return Account(name, int(uid), int(gid), tuple(groups), home, shell or "/bin/sh")
    raise BoxError(
        f"the box has no user {user!r}",
        why="its /etc/passwd does not name one",
        todo="use root or alice, or make the user first: box exec -- useradd -m NAME",
        code=Code.NOT_FOUND,
    )


def _entries(path: Path, *, fields: int) -> list[list[str]]:
    """The lines of a passwd(5) or group(5) file that have as many fields as they must."""
    entries = [line.split(":") for line in path.read_text().splitlines()]
    return [entry for entry in entries if len(entry) == fields]


def spawn(
    box: Box,
    pid: int,
    command: Sequence[str],
    *,
    user: str = "root",
    environment: Mapping[str, str] | None = None,
    cwd: str = "",
    before: Callable[[], None] | None = None,
) -> int:
    """Fork a child that runs `command` in the box; return the child's process id out here.

    `before` runs in the child, in the box and still as root. The child has a session of its own
    and is killed when this process ends. A command that cannot be run exits 127 or 126, as in
    a shell.
    """
    who = account(pid, user)
    values = who.environment() | dict(environment or {})
    target = os.pidfd_open(pid)
    cgroup = os.open(box.cgroup / "exec", os.O_RDONLY | os.O_DIRECTORY)
    own = os.open("/proc/self/ns/pid", os.O_RDONLY)
    kernel.setns(target, kernel.CLONE_NEWPID)
    child = kernel.fork_into(cgroup)
    if child:
        kernel.setns(own, kernel.CLONE_NEWPID)
        for fd in (target, cgroup, own):
            os.close(fd)
        return child
    try:
        kernel.setns(target, _NAMESPACES)
        os.setsid()
        if before:
            before()
        os.umask(0o022)
        os.setgroups(who.groups)
        os.setresgid(who.gid, who.gid, who.gid)
        os.setresuid(who.uid, who.uid, who.uid)
        kernel.die_with_parent()
        _execute(command, values, cwd or who.home)
    except BaseException as error:
        os.write(2, f"box: entering the box failed: {error}\n".encode())
    os._exit(126)


def _execute(command: Sequence[str], values: dict[str, str], cwd: str) -> NoReturn:
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.chdir(cwd)
        os.execvpe(command[0], list(command), values)
    except FileNotFoundError as error:
        missing = error.filename if error.filename == cwd else command[0]
        os.write(2, f"box exec: {missing}: not found in the box\n".encode())
        os._exit(127)
    except OSError as error:
        os.write(2, f"box exec: {command[0]}: {error.strerror}\n".encode())
        os._exit(126)


def wait(child: int) -> int:
    """The exit code of a spawned child; 128 plus the number for one a signal ended.

    SIGINT, SIGTERM, SIGHUP and SIGQUIT to this process are passed on to the child meanwhile.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, lambda received, _frame: _pass_on(child, received))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


def _pass_on(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)


def capture(box: Box, pid: int, command: Sequence[str], *, user: str = "root") -> tuple[int, bytes]:
    """Run `command` in the box without input; return its exit code and standard output."""
    reader, writer = os.pipe()
    null = os.open(os.devnull, os.O_RDWR)

    def redirect() -> None:
        os.dup2(null, 0)
        os.dup2(writer, 1)
        os.dup2(null, 2)

    child = spawn(box, pid, command, user=user, before=redirect)
    os.close(writer)
    os.close(null)
    with os.fdopen(reader, "rb") as output:
        text = output.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text


def execute(
    box: Box,
    command: Sequence[str],
    *,
    user: str = "root",
    environment: Mapping[str, str] | None = None,
    cwd: str = "",
) -> int:
    """`box exec`: run `command` on this process's own stdin, stdout and stderr; its exit code.

    When stdin and stdout are terminals the command gets a terminal of the box's own.
    """
    pid = box.require_running()
    if sys.stdin.isatty() and sys.stdout.isatty():
        from . import terminal

        return terminal.execute(box, pid, command, user, dict(environment or {}), cwd)
    return wait(spawn(box, pid, command, user=user, environment=environment, cwd=cwd))
