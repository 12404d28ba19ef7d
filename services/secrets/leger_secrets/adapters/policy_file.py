"""The operator's rules in a file, read again whenever it changes."""

import logging
import os
import stat
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from leger_runtime.errors import reason_of

from leger_secrets.adapters import policy_toml
from leger_secrets.adapters.policy_toml import PolicyMistake
from leger_secrets.domain.clock import Clock
from leger_secrets.domain.grants import Rule

log = logging.getLogger(__name__)

_MAX_SIZE = 1024 * 1024  # bytes: a person writes this file

# What of a file changes when its content does; of one that cannot be looked at, the error's number.
_Identity = tuple[int, ...]

# In nanoseconds: the coarsest clock of a file system's (FAT's). Two changes within one of its steps
# leave one identity, so that of a younger file proves nothing (git's gitformat-index, "racily
# clean").
_SETTLED_AFTER = 2 * 10**9


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What was last seen of the file, and the rules in force.

    `settled` says that another content would have another identity. `content` is None when there
    is none, or none that can be read.
    """

    identity: _Identity | None = None
    settled: bool = False
    content: bytes | None = None
    rules: tuple[Rule, ...] = ()
    load_time: datetime | None = None
    problem: str = ""


class TomlPolicyFile:
    """A RuleSource that looks at its file on every use, which costs one stat(2).

    It reads one that was just changed, too: only its content tells whether it was changed again.
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
        if not self._is_current(self._identity()):
            with self._lock:
                # Looked at before it is read: a change in between is seen the next time.
                now, identity = time.time_ns(), self._identity()
                if not self._is_current(identity):
                    settled = now - _change_time(identity) > _SETTLED_AFTER
                    self._seen = replace(self._look(), identity=identity, settled=settled)
        return self._seen

    def _is_current(self, identity: _Identity) -> bool:
        seen = self._seen
        return seen.settled and identity == seen.identity

    def _identity(self) -> _Identity:
        try:
            found = self._path.stat()
        except OSError as error:
            return (error.errno or 0,)
        return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def _look(self) -> _Seen:
        before = self._seen
        content = None
        try:
            content = self._read()
            if content == before.content:
                return before
            rules = policy_toml.parse(content, source=self.path)
        except FileNotFoundError:
            if before.rules:
                log.info("%s is gone, and its rules with it.", self._path)
            return _Seen()
        except PolicyMistake as mistake:
            if str(mistake) != before.problem:
                log.warning("%s is not in force: %s", self._path, mistake)
            return replace(before, content=content, problem=str(mistake))
        log.info("%s is in force.", self._path)
        return _Seen(content=content, rules=rules, load_time=self._clock())

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
            raise PolicyMistake(f"It cannot be read: {reason_of(error)}.") from None
        if len(content) > _MAX_SIZE:
            raise PolicyMistake(f"It is larger than {_MAX_SIZE} bytes.")
        return content


def _without_waiting(path: str, flags: int) -> int:
    """Open the file, should it even be a pipe that nobody writes to."""
    return os.open(path, flags | os.O_NONBLOCK)


def _change_time(identity: _Identity) -> int:
    """Return when the file was changed last, in nanoseconds; 0 when there is none."""
    return identity[-1] if len(identity) > 1 else 0
