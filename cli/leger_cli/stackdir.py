"""Reading a stack's directory for its upload."""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leger_runtime.errors import Kind, LegerError

if TYPE_CHECKING:
    from leger.deployer.v1.deployer_pb2 import StageStackRequest

# Quadlets and their configuration are small; a larger directory is a mistaken one.
MAX_BYTES = 64 * 1024 * 1024
MAX_FILES = 2_000
# The proto's limit for one message's content.
CHUNK = 1024 * 1024

_STACK_NAME = re.compile(r"[a-z][a-z0-9-]{0,47}")
_LEFT_OUT = re.compile(r"\..*|__pycache__|.*~|#.*#|.*\.bak")


class DirectoryNotFound(LegerError):
    """There is no such directory."""

    kind, reason = Kind.NOT_FOUND, "DIRECTORY_NOT_FOUND"


class DirectoryUnreadable(LegerError):
    """Something in the directory cannot be read, or is nothing that can be uploaded."""

    kind, reason = Kind.INVALID, "DIRECTORY_UNREADABLE"


class UnsafePath(LegerError):
    """A link leads out of the directory, or a name cannot be sent."""

    kind, reason = Kind.INVALID, "UNSAFE_PATH"


class StackTooLarge(LegerError):
    """The directory holds more than a stack may."""

    kind, reason = Kind.INVALID, "STACK_TOO_LARGE"


class InvalidStackName(LegerError):
    """The stack's name is not one that leger accepts."""

    kind, reason = Kind.INVALID, "INVALID_NAME"


@dataclass(frozen=True, kw_only=True)
class StackFile:
    """A file of a stack: its path in the directory with "/", permission bits, and content."""

    path: str
    mode: int
    content: bytes


@dataclass(frozen=True, kw_only=True)
class StackDirectory:
    """A stack as its directory says; `files` are sorted by path."""

    name: str
    files: tuple[StackFile, ...]


def read(directory: Path, *, name: str | None) -> StackDirectory:
    """Read the whole directory; `name` replaces the directory's name as the stack's.

    Left out are hidden files, `__pycache__` and editors' backups (`x~`, `#x#`, `x.bak`). Links are
    followed while they stay inside. Raises the errors of this module.
    """
    if not directory.is_dir():
        raise DirectoryNotFound(
            f"There is no directory {directory}.",
            why="It is a file." if directory.exists() else "Nothing is there.",
            next_step="Name the directory that holds the stack's Quadlets.",
        )
    top = directory.resolve()
    stack = _stack_name(name, top)
    files: list[StackFile] = []
    size = 0
    for path in _walk(top, top, ancestors=(top,)):
        files.append(_read_file(path, top))
        size += len(files[-1].content)
        if size > MAX_BYTES or len(files) > MAX_FILES:
            raise StackTooLarge(
                f"{directory} is too large for a stack.",
                why=f"A stack has at most {MAX_FILES:,} files and {MAX_BYTES >> 20} MiB in all.",
                next_step="Keep data in volumes, and only Quadlets and configuration here.",
            )
    return StackDirectory(name=stack, files=tuple(sorted(files, key=lambda file: file.path)))


def upload(stack: StackDirectory) -> "Iterator[StageStackRequest]":
    """Yield the messages that stage the stack: its header, then each file in chunks."""
    from leger.deployer.v1.deployer_pb2 import StageStackRequest

    yield StageStackRequest(header=StageStackRequest.Header(stack=stack.name))
    for file in stack.files:
        for start in range(0, max(len(file.content), 1), CHUNK):
            content = file.content[start : start + CHUNK]
            yield StageStackRequest(
                chunk=StageStackRequest.Chunk(path=file.path, mode=file.mode, content=content)
            )


def _stack_name(name: str | None, top: Path) -> str:
    stack = top.name if name is None else name
    if not _STACK_NAME.fullmatch(stack):
        raise InvalidStackName(
            f"{stack!r} cannot be a stack's name.",
            why="It has lower-case letters, digits and hyphens, begins with a letter, and is at "
            "most 48 long.",
            next_step="Choose another with --name.",
        )
    return stack


def _walk(directory: Path, top: Path, *, ancestors: tuple[Path, ...]) -> Iterator[Path]:
    try:
        entries = sorted(directory.iterdir())
    except OSError as error:
        raise _unreadable(directory, error.strerror or "It cannot be read") from None
    for path in entries:
        if _LEFT_OUT.fullmatch(path.name):
            continue
        if not path.is_symlink() and not path.is_dir():
            yield path
            continue
        target = Path(os.path.realpath(path))  # resolve() raises on a link to itself
        if path.is_symlink() and not target.is_relative_to(top):
            raise UnsafePath(
                f"{path} leads out of the stack's directory.",
                why=f"It is a link to {target}, and a stack is only what its directory holds.",
                next_step="Put a copy of the file in its place.",
            )
        if target in ancestors:
            raise UnsafePath(
                f"{path} leads back to a directory above it.",
                why=f"It is a link to {target}, so the directory would have no end.",
                next_step="Remove the link.",
            )
        if target.is_dir():
            yield from _walk(path, top, ancestors=(*ancestors, target))
        else:
            yield path


def _read_file(path: Path, top: Path) -> StackFile:
    relative = path.relative_to(top).as_posix()
    try:
        relative.encode()
    except UnicodeEncodeError:
        raise UnsafePath(
            f"{relative!r} cannot be uploaded.",
            why="Its name is not UTF-8.",
            next_step="Rename it.",
        ) from None
    try:
        # Not blocking, as opening a FIFO would wait for a writer.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise _unreadable(path, "It is no regular file")
            # A byte more than may be: enough to know that it is too large.
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, error.strerror or "It cannot be read") from None
    return StackFile(path=relative, mode=stat.S_IMODE(found.st_mode), content=content)


def _unreadable(path: Path, why: str) -> DirectoryUnreadable:
    return DirectoryUnreadable(
        f"{path} cannot be read.",
        why=f"{why}.",
        next_step="Make it readable, or move it out of the stack's directory.",
    )
