"""Putting leger's own Quadlets where the host's Quadlet generator finds them."""

from collections.abc import Mapping
from pathlib import Path

from leger_runtime import atomic

from leger_bootstrap import backup_directory, http_socket
from leger_bootstrap.configuration import Configuration
from leger_bootstrap.drop_in import drop_in
from leger_bootstrap.root_key import RootKey
from leger_bootstrap.scope import Scope

DIRECTORY = "legerd"


def for_host(
    shipped: Mapping[str, str],
    *,
    scope: Scope,
    image: str,
    key: RootKey | None,
    configuration: Configuration,
) -> dict[str, str]:
    """Return every file that belongs below the scope's `legerd` directory, by relative path.

    `shipped` are the package's Quadlets, taken as they are; what differs from host to host comes
    beside them as drop-ins. Without a key, a passphrase opens the store.
    """
    return {
        **shipped,
        "leger.pod.d/10-host.conf": drop_in(Pod=_pod(scope)),
        "leger-secrets.container.d/10-host.conf": drop_in(
            Unit=http_socket.unit_lines(configuration) + backup_directory.unit_lines(configuration),
            Container=[
                f"Image={image}",
                f"Environment=LEGER_SCOPE={scope.name} LEGER_ACCOUNT={scope.account}",
                # One path on both sides, so that messages name what a person can look at.
                f"Environment=LEGER_STATE_DIR={scope.secrets_data}",
                f"Volume={scope.secrets_data}:{scope.secrets_data}",
                f"Environment=LEGER_POLICY_FILE={scope.config / 'policy.toml'}",
                f"Volume={scope.config}:{scope.config}:ro",
                *backup_directory.container_lines(configuration),
                *(key.container_lines(scope) if key else ()),
            ],
            Service=backup_directory.service_lines(configuration)
            + (key.service_lines(scope) if key else []),
        ),
        "leger-deployer.container.d/10-host.conf": drop_in(
            Container=[
                f"Image={image}",
                f"Environment=LEGER_SCOPE={scope.name} LEGER_ACCOUNT={scope.account}",
                # The generator and systemd read these on the host: one path on both sides.
                f"Environment=LEGER_DATA_DIR={scope.data}",
                f"Environment=LEGER_QUADLET_DIR={scope.quadlets}",
                f"Environment=LEGER_HOST_RUNTIME_DIR={scope.runtime}",
                f"Volume={scope.data}:{scope.data}",
                f"Volume={scope.quadlets}:{scope.quadlets}",
                # Starting units and reading their state is the deployer's whole purpose.
                f"Volume={scope.bus}:/run/leger/bus",
            ],
        ),
    }


def _pod(scope: Scope) -> list[str]:
    # D-Bus authenticates by uid (EXTERNAL): a rootless container must keep the user's own.
    return [] if scope.is_system else ["UserNS=keep-id"]


def place(files: Mapping[str, str], directory: Path) -> list[str]:
    """Make `directory` hold exactly `files`; return the relative paths that changed."""
    changed = []
    for name, content in files.items():
        path = directory / name
        if not path.is_file() or path.read_text(encoding="utf-8") != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write(path, content.encode())
            changed.append(name)
    for path in directory.rglob("*"):
        name = str(path.relative_to(directory))
        if path.is_file() and name not in files:
            path.unlink()
            changed.append(name)
    return changed


def read_shipped(directory: Path) -> dict[str, str]:
    """Return the package's Quadlets below `directory`, by relative path."""
    return {
        str(path.relative_to(directory)): path.read_text(encoding="utf-8")
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
