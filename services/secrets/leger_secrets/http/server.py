"""Serving the application on sockets that systemd listens on."""

import asyncio
import logging
import socket
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import uvicorn
from leger_runtime.errors import place

from leger_secrets.http.app import App
from leger_secrets.http.connection import Connection

log = logging.getLogger(__name__)

_BACKLOG = 512  # connections that wait while the service restarts
_GRACE = 5  # seconds for requests that are being served at the end


class HttpServer:
    """Serves setec's API from a thread of its own, which runs an event loop.

    It takes over the sockets, which listen already, and closes its descriptors of them. `threads`,
    those of the application, end with it.
    """

    def __init__(
        self, *, sockets: Sequence[socket.socket], app: App, threads: ThreadPoolExecutor
    ) -> None:
        self._sockets = list(sockets)
        self._threads = threads
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http=Connection,
            ws="none",
            lifespan="off",
            # The application logs what matters; uvicorn would log each client's mistakes.
            log_config=None,
            log_level=logging.CRITICAL,
            access_log=False,
            # Whoever may connect could send the headers of a proxy.
            proxy_headers=False,
            server_header=False,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=_GRACE,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def start(self) -> None:
        """Begin to serve. What clients sent before waits in the sockets, and is served now."""
        self._thread.start()

    def stop(self) -> None:
        """Accept nothing more, and finish what is being served."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        for sock in self._sockets:
            sock.close()
        self._threads.shutdown()

    def _run(self) -> None:
        try:
            asyncio.run(self._server.serve(sockets=self._sockets))
        except Exception as error:  # the boundary: the other sockets go on being served
            what = type(error).__name__, place(error)
            log.critical("setec's API is not served any more: %s at %s", *what)
