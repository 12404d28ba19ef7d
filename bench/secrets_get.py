"""Measure a get over gRPC, with its audit line on the disk, beside a handler that does nothing.

Both servers are processes of their own with the same messages on a Unix socket; rounds alternate,
so that a slow moment hits both.
"""

import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import service
from leger.secrets.v1 import secrets_pb2 as pb
from leger.secrets.v1 import secrets_pb2_grpc as pb_grpc
from measurement import Measurement

ROUNDS = 7
SEQUENTIAL_CALLS = 200
CALLERS = 32
PARALLEL_CALLS = 960
# 0.6 of the floor's throughput.
PARALLEL_LIMIT = 1 / 0.6
SEQUENTIAL_LIMIT = 2.5


def measure(scratch: Path) -> Iterator[Measurement]:
    """Yield the rows; the services' state lies below the directory."""
    with service.leger(scratch) as ours, service.idle(scratch) as peer:
        ours.secrets.PutSecret(pb.PutSecretRequest(name="bench", value=service.VALUE))
        for name, timed, limit in [
            ("get over gRPC with its audit line / no-op handler", _sequential, SEQUENTIAL_LIMIT),
            (f"the same, {CALLERS} callers at once", _parallel, PARALLEL_LIMIT),
        ]:
            rounds = [(timed(ours.secrets), timed(peer.secrets)) for _ in range(ROUNDS)]
            mine, theirs = (statistics.median(column) for column in zip(*rounds, strict=True))
            yield Measurement(name, mine, theirs, "ms", limit)


def per_get(stub: pb_grpc.SecretsServiceStub) -> float:
    """Return the time that a get takes of the whole, in milliseconds, with many callers at once."""
    return statistics.median(_parallel(stub) for _ in range(ROUNDS))


def _sequential(stub: pb_grpc.SecretsServiceStub) -> float:
    times = []
    for _ in range(SEQUENTIAL_CALLS):
        began = time.perf_counter()
        stub.GetSecret(pb.GetSecretRequest(name="bench"))
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def _parallel(stub: pb_grpc.SecretsServiceStub) -> float:
    def call(_: int) -> None:
        stub.GetSecret(pb.GetSecretRequest(name="bench"))

    with ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(call, range(CALLERS)))
        began = time.perf_counter()
        list(callers.map(call, range(PARALLEL_CALLS)))
        return (time.perf_counter() - began) / PARALLEL_CALLS * 1000
