"""Files that hold secrets: in the clear read with a warning, written for their owner alone."""

import os
import shlex
import stat
import sys
from pathlib import Path

from leger_runtime import atomic
from leger_runtime.errors import Kind, LegerError, reason_of

from leger_cli import output
from leger_cli.errors import UsageError
from leger_cli.formats import MAX_BYTES


class FileNotFound(LegerError):
    """There is no such file."""

    kind, reason = Kind.NOT_FOUND, "FILE_NOT_FOUND"


class FileUnreadable(LegerError):
    """The file cannot be read, or is no file that could hold secrets."""

    kind, reason = Kind.INVALID, "FILE_UNREADABLE"


class FileExists(LegerError):
    """A file is in the place of the one to be written."""

    kind, reason = Kind.CONFLICT, "FILE_EXISTS"


def read(
    name: str, *, what: str = "the values", most: int = MAX_BYTES, encrypted: bool = False
) -> bytes:
    """Return the content of the file, or of standard input for "-"; errors call it `what`.

    Unless it is encrypted, remarks that other accounts can read the file. Raises FileNotFound, and
    FileUnreadable also for more than `most` bytes.
    """
    if name == "-":
        return _limited(sys.stdin.buffer.read(most + 1), "Standard input", most)
    try:
        with Path(name).open("rb") as file:
            found = os.fstat(file.fileno())
            content = file.read(most + 1)
    except FileNotFoundError:
        raise FileNotFound(
            f"There is no file {name}.",
            why="Nothing is there.",
            next_step=f"Name the file that holds {what}, or - for standard input.",
        ) from None
    except OSError as error:
        raise FileUnreadable(
            f"{name} cannot be read.",
            why=f"The system says: {reason_of(error)}.",
            next_step="Name a file that this account may read.",
        ) from None
    if not encrypted and stat.S_ISREG(found.st_mode) and found.st_mode & 0o077:
        output.remark(
            f"Other accounts of this machine may read {name}.\n→ chmod 600 {shlex.quote(name)}"
        )
    return _limited(content, name, most)


def require_place(path: Path, *, force: bool | None) -> None:
    """Raise FileExists when a file is in the way, unless `force`; FileNotFound without a place.

    None is for a command that never replaces one. Raises UsageError for "-", which stands for a
    stream everywhere else.
    """
    if path == Path("-"):
        raise UsageError(
            "A file cannot be named -.",
            why="That stands for standard output, which is used where no file is named.",
            next_step="Name a file, or leave the option out.",
        )
    if not path.parent.is_dir():
        raise FileNotFound(
            f"There is no directory {path.parent}.",
            why=f"{path.name} was to be written into it.",
            next_step="Make it, or choose another place.",
        )
    if os.path.lexists(path) and not force:
        raise FileExists(
            f"{path} is there already.",
            why="A file is not replaced"
            + (", as it may be the only copy." if force is None else " unless that is asked for."),
            next_step="Choose another name."
            if force is None
            else "Choose another name, or replace it with --force.",
        )


def write(path: Path, content: bytes) -> None:
    """Write a file that its owner alone can read, whole or not at all.

    Raises OSError as the system calls do.
    """
    atomic.write(path, content, mode=0o600)


def _limited(content: bytes, name: str, most: int) -> bytes:
    if len(content) > most:
        raise FileUnreadable(
            f"{name} is too large.",
            why=f"At most {most:,} bytes are read.",
            next_step="See whether it is the right one; a file of many values can be split.",
        )
    return content
