"""What the host's Quadlet generator prints for a set of files: units, findings, warnings.

The generator is the authority for names, words and dependencies: nothing of Quadlet is done again
here. See podman-systemd.unit(5).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from leger_deployer.domain import quadlet_file, unit_name
from leger_deployer.domain.quadlet_file import UnitFile
from leger_deployer.domain.stack import UnitKind

_HEADING = re.compile("---(.+)---")
_LOG_PREFIX = re.compile(r"[\w.-]+\[\d+\]: ")
# What the generator says of its own work; no finding about a file.
_CHATTER = ("Loading source ", "No files parsed from")
_WARNING = "Warning: "


@dataclass(frozen=True, kw_only=True)
class GeneratedUnit:
    """One unit as printed: its name, the Quadlet file it comes from, and its sections."""

    name: str
    source: PurePosixPath
    file: UnitFile

    @property
    def kind(self) -> UnitKind:
        """What the Quadlet file is, by its suffix."""
        return UnitKind(self.source.suffix[1:])

    def quadlet(self, key: str) -> list[str]:
        """Return the values of a key of Quadlet's own section, drop-ins merged."""
        return self.file.all(f"X-{self.kind.section}", key)

    @property
    def podman(self) -> str:
        """The path of podman on the host."""
        return next(iter(self.words("ExecStart")), "/usr/bin/podman")

    def words(self, key: str) -> list[str]:
        """Return the words of the first command of a key such as "ExecStart"."""
        commands = self.file.all("Service", key)
        return quadlet_file.split_words(commands[0]) if commands else []

    def references(self, *keys: str) -> set[str]:
        """Return the units that keys of [Unit], such as "Requires", name."""
        found = {name for key in keys for name in self.file.words("Unit", key)}
        return {self._resolved(name) for name in found}

    @property
    def wanted_by(self) -> list[str]:
        """The units that start this one, as its [Install] section says."""
        return [
            name
            for key in ("WantedBy", "RequiredBy", "UpheldBy")
            for name in self.file.words("Install", key)
        ]

    def expand(self, word: str) -> str | None:
        """Return a word with its specifiers resolved; None where only systemd can."""
        return unit_name.expand(word, self.name)

    def _resolved(self, name: str) -> str:
        return self.expand(name) or name


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is wrong with a file: its name, relative or base, and what."""

    file: str
    text: str


def parse_units(output: str) -> tuple[GeneratedUnit, ...]:
    """Return the units that `--dryrun` printed, in their order."""
    units: list[GeneratedUnit] = []
    name, lines = "", list[str]()
    for line in [*output.splitlines(), "---end---"]:
        heading = _HEADING.fullmatch(line)
        if heading is None:
            lines.append(line)
            continue
        if name:
            file = quadlet_file.parse("\n".join(lines))
            source = PurePosixPath(file.last("Unit", "SourcePath"))
            if UnitKind.of(source.name) is not None:
                units.append(GeneratedUnit(name=name, source=source, file=file))
        name, lines = heading[1], []
    return tuple(units)


def parse_findings(
    messages: str, *, directory: str, files: Iterable[str]
) -> tuple[list[Finding], list[str]]:
    """Return what the generator's standard error says about the Quadlets in `directory`.

    `files` are their paths relative to it. The answer is the findings, then the warnings; what is
    said about files elsewhere on the host is left out.
    """
    findings: list[Finding] = []
    warnings: list[str] = []
    by_name = {PurePosixPath(file).name: file for file in files}
    for message in _messages(messages):
        if message.startswith(_CHATTER):
            continue
        file = _subject(message, directory, by_name)
        if file is None:
            continue
        text = message.replace(f" in {directory}/{file}", "").replace(f"{directory}/", "")
        text = re.sub(r'^(converting|error loading) "[^"]*"[:,] ', "", text)
        if message.startswith(_WARNING):
            warnings.append(text.removeprefix(_WARNING))
        else:
            findings.append(Finding(file=file, text=text))
    return findings, warnings


def _messages(text: str) -> Iterator[str]:
    message = ""
    for line in text.splitlines():
        prefix = _LOG_PREFIX.match(line)
        if prefix is None:
            message = f"{message} {line.strip()}".strip()  # a message of several lines
            continue
        if message:
            yield message
        message = line[prefix.end() :].strip()
    if message:
        yield message


def _subject(message: str, directory: str, by_name: dict[str, str]) -> str | None:
    """Return which of the files a message is about."""
    path: str
    for path in re.findall(rf"{re.escape(directory)}/([^\s\"“”:,]+)", message):
        name = PurePosixPath(path).name
        # A drop-in is about the Quadlet it belongs to, but is named itself.
        return by_name.get(name, path)
    for name in re.findall(r"[\"“]?([^\s\"“”:,]+)[\"”]?", message):
        if name in by_name:
            return by_name[name]
    return None
