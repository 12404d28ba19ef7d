"""A service as a process: its start, its end, and what it says when it cannot run."""

import logging
import signal
import threading
from collections.abc import Callable
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
    stopped = _termination()
    try:
        service = build()
        try:
            service.start()
            notify.notify(f"READY=1\nSTATUS={service.status}")
            stopped.wait()
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


def _termination() -> threading.Event:
    """Return an event that SIGTERM or SIGINT sets from now on."""
    stopped = threading.Event()

    def on_signal(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return stopped


def _fail(error: LegerError) -> int:
    for part in (error.what, error.why, error.next_step):
        log.critical(part)
    return error.kind.value
