"""Stacks and their services, as `--json` prints them."""

from typing import TypedDict


class Port(TypedDict):
    """A port of the host that a service publishes."""

    host_address: str  # empty: every address
    host_port: int  # 0: podman chooses
    container_port: int
    protocol: str


class PlannedUnit(TypedDict):
    """One unit of a plan."""

    file: str
    unit: str
    kind: str  # "container", "pod", "network", "volume", "image", "build" or "kube"
    image: str
    image_present: bool
    ports: list[Port]
    requires: list[str]
    waits_for_health: bool


class SecretUse(TypedDict):
    """A secret that a unit gets, and how."""

    unit: str
    secret: str
    type: str  # "env" or "mount"
    target: str
    stored: bool


class Plan(TypedDict):
    """What applying a stack would do."""

    stack: str
    units: list[PlannedUnit]  # in the order in which they start
    secrets: list[SecretUse]
    assets: list[str]
    warnings: list[str]


class Service(TypedDict):
    """A container or a pod of a stack, as it is now."""

    stack: str
    service: str
    unit: str
    state: str  # "running", "starting", "unhealthy", "stopped" or "failed"
    ports: list[Port]
    requires: list[str]
    since: str | None
    why: str  # why it is not running
    restarts: int
    image: str


class Applied(TypedDict):
    """What an apply brought about."""

    stack: str
    generation: int
    services: list[Service]


class Installed(TypedDict):
    """A plan, and what became of it."""

    plan: Plan
    applied: Applied | None  # null with --dry-run


class Validated(TypedDict):
    """A plan that nothing speaks against."""

    plan: Plan


class Removed(TypedDict):
    """What a removal did and left."""

    stack: str
    stopped_units: list[str]
    kept_volumes: list[str]
    deleted_volumes: list[str]


class Stack(TypedDict):
    """An installed stack."""

    name: str
    generation: int
    apply_time: str | None
    units: list[str]
    volumes: list[str]


class StackList(TypedDict):
    """All installed stacks."""

    stacks: list[Stack]


class Services(TypedDict):
    """Services, as they are now."""

    services: list[Service]


class Status(TypedDict):
    """Services, as they are now, and how much is known."""

    services: list[Service]
    secrets_available: bool  # whether reasons about secrets are complete
    store_sealed: bool | None  # whether no secret is handed out; null when that is not known


class LogLine(TypedDict):
    """One line of a journal; each is one JSON object on a line of its own."""

    time: str | None
    source: str
    message: str
