"""Measure the secrets service with many secrets, beside setec's own server and client.

setec's side is bench/setec, a Go program of its own; both run on the same machine one after the
other, each with the same number of secrets stored.
"""

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import secrets_get
import service
from conformance import toolchain
from hostbox.running import run
from leger.secrets.v1 import secrets_pb2 as pb
from leger.secrets.v1 import store_pb2
from measurement import Measurement

MANY = 10_000
FEW = 10
UNIT = 20
ROUNDS = 101
OPENINGS = 9
# The most that opening MANY secrets may take (ms), and serving them may occupy (MiB).
OPEN_BUDGET = 50.0
MEMORY_BUDGET = 90.0


def measure(scratch: Path) -> Iterator[Measurement]:
    """Yield the rows; the services' state lies below the directory."""
    setec = _setec(scratch)
    few, many = scratch / "few", scratch / "many"
    for directory in (few, many):
        directory.mkdir()
    with service.leger(few) as little, service.leger(many) as server:
        little.fill(FEW)
        server.fill(MANY)
        # As setec's: by one client, one after the other, with nothing in between.
        put = statistics.median(_milliseconds(lambda n: _put(server, n), n) for n in range(ROUNDS))
        put_few, put_many = _alternating(lambda n: _put(little, n), lambda n: _put(server, n))
        unit = statistics.median(
            _milliseconds(lambda _: _resolve(server), n) for n in range(ROUNDS)
        )
        server.secrets.PutSecret(pb.PutSecretRequest(name="bench", value=service.VALUE))
        get = secrets_get.per_get(server.secrets)
        opening = _opening(server)
        resident = server.resident()
    per_second = 1000 / setec["gets_per_second"]
    yield Measurement(f"put, {MANY:,} stored / setec's", put, setec["put_ms"], "ms", 1 / 20)
    yield Measurement(f"put, {MANY:,} stored / {FEW} stored", put_many, put_few, "ms", 1.5)
    yield Measurement(
        f"{UNIT} secrets of a unit at once / by setec's client", unit, setec["unit_ms"], "ms", 1.0
    )
    yield Measurement(
        f"get, {secrets_get.CALLERS} callers at once / setec's", get, per_second, "ms", None
    )
    yield Measurement(f"open {MANY:,} secrets / 50 ms", opening, OPEN_BUDGET, "ms", 1.0)
    yield Measurement(
        f"resident memory with {MANY:,} secrets / 90 MiB", resident, MEMORY_BUDGET, "MiB", 1.0
    )


def _setec(scratch: Path) -> dict[str, Any]:
    program = scratch / "setec"
    module = Path(__file__).parent / "setec"
    if toolchain.ready().run("build", "-o", str(program), ".", cwd=module) != 0:
        raise SystemExit("bench: setec could not be built.")
    answer: dict[str, Any] = json.loads(run(str(program), "-stored", str(MANY)))
    return answer


def _put(server: service.Server, number: int) -> None:
    server.secrets.PutSecret(
        pb.PutSecretRequest(name=f"bench/put/{number % UNIT}", value=os.urandom(32))
    )


def _resolve(server: service.Server) -> None:
    names = [f"bench/stored/{number:05}" for number in range(UNIT)]
    server.secrets.ResolveSecrets(pb.ResolveSecretsRequest(names=names))


def _opening(server: service.Server) -> float:
    """Return the median time, in milliseconds, of opening the store: keyring, checks and all."""
    times = []
    for number in range(OPENINGS):
        server.store.SealStore(store_pb2.SealStoreRequest())
        times.append(_milliseconds(lambda _: _unseal(server), number))
    return statistics.median(times)


def _unseal(server: service.Server) -> None:
    server.store.UnsealStore(store_pb2.UnsealStoreRequest())


def _alternating(one: Callable[[int], None], other: Callable[[int], None]) -> tuple[float, float]:
    samples = [(_milliseconds(one, n), _milliseconds(other, n)) for n in range(ROUNDS)]
    first, second = (statistics.median(column) for column in zip(*samples, strict=True))
    return first, second


def _milliseconds(action: Callable[[int], None], number: int) -> float:
    began = time.perf_counter()
    action(number)
    return (time.perf_counter() - began) * 1000
