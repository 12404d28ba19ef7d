"""Which version of leger is installed, which runs, and why they differ."""

import json
from dataclasses import dataclass
from pathlib import Path

from leger_bootstrap import (
    configuration,
    http_socket,
    image,
    quadlets,
    release,
    requirements,
    root_key,
)
from leger_bootstrap.commands import Run
from leger_bootstrap.configuration import ConfigurationInvalid
from leger_bootstrap.pod import CONTAINERS
from leger_bootstrap.release import Record, Refusal
from leger_bootstrap.requirements import Requirement
from leger_bootstrap.scope import Scope


@dataclass(frozen=True, kw_only=True)
class ConfigurationStatus:
    """How leger.toml is. `in_force` says whether what it says is what the services run with.

    `http` is whether it wants setec's API, or None where it does not say; `problem` its mistake.
    """

    path: Path
    in_force: bool
    http: bool | None = None
    problem: ConfigurationInvalid | None = None


@dataclass(frozen=True, kw_only=True)
class Status:
    """References of images; None where there is none.

    `running` has one for each container of the pod, by its name. `refused` is why the installed
    version does not run, when it was tried.
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
        installed = image.installed(share / "image")
    except image.ImageMissing:
        installed = None
    names = [unit.removesuffix(".service") for unit in CONTAINERS]
    refused = record.refused if record.refused and record.refused.image == installed else None
    return Status(
        installed=installed,
        healthy=record.healthy.image if record.healthy else None,
        running={name: image.running(name, run) for name in names},
        refused=refused,
        requirements=requirements.look(run),
        configuration=_configuration(scope, share, record, installed),
        scope=scope,
    )


def _configuration(
    scope: Scope, share: Path, record: Record, installed: str | None
) -> ConfigurationStatus:
    where = configuration.path(scope)
    try:
        decided = configuration.read(scope)
    except ConfigurationInvalid as problem:
        return ConfigurationStatus(path=where, in_force=False, problem=problem)
    healthy, in_force = record.healthy, True
    # A version that waits for its start brings units of its own, and reads the file then.
    if healthy and healthy.image == installed:
        units = quadlets.for_host(
            quadlets.read_shipped(share / "quadlets"),
            scope=scope,
            image=healthy.image,
            key=root_key.find(scope),
            configuration=decided,
        )
        socket = http_socket.text(decided, leger_toml=where)
        in_force = (healthy.units, healthy.http_socket) == (units, socket)
    http = None if decided.listen is None else bool(decided.listen)
    return ConfigurationStatus(path=where, in_force=in_force, http=http)


def as_text(status: Status) -> str:
    """Return the status for people."""
    lines = [f"installed        {status.installed or 'none'}"]
    lines += [f"{name:16} {found or 'does not run'}" for name, found in status.running.items()]
    if status.refused:
        lines += ["", f"The installed version was tried and taken back. {status.refused.why}"]
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
