"""A process that is killed while it records a line: a program, for tests."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from unit.secrets.audit_logs import entry, open_log


def record(path: Path, killed_at: str, call_number: int, when: str) -> None:
    """Record a line; be killed "before" a call of a function of os, or right "after" it."""
    log = open_log(path)
    call, calls = getattr(os, killed_at), 0

    def die(*args: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        if calls == call_number and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        returned = call(*args, **options)
        if calls == call_number:
            os.kill(os.getpid(), signal.SIGKILL)
        return returned

    setattr(os, killed_at, die)
    log.record([entry("killed")])


def run(path: Path, killed_at: str, call_number: int, when: str) -> None:
    """Do it in a process of its own."""
    words = [str(path), killed_at, str(call_number), when]
    done = subprocess.run(
        [sys.executable, "-m", __name__, *words],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


if __name__ == "__main__":
    record(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])
