"""A real S3-compatible server on loopback, and a gate before it that can hold requests back."""

import os
import secrets
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import build_cache
from conformance import toolchain

MODULE = Path(__file__).resolve().with_name("s3")


# Not optimized, for that takes longer than all that it ever does. But Go's own packages are built
# as they are for the conformance suite, so that whichever comes second finds them in Go's cache.
SETTINGS = ("-gcflags=github.com/...=-N -l -dwarf=false", "-ldflags=-s -w")


def program() -> Path:
    """Return the server's executable. Building it, once, takes a minute of two cores."""
    go = toolchain.ready()
    sources = (MODULE / name for name in ("go.mod", "go.sum", "main.go"))
    inputs: list[str | bytes] = [str(go.version()), *SETTINGS]
    inputs += [path.read_bytes() for path in sources]

    def make(draft: Path) -> None:
        assert go.run("build", *SETTINGS, "-o", str(draft), ".", cwd=MODULE) == 0

    return build_cache.kept("s3-server", build_cache.fingerprint(inputs), make)


class Gate:
    """Passes connections on to the server; holds back, or cuts, the writes of one object.

    The server ends a connection after each request, so what comes first is all that comes.
    """

    def __init__(self, server: Path) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._held: bytes | None = None
        self._cut = False
        self.reached = threading.Event()
        self._released = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The endpoint's address."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def hold(self, path: str) -> None:
        """From now on, hold each write of BUCKET/KEY back; `reached` tells when there is one."""
        self._held = f"PUT /{path} ".encode()
        self._cut = False
        self.reached.clear()
        self._released.clear()

    def cut(self, path: str) -> None:
        """From now on, pass each write of BUCKET/KEY on, and lose the answer."""
        self.hold(path)
        self._cut = True

    def pass_new(self) -> None:
        """From now on, pass everything; what is held back already stays so."""
        self._held = None

    def release(self) -> None:
        """From now on, pass everything, and what was held back first."""
        self._held = None
        self._released.set()

    def close(self) -> None:
        """Take no more connections."""
        self.release()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            head = b""
            while b"\r\n" not in head and (chunk := client.recv(65536)):
                head += chunk
            lost = False
            if self._held is not None and head.startswith(self._held):
                lost = self._cut
                self.reached.set()
                if not lost:
                    self._released.wait()
            server.connect(str(self._server))
            server.sendall(head)
            threading.Thread(target=_copy, args=(client, server), daemon=True).start()
            if lost:
                while server.recv(65536).startswith(b"HTTP/1.1 100"):
                    client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                client.shutdown(socket.SHUT_RDWR)
            else:
                _copy(server, client)


@dataclass(frozen=True)
class ObjectStore:
    """A server, and what leads to it."""

    buckets: Path
    """Where each bucket is a directory, and each object a file named by its key."""
    gate: Gate
    environment: dict[str, str]


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """Run a server for as long as needed."""
    executable = program()
    access, secret = secrets.token_hex(8), secrets.token_hex(16)
    credentials = {"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret}
    # Not below a test's own directory: the path of a socket must be short.
    with tempfile.TemporaryDirectory(prefix="s3-") as directory:
        buckets, listening = Path(directory, "buckets"), Path(directory, "socket")
        with subprocess.Popen(
            [executable, directory, listening],
            env={**os.environ, **credentials},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as server:
            assert server.stdout is not None
            assert b"ready\n" in server.stdout
            gate = Gate(listening)
            try:
                environment = {**credentials, "AWS_ENDPOINT_URL": gate.url}
                yield ObjectStore(buckets=buckets, gate=gate, environment=environment)
            finally:
                gate.close()
                server.kill()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
