"""The store itself, as `--json` prints it."""

from typing import TypedDict


class SealCause(TypedDict):
    """The error that keeps the store sealed."""

    reason: str  # stable, such as "PASSPHRASE_NEEDED"
    what: str
    why: str
    next: str


class StoreStatus(TypedDict):
    """How the store is. What only an open store tells is null while it is sealed."""

    sealed: bool
    cause: SealCause | None  # null when it is open
    unlock: str | None  # "root-key" or "passphrase"; null when that cannot be told
    revision: int | None
    secrets: int | None
    key_time: str | None  # when the store's key was last changed
    schema_version: int | None
    size: int | None  # in bytes
    last_backup_time: str | None
    audit_problem: str | None  # how the audit log is broken: requests are refused then
    weaknesses: list[str]  # of the protection of the service's memory: sentences


class StoreUnsealed(TypedDict):
    """The store is open."""

    set_aside: list[str]  # the files of a broken audit log, by their new names
    refused_units: list[str]  # that got no secrets while it was sealed
    services_to_start: list[str]  # those that are down, and what requires them; in that order


class StoreSealed(TypedDict):
    """The store is sealed."""

    sealed: bool


class StoreRekeyed(TypedDict):
    """The store has a new key."""

    pages: int  # that were encrypted anew
    unlock: str | None
