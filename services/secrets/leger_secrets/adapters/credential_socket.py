"""Where systemd asks for the credentials of a unit (systemd.exec(5), LoadCredential=)."""

import logging
import os
import re
import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from leger_runtime.errors import LegerError, place, reason_of
from leger_runtime.sockets import binding

from leger_secrets.domain import names
from leger_secrets.domain.credentials import Credentials

log = logging.getLogger(__name__)

# The client's own address: "\0RANDOM/unit/UNIT/CREDENTIAL" (src/core/exec-credential.c).
_ADDRESS = re.compile(rb"\0[0-9a-f]+/unit/([^/]+)/([^/]+)")
_PEER = struct.Struct("=iII")  # struct ucred: pid, uid, gid

# systemd has no way to be told "no": an early close is an empty credential. More than
# CREDENTIAL_SIZE_MAX (src/shared/creds-util.h, 1 MiB) makes it fail the start with E2BIG.
_REFUSAL = bytes(1024 * 1024 + 1)

_BACKLOG = 64
_THREADS = 4
_PAUSE = 0.1  # seconds before accepting again when there was no descriptor left for it


class CredentialSocket:
    """Serves one credential per connection, to the manager of our own user and nobody else.

    `timeout`, in seconds, is how long a client may take to read its value.
    """

    def __init__(self, *, path: Path, credentials: Credentials, timeout: float = 10.0) -> None:
        self._path = path
        self._credentials = credentials
        self._timeout = timeout
        self._own_uid = os.geteuid()
        self._bound = False
        self._stopping = threading.Event()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._accepting = threading.Thread(target=self._accept, name="credentials", daemon=True)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="credential")

    def bind(self) -> None:
        """Bind the socket with mode 0600, replacing a stale one; who asks waits until the start."""
        with binding(self._path):
            self._socket.bind(str(self._path))
        self._socket.listen(_BACKLOG)
        self._bound = True

    def start(self) -> None:
        """Begin to serve; bind the socket before, unless that was done."""
        if not self._bound:
            self.bind()
        self._accepting.start()

    def stop(self) -> None:
        """Accept nothing more, finish what is being served, and remove the socket."""
        self._stopping.set()
        self._path.unlink(missing_ok=True)
        if self._accepting.is_alive():
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept(2)
            self._accepting.join()
        self._socket.close()
        self._pool.shutdown()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError as error:
                if not self._stopping.is_set():
                    log.error("Cannot accept a request for a credential: %s", reason_of(error))
                    self._stopping.wait(_PAUSE)
                continue
            self._pool.submit(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                answer = self._answer(connection)
            except Exception as error:  # the boundary: a defect must not hand out nothing
                log.error(
                    "Serving a credential failed with %s at %s.", type(error).__name__, place(error)
                )
                answer = _REFUSAL
            try:
                connection.settimeout(self._timeout)
                connection.sendall(answer, socket.MSG_NOSIGNAL)
            except TimeoutError:
                log.warning("A client did not read its credential in %g s.", self._timeout)
            except OSError:
                # The ordinary end of a refusal: systemd hangs up after 1 MiB.
                log.debug("A client hung up before it had its answer.")

    def _answer(self, connection: socket.socket) -> bytes:
        _, uid, _ = _PEER.unpack(
            connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
        )
        if uid != self._own_uid:
            log.warning("User %d may not ask for credentials.", uid)
            return _REFUSAL
        asked = _parse(connection.getpeername())
        if asked is None:
            log.warning("A client asked for a credential from an address that names no unit.")
            return _REFUSAL
        unit, credential = asked
        try:
            return self._credentials.hand_out(unit, credential).reveal()
        except LegerError as error:
            shown = names.quoted(unit), names.quoted(credential)
            log.warning("Unit %s gets no credential %s: %s", *shown, error.reason)
            return _REFUSAL


def _parse(address: bytes | str) -> tuple[str, str] | None:
    match = _ADDRESS.fullmatch(address) if isinstance(address, bytes) else None
    if match is None:
        return None
    try:
        return match[1].decode(), match[2].decode()
    except UnicodeDecodeError:
        return None
