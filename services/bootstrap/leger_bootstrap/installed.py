"""The release that the package has brought, as this host is set up and its operator has decided."""

from pathlib import Path

from leger_runtime.version import STORE_SCHEMA

from leger_bootstrap import configuration, http_socket, quadlets
from leger_bootstrap.configuration import Configuration
from leger_bootstrap.release import Release
from leger_bootstrap.root_key import RootKey
from leger_bootstrap.scope import Scope


def as_configured(
    decided: Configuration, *, scope: Scope, share: Path, image: str, key: RootKey | None
) -> Release:
    """Return what is to run. `share` is the package's directory, `image` what it brought."""
    return Release(
        image=image,
        store_schema=STORE_SCHEMA,
        units=quadlets.for_host(
            quadlets.read_shipped(share / "quadlets"),
            scope=scope,
            image=image,
            key=key,
            configuration=decided,
        ),
        http_socket=http_socket.text(decided, leger_toml=configuration.path(scope)),
    )


def is_same_version(one: Release, other: Release) -> bool:
    """Tell whether the package has brought the same for both.

    Then only how the host is set up, and what its operator has decided, can tell them apart.
    """
    return (one.image, _brought(one)) == (other.image, _brought(other))


def _brought(release: Release) -> dict[str, str]:
    return {
        name: text for name, text in release.units.items() if not name.endswith("/10-host.conf")
    }
