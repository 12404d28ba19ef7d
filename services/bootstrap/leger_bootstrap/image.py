"""The services' image: shipped as an archive in the package, loaded without any registry."""

from pathlib import Path

from leger_runtime.errors import Kind, LegerError, reason_of

from leger_bootstrap.commands import Run, require

# Images are the same in both of podman's stores; without this flag podman would unmount the roots
# of the stacks' containers when it ends (see leger-storage.service).
PODMAN = ("podman", "--transient-store=true")


class ImageMissing(LegerError):
    """The package's image archive, or its reference, is not there."""

    kind, reason = Kind.UNAVAILABLE, "IMAGE_MISSING"


def ensure(directory: Path, run: Run) -> str:
    """Load `directory`/leger.tar unless podman has it, and return the image's reference.

    The file `reference` beside the archive names the image; its tag changes with the content.
    """
    try:
        reference = (directory / "reference").read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImageMissing(
            "The image of leger's services is not on this host.",
            why=f"{directory / 'reference'} cannot be read: {reason_of(error)}.",
            next_step="Install the leger package again.",
        ) from None
    if run([*PODMAN, "image", "exists", reference], b"").status != 0:
        require(
            run([*PODMAN, "load", "--quiet", "--input", str(directory / "leger.tar")], b""),
            what="podman could not load the image of leger's services.",
            next_step="Check `podman info` and the free space of its storage, then try again.",
        )
    return reference
