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
