"""Running the programs that a package is built with."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class BuildFailed(SystemExit):
    """One plain line that says what failed; the program ends with it, and with exit code 1."""


def run(command: Sequence[str | Path], *, environment: Mapping[str, str] | None = None) -> str:
    """Run a program that must succeed and return what it prints. Raises BuildFailed."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            check=False,
        )
    except FileNotFoundError:
        raise BuildFailed(f"rpm: {words[0]} is not on this machine: make host-tools") from None
    if done.returncode != 0:
        last = " | ".join(done.stdout.strip().splitlines()[-5:])
        raise BuildFailed(f"rpm: `{' '.join(words)}` failed: {last or 'without a word'}")
    return done.stdout
