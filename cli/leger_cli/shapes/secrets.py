"""Secrets, as `--json` prints them."""

from typing import NotRequired, TypedDict


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
    previous_version: int | None  # that was active before and is still stored
    versions: list[SecretVersion]  # ascending
    units: list[str]
    revision: int  # of the store, when this secret last changed
    description: str
    labels: dict[str, str]
    expire_time: str | None  # null: never
    rotate_after_days: int | None  # null: never
    rotate_due_time: str | None
    create_time: str | None
    created_by: str
    update_time: str | None  # of the last change of any kind
    updated_by: str
    activate_time: str | None


class UnitWithSecret(TypedDict):
    """A unit that gets a secret, and the version that it was handed when it last started."""

    unit: str
    version: int | None  # null when it has not started since the secrets service did
    time: str | None
    outdated: bool  # it runs with another version than the active one


class SecretDetails(Secret):
    """A secret, with what its units have of it."""

    handed_out: list[UnitWithSecret]  # by unit; of a template, each instance


class SecretList(TypedDict):
    """All secrets."""

    secrets: list[Secret]  # by name
    revision: int


class SecretGenerated(TypedDict):
    """What became of a value that the service made."""

    name: str
    version: int
    active: bool
    public_key: str | None  # of a private key
    units: list[str]


class ImportedSecret(TypedDict):
    """What an import does to one secret."""

    name: str
    change: str  # "created", "updated", "activated" (an earlier version) or "unchanged"
    version: int  # that is active then
    units: list[str]  # that have the new value after a restart


class SecretsImported(TypedDict):
    """What an import did, or with --dry-run would do."""

    dry_run: bool
    secrets: list[ImportedSecret]  # in the order of the file
    revision: int


class SecretsExported(TypedDict):
    """Secrets with their values, which are left out when they were written to a file."""

    file: str | None
    secrets: list[SecretValue]
    revision: int


class SecretChange(TypedDict):
    """A change to a secret; each is one JSON object on a line of its own."""

    revision: int  # of the store; changes made together have the same
    change: str  # "version_added", "activated", "version_deleted", "deleted" or "updated"
    name: str
    version: int | None  # null when it is not about one
    time: str | None
    principal: str


class SecretActivated(TypedDict):
    """Which version is active now, and which was."""

    name: str
    version: int
    previous_version: int
    units: list[str]


class SecretRotated(TypedDict):
    """Which version is active now, which was, and which units have it."""

    name: str
    version: int
    previous_version: int  # the same when it had the value already
    public_key: str | None  # of a private key that was made
    units: list[str]  # that get the secret when they start
    restarted: list[str]  # in that order, and handed the version
    not_running: list[str]  # that get it when they start; empty with --no-restart


class SecretDeleted(TypedDict):
    """What was deleted."""

    name: str
    version: int | None  # null when all versions were deleted
