"""A service as a process: its start, its end, and what it says when it cannot run."""

import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Protocol

from leger_runtime import notify
from leger_runtime.errors import Kind, LegerError

log = logging.getLogger(__name__)


class Service(Protocol):
    """What a process runs."""

    @property
    def status(self) -> str:
        """What `systemctl status` shows once it has started: one line."""
        ...

    def start(self) -> None:
        """Begin to serve."""
        ...

    def stop(self) -> None:
        """Finish what is being served. Also for a service whose start failed halfway."""
        ...


class StartFailed(LegerError):
    """The operating system refused something that the start needs."""

    kind, reason = Kind.UNAVAILABLE, "START_FAILED"


def run(build: Callable[[], Service], *, name: str) -> int:
    """Serve what `build` makes until SIGTERM or SIGINT; return the exit code.

    `name` is the service's in messages, such as "secrets". A LegerError or OSError of the start is
    logged with its three parts, and the exit code is its kind. For the main thread.
    """
    # Before anything else: a process that is told to end while it starts ends gracefully too.
    with _termination() as wait:
        return _run(build, wait, name=name)


def _run(build: Callable[[], Service], wait: Callable[[], object], *, name: str) -> int:
    try:
        service = build()
        try:
            service.start()
            notify.notify(f"READY=1\nSTATUS={service.status}")
            wait()
            notify.notify("STOPPING=1")
        finally:
            service.stop()
    except LegerError as error:
        return _fail(error)
    except OSError as error:
        return _fail(
            StartFailed(
                f"The {name} service cannot run.",
                why=f"{error.strerror or type(error).__name__}: {error.filename or 'a socket'}.",
                next_step="Correct that on the host, then start it again.",
            )
        )
    return 0


@contextmanager
def _termination() -> Iterator[Callable[[], object]]:
    """Yield what returns once SIGTERM or SIGINT has come, from now on.

    By a pipe, not by an Event that a handler sets: the handler runs in the thread that waits, and
    at a step of the wait's beginning it would wait for a lock that this thread has.
    """
    with ExitStack() as opened:
        read, write = os.pipe2(os.O_CLOEXEC)
        opened.callback(os.close, read)
        opened.callback(os.close, write)
        os.set_blocking(write, False)
        opened.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(write))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _note_nothing)  # without a handler nothing is written
        yield lambda: os.read(read, 1)


def _note_nothing(_signal: int, _frame: FrameType | None) -> None:
    """Leave it to the pipe."""


def _fail(error: LegerError) -> int:
    for part in (error.what, error.why, error.next_step):
        log.critical(part)
    return error.kind.value
