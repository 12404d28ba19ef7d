"""Versions, as `--json` prints them."""

from typing import TypedDict


class Build(TypedDict):
    """One build of leger."""

    version: str
    commit: str | None  # the full hash; null for a build from a source tree
    packages: list[str]  # the contracts it speaks or serves, such as "leger.secrets.v1"
    store_schema: int  # the newest schema of the store that it knows


class Versions(TypedDict):
    """The builds of the client and of the services; null for a service that does not answer."""

    version: str  # the client's
    client: Build
    secrets: Build | None
    deployer: Build | None
    mismatches: list[str]  # how they do not belong together: sentences
