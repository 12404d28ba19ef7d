"""Which version of leger is installed, which runs, and why they differ."""

import json
from dataclasses import dataclass
from pathlib import Path

from leger_bootstrap import (
    configuration,
    image,
    installed,
    release,
    requirements,
    root_key,
)
from leger_bootstrap.commands import Run
from leger_bootstrap.configuration import ConfigurationInvalid
from leger_bootstrap.pod import CONTAINERS
from leger_bootstrap.release import Record, Refusal, Release
from leger_bootstrap.requirements import Requirement
from leger_bootstrap.scope import Scope


@dataclass(frozen=True, kw_only=True)
class ConfigurationStatus:
    """How leger.toml is. `in_force` says whether what it says is what the services run with.

    It is None where that is not known: a version that was taken back has units of its own.
    `http` is whether it wants setec's API, or None where it does not say; `problem` its mistake.
    """

    path: Path
    in_force: bool | None
    http: bool | None = None
    problem: ConfigurationInvalid | None = None


@dataclass(frozen=True, kw_only=True)
class Status:
    """References of images; None where there is none.

    `running` has one for each container of the pod, by its name. `refused` is why what is installed
    and configured does not run, when it was tried.
    """

    installed: str | None
    healthy: str | None
    running: dict[str, str | None]
    refused: Refusal | None
    requirements: tuple[Requirement, ...]
    configuration: ConfigurationStatus
    scope: Scope


def read(scope: Scope, *, share: Path, run: Run) -> Status:
    """Look at the package, the record and podman. Raises OSError for a record of somebody else."""
    record = release.read(scope)
    try:
        brought = image.installed(share / "image")
    except image.ImageMissing:
        brought = None
    configured, refused = _configuration(scope, share, brought, record)
    names = [unit.removesuffix(".service") for unit in CONTAINERS]
    return Status(
        installed=brought,
        healthy=record.healthy.image if record.healthy else None,
        running={name: image.running(name, run) for name in names},
        refused=refused,
        requirements=requirements.look(run),
        configuration=configured,
        scope=scope,
    )


def _configuration(
    scope: Scope, share: Path, brought: str | None, record: Record
) -> tuple[ConfigurationStatus, Refusal | None]:
    """Compare leger.toml with what was healthy last.

    Return how it is, and what was refused if that is what the package and leger.toml ask for now.
    """
    where, healthy, refused = configuration.path(scope), record.healthy, record.refused
    decided, problem, wanted = None, None, None
    try:
        decided = configuration.read(scope)
    except ConfigurationInvalid as error:
        problem = error
    if brought and decided:
        wanted = installed.as_configured(
            decided, scope=scope, share=share, image=brought, key=root_key.find(scope)
        )
    if refused and not _is_asked_for(refused, wanted, brought, healthy):
        refused = None
    if decided is None:
        return ConfigurationStatus(path=where, in_force=False, problem=problem), refused
    in_force: bool | None = True
    if wanted and healthy and installed.is_same_version(healthy, wanted):
        in_force = (healthy.units, healthy.http_socket) == (wanted.units, wanted.http_socket)
    elif refused:
        in_force = None if refused.what == "version" else False
    # Else a version waits for its start, and reads leger.toml then.
    http = None if decided.listen is None else bool(decided.listen)
    return ConfigurationStatus(path=where, in_force=in_force, http=http), refused


def _is_asked_for(
    refused: Refusal, wanted: Release | None, brought: str | None, healthy: Release | None
) -> bool:
    """Tell whether what was refused is what is asked for now, not what was never tried yet."""
    if refused.what == "configuration":
        return wanted is not None and wanted.digest == refused.digest
    is_healthy = wanted and healthy and installed.is_same_version(healthy, wanted)
    return refused.image == brought and not is_healthy


def as_text(status: Status) -> str:
    """Return the status for people."""
    lines = [f"installed        {status.installed or 'none'}"]
    lines += [f"{name:16} {found or 'does not run'}" for name, found in status.running.items()]
    if status.refused:
        what = "The installed version"
        if status.refused.what == "configuration":
            what = f"What {status.configuration.path} says"
        lines += ["", f"{what} was tried and taken back. {status.refused.why}"]
        lines += [f"→ {status.refused.next_step}"]
    if problem := status.configuration.problem:
        lines += ["", str(problem), f"→ {problem.next_step}"]
    return "\n".join(lines) + "\n"


def as_json(status: Status) -> str:
    """Return the status as one JSON object; null where there is nothing."""
    refused, read, problem = status.refused, status.configuration, status.configuration.problem
    described = {
        "installed": status.installed,
        "healthy": status.healthy,
        "running": status.running,
        "refused": {
            "what": refused.what,
            "image": refused.image,
            "time": refused.time.isoformat(),
            "why": refused.why,
            "next": refused.next_step,
        }
        if refused
        else None,
        "requirements": [
            {
                "program": requirement.program,
                "needed": requirements.as_text(requirement.needed),
                "found": requirement.said,
                "met": requirement.is_met,
            }
            for requirement in status.requirements
        ],
        "configuration": {
            "file": str(read.path),
            "in_force": read.in_force,
            "http": read.http,
            "why": str(problem) if problem else None,
            "next": problem.next_step if problem else None,
        },
        "directories": {
            "data": str(status.scope.data),
            "secrets": str(status.scope.secrets_data),
        },
    }
    return json.dumps(described, indent=2) + "\n"
