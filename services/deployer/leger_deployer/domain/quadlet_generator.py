"""Asking the host's own Quadlet generator about a staged stack, merged with what is installed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from leger_runtime.errors import FieldViolation

from leger_deployer.domain import generator_output
from leger_deployer.domain.errors import HostCommandFailed, QuadletInvalid
from leger_deployer.domain.generator_output import GeneratedUnit
from leger_deployer.domain.ports.host_commands import HostCommands
from leger_deployer.domain.scope import Scope

# systemd.generator(7): where the managers look for generators, on every distribution.
_GENERATORS = {
    Scope.SYSTEM: "/usr/lib/systemd/system-generators/podman-system-generator",
    Scope.USER: "/usr/lib/systemd/user-generators/podman-user-generator",
}


@dataclass(frozen=True, kw_only=True)
class Generated:
    """What the generator made: the stack's own units by file, all others, and its warnings."""

    own: dict[str, GeneratedUnit]
    others: tuple[GeneratedUnit, ...]
    warnings: tuple[str, ...]


class QuadletGenerator:
    """The generator of the host; `quadlet_directories` are those it reads by itself."""

    def __init__(
        self, *, commands: HostCommands, scope: Scope, quadlet_directories: Sequence[Path]
    ) -> None:
        self._commands = commands
        self._scope = scope
        self._directories = quadlet_directories

    def check(self, directory: Path, quadlets: Sequence[str]) -> Generated:
        """Return the units that the Quadlets in `directory` become among those of the host.

        `quadlets` are the paths of the files, relative to `directory`. Raises QuadletInvalid with
        a violation for each finding.
        """
        answer = self._commands.run(
            [_GENERATORS[self._scope], "--dryrun"],
            # The first directory wins where two have a file of one name.
            environment={
                "QUADLET_UNIT_DIRS": ":".join(str(d) for d in (directory, *self._directories))
            },
        )
        if answer.status == 127:
            raise HostCommandFailed(
                "The host's Quadlet generator is not there.",
                why=f"{_GENERATORS[self._scope]} does not exist on the host.",
                next_step="Install podman as your distribution packages it, with Quadlet.",
            )
        findings, warnings = generator_output.parse_findings(
            answer.messages, directory=str(directory), files=quadlets
        )
        violations = [FieldViolation(field=f.file, description=f.text) for f in findings]
        own, others = self._sorted_out(answer.output, directory)
        for file in quadlets:
            if file not in own and not any(violation.field == file for violation in violations):
                violations.append(FieldViolation(field=file, description=_missing(file, own)))
        if violations:
            raise invalid(violations)
        return Generated(own=own, others=others, warnings=tuple(warnings))

    @staticmethod
    def _sorted_out(
        output: str, directory: Path
    ) -> tuple[dict[str, GeneratedUnit], tuple[GeneratedUnit, ...]]:
        own: dict[str, GeneratedUnit] = {}
        others: list[GeneratedUnit] = []
        for unit in generator_output.parse_units(output):
            if unit.source.is_relative_to(PurePosixPath(directory)):
                own[str(unit.source.relative_to(PurePosixPath(directory)))] = unit
            else:
                others.append(unit)
        return own, tuple(others)


def invalid(violations: Sequence[FieldViolation]) -> QuadletInvalid:
    """Return the error that names each finding."""
    count = len(violations)
    return QuadletInvalid(
        "The stack has a Quadlet that cannot be used."
        if count == 1
        else f"The stack's Quadlets cannot be used: {count} findings.",
        why=f"Something is wrong in {', '.join(dict.fromkeys(v.field for v in violations))}.",
        next_step="Correct the files; `leger validate DIR` checks them again.",
        violations=violations,
    )


def _missing(file: str, own: dict[str, GeneratedUnit]) -> str:
    name = PurePosixPath(file).name
    for other in own:
        if PurePosixPath(other).name == name:
            return f"Quadlet reads only one file named {name}, and {other} is another"
    return "the generator makes no unit of it"
