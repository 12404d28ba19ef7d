"""Scheduled backups as files of one directory: `secrets-20260131T020500Z.age`."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from leger_runtime import atomic
from leger_runtime.errors import reason_of

from leger_secrets.domain.backup_errors import BackupNotFound, BackupUnavailable
from leger_secrets.domain.backup_file import BackupSummary

_NAME = re.compile(r"secrets-(\d{8}T\d{6}Z)\.age", re.ASCII)
_TIME = "%Y%m%dT%H%M%SZ"
# What `atomic.write` leaves when the process is killed in the middle of it.
_SCRATCH = ".secrets-*.age.*.tmp"


class LocalBackupDirectory:
    """A BackupDirectory: the directory `path`, of mode 0700, made when the first backup is written.

    Other files in it are neither listed nor removed.
    """

    def __init__(self, *, path: Path) -> None:
        self._path = path

    @property
    def path(self) -> str:
        """Where it is."""
        return str(self._path)

    def kept(self) -> list[BackupSummary]:
        """Return what is kept, newest first. Raises BackupUnavailable."""
        with self._usable("read"):
            if not self._path.exists():
                return []
            found = []
            for entry in os.scandir(self._path):
                if (time := _time_of(entry.name)) and entry.is_file(follow_symlinks=False):
                    with suppress(FileNotFoundError):  # a newer one's making has just removed it
                        size = entry.stat().st_size
                        found.append(BackupSummary(create_time=time, size=size, file=entry.name))
        return sorted(found, key=lambda backup: backup.create_time, reverse=True)

    def read(self, file: str) -> bytes:
        """Return a backup that is kept. Raises BackupNotFound, BackupUnavailable."""
        if _time_of(file) is None:  # nor is a path taken that leads elsewhere
            raise BackupNotFound(file)
        with self._usable("read"):
            try:
                return (self._path / file).read_bytes()
            except FileNotFoundError:
                raise BackupNotFound(file) from None

    def add(self, content: bytes, *, create_time: datetime) -> str:
        """Write a backup, durably, and return its file's name. Raises BackupUnavailable."""
        name = _name(create_time)
        with self._usable("written to"):
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for scratch in self._path.glob(_SCRATCH):
                scratch.unlink()
            atomic.write(self._path / name, content, mode=0o600)
            atomic.sync_directory(self._path.parent)
        return name

    def remove(self, create_time: datetime) -> None:
        """Remove the backup of that time, to the second. Raises BackupUnavailable."""
        with self._usable("written to"):
            (self._path / _name(create_time)).unlink(missing_ok=True)

    @contextmanager
    def _usable(self, verb: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise BackupUnavailable(
                f"The directory of backups {self._path} cannot be {verb}.",
                f"The system says: {reason_of(error)}.",
            ) from None


def _name(time: datetime) -> str:
    return f"secrets-{time.astimezone(UTC).strftime(_TIME)}.age"


def _time_of(name: str) -> datetime | None:
    """Return the time in the name of a backup, in UTC; None when it is no backup's name."""
    found = _NAME.fullmatch(name)
    try:
        return datetime.strptime(found[1], _TIME).replace(tzinfo=UTC) if found else None
    except ValueError:  # the 31st of February
        return None
