"""What a host must have before anything is put on it."""

import re
from dataclasses import dataclass

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


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """A program of the host. `found` is its version; None where it does not answer, and why."""

    program: str
    needed: tuple[int, int]
    found: tuple[int, int] | None
    said: str

    @property
    def is_met(self) -> bool:
        """Whether leger can work with it."""
        return self.found is not None and self.found >= self.needed


def look(run: Run) -> tuple[Requirement, ...]:
    """Return what leger needs of the host, and what the host has."""
    return (
        # 5.4 is the first podman whose Quadlet has all the keys that leger's pod and drop-ins use.
        _look(run, "podman", PODMAN),
        # 254 is the first systemd that keeps credentials out of swap by tmpfs's noswap.
        _look(run, "systemctl", SYSTEMD),
    )


def check(run: Run) -> None:
    """Raise ProgramMissing or ProgramTooOld when the host cannot carry leger."""
    for requirement in look(run):
        program, wanted = requirement.program, as_text(requirement.needed)
        if requirement.found is None:
            raise ProgramMissing(
                f"{program} does not answer on this host.",
                why=requirement.said,
                next_step=f"Install {program} {wanted} or newer, then run `legerd bootstrap`"
                " again.",
            )
        if not requirement.is_met:
            raise ProgramTooOld(
                f"This host's {program} is too old.",
                why=f"It is {requirement.said}; leger needs {wanted} or newer.",
                next_step=f"Upgrade {program}, then run `legerd bootstrap` again.",
            )


def as_text(version: tuple[int, int]) -> str:
    """Return a version as it is written."""
    return f"{version[0]}.{version[1]}" if version[1] else str(version[0])


def _look(run: Run, program: str, needed: tuple[int, int]) -> Requirement:
    outcome = run([program, "--version"], b"")
    if outcome.status != 0:
        said = outcome.complaint or f"`{program} --version` failed."
        return Requirement(program=program, needed=needed, found=None, said=said)
    text = outcome.output.decode(errors="replace")
    number = re.search(r"(\d+)(?:\.(\d+))?", text)
    return Requirement(
        program=program,
        needed=needed,
        found=(int(number[1]), int(number[2] or 0)) if number else (0, 0),
        said=text.splitlines()[0] if text else "of no version",
    )
