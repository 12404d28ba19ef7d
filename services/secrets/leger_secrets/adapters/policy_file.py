"""The operator's rules in a file, read again whenever it changes."""

import logging
import os
import stat
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from leger_secrets.adapters import policy_toml
from leger_secrets.adapters.policy_toml import PolicyMistake
from leger_secrets.domain.clock import Clock
from leger_secrets.domain.grants import Rule

log = logging.getLogger(__name__)

_MAX_SIZE = 1024 * 1024  # bytes: a person writes this file

# What of a file changes when its content does; of one that cannot be looked at, the error's number.
_Identity = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What was last seen of the file, and the rules in force."""

    identity: _Identity | None = None
    rules: tuple[Rule, ...] = ()
    load_time: datetime | None = None
    problem: str = ""


class PolicyFile:
    """A RuleSource that looks at its file on every use, which costs one stat(2).

    A file with a mistake leaves the rules that were read last in force, and is named once in the
    log. No file means no rules.
    """

    def __init__(self, *, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._seen = _Seen()

    @property
    def path(self) -> str:
        """Where the file is, or would be."""
        return str(self._path)

    @property
    def load_time(self) -> datetime | None:
        """When the rules in force were read; None when they never were, or there is no file."""
        return self._now().load_time

    @property
    def problem(self) -> str:
        """What is wrong with the file now, in one sentence; empty when nothing is."""
        return self._now().problem

    def rules(self) -> Sequence[Rule]:
        """Return the rules in force. Never raises."""
        return self._now().rules

    def _now(self) -> _Seen:
        if self._identity() != self._seen.identity:
            with self._lock:
                # Looked at before it is read: a change in between is seen the next time.
                identity = self._identity()
                if identity != self._seen.identity:
                    self._seen = self._look(identity)
        return self._seen

    def _identity(self) -> _Identity:
        try:
            found = self._path.stat()
        except OSError as error:
            return (error.errno or 0,)
        return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def _look(self, identity: _Identity) -> _Seen:
        before = self._seen
        try:
            content = self._read()
            rules = policy_toml.parse(content, source=self.path)
        except FileNotFoundError:
            if before.rules:
                log.info("%s is gone, and its rules with it.", self._path)
            return _Seen(identity=identity)
        except PolicyMistake as mistake:
            log.warning("%s is not in force: %s", self._path, mistake)
            return _Seen(
                identity=identity,
                rules=before.rules,
                load_time=before.load_time,
                problem=str(mistake),
            )
        log.info("%s is in force.", self._path)
        return _Seen(identity=identity, rules=rules, load_time=self._clock())

    def _read(self) -> bytes:
        """Return the content. Raises FileNotFoundError, PolicyMistake."""
        try:
            with open(self._path, "rb", opener=_without_waiting) as file:
                mode = os.fstat(file.fileno()).st_mode
                if not stat.S_ISREG(mode):
                    raise PolicyMistake("It is no ordinary file.")
                if mode & stat.S_IWOTH:
                    raise PolicyMistake("Everybody on the host can write to it.")
                content = file.read(_MAX_SIZE + 1)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise PolicyMistake(f"It cannot be read: {os.strerror(error.errno or 0)}.") from None
        if len(content) > _MAX_SIZE:
            raise PolicyMistake(f"It is larger than {_MAX_SIZE} bytes.")
        return content


def _without_waiting(path: str, flags: int) -> int:
    """Open the file, should it even be a pipe that nobody writes to."""
    return os.open(path, flags | os.O_NONBLOCK)
