"""The secrets service, and a handler that does nothing, as processes to be measured."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from leger.secrets.v1 import secrets_pb2 as pb
from leger.secrets.v1 import secrets_pb2_grpc as pb_grpc
from leger.secrets.v1 import store_pb2_grpc
from leger_runtime import client

VALUE = b"a value of thirty-two characters"
_BATCH = 1_000  # secrets that one import takes


class Idle(pb_grpc.SecretsServiceServicer):
    """Answers every get with the same value."""

    def GetSecret(  # noqa: N802 - gRPC names its methods as the proto does
        self, _request: pb.GetSecretRequest, _context: grpc.ServicerContext
    ) -> pb.GetSecretResponse:
        """Answer at once."""
        return pb.GetSecretResponse(value=VALUE, version=1)


@dataclass(frozen=True)
class Server:
    """A running server: its process, and stubs for it."""

    process: subprocess.Popen[bytes]
    secrets: pb_grpc.SecretsServiceStub
    store: store_pb2_grpc.StoreServiceStub

    def resident(self) -> float:
        """Return the process's resident memory, in MiB (proc_pid_status(5), VmRSS)."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise LookupError("The process has no memory: it ended.")

    def fill(self, count: int) -> None:
        """Store `count` secrets of 32 bytes: bench/stored/00000 and on."""
        for first in range(0, count, _BATCH):
            names = (f"bench/stored/{n:05}" for n in range(first, min(count, first + _BATCH)))
            self.secrets.ImportSecrets(
                pb.ImportSecretsRequest(
                    secrets=[
                        pb.ImportSecretsRequest.Item(name=name, value=os.urandom(32))
                        for name in names
                    ]
                )
            )


@contextmanager
def leger(scratch: Path) -> Iterator[Server]:
    """Run the secrets service with its state below the directory, and yield it once it answers."""
    key = scratch / "key"
    if not key.exists():
        key.write_bytes(secrets.token_bytes(32))
    environment = {
        "LEGER_RUNTIME_DIR": str(scratch / "run"),
        "LEGER_STATE_DIR": str(scratch / "state"),
        "LEGER_KEY_FILE": str(key),
    }
    socket = scratch / "run/operator/grpc.sock"
    with _running(["-m", "leger_secrets"], socket, environment) as server:
        yield server


@contextmanager
def idle(scratch: Path) -> Iterator[Server]:
    """Run the handler that does nothing, and yield it once it answers."""
    socket = scratch / "idle.sock"
    with _running([__file__, str(socket)], socket, {}) as server:
        yield server


@contextmanager
def _running(command: list[str], socket: Path, variables: dict[str, str]) -> Iterator[Server]:
    environment = {"PATH": os.environ["PATH"], **variables}
    process = subprocess.Popen([sys.executable, *command], env=environment)
    try:
        with client.channel(socket) as channel:
            grpc.channel_ready_future(channel).result(timeout=20)
            yield Server(
                process,
                pb_grpc.SecretsServiceStub(channel),
                store_pb2_grpc.StoreServiceStub(channel),
            )
    finally:
        process.terminate()
        process.wait()


def _serve_idle(socket: str) -> None:
    server = grpc.server(ThreadPoolExecutor(max_workers=16))
    pb_grpc.add_SecretsServiceServicer_to_server(Idle(), server)  # type: ignore[abstract]
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    _serve_idle(sys.argv[1])
