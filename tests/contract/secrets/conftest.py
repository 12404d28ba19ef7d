"""The secrets service as it runs, on real Unix sockets in a directory of the test's own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from leger.secrets.v1 import access_pb2_grpc, audit_pb2_grpc, store_pb2_grpc
from leger.secrets.v1 import secrets_pb2_grpc as pb_grpc
from leger_runtime import client
from leger_secrets import wiring
from leger_secrets.config import Config

KEY = bytes(range(32))


@dataclass(frozen=True)
class Client:
    """What one principal can reach."""

    channel: grpc.Channel
    secrets: pb_grpc.SecretsServiceStub
    bindings: pb_grpc.BindingsServiceStub
    access: access_pb2_grpc.AccessServiceStub
    store: store_pb2_grpc.StoreServiceStub
    audit: audit_pb2_grpc.AuditServiceStub


def connect(config: Config, principal: str) -> Client:
    channel = client.channel(config.runtime_dir / principal / "grpc.sock")
    return Client(
        channel=channel,
        secrets=pb_grpc.SecretsServiceStub(channel),
        bindings=pb_grpc.BindingsServiceStub(channel),
        access=access_pb2_grpc.AccessServiceStub(channel),
        store=store_pb2_grpc.StoreServiceStub(channel),
        audit=audit_pb2_grpc.AuditServiceStub(channel),
    )


@pytest.fixture
def config(tmp_path: Path) -> Config:
    key_file = tmp_path / "root-key"
    key_file.write_bytes(KEY)
    return Config(
        runtime_dir=tmp_path / "run",
        state_dir=tmp_path / "state",
        backup_dir=tmp_path / "state/backups",
        key_file=key_file,
        policy_file=tmp_path / "policy.toml",
        journal_socket=tmp_path / "journal",
    )


@contextmanager
def serving(config: Config) -> Iterator[None]:
    """Run the service inside this process."""
    service = wiring.build(config)
    service.start()
    try:
        yield
    finally:
        service.stop()


@pytest.fixture
def service(config: Config) -> Iterator[None]:
    with serving(config):
        yield


@pytest.fixture
def operator(config: Config, service: None) -> Iterator[Client]:
    connected = connect(config, "operator")
    yield connected
    connected.channel.close()


@pytest.fixture
def deployer(config: Config, service: None) -> Iterator[Client]:
    connected = connect(config, "deployer")
    yield connected
    connected.channel.close()


@pytest.fixture
def journald(config: Config) -> Iterator[socket.socket]:
    """A socket in journald's place."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(config.journal_socket))
        sock.settimeout(30)
        yield sock


Ask = Callable[[str, str], bytes]


@pytest.fixture
def ask(config: Config, service: None) -> Ask:
    """Ask for a credential as systemd does; more than 1 MiB is its E2BIG."""

    def ask(unit: str, credential: str) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(30)
            sock.bind(f"\0{os.urandom(8).hex()}/unit/{unit}/{credential}")
            sock.connect(str(config.runtime_dir / "credentials.sock"))
            sock.shutdown(socket.SHUT_WR)
            with sock.makefile("rb") as file:
                return file.read()

    return ask


Process = subprocess.Popen[bytes]


def environment(config: Config) -> dict[str, str]:
    """Return the environment of a process that is configured so."""
    return {
        "PATH": os.environ["PATH"],
        "LEGER_RUNTIME_DIR": str(config.runtime_dir),
        "LEGER_STATE_DIR": str(config.state_dir),
        "LEGER_KEY_FILE": str(config.key_file),
        "LEGER_POLICY_FILE": str(config.policy_file),
        "LEGER_JOURNAL_SOCKET": str(config.journal_socket),
    }


def start_process(config: Config, **variables: str) -> Process:
    """Start the service as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "leger_secrets"],
        env={**environment(config), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_until(holds: Callable[[], bool], process: Process) -> None:
    """Wait until the process has brought something about."""
    deadline = time.monotonic() + 30
    while not holds():
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.005)


def wait_until_serving(config: Config, process: Process) -> Client:
    """Return the operator's client once the service answers."""

    def listens() -> bool:
        # Not by gRPC, which waits a second after it met the stale socket of a killed service.
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            return probe.connect_ex(str(config.runtime_dir / "operator/grpc.sock")) == 0

    wait_until(listens, process)
    return connect(config, "operator")
