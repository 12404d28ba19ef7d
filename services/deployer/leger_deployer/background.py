"""Work that has to be done some time, though not now: tried in a thread until it is."""

import threading
from collections.abc import Callable


class Background:
    """Tries `attempt` when told to, and again every `pause` seconds until it returns True."""

    def __init__(self, attempt: Callable[[], bool], *, pause: float) -> None:
        self._attempt = attempt
        self._pause = pause
        self._wanted = threading.Event()
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin with a first attempt."""
        self.wake()
        threading.Thread(target=self._run, name="background", daemon=True).start()

    def wake(self) -> None:
        """Ask for an attempt. Returns at once."""
        self._wanted.set()

    def stop(self) -> None:
        """Begin no further attempt. One that is under way is not waited for."""
        self._ended.set()
        self._wanted.set()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            while not self._ended.is_set() and not self._attempt():
                self._ended.wait(self._pause)
            if self._ended.is_set():
                return
