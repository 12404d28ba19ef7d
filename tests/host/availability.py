"""Measuring how long services are away; run on a host by leger's own interpreter.

    availability.py SECRET

Asks the secrets service for a secret and the deployer for its health, again and again until it is
told to end, and prints as JSON how many seconds at most passed between two answers of each.
"""

import json
import signal
import sys
import threading
import time
from collections.abc import Callable

PLACE = "/root/availability.py"
SAID = "/root/said"
_EVERY = 0.05  # seconds
_PATIENCE = 1.0  # seconds


def around(command: str, *, secret: str) -> str:
    """Return a shell command that prints what this prints for the time that `command` takes.

    What `command` printed is in SAID then; where it fails this does, and prints that, too. This
    file must be at PLACE.
    """
    watch = f"/usr/lib/leger/python/bin/python3 -IS {PLACE} {secret}"
    return (
        f"{watch} > /root/away & watch=$!; {command} > {SAID} 2>&1; code=$?;"
        f" kill $watch; wait $watch || code=1; test $code = 0 || cat {SAID};"
        " cat /root/away; exit $code"
    )


def longest(printed: str) -> float:
    """Return how long the service that was away longest was, in seconds."""
    return float(max(json.loads(printed).values()))


def watch(secret: str) -> dict[str, float]:
    """Ask until SIGTERM comes."""
    sys.path.insert(0, "/usr/lib/leger/site")
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc
    from leger.secrets.v1 import secrets_pb2, secrets_pb2_grpc

    def get(channel: grpc.Channel) -> bool:
        request = secrets_pb2.GetSecretRequest(name=secret)
        stub = secrets_pb2_grpc.SecretsServiceStub(channel)
        return bool(stub.GetSecret(request, timeout=_PATIENCE).value)

    def check(channel: grpc.Channel) -> bool:
        request = health_pb2.HealthCheckRequest()
        answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=_PATIENCE)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def once(service: str, ask: Callable[[grpc.Channel], bool]) -> bool:
        address = f"unix:/run/leger/{service}/operator/grpc.sock"
        with grpc.insecure_channel(address) as channel:
            try:
                return ask(channel)
            except grpc.RpcError:
                return False

    ended = threading.Event()
    # Blocked in all threads, so that it is this one that takes it, and not one of gRPC's.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    away: dict[str, float] = {}

    def observe(service: str, ask: Callable[[grpc.Channel], bool]) -> None:
        last, away[service] = time.monotonic(), 0.0
        while not ended.wait(_EVERY):
            answered = once(service, ask)
            now = time.monotonic()
            away[service] = max(away[service], now - last)
            last = now if answered else last

    threads = [
        threading.Thread(target=observe, args=arguments)
        for arguments in (("secrets", get), ("deployer", check))
    ]
    for thread in threads:
        thread.start()
    signal.sigwait({signal.SIGTERM})
    ended.set()
    for thread in threads:
        thread.join()
    return away


if __name__ == "__main__":
    sys.stdout.write(json.dumps(watch(sys.argv[1])))
