"""What clients are not told, and the journal is, without flooding it."""

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

_PAUSE = 60.0  # seconds between two lines about the same thing


class Complaints:
    """Logs each kind of complaint at once, then at most once a minute with a count.

    `seconds` is a clock that is never set back.
    """

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}
        self._kept_back: dict[str, int] = {}

    def note(self, complaint: str) -> None:
        """Log the complaint, or count it. There must be few different ones: all are kept."""
        now = self._seconds()
        with self._lock:
            if now < self._next.get(complaint, 0.0):
                self._kept_back[complaint] = self._kept_back.get(complaint, 0) + 1
                return
            self._next[complaint] = now + _PAUSE
            more = self._kept_back.pop(complaint, 0)
        log.warning("%s%s", complaint, f" ({more} times more since the last line)" if more else "")
