"""Taking in a stack's directory: checked piece by piece, kept aside until it is applied."""

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

from leger_deployer.domain import drop_in
from leger_deployer.domain.errors import (
    InvalidName,
    StackEmpty,
    StackTooLarge,
    StagedNotFound,
    UnsafePath,
)
from leger_deployer.domain.ports.stack_files import StackFiles
from leger_deployer.domain.stack import UnitKind, check_name

MAX_BYTES = 64 * 1024 * 1024
MAX_FILES = 2000
MAX_CHUNK = 1024 * 1024
LIFETIME = timedelta(hours=1)

_MAX_PATH, _MAX_COMPONENT = 1024, 255  # bytes; well within limits.h's PATH_MAX and NAME_MAX


@dataclass(frozen=True)
class Header:
    """The first message of an upload: the stack's name."""

    stack: str


@dataclass(frozen=True)
class Chunk:
    """A file of an upload, or more of it: relative path, permission bits, content."""

    path: str
    mode: int
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A directory that was taken in; the paths are relative to it and sorted."""

    id: str
    stack: str
    directory: Path
    quadlets: tuple[str, ...]
    assets: tuple[str, ...]
    until: datetime


class Staging:
    """The uploads that wait to be applied, at most one for each stack."""

    def __init__(self, *, files: StackFiles, clock: Callable[[], datetime]) -> None:
        self._files = files
        self._clock = clock
        self._lock = threading.Lock()
        self._staged: dict[str, Staged] = {}

    def stage(self, messages: Iterable[Header | Chunk]) -> Staged:
        """Take in an upload; nothing of it stays when it fails.

        Raises InvalidName, UnsafePath, StackTooLarge, StackEmpty, and what the disk raises.
        """
        stream = iter(messages)
        first = next(stream, None)
        stack = check_name(first.stack if isinstance(first, Header) else "")
        staged_id = f"{stack}-{secrets.token_hex(8)}"
        upload = self._files.new_upload(staged_id)
        try:
            sizes: dict[str, int] = {}
            for chunk in _checked(stream, sizes):
                upload.write(chunk.path, chunk.content, mode=chunk.mode & 0o777 | 0o400)
            staged = self._sorted_out(staged_id, stack, upload.directory, sizes)
        except BaseException:
            self._files.drop_staged(staged_id)
            raise
        self._keep(staged)
        return staged

    def get(self, staged_id: str) -> Staged:
        """Return what was staged. Raises StagedNotFound."""
        self._drop(lambda staged: staged.until <= self._clock())
        with self._lock:
            staged = self._staged.get(staged_id)
        if staged is None:
            raise gone()
        return staged

    def drop(self, staged: Staged) -> None:
        """Forget an upload that is no longer needed."""
        self._drop(lambda other: other.id == staged.id)

    def _keep(self, staged: Staged) -> None:
        now = self._clock()
        self._drop(lambda other: other.stack == staged.stack or other.until <= now)
        with self._lock:
            self._staged[staged.id] = staged

    def _drop(self, condition: Callable[[Staged], bool]) -> None:
        with self._lock:
            dropped = [staged for staged in self._staged.values() if condition(staged)]
            for staged in dropped:
                del self._staged[staged.id]
        for staged in dropped:
            self._files.drop_staged(staged.id)

    def _sorted_out(
        self, staged_id: str, stack: str, directory: Path, paths: Iterable[str]
    ) -> Staged:
        quadlets = tuple(sorted(path for path in paths if is_quadlet(path)))
        if not quadlets:
            raise StackEmpty(
                "The directory has no Quadlet in it.",
                why="A stack is made of files that end in "
                f"{', '.join('.' + kind.value for kind in UnitKind)}.",
                next_step="Give the directory that holds them.",
            )
        return Staged(
            id=staged_id,
            stack=stack,
            directory=directory,
            quadlets=quadlets,
            assets=tuple(sorted(path for path in paths if not is_quadlet(path))),
            until=self._clock() + LIFETIME,
        )


def gone() -> StagedNotFound:
    """Return the error of an upload that was dropped."""
    return StagedNotFound(
        "The upload is not there any more.",
        why="An upload is kept for an hour, and until the next one of the same stack.",
        next_step="Start the deployment again.",
    )


def is_quadlet(path: str) -> bool:
    """Whether a file is a Quadlet, by its suffix."""
    return UnitKind.of(PurePosixPath(path).name) is not None


def _checked(messages: Iterator[Header | Chunk], sizes: dict[str, int]) -> Iterator[Chunk]:
    """Yield the chunks that are safe and within the limits, noting each file's size."""
    total = 0
    for message in messages:
        if isinstance(message, Header):
            raise InvalidName(
                "The upload names two stacks.",
                why="Only the first message of an upload carries a header.",
                next_step="Upload one stack at a time.",
            )
        check_path(message.path)
        total += len(message.content)
        sizes[message.path] = sizes.get(message.path, 0) + len(message.content)
        if total > MAX_BYTES or len(sizes) > MAX_FILES or len(message.content) > MAX_CHUNK:
            raise StackTooLarge(
                "The directory is too large for a stack.",
                why=f"A stack has at most {MAX_FILES} files and {MAX_BYTES >> 20} MiB, sent in"
                f" pieces of at most {MAX_CHUNK >> 20} MiB.",
                next_step="Keep data in volumes, and programs in images.",
            )
        yield message


def check_path(path: str) -> None:
    """Raise UnsafePath unless the path names a file within the stack's directory."""
    parts = path.split("/")
    if problem := _problem(path, parts):
        raise UnsafePath(
            f"The path “{''.join(c if c.isprintable() else '?' for c in path[:200])}” is not safe.",
            why=f"{problem}.",
            next_step="Rename the file, or leave it out.",
        )


def _problem(path: str, parts: list[str]) -> str:
    if path.startswith("/"):
        return "It is absolute"
    if not path or any(part in ("", ".", "..") for part in parts):
        return "It has an empty, “.” or “..” part"
    if not path.isprintable():
        return "It holds a character that cannot be printed"
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        return "It is not valid text"
    if len(encoded) > _MAX_PATH or any(len(p.encode()) > _MAX_COMPONENT for p in parts):
        return "It is too long"
    if drop_in.FILE_NAME in parts:
        return f"{drop_in.FILE_NAME} is the name of leger's own drop-ins"
    if parts[-1].endswith(".d") and is_quadlet(parts[-1].removesuffix(".d")):
        return f"{parts[-1]} is the name of a directory of drop-ins, and not of a file"
    return ""
