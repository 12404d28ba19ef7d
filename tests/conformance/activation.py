"""A server process that is handed its listening socket as systemd hands one."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

# LISTEN_PID must be the process's own number (sd_listen_fds(3)), which nobody knows before there is
# the process: so it sets that itself, and then becomes the server. 3 is SD_LISTEN_FDS_START.
_AS_SYSTEMD_DOES = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execvp(sys.argv[2], sys.argv[2:])
"""

START_SECONDS = 30.0
STOP_SECONDS = 15.0


class ServerFailed(Exception):
    """The server ended, or did not answer in time."""


class ActivatedServer:
    """One server on a loopback address that stays the same while the process is restarted.

    What it writes goes to the file `log`.
    """

    def __init__(
        self, command: Sequence[str], *, log: Path, variables: Mapping[str, str] | None = None
    ) -> None:
        self._command = list(command)
        self._log = log
        # Not what is meant for the tests: a service refuses variables that it does not know.
        ours = {name: value for name, value in os.environ.items() if "LEGER" not in name}
        self._environment = {**ours, **(variables or {})}
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The base URL of its API."""
        host, port = self._listener.getsockname()
        return f"http://{host}:{port}"

    def start(self) -> None:
        """Start the process and return when it answers. Raises ServerFailed when it does not."""
        passed = self._listener.fileno()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _AS_SYSTEMD_DOES, str(passed), *self._command],
                env=self._environment,
                pass_fds=[passed],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None:
                raise self._failed(f"ended with {self._process.returncode}")
            if time.monotonic() > deadline:
                raise self._failed(f"gave no answer in {START_SECONDS:.0f} s")

    def stop(self) -> None:
        """End the process as systemd does, and wait for that. Raises ServerFailed if it hangs."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise self._failed("did not end on SIGTERM") from None
        finally:
            self._process = None

    def restart(self) -> None:
        """Stop and start it. Connections made meanwhile wait in the socket, which stays open."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop the process and give up the address."""
        try:
            self.stop()
        finally:
            self._listener.close()

    def log(self) -> str:
        """Return what the server has written."""
        return self._log.read_text(errors="replace")

    def _failed(self, how: str) -> ServerFailed:
        return ServerFailed(f"{self._command[0]} {how}. It wrote:\n{self.log()}")

    def _answers(self) -> bool:
        # The kernel accepts connections whether or not the process does: only an answer tells.
        host, port = self._listener.getsockname()
        connection = http.client.HTTPConnection(host, port, timeout=1)
        try:
            connection.request("POST", "/")
            connection.getresponse()
        except OSError:
            return False
        finally:
            connection.close()
        return True
