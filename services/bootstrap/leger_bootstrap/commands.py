"""Running the host's own programs."""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from leger_runtime.errors import Kind, LegerError


class HostCommandFailed(LegerError):
    """A program of the host refused what bootstrap needs."""

    kind, reason = Kind.UNAVAILABLE, "HOST_COMMAND_FAILED"


@dataclass(frozen=True)
class Outcome:
    """What a program answered; `output` and `complaint` are its standard output and error."""

    status: int
    output: bytes
    complaint: str


# Runs a program with the bytes given on its standard input.
Run = Callable[[Sequence[str], bytes], Outcome]


def run(command: Sequence[str], stdin: bytes = b"") -> Outcome:
    """Run `command` to its end. A program that is not installed answers as the shell does, 127."""
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        return Outcome(127, b"", f"{command[0]}: not found")
    return Outcome(done.returncode, done.stdout, done.stderr.decode(errors="replace").strip())


def require(outcome: Outcome, *, what: str, next_step: str) -> bytes:
    """Return the output of a program that succeeded; raise HostCommandFailed otherwise."""
    if outcome.status != 0:
        raise HostCommandFailed(
            what,
            why=outcome.complaint or f"It ended with status {outcome.status} and said nothing.",
            next_step=next_step,
        )
    return outcome.output
