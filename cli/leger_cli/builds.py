"""Which builds of leger the client and the services are, and whether they belong together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leger_runtime import version
from leger_runtime.errors import LegerError

from leger_cli.context import PATIENCE

if TYPE_CHECKING:
    from leger_cli.context import Session

SERVICES = ("secrets", "deployer")
# The contracts that this client speaks, by the services that serve them.
_CONTRACTS = {
    "secrets": ("leger.secrets.v1", "leger.version.v1"),
    "deployer": ("leger.deployer.v1", "leger.version.v1"),
}


@dataclass(frozen=True, kw_only=True)
class Build:
    """One build: `commit` is "" for one from a tree; `store_schema` the newest that it writes."""

    version: str
    commit: str
    packages: tuple[str, ...]
    store_schema: int


def of_client() -> Build:
    """Return the build of this process."""
    return Build(
        version=version.__version__,
        commit=version.commit(),
        packages=tuple(sorted({name for names in _CONTRACTS.values() for name in names})),
        store_schema=version.STORE_SCHEMA,
    )


def of_services(session: "Session") -> Mapping[str, Build | LegerError]:
    """Return the build of each service, or why it does not answer."""
    from leger.version.v1.version_pb2 import GetVersionRequest

    found: dict[str, Build | LegerError] = {}
    for service in SERVICES:
        try:
            with session.version(service) as client:
                answer = client.GetVersion(GetVersionRequest(), timeout=PATIENCE)
        except LegerError as error:
            found[service] = error
        else:
            found[service] = Build(
                version=answer.version,
                commit=answer.commit,
                packages=tuple(answer.packages),
                store_schema=answer.store_schema,
            )
    return found


def mismatch(service: str, build: Build, client: Build) -> str:
    """Return in a sentence how a service and the client do not belong together; "" if they do."""
    missing = [name for name in _CONTRACTS[service] if name not in build.packages]
    if missing:
        return (
            f"The {service} service does not serve {' and '.join(missing)}, which this leger"
            " speaks."
        )
    if build.version != client.version:
        return f"The {service} service is {build.version}, and this leger is {client.version}."
    if build.commit != client.commit:
        return (
            f"The {service} service is of {described(build)}, and this leger is of"
            f" {described(client)}."
        )
    return ""


def described(build: Build) -> str:
    """Return what a build was made from, in a few words."""
    return f"commit {build.commit[:12]}" if build.commit else "a source tree"
