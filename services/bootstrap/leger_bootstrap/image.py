"""The services' image: shipped as an archive in the package, loaded without any registry."""

from collections.abc import Collection
from pathlib import Path

from leger_runtime.errors import Kind, LegerError, reason_of

from leger_bootstrap.commands import Run, require
from leger_bootstrap.scope import Scope

REPOSITORY = "localhost/leger/services"

# Images are the same in both of podman's stores; without this flag podman would unmount the roots
# of the stacks' containers when it ends (see leger-storage.service).
PODMAN = ("podman", "--transient-store=true")


class ImageMissing(LegerError):
    """The package's image archive, or its reference, is not there."""

    kind, reason = Kind.UNAVAILABLE, "IMAGE_MISSING"


def installed(directory: Path) -> str:
    """Return the reference of the image that the package brought. Raises ImageMissing.

    The file `reference` beside the archive names it; its tag changes with the content.
    """
    try:
        return (directory / "reference").read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImageMissing(
            "The image of leger's services is not on this host.",
            why=f"{directory / 'reference'} cannot be read: {reason_of(error)}.",
            next_step="Install the leger package again.",
        ) from None


def exists(reference: str, run: Run) -> bool:
    """Tell whether podman has the image."""
    return run([*PODMAN, "image", "exists", reference], b"").status == 0


def ensure(directory: Path, run: Run) -> str:
    """Load `directory`/leger.tar unless podman has it, and return the image's reference."""
    reference = installed(directory)
    if not exists(reference, run):
        require(
            run([*PODMAN, "load", "--quiet", "--input", str(directory / "leger.tar")], b""),
            what="podman could not load the image of leger's services.",
            next_step="Check `podman info` and the free space of its storage, then try again.",
        )
    return reference


def running(container: str, run: Run) -> str | None:
    """Return the image that a running container of the pod was made from, None without one."""
    form = "{{if .State.Running}}{{.ImageName}}{{end}}"
    outcome = run([*PODMAN, "container", "inspect", "--format", form, container], b"")
    return outcome.output.decode().strip() or None if outcome.status == 0 else None


def all_of_leger(run: Run) -> list[str]:
    """Return the references of all images of leger's services that podman has."""
    form = "{{.Repository}}:{{.Tag}}"
    outcome = run([*PODMAN, "images", "--format", form, REPOSITORY], b"")
    return sorted(set(outcome.output.decode().split())) if outcome.status == 0 else []


def discard(scope: Scope, run: Run, *, keep: Collection[str]) -> list[str]:
    """Remove leger's images but those to keep; return what podman did not let go of.

    What leger-storage.service keeps mounted must be an image that stays: the first of `keep` is
    mounted before any other is taken away.
    """
    old = [reference for reference in all_of_leger(run) if reference not in keep]
    if old and keep:
        run([*_ordinary(scope), "image", "mount", next(iter(keep))], b"")
    left = []
    for reference in old:
        # Not by force: that would unmount layers that the two have in common, too.
        run([*_ordinary(scope), "image", "unmount", reference], b"")
        if run([*PODMAN, "image", "rm", reference], b"").status != 0:
            left.append(reference)
    return left


def _ordinary(scope: Scope) -> tuple[str, ...]:
    """Return podman for its ordinary store, as leger-storage.service calls it."""
    return ("podman",) if scope.is_system else ("podman", "unshare", "podman")
