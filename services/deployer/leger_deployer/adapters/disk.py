"""What a file system refuses, as the deployer's own errors."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leger_deployer.domain.errors import DiskFull, StorageUnavailable

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise what the file system refuses as a LegerError; names that are not as expected pass."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, FileExistsError):
        raise
    except (OSError, shutil.Error) as error:
        number = _number(error)
        if number in _FULL:
            raise DiskFull(
                "There is no space left for the stack.",
                why=f"The file system that holds {path} is full.",
                next_step="Make room there (`df -h` shows how full it is), and try again.",
            ) from None
        raise StorageUnavailable(
            "The stacks' files cannot be read or written.",
            why=f"{os.strerror(number) if number else error}: {path}.",
            next_step="Look at the file system that holds it.",
        ) from None


def _number(error: OSError | shutil.Error) -> int:
    if error.errno:
        return error.errno
    # copytree collects what went wrong as (source, destination, text) of each file.
    text = str(error)
    return next((number for number in _FULL if os.strerror(number) in text), 0)
