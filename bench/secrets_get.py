"""Measure a get over gRPC, with its audit line on the disk, beside a handler that does nothing.

Prints a JSON list of measurements for bench/run.py. Both servers are processes of their own with
the same messages on a Unix socket; rounds alternate, so that a slow moment hits both.
"""

import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
from leger.secrets.v1 import secrets_pb2 as pb
from leger.secrets.v1 import secrets_pb2_grpc as pb_grpc
from leger_runtime import client

VALUE = b"a value of thirty-two characters"
LIMIT = 2.5
ROUNDS = 7
SEQUENTIAL_CALLS = 200
CALLERS = 32
PARALLEL_CALLS = 960


class Idle(pb_grpc.SecretsServiceServicer):
    """Answers every get with the same value."""

    def GetSecret(  # noqa: N802 - gRPC names its methods as the proto does
        self, _request: pb.GetSecretRequest, _context: grpc.ServicerContext
    ) -> pb.GetSecretResponse:
        """Answer at once."""
        return pb.GetSecretResponse(value=VALUE, version=1)


def serve_idle(socket: str) -> None:
    """Serve the handler that does nothing until the process is killed."""
    server = grpc.server(ThreadPoolExecutor(max_workers=16))
    pb_grpc.add_SecretsServiceServicer_to_server(Idle(), server)  # type: ignore[abstract]
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    server.wait_for_termination()


@contextmanager
def running(
    command: list[str], socket: Path, **variables: str
) -> Iterator[pb_grpc.SecretsServiceStub]:
    """Run a server and yield a stub for it once it answers."""
    environment = {"PATH": os.environ["PATH"], **variables}
    process = subprocess.Popen([sys.executable, *command], env=environment)
    try:
        with client.channel(socket) as channel:
            grpc.channel_ready_future(channel).result(timeout=20)
            yield pb_grpc.SecretsServiceStub(channel)
    finally:
        process.terminate()
        process.wait()


def sequential(stub: pb_grpc.SecretsServiceStub) -> float:
    """Return the median time of one get, in milliseconds, by one caller."""
    times = []
    for _ in range(SEQUENTIAL_CALLS):
        began = time.perf_counter()
        stub.GetSecret(pb.GetSecretRequest(name="bench"))
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def parallel(stub: pb_grpc.SecretsServiceStub) -> float:
    """Return the time a get takes of the whole, in milliseconds, by many callers at once."""

    def call(_: int) -> None:
        stub.GetSecret(pb.GetSecretRequest(name="bench"))

    with ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(call, range(CALLERS)))
        began = time.perf_counter()
        list(callers.map(call, range(PARALLEL_CALLS)))
        return (time.perf_counter() - began) / PARALLEL_CALLS * 1000


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        key = scratch / "key"
        key.write_bytes(secrets.token_bytes(32))
        idle_socket = scratch / "idle.sock"
        service = running(
            ["-m", "leger_secrets"],
            scratch / "run/operator/grpc.sock",
            LEGER_RUNTIME_DIR=str(scratch / "run"),
            LEGER_STATE_DIR=str(scratch / "state"),
            LEGER_KEY_FILE=str(key),
        )
        with service as ours, running([__file__, str(idle_socket)], idle_socket) as peer:
            ours.PutSecret(pb.PutSecretRequest(name="bench", value=VALUE))
            rows = []
            for name, measure in [
                ("get over gRPC with its audit line", sequential),
                (f"the same, {CALLERS} callers at once", parallel),
            ]:
                rounds = [(measure(ours), measure(peer)) for _ in range(ROUNDS)]
                mine, theirs = (statistics.median(column) for column in zip(*rounds, strict=True))
                rows.append(
                    {
                        "name": name,
                        "ours": round(mine, 3),
                        "peer": round(theirs, 3),
                        "unit": "ms",
                        "ratio": round(mine / theirs, 2),
                        "limit": LIMIT,
                    }
                )
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve_idle(sys.argv[1])
    else:
        main()
