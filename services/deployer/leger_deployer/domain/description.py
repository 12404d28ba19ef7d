"""What the generated units of a stack are, in the stack's terms."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from leger_runtime.errors import FieldViolation

from leger_deployer.domain import health_check, published_port, unit_name, unit_secrets
from leger_deployer.domain.drop_in import UnitFacts
from leger_deployer.domain.generator_output import GeneratedUnit
from leger_deployer.domain.health_check import HealthCheck
from leger_deployer.domain.podman_command import PodmanCommand
from leger_deployer.domain.published_port import PublishedPort, PublishInvalid
from leger_deployer.domain.secret_options import SecretOptionsInvalid
from leger_deployer.domain.stack import SecretUse, StackUnit, UnitKind

# podman's own rule (libpod/define/config.go, NameRegex).
_VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*", re.ASCII)

REQUIREMENTS = ("Requires", "Requisite", "BindsTo", "Wants", "Upholds")


@dataclass(kw_only=True)
class Description:
    """Units by name, what their drop-ins are made of, their secrets, and what is wrong."""

    units: dict[str, StackUnit] = field(default_factory=dict)
    facts: dict[str, UnitFacts] = field(default_factory=dict)
    secrets: list[SecretUse] = field(default_factory=list)
    violations: list[FieldViolation] = field(default_factory=list)


def describe(own: Mapping[str, GeneratedUnit]) -> Description:
    """Return what the units, by file, are. Violations are collected, not raised."""
    description = Description()
    names = {unit.name for unit in own.values()}
    for file, unit in sorted(own.items()):
        try:
            _Describer(description, file, unit, own, names).describe()
        except (PublishInvalid, SecretOptionsInvalid) as error:
            description.violations.append(FieldViolation(field=file, description=str(error)))
    _assign_volumes(description)
    return description


def _assign_volumes(description: Description) -> None:
    """Say of each volume which unit makes it known to podman: its own, or those that use it."""
    units = description.units.values()
    described = {unit.resource for unit in units if unit.kind is UnitKind.VOLUME}
    for unit in units:
        known = {unit.resource} - {""} if unit.kind is UnitKind.VOLUME else set()
        if unit.kind in (UnitKind.CONTAINER, UnitKind.POD):
            known = set(unit.volumes) - described
        facts = description.facts[unit.unit]
        description.facts[unit.unit] = replace(facts, volumes=tuple(sorted(known)))


@dataclass(frozen=True)
class _Describer:
    description: Description
    file: str
    unit: GeneratedUnit
    own: Mapping[str, GeneratedUnit]
    names: set[str]

    def describe(self) -> None:
        unit, kind = self.unit, self.unit.kind
        if not unit_name.is_valid(unit.name):
            self._violation(
                f"it becomes “{unit.name}”, which is no name that a unit can have; rename the"
                " file, or correct ServiceName="
            )
            return
        # A pod is created before its start; all else is what its start does.
        words = unit.words("ExecStartPre" if kind is UnitKind.POD else "ExecStart")
        images = self._images(words)
        command = PodmanCommand(words, images=images)
        if command.all("--secret") and kind is not UnitKind.CONTAINER:
            raise SecretOptionsInvalid("leger hands secrets to containers alone, not to builds")
        secrets = unit_secrets.named(unit.name, command, self._violation)
        health = self._health(command)
        name = self._resource_name(words, command)
        is_template = unit.name.endswith("@.service")
        described = StackUnit(
            file=self.file,
            unit=unit.name,
            kind=kind,
            resource="" if is_template else self._resource(name),
            image=next((word for word in words if word in images), images[0] if images else ""),
            pull=kind is UnitKind.CONTAINER
            and not self._names_quadlet(unit.quadlet("Image"))
            and command.last("--pull") != "never",
            ports=self._ports(command),
            requires=tuple(sorted(unit.references(*REQUIREMENTS) & self.names - {unit.name})),
            volumes=tuple(sorted(set(self._volumes(command)))),
            subnets=tuple(command.all("--subnet")) if kind is UnitKind.NETWORK else (),
            healthy_within=health.settled_after if health and health.interval else 0.0,
            notifies_healthy=command.last("--sdnotify") == "healthy",
            pod=self._pod(),
            instance_resource=name if is_template else "",
        )
        if unit.name in self.description.units:
            other = self.description.units[unit.name].file
            self._violation(f"it becomes {unit.name}, and so does {other}")
            return
        self.description.units[unit.name] = described
        self.description.facts[unit.name] = UnitFacts(
            unit=unit.name,
            kind=kind,
            podman=unit.podman,
            container=command.last("--name", "systemd-%N"),
            secrets=secrets,
            health=health,
            image_may_check=kind is UnitKind.CONTAINER and not command.last("--health-cmd"),
            own_runtime_directory=bool(
                unit.file.all("Service", "RuntimeDirectory")
                or unit.file.all("Service", "RuntimeDirectoryMode")
            ),
        )
        self.description.secrets += [unit_secrets.use(unit.name, secret) for secret in secrets]

    def _images(self, words: list[str]) -> list[str]:
        """Return the names under which the unit's image may stand in its command line."""
        match self.unit.kind:
            case UnitKind.IMAGE:
                return words[-1:]
            case UnitKind.BUILD:
                return PodmanCommand(words).all("--tag")
            case UnitKind.CONTAINER:
                named = self.unit.quadlet("Image")[-1:]
                if not self._names_quadlet(named):
                    return named
                maker = self._quadlet_named(named[0])
                if maker is None:
                    return []
                made = maker.words("ExecStart")
                tags = PodmanCommand(made).all("--tag")
                return [*maker.quadlet("ImageTag"), *tags, *made[-1:]]
        return []

    @staticmethod
    def _names_quadlet(images: list[str]) -> bool:
        return bool(images) and images[-1].endswith((".image", ".build"))

    def _quadlet_named(self, name: str) -> GeneratedUnit | None:
        files = (f for f in self.own if PurePosixPath(f).name == name)
        return next((self.own[file] for file in files), None)

    def _pod(self) -> str:
        """Return the unit of the pod that the container is in; "" for none, or another stack's."""
        named = self.unit.quadlet("Pod")[-1:] if self.unit.kind is UnitKind.CONTAINER else []
        pod = self._quadlet_named(named[0]) if named else None
        return pod.name if pod is not None else ""

    def _resource_name(self, words: list[str], command: PodmanCommand) -> str:
        """Return podman's name of what the unit makes, specifiers and all; "" for nothing."""
        match self.unit.kind:
            case UnitKind.CONTAINER | UnitKind.POD:
                return command.last("--name", "systemd-%N")
            case UnitKind.NETWORK | UnitKind.VOLUME:
                return words[-1] if words else ""
        return ""

    def _resource(self, name: str) -> str:
        resource = self.unit.expand(name) or ""
        if resource and self.unit.kind is UnitKind.VOLUME:
            self._is_volume_name("VolumeName", resource)
        return resource

    def _ports(self, command: PodmanCommand) -> tuple[PublishedPort, ...]:
        ports: list[PublishedPort] = []
        for value in command.all("--publish", "-p"):
            known = self.unit.expand(value)
            if known is None:
                continue  # an instance's own number: known only to systemd
            try:
                ports += published_port.parse(known)
            except PublishInvalid as error:
                raise PublishInvalid(f"PublishPort={known}: {error}") from None
        return tuple(ports)

    def _volumes(self, command: PodmanCommand) -> Iterator[str]:
        sources = [value.partition(":") for value in command.all("--volume", "-v")]
        named = [source for source, colon, _ in sources if colon]
        for mount in command.all("--mount"):
            options = dict(part.partition("=")[::2] for part in mount.split(","))
            if options.get("type", "volume") == "volume":
                named.append(options.get("source", options.get("src", "")))
        for source in named:
            name = self.unit.expand(source)
            # What a specifier or a variable stands for is known only to systemd.
            if not name or name.startswith(("/", ".")) or "$" in name:
                continue
            if self._is_volume_name("Volume", name):
                yield name

    def _is_volume_name(self, key: str, name: str) -> bool:
        # Such a name stands in commands of the unit (see `volume_owner`), so nothing else may.
        if _VOLUME_NAME.fullmatch(name):
            return True
        self._violation(f"{key}={name}: that is no name that a volume can have")
        return False

    def _health(self, command: PodmanCommand) -> HealthCheck | None:
        test = command.last("--health-cmd")
        if not test or test.lower() == "none":
            return None

        def timing(option: str, default: float) -> float:
            value = command.last(option)
            found = health_check.seconds(value) if value else default
            if found is None:
                self._violation(f"{option.removeprefix('--')}: {value} is not a duration")
                return default
            return found

        return HealthCheck(
            interval=timing("--health-interval", health_check.DEFAULT_INTERVAL),
            start_period=timing("--health-start-period", 0.0),
            timeout=timing("--health-timeout", health_check.DEFAULT_TIMEOUT),
            retries=_count(command.last("--health-retries"), health_check.DEFAULT_RETRIES),
            startup_interval=timing("--health-startup-interval", health_check.DEFAULT_INTERVAL)
            if command.last("--health-startup-cmd")
            else 0.0,
            startup_retries=_count(command.last("--health-startup-retries"), 0),
        )

    def _violation(self, text: str) -> None:
        self.description.violations.append(FieldViolation(field=self.file, description=text))


def _count(value: str, default: int) -> int:
    return int(value) if value.isdecimal() else default
