"""Keeping a volume's owner over a reboot.

podman's transient store forgets its volumes at a reboot; their data stay. When a volume is made
known again, podman gives its root directory to root (seen with podman 5.4, in both scopes), and a
container that runs as anybody else can no longer write to it. So the owner is noted before, and
given back after.
"""

from pathlib import PurePosixPath

from leger_deployer.domain import transient_store
from leger_deployer.domain.scope import Scope


def commands(
    volume: str, *, store: PurePosixPath, podman: str, scope: Scope
) -> tuple[list[str], list[str]]:
    """Return the command to run before podman makes `volume` known, and the one to run after.

    `store` is the directory of podman's volumes. Both do nothing for a volume that has no data
    yet, whose owner podman is right to decide. The note lies in the runtime directory, so that it
    is never older than the volume's last moment in use.
    """
    data = f"{store / volume}/_data"
    note = f"%t/leger/owners/{volume}"
    before = (
        f"rm -rf '{note}'; ! test -d '{data}' || "
        f"{{ mkdir -p '{note}' && chown --reference='{data}' '{note}'; }}"
    )
    after = f"! test -d '{note}' || chown --reference='{note}' '{data}'"
    # The owners that a rootless volume may have exist in podman's user namespace alone.
    prefix = [podman, transient_store.FLAG, "unshare"] if scope is Scope.USER else []
    return [*prefix, "/bin/sh", "-c", before], [*prefix, "/bin/sh", "-c", after]


def made_known(volume: str, *, podman: str) -> list[str]:
    """Return the command that makes known a volume that no `.volume` file describes."""
    return [podman, transient_store.FLAG, "volume", "create", "--ignore", volume]
