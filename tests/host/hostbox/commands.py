"""What each command of `box` does: one call, one line of result."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from . import enter
from .errors import BoxError, Code
from .layout import Box, Record

# Modules that only one command needs are imported in it: `exec` is called hundreds of times.

AddVerb = Callable[..., argparse.ArgumentParser]
SUITES: Final = ("trixie", "forky")


def build(arguments: argparse.Namespace) -> int:
    """Print the path of the built root file system."""
    from . import rootfs

    print(rootfs.ensure(arguments.suite or SUITES[0]))
    return 0


def up(arguments: argparse.Namespace) -> int:
    """Boot the box unless it is up; then install leger when asked to."""
    from . import boot

    box = Box(arguments.name)
    stores = tuple(_image_store(store) for store in arguments.image_store)
    began = time.monotonic()
    with box.locked(create=True):
        record = _record(box, arguments.suite, stores)
        if box.running_pid():
            print(f"box {box.name}: already up", flush=True)
        else:
            state = boot.boot(box, record)
            took = time.monotonic() - began
            print(f"box {box.name}: up, {state}, {took:.1f} s", flush=True)
    return _install(box) if arguments.leger else 0


def _image_store(path: str) -> str:
    if (Path(path) / "overlay-images").is_dir():
        return str(Path(path).absolute())
    raise BoxError(
        f"{path} is no image store",
        why="there is no directory overlay-images in it",
        todo="make one in a box with podman --root DIR, then `box pull` it",
        code=Code.USAGE,
    )


def _record(box: Box, suite: str | None, stores: tuple[str, ...]) -> Record:
    """What the box is to be booted with; CONFLICT when it exists and was made otherwise."""
    from . import rootfs

    if not box.exists:
        suite = suite or SUITES[0]
        record = Record(suite, str(rootfs.ensure(suite)), stores)
        box.write(record)
        return record
    record = box.read()
    if (suite and suite != record.suite) or (stores and stores != record.image_stores):
        with_stores = f", image stores {', '.join(record.image_stores) or 'none'}"
        raise BoxError(
            f"the box {box.name!r} exists, but is another",
            why=f"it was made with suite {record.suite}{with_stores}",
            todo=f"remove it first: box down --name {box.name}; or choose another --name",
            code=Code.CONFLICT,
        )
    return record


def _install(box: Box) -> int:
    import subprocess

    hook = Path(__file__).resolve().parent.parent / "install-leger"
    if not os.access(hook, os.X_OK):
        raise BoxError(
            "leger cannot be installed",
            why=f"{hook} is not there, or not executable",
            todo="the box itself is up; use it without --leger",
            code=Code.UNAVAILABLE,
        )
    status = subprocess.run([str(hook), box.name], check=False).returncode
    if status:
        raise BoxError(
            f"installing leger into the box {box.name!r} failed",
            why=f"{hook.name} ended with status {status}",
            todo="read what it said above; the box is still up",
        )
    return 0


def status(arguments: argparse.Namespace) -> int:
    """Print the box's state, one `key: value` a line, or as one JSON object."""
    import json

    box = Box(arguments.name)
    record = box.read()
    pid = box.running_pid()
    state, uptime = "down", 0.0
    if pid:
        answer = enter.capture(box, pid, ("systemctl", "is-system-running"))[1]
        state = answer.decode().strip()
        since_boot = float(Path("/proc/uptime").read_text().split()[0])
        uptime = round(since_boot - record.started / os.sysconf("SC_CLK_TCK"), 1)
    found = {
        "name": box.name,
        "up": bool(pid),
        "suite": record.suite,
        "state": state,
        "pid": pid,
        "uptime_seconds": uptime,
        "image_stores": list(record.image_stores),
    }
    if arguments.json:
        print(json.dumps(found))
        return 0
    for key, value in found.items():
        shown = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
        shown = ", ".join(shown) or "none" if isinstance(shown, list) else shown
        print(f"{key.replace('_', ' ')}: {shown}")
    return 0


def reboot(arguments: argparse.Namespace) -> int:
    """Shut down, in an orderly way or not, and boot again on the same disk."""
    from . import boot

    box = Box(arguments.name)
    with box.locked():
        record = box.read()
        began = time.monotonic()
        if arguments.hard:
            boot.power_off(box)
        else:
            boot.shut_down(box)
        state = boot.boot(box, record)
        print(f"box {box.name}: rebooted, {state}, {time.monotonic() - began:.1f} s")
    return 0


def down(arguments: argparse.Namespace) -> int:
    """End the box, whatever is left of it; without --keep its disk goes too."""
    from . import boot, host

    box = Box(arguments.name)
    if not box.directory.exists():
        boot.power_off(box)
        print(f"box {box.name}: there is none")
        return 0
    with box.locked():
        if arguments.keep:
            boot.shut_down(box)
        else:
            boot.power_off(box)
            host.remove(box)
    print(f"box {box.name}: down{', disk kept' if arguments.keep else ''}")
    return 0


def execute(arguments: argparse.Namespace) -> int:
    """Run a command in the box and exit as it does."""
    if not arguments.command:
        raise BoxError(
            "there is no command to run",
            why="nothing follows --",
            todo=f"write it there: box exec --name {arguments.name} -- CMD",
            code=Code.USAGE,
        )
    environment = {}
    for setting in arguments.env:
        key, equals, value = setting.partition("=")
        if not equals:
            raise BoxError(
                f"-e {setting!r} sets nothing",
                why="there is no = in it",
                todo="write -e KEY=VALUE",
                code=Code.USAGE,
            )
        environment[key] = value
    return enter.execute(
        Box(arguments.name),
        arguments.command,
        user=arguments.user,
        environment=environment,
        cwd=arguments.cwd,
    )


def push(arguments: argparse.Namespace) -> int:
    """Copy into the box."""
    from . import transfer

    transfer.push(Box(arguments.name), arguments.source, arguments.target, arguments.owner)
    return 0


def pull(arguments: argparse.Namespace) -> int:
    """Copy out of the box."""
    from . import transfer

    transfer.pull(Box(arguments.name), arguments.source, arguments.target)
    return 0


def scan(arguments: argparse.Namespace) -> int:
    """Search the disk; 1 when found, 2 when not found but not all could be read."""
    from . import scan as scanning

    strings = [os.fsencode(arguments.string)]
    if arguments.string == "-":
        strings = [line for line in sys.stdin.buffer.read().split(b"\n") if line]
    report = scanning.scan(Box(arguments.name), strings)
    for hit in report.hits:
        which = f"string {hit.number}, " if len(strings) > 1 else ""
        sys.stdout.buffer.write(os.fsencode(f"{hit.path}\t{which}{hit.form}\n"))
    for trouble in report.unreadable:
        sys.stderr.buffer.write(os.fsencode(f"box: unreadable: {trouble}\n"))
    paths = len({hit.path for hit in report.hits})
    result = f"found in {paths:,} file{'s' * (paths > 1)}" if paths else "not found"
    summary = f"scanned {report.files:,} files, {report.size / 1e9:.1f} GB: {result}"
    sys.stdout.flush()
    print(summary, file=sys.stderr if paths else sys.stdout)
    if paths:
        return 1
    return 2 if report.unreadable else 0
