"""Which version of leger is installed, which runs, and why they differ."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

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
from leger_bootstrap.release import Refusal, Release
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

    `running` has one for each container of the pod, by its name. `refused` is why what is installed
    and configured does not run, when it was tried; `refused_what` says which of the two it is.
    """

    installed: str | None
    healthy: str | None
    running: dict[str, str | None]
    refused: Refusal | None
    refused_what: Literal["version", "configuration"]
    requirements: tuple[Requirement, ...]
    configuration: ConfigurationStatus
    scope: Scope


def read(scope: Scope, *, share: Path, run: Run) -> Status:
    """Look at the package, the record and podman. Raises OSError for a record of somebody else."""
    record = release.read(scope)
    healthy, refused = record.healthy, record.refused
    try:
        brought = image.installed(share / "image")
    except image.ImageMissing:
        brought = None
    # A version that waits for its start brings units of its own, and reads leger.toml then.
    same = healthy if healthy and healthy.image == brought else None
    configured, wanted = _configuration(scope, share, same)
    if refused and record.refuses_configuration:
        # Another one, which was not tried yet, is none of its business.
        is_wanted = wanted is not None and wanted.digest == refused.digest
    else:
        is_wanted = refused is not None and refused.image == brought
    names = [unit.removesuffix(".service") for unit in CONTAINERS]
    return Status(
        installed=brought,
        healthy=healthy.image if healthy else None,
        running={name: image.running(name, run) for name in names},
        refused=refused if is_wanted else None,
        refused_what="configuration" if record.refuses_configuration else "version",
        requirements=requirements.look(run),
        configuration=configured,
        scope=scope,
    )


def _configuration(
    scope: Scope, share: Path, healthy: Release | None
) -> tuple[ConfigurationStatus, Release | None]:
    """Compare leger.toml with what was healthy last; return how it is, and what it asks for."""
    where = configuration.path(scope)
    try:
        decided = configuration.read(scope)
    except ConfigurationInvalid as problem:
        return ConfigurationStatus(path=where, in_force=False, problem=problem), None
    in_force, wanted = True, None
    if healthy:
        wanted = installed.as_configured(
            decided, scope=scope, share=share, image=healthy.image, key=root_key.find(scope)
        )
        in_force = (healthy.units, healthy.http_socket) == (wanted.units, wanted.http_socket)
    http = None if decided.listen is None else bool(decided.listen)
    return ConfigurationStatus(path=where, in_force=in_force, http=http), wanted


def as_text(status: Status) -> str:
    """Return the status for people."""
    lines = [f"installed        {status.installed or 'none'}"]
    lines += [f"{name:16} {found or 'does not run'}" for name, found in status.running.items()]
    if status.refused:
        what = "The installed version"
        if status.refused_what == "configuration":
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
            "what": status.refused_what,
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
