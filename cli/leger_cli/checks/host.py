"""What leger stands on: programs, the kernel, the scope's service manager."""

import pwd
import subprocess
from functools import partial
from pathlib import Path

from leger_runtime.errors import LegerError

from leger_cli import systemd
from leger_cli.checks.finding import Check, Finding, of_error, ok, problem, skipped, warning
from leger_cli.checks.patient import Patient
from leger_cli.context import Scope

_CGROUP = Path("/sys/fs/cgroup/cgroup.controllers")
_SELINUX = Path("/sys/fs/selinux/enforce")
_PATIENCE = 15.0  # seconds


def program(name: str, patient: Patient) -> Finding:
    """Look whether a program is there and new enough."""
    status = patient.host_status
    if isinstance(status, LegerError):
        # Told once.
        return of_error(status) if name == "podman" else skipped("`legerd` has to say it.")
    [found] = [needed for needed in status["requirements"] if needed["program"] == name]
    if found["met"]:
        return ok(found["found"])
    return problem(
        f"{found['found']}; leger needs {found['needed']} or newer.",
        f"Install {name} {found['needed']} or newer, then run"
        f" `{systemd.systemctl(patient.session)} restart {systemd.LEGERD}`.",
    )


def cgroups(patient: Patient) -> Finding:  # noqa: ARG001
    """Look whether the host has cgroups of version 2, without which podman limits nothing."""
    if _CGROUP.exists():
        return ok("version 2")
    return problem(
        "The host mounts control groups of version 1, with which podman 5 does not work well.",
        "Boot without systemd.unified_cgroup_hierarchy=0 on the kernel's command line.",
    )


def selinux(patient: Patient) -> Finding:  # noqa: ARG001
    """Look whether SELinux keeps the stacks' containers apart."""
    try:
        enforcing = _SELINUX.read_text(encoding="ascii").strip() == "1"
    except OSError:
        return ok("this system does not use it")
    if enforcing:
        return ok("enforcing; it confines the stacks' containers, and not leger's own")
    return warning(
        "It is permissive: it reports what containers do wrong, and does not keep them from it.",
        "Run `sudo setenforce 1`, and set SELINUX=enforcing in /etc/selinux/config.",
    )


def linger(patient: Patient) -> Finding | None:
    """Look whether a user's services run while that user is not logged in."""
    session = patient.session
    if session.scope is Scope.SYSTEM:
        return None
    account = pwd.getpwuid(session.account.uid).pw_name
    answer = _output_of(["loginctl", "show-user", account, "--property=Linger", "--value"])
    if answer is None:
        return skipped("systemd-logind does not say it.")
    if answer.strip() == "yes":
        return ok("services run while nobody is logged in")
    return warning(
        f"When {account} logs out, leger and all stacks of that account stop.",
        f"Run `sudo loginctl enable-linger {account}`.",
    )


def _output_of(command: list[str]) -> str | None:
    """Return what a program prints; None when it is not there, fails, or takes too long."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


CHECKS = (
    Check("podman", partial(program, "podman")),
    Check("systemd", partial(program, "systemctl")),
    Check("cgroups", cgroups),
    Check("SELinux", selinux),
    Check("linger", linger),
)
