"""What a host must have before anything is put on it."""

import re

from leger_runtime.errors import Kind, LegerError

from leger_bootstrap.commands import Run

PODMAN = (5, 4)
SYSTEMD = (254, 0)


class ProgramMissing(LegerError):
    """Podman or systemd is not there."""

    kind, reason = Kind.UNAVAILABLE, "PROGRAM_MISSING"


class ProgramTooOld(LegerError):
    """Podman or systemd is older than leger can work with."""

    kind, reason = Kind.CONFLICT, "PROGRAM_TOO_OLD"


def check(run: Run) -> None:
    """Raise ProgramMissing or ProgramTooOld when the host cannot carry leger."""
    # 5.4 is the first podman whose Quadlet has all the keys that leger's pod and drop-ins use.
    _check_version(run, "podman", PODMAN)
    # 254 is the first systemd that keeps credentials out of swap by tmpfs's noswap.
    _check_version(run, "systemctl", SYSTEMD)


def _check_version(run: Run, program: str, least: tuple[int, int]) -> None:
    outcome = run([program, "--version"], b"")
    wanted = f"{least[0]}.{least[1]}" if least[1] else str(least[0])
    if outcome.status != 0:
        raise ProgramMissing(
            f"{program} does not answer on this host.",
            why=outcome.complaint or f"`{program} --version` failed.",
            next_step=f"Install {program} {wanted} or newer, then run `legerd bootstrap` again.",
        )
    text = outcome.output.decode(errors="replace")
    found = re.search(r"(\d+)(?:\.(\d+))?", text)
    version = (int(found[1]), int(found[2] or 0)) if found else (0, 0)
    if version < least:
        raise ProgramTooOld(
            f"This host's {program} is too old.",
            why=f"It is {text.splitlines()[0] if text else 'of no version'}; "
            f"leger needs {wanted} or newer.",
            next_step=f"Upgrade {program}, then run `legerd bootstrap` again.",
        )
