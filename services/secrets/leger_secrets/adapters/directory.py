"""Directories of the service's own."""

import os
from pathlib import Path

from leger_runtime.errors import Kind, LegerError, reason_of


class DirectoryUnusable(LegerError):
    """A directory of the service that it cannot create or write to."""

    kind, reason = Kind.UNAVAILABLE, "DIRECTORY_UNUSABLE"


def ensure(path: Path) -> Path:
    """Return the directory, made with mode 0700 if it was not there. Raises DirectoryUnusable."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = reason_of(error)
    else:
        if os.access(path, os.W_OK | os.X_OK):
            return path
        reason = "this process may not write to it"
    raise DirectoryUnusable(
        f"The directory {path} cannot be used.",
        why=f"Making it or writing to it fails: {reason}.",
        next_step="Let it belong to the user the service runs as, on a file system that is not"
        " read-only.",
    )
