"""Which builds there are."""

from collections.abc import Mapping, Sequence

from leger_runtime.errors import LegerError

from leger_cli import output
from leger_cli.builds import Build


def versions(client: Build, services: Mapping[str, Build | LegerError]) -> None:
    """Write the client's build, then each service's, or what is the matter with it."""
    _build("leger", client)
    for name, found in services.items():
        if isinstance(found, LegerError):
            output.line(f"{name}: {found.what}")
        else:
            _build(name, found)


def warn(mismatches: Sequence[str], *, refused: Mapping[str, str] | None) -> None:
    """Write to standard error how builds do not belong together, and why."""
    why = "The version that is installed was tried and taken back." if refused else ""
    output.remark(f"\nwarning: {' '.join([*mismatches, why]).rstrip()}")
    output.remark(f"  {refused['why']}\n→ {refused['next']}" if refused else "→ leger doctor")


def _build(name: str, build: Build) -> None:
    output.line(f"{name} {build.version}")
    output.line(f"  commit  {build.commit or 'none: from a source tree'}")
    output.line(f"  API     {', '.join(build.packages)}")
    output.line(f"  schema  {build.store_schema}")
