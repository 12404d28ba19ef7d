"""Lets the suite restart the server that it is testing: one connection is one restart."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

DONE = b"restarted\n"


class RestartSocket:
    """Listens on `path` from construction until `close`."""

    def __init__(self, path: Path, restart: Callable[[], None]) -> None:
        self._restart = restart
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, name="restarts")
        self._thread.start()

    def close(self) -> None:
        """Stop listening; a restart under way is finished first."""
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the accept; closing alone does not
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                # A restart that fails is told by the missing answer; the reason went to stderr.
                self._restart()
                connection.sendall(DONE)
