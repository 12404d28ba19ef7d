"""A service as a process: its start, its end, and what it says when it cannot run."""

import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Protocol

from leger_runtime import notify
from leger_runtime.errors import Kind, LegerError, reason_of

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


class EndFailed(LegerError):
    """The operating system refused something that the end needs."""

    kind, reason = Kind.UNAVAILABLE, "END_FAILED"


def run(build: Callable[[], Service], *, name: str) -> int:
    """Serve what `build` makes until SIGTERM or SIGINT; return the exit code.

    `name` is the service's in messages, such as "secrets". A LegerError or OSError of the start,
    and one of the end, is logged with its three parts, and the exit code is the first one's kind.
    For the main thread.
    """
    # Before anything else: a process that is told to end while it starts ends gracefully too.
    with _termination() as wait:
        return _run(build, wait, name=name)


def _run(build: Callable[[], Service], wait: Callable[[], object], *, name: str) -> int:
    try:
        service = build()
    except (LegerError, OSError) as error:
        return _fail(_of_start(error, name))
    code = 0
    try:
        service.start()
        notify.notify(f"READY=1\nSTATUS={service.status}")
        wait()
        notify.notify("STOPPING=1")
    except (LegerError, OSError) as error:
        code = _fail(_of_start(error, name))
    finally:
        end = _stop(service, name)
    return code or end


def _stop(service: Service, name: str) -> int:
    try:
        service.stop()
    except LegerError as error:
        return _fail(error)
    except OSError as error:
        return _fail(
            EndFailed(
                f"The {name} service did not end as it should.",
                why=_refusal(error),
                next_step="Correct that on the host; what was answered before is done.",
            )
        )
    return 0


def _of_start(error: LegerError | OSError, name: str) -> LegerError:
    if isinstance(error, LegerError):
        return error
    return StartFailed(
        f"The {name} service cannot run.",
        why=_refusal(error),
        next_step="Correct that on the host, then start it again.",
    )


def _refusal(error: OSError) -> str:
    return f"{reason_of(error)}: {error.filename or 'a socket'}."


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
