"""The stacks on the disk, so that `kill -9` at any point leaves one state or the other, whole.

<data>/staged/<id>/                      uploads; not durable
<data>/generations/<stack>/<n>/          the user's files with leger's drop-ins beside them
<data>/generations/<stack>/<n>.json      what is known of that generation
<data>/active/<stack> -> ../generations/<stack>/<n>
<data>/intents/<stack>.json              what is under way
<quadlets>/leger/<stack> -> <data>/active/<stack>
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from leger_runtime import atomic

from leger_deployer.adapters import generation_record
from leger_deployer.adapters.disk import translated
from leger_deployer.domain import drop_in, staging
from leger_deployer.domain.errors import StorageUnavailable, UnsafePath
from leger_deployer.domain.intent import Intent
from leger_deployer.domain.ports.stack_files import Upload
from leger_deployer.domain.stack import Generation

_DIRECTORY_MODE = 0o755  # containers' users must get at assets, whatever the umask is


class DiskUpload:
    """A staged directory that is being written."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, path: str, content: bytes, *, mode: int) -> None:
        """Create a file, or append to it."""
        target = self.directory / path
        try:
            with translated(self.directory):
                _make_directories(self.directory, target.parent)
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
                descriptor = os.open(target, flags, 0o600)
                with os.fdopen(descriptor, "ab") as file:
                    file.write(content)
                    os.fchmod(descriptor, mode)
        except (NotADirectoryError, IsADirectoryError, FileExistsError):
            raise UnsafePath(
                f"The path “{path}” cannot be made.",
                why="The upload has a file and a directory of one name.",
                next_step="Rename one of them.",
            ) from None


