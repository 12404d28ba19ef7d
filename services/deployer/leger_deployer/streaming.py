"""Long work as a stream: it reports from a thread of its own, and ends whoever still listens."""

import contextvars
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from leger_deployer.domain.progress import Progress, Report

Result = TypeVar("Result")


class _Ended(Generic[Result]):
    def __init__(self, result: Result | None, error: Exception | None) -> None:
        self.result = result
        self.error = error


def events(work: Callable[[Report], Result]) -> Iterator[Progress | Result]:
    """Run `work`, yield what it reports, and at the end its result; or raise what it raised.

    The work goes on to its own end when the caller stops listening: half of an apply would be
    worse than all of it or nothing.
    """
    happened: queue.SimpleQueue[Progress | _Ended[Result]] = queue.SimpleQueue()

    def run() -> None:
        try:
            happened.put(_Ended(work(happened.put), None))
        except Exception as error:  # handed on to the caller, who maps it
            happened.put(_Ended(None, error))

    # The principal of the call is known within its context alone.
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), name="operation", daemon=True).start()
    while True:
        event = happened.get()
        if not isinstance(event, _Ended):
            yield event
            continue
        if event.error is not None:
            raise event.error
        if event.result is not None:
            yield event.result
        return
