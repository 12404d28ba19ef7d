"""Streams without end, across restarts of the service that they come from."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from leger_runtime.errors import Kind, LegerError

from leger_cli import output

Item = TypeVar("Item")

# Between two attempts to reach a service that has gone, in seconds.
_PAUSE = 1.0
# The service is there, and does not want to be followed by so many.
_REFUSED = "TOO_MANY_WATCHES"


def resumed(opened: Callable[[], Iterator[Item]]) -> Iterator[Item]:
    """Yield what the stream yields; when its service goes away, wait, and open the stream again.

    `opened` opens it behind what it has yielded before. What is waited for is remarked. Raises what
    the stream fails with when that is not that its service is away.
    """
    waiting = False
    while True:
        try:
            for item in opened():
                if waiting:
                    output.remark("Going on.")
                waiting = False
                yield item
        except LegerError as error:
            if error.kind is not Kind.UNAVAILABLE or error.reason == _REFUSED:
                raise
            if not waiting:
                output.remark(f"{error.what} Waiting for it.")
            waiting = True
        time.sleep(_PAUSE)