class DiskStackFiles:
    """StackFiles in a data directory and Quadlet's own; both are the same on the host."""

    def __init__(self, *, data: Path, quadlets: Path) -> None:
        self._data = data
        self._staged = data / "staged"
        self._generations = data / "generations"
        self._active = data / "active"
        self._intents = data / "intents"
        self._links = quadlets / "leger"

    def prepare(self) -> None:
        """Make the directories. Raises StorageUnavailable or DiskFull."""
        with translated(self._data):
            # Assets may be nobody else's business; what is mounted into containers stays reachable.
            self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in (
            self._staged,
            self._generations,
            self._active,
            self._intents,
            self._links,
        ):
            with translated(path):
                path.mkdir(parents=True, exist_ok=True)

    def new_upload(self, staged_id: str) -> Upload:
        """Make an empty directory for a staged stack."""
        path = self._staged / staged_id
        with translated(path):
            path.mkdir()
            path.chmod(_DIRECTORY_MODE)
        return DiskUpload(path)

    def drop_staged(self, staged_id: str) -> None:
        """Remove a staged stack, if it is there."""
        self._remove_tree(self._staged / staged_id)

    def drop_all_staged(self) -> None:
        """Remove what an earlier process left."""
        with translated(self._staged):
            left = list(self._staged.iterdir())
        for path in left:
            self._remove_tree(path)

    def write_drop_ins(self, directory: Path, drop_ins: Mapping[str, str]) -> None:
        """Replace leger's drop-ins in a staged directory by these. Raises StagedNotFound."""
        with translated(directory), _still_staged(directory):
            directory.stat()  # as rglob() finds nothing in what is not there
            for old in directory.rglob(f"*.d/{drop_in.FILE_NAME}"):
                old.unlink()
            for name, text in drop_ins.items():
                path = directory / name
                _make_directories(directory, path.parent)
                path.write_text(text, encoding="utf-8")
                path.chmod(0o644)

    def store_generation(self, generation: Generation, directory: Path) -> None:
        """Keep a durable copy of a staged directory, with its record, as a generation.

        Raises StagedNotFound.
        """
        home = self._generations / generation.stack
        draft = home / f".{generation.number}.tmp"
        with translated(home), _still_staged(directory):
            home.mkdir(exist_ok=True)
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(directory, draft)
            _sync_tree(draft)
            record = generation_record.of_generation(generation)
            atomic.write(home / f"{generation.number}.json", record)
            draft.rename(home / str(generation.number))
            atomic.sync_directory(home)
            atomic.sync_directory(self._generations)

    def switch(self, stack: str, number: int) -> None:
        """Make a generation the active one, by one rename, and show it to Quadlet."""
        with translated(self._active):
            atomic.symlink(self._active / stack, f"../generations/{stack}/{number}")
        with translated(self._links):
            self._links.mkdir(exist_ok=True)
            atomic.symlink(self._links / stack, str(self._active / stack))

    def withdraw(self, stack: str) -> None:
        """Hide the stack from Quadlet, so that it is no longer installed."""
        for directory in (self._links, self._active):
            with translated(directory):
                (directory / stack).unlink(missing_ok=True)
                if directory.exists():
                    atomic.sync_directory(directory)

    def drop_generations(self, stack: str) -> None:
        """Remove all generations of a stack that is not installed."""
        self._remove_tree(self._generations / stack)
        with translated(self._generations):
            atomic.sync_directory(self._generations)

    def active(self, stack: str) -> Generation | None:
        """Return the active generation of a stack; None when it is not installed."""
        try:
            with translated(self._active):
                number = (self._active / stack).readlink().name
                content = (self._generations / stack / f"{number}.json").read_bytes()
        except FileNotFoundError:
            return None
        try:
            return generation_record.to_generation(content)
        except (ValueError, KeyError, TypeError) as error:
            raise _unreadable(self._generations / stack / f"{number}.json", error) from None

    def stacks(self) -> Sequence[str]:
        """Return the names of the installed stacks, sorted."""
        with translated(self._active):
            return sorted(p.name for p in self._active.iterdir() if p.name[0] != ".")

    def next_number(self, stack: str) -> int:
        """Return the number that the stack's next generation has."""
        home = self._generations / stack
        with translated(home):
            numbers = [int(p.stem) for p in home.glob("*.json") if p.stem.isdecimal()]
        return max(numbers, default=0) + 1

    def record_intent(self, intent: Intent) -> None:
        """Note durably what is about to be done."""
        path = self._intents / f"{intent.generation.stack}.json"
        with translated(path):
            atomic.write(path, generation_record.of_intent(intent))

    def clear_intent(self, stack: str) -> None:
        """Note durably that it is done, or undone."""
        path = self._intents / f"{stack}.json"
        with translated(path):
            path.unlink(missing_ok=True)
            atomic.sync_directory(self._intents)

    def intents(self) -> Sequence[Intent]:
        """Return what was begun and not ended."""
        found = []
        with translated(self._intents):
            paths = sorted(p for p in self._intents.glob("*.json") if p.name[0] != ".")
            contents = [(path, path.read_bytes()) for path in paths]
        for path, content in contents:
            try:
                found.append(generation_record.to_intent(content))
            except (ValueError, KeyError, TypeError) as error:
                raise _unreadable(path, error) from None
        return found

    @staticmethod
    def _remove_tree(path: Path) -> None:
        with translated(path):
            try:
                shutil.rmtree(path)
            except FileNotFoundError:
                return


@contextmanager
def _still_staged(directory: Path) -> Iterator[None]:
    """Raise StagedNotFound when something is missing because the whole upload is."""
    try:
        yield
    except FileNotFoundError:
        if directory.exists():
            raise
        raise staging.gone() from None


def _make_directories(root: Path, directory: Path) -> None:
    missing = []
    while directory != root and not directory.is_dir():
        missing.append(directory)
        directory = directory.parent
    for path in reversed(missing):
        path.mkdir()
        path.chmod(_DIRECTORY_MODE)


def _sync_tree(root: Path) -> None:
    """Make all files below `root`, and their names, durable."""
    for directory, _, files in os.walk(root):
        for name in files:
            descriptor = os.open(Path(directory, name), os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        atomic.sync_directory(Path(directory))


def _unreadable(path: Path, error: Exception) -> StorageUnavailable:
    return StorageUnavailable(
        "What is known of a stack cannot be read.",
        why=f"{path} is not a record that this version of leger writes:"
        f" {type(error).__name__} {error}.",
        next_step="Restore the file, or move it away and install the stack again.",
    )
