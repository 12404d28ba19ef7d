"""What a stack consists of, and what is kept of one that is installed."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from leger_deployer.domain import unit_name
from leger_deployer.domain.errors import InvalidName
from leger_deployer.domain.published_port import PublishedPort

_NAME = re.compile(r"[a-z][a-z0-9-]{0,47}", re.ASCII)


class UnitKind(Enum):
    """What a Quadlet file becomes; the value is the file's suffix."""

    CONTAINER = "container"
    POD = "pod"
    NETWORK = "network"
    VOLUME = "volume"
    IMAGE = "image"
    BUILD = "build"
    KUBE = "kube"

    @classmethod
    def of(cls, path: str) -> "UnitKind | None":
        """Return what a file becomes, by its suffix; None when it is no Quadlet."""
        return _KINDS.get(path.rpartition(".")[2]) if "." in path else None

    @property
    def is_service(self) -> bool:
        """Whether it runs something that a person may want to see, start and stop."""
        return self in (UnitKind.CONTAINER, UnitKind.POD, UnitKind.KUBE)

    @property
    def section(self) -> str:
        """The section of the file that is Quadlet's own, such as "Container"."""
        return self.value.capitalize()


_KINDS = {kind.value: kind for kind in UnitKind}


@dataclass(frozen=True, kw_only=True)
class StackUnit:
    """One unit of a stack, as the host's generator makes it of a Quadlet file.

    `resource` is podman's name of what the unit makes: a container, pod, network or volume; "" for
    a template, whose instances have one each, by the pattern `instance_resource`. `pod` is the unit
    of the pod that it is in, if the stack has that. `volumes` are the named volumes that it mounts.
    `image` is what it runs or fetches, `pull` whether leger may fetch it. `requires` holds units of
    the same stack that it requires or wants. `healthy_within` is the number of seconds after which
    podman has called it healthy or unhealthy, 0 where nothing checks its health.
    `notifies_healthy` says that its start ends only when it is healthy.
    """

    file: str
    unit: str
    kind: UnitKind
    resource: str = ""
    image: str = ""
    pull: bool = False
    ports: tuple[PublishedPort, ...] = ()
    requires: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    healthy_within: float = 0.0
    notifies_healthy: bool = False
    pod: str = ""
    instance_resource: str = ""

    @property
    def service(self) -> str:
        """The unit's name without its suffix."""
        return stem(self.unit)

    @property
    def is_template(self) -> bool:
        """Whether only instances of it can be started."""
        return self.service.endswith("@")

    def instance(self, unit: str) -> "StackUnit":
        """Return an instance of this template by its name, such as "job@x.service"."""
        resource = unit_name.expand(self.instance_resource, unit) or ""
        return replace(self, unit=unit, resource=resource)


class Binding(NamedTuple):
    """What lets a unit have a secret, as the credential of that name."""

    unit: str
    credential: str
    secret: str


@dataclass(frozen=True, kw_only=True)
class SecretUse:
    """A secret that a unit gets; `podman_secret` is "" where podman has no part in it."""

    unit: str
    secret: str
    credential: str
    type: str
    target: str
    podman_secret: str = ""

    @property
    def binding(self) -> Binding:
        """What it takes: one for a secret that the unit uses twice, as a file and as a variable."""
        return Binding(self.unit, self.credential, self.secret)


@dataclass(frozen=True, kw_only=True)
class Generation:
    """A stack as it was brought onto the host once: what there is to run, and to take away.

    `units` are in the order in which they are started.
    """

    stack: str
    number: int
    apply_time: datetime
    units: tuple[StackUnit, ...]
    secrets: tuple[SecretUse, ...] = field(default=())

    def unit(self, name: str) -> StackUnit | None:
        """Return the unit of that name, if the stack has it."""
        return next((unit for unit in self.units if unit.unit == name), None)

    @property
    def services(self) -> tuple[StackUnit, ...]:
        """The units that run something."""
        return tuple(unit for unit in self.units if unit.kind.is_service and not unit.is_template)

    @property
    def startable(self) -> tuple[StackUnit, ...]:
        """The units that can be started, in order."""
        return tuple(unit for unit in self.units if not unit.is_template)

    @property
    def volumes(self) -> tuple[str, ...]:
        """The volumes that the units name, by podman's names, sorted."""
        names = {volume for unit in self.units for volume in unit.volumes}
        names.update(u.resource for u in self.units if u.kind is UnitKind.VOLUME and u.resource)
        return tuple(sorted(names))

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks that the units make, by podman's names, sorted."""
        kind = UnitKind.NETWORK
        return tuple(sorted(u.resource for u in self.units if u.kind is kind and u.resource))

    @property
    def podman_secrets(self) -> tuple[str, ...]:
        """The secrets that podman must know by name, sorted."""
        return tuple(sorted({use.podman_secret for use in self.secrets if use.podman_secret}))


def check_name(name: str) -> str:
    """Return the stack's name if it is one. Raises InvalidName."""
    if _NAME.fullmatch(name):
        return name
    raise InvalidName(
        f"“{_shown(name)}” is not a name that a stack can have.",
        why="It consists of lower-case letters, digits and hyphens, starts with a letter, and has"
        " at most 48 characters.",
        next_step="Name it otherwise: `leger deploy install DIR --name NAME`.",
    )


def stem(unit: str) -> str:
    """Return a unit's name without its suffix."""
    return unit.rpartition(".")[0]


def _shown(name: str) -> str:
    shown = "".join(character if character.isprintable() else "?" for character in name)
    return shown if len(shown) <= 60 else shown[:60] + "…"
