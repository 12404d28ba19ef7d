"""A minute of 64 clients at once, each with a connection of its own."""

import os
import random
import threading
import time
from pathlib import Path

import grpc
from contract.secrets.conftest import start_process, wait_until_serving
from leger.secrets.v1 import secrets_pb2 as pb
from leger.secrets.v1 import secrets_pb2_grpc as pb_grpc
from leger_secrets.config import Config

CLIENTS = 64
MINUTE = 60.0
WARM_UP = 20.0  # until connections, caches and threads are all there
KEPT = 20  # versions of a secret, so that what is stored does not grow
GROWTH = 4.0  # MiB; what an allocator does not give back, far below one leaked value a request


class Client(threading.Thread):
    """Puts, reads back, lists and deletes in a secret of its own until it is told to stop."""

    def __init__(self, socket: Path, name: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        # A pool of its own, else all channels of a process share one connection.
        options = [("grpc.use_local_subchannel_pool", 1)]
        self._channel = grpc.insecure_channel(f"unix:{socket}", options=options)
        self._stub = pb_grpc.SecretsServiceStub(self._channel)
        self._stop_asked = stop
        self.secret = name
        self.stored: dict[int, bytes] = {}
        self.requests = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self._stop_asked.is_set():
                self._turn()
        except BaseException as failure:
            self.failure = failure
        finally:
            self._channel.close()

    def _turn(self) -> None:
        value = os.urandom(random.choice([16, 200, 8_000]))
        put = self._stub.PutSecret(
            pb.PutSecretRequest(name=self.secret, value=value, activate=True), timeout=30
        )
        self.stored[put.version] = value
        for version in (0, *random.sample(sorted(self.stored), min(3, len(self.stored)))):
            got = self._stub.GetSecret(
                pb.GetSecretRequest(name=self.secret, version=version), timeout=30
            )
            assert got.value == self.stored[got.version]
        if len(self.stored) > KEPT:
            oldest = min(self.stored)
            self._stub.DeleteSecretVersion(
                pb.DeleteSecretVersionRequest(name=self.secret, version=oldest), timeout=30
            )
            del self.stored[oldest]
        self.requests += 5


def test_a_minute_of_64_clients_loses_no_write_and_grows_no_memory(config: Config) -> None:
    process = start_process(config)
    operator = wait_until_serving(config, process)
    stop = threading.Event()
    socket = config.runtime_dir / "operator/grpc.sock"
    clients = [Client(socket, f"client-{number}", stop) for number in range(CLIENTS)]
    began = time.monotonic()
    for client in clients:
        client.start()
    stop.wait(WARM_UP)
    before = resident(process.pid)
    stop.wait(began + MINUTE - time.monotonic())
    after = resident(process.pid)
    stop.set()
    for client in clients:
        client.join(timeout=60)

    assert [client.failure for client in clients if client.failure] == []
    assert all(client.requests for client in clients)
    for client in clients:
        info = operator.secrets.GetSecretInfo(pb.GetSecretInfoRequest(name=client.secret)).secret
        assert [version.version for version in info.versions] == sorted(client.stored)
        got = operator.secrets.GetSecret(pb.GetSecretRequest(name=client.secret))
        assert got.value == client.stored[max(client.stored)]
    assert after - before < GROWTH, f"from {before:.1f} to {after:.1f} MiB"
    operator.channel.close()
    process.terminate()
    process.communicate()
    assert process.returncode == 0


def resident(pid: int) -> float:
    """Return the process's resident memory, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the service ended")
