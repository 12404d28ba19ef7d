"""The JSON that `--json` prints, as types. docs/reference/cli.md is generated from them.

A field that is here stays, with its meaning; new ones may come. Times are RFC 3339 in UTC. What is
not known is null or empty.
"""

from typing import NotRequired, TypedDict


class Version(TypedDict):
    """What `leger version` prints."""

    version: str


class SecretPut(TypedDict):
    """What became of a value that was put."""

    name: str
    version: int
    active: bool
    created: bool  # false when the latest version had this value already
    units: list[str]  # that get the secret when they start


class SecretValue(TypedDict):
    """A value: as text where it is UTF-8, else as base64."""

    name: str
    version: int
    value: NotRequired[str]  # when the value is UTF-8
    value_base64: NotRequired[str]  # when it is not


class SecretVersion(TypedDict):
    """One stored version, without its value."""

    version: int
    create_time: str | None
    created_by: str


class Secret(TypedDict):
    """A secret, without any value."""

    name: str
    active_version: int
    versions: list[SecretVersion]  # ascending
    units: list[str]
    revision: int  # of the store, when this secret last changed


class SecretList(TypedDict):
    """All secrets."""

    secrets: list[Secret]  # by name
    revision: int


class SecretActivated(TypedDict):
    """Which version is active now, and which was."""

    name: str
    version: int
    previous_version: int
    units: list[str]


class SecretDeleted(TypedDict):
    """What was deleted."""

    name: str
    version: int | None  # null when all versions were deleted


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


class LogLine(TypedDict):
    """One line of a journal; each is one JSON object on a line of its own."""

    time: str | None
    source: str
    message: str


# Which command prints which.
RESULTS: dict[str, type] = {
    "secrets put": SecretPut,
    "secrets get": SecretValue,
    "secrets list": SecretList,
    "secrets info": Secret,
    "secrets activate": SecretActivated,
    "secrets delete": SecretDeleted,
    "deploy install": Installed,
    "deploy list": StackList,
    "deploy remove": Removed,
    "status": Status,
    "services list": Services,
    "services start": Services,
    "services stop": Services,
    "services restart": Services,
    "services logs": LogLine,
    "validate": Validated,
    "version": Version,
}
