"""The deployer as a client of the real secrets service."""

import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partialmethod
from pathlib import Path

import pytest
from leger.secrets.v1 import secrets_pb2 as pb
from leger.secrets.v1 import secrets_pb2_grpc as pb_grpc
from leger.secrets.v1 import store_pb2 as store
from leger.secrets.v1 import store_pb2_grpc as store_grpc
from leger_deployer.adapters.secrets_client import SecretsServiceClient
from leger_deployer.background import Background
from leger_deployer.domain.errors import SecretsUnavailable
from leger_deployer.domain.ports.secret_versions import SecretState
from leger_deployer.domain.progress import ignore
from leger_deployer.domain.rebinding import Rebinder
from leger_deployer.domain.stack import Binding, SecretUse
from leger_runtime import client
from leger_runtime.errors import Kind, RemoteError
from leger_runtime.server import UnixServer
from leger_secrets import wiring
from leger_secrets.config import Config
from leger_secrets.service import SecretsService
from unit.deployer.fakes import FakeHost, planned


@pytest.fixture
def config(tmp_path: Path) -> Config:
    key = tmp_path / "key"
    key.write_bytes(bytes(range(32)))
    return Config(
        runtime_dir=tmp_path / "run",
        state_dir=tmp_path / "state",
        key_file=key,
        journal_socket=tmp_path / "journal",
    )


@pytest.fixture
def service(config: Config) -> Iterator[SecretsService]:
    service = wiring.build(config)
    service.start()
    yield service
    service.stop()


@pytest.fixture
def deployer(config: Config) -> SecretsServiceClient:
    return SecretsServiceClient(config.runtime_dir / "deployer/grpc.sock")


def use(unit: str, secret: str, type_: str = "env") -> SecretUse:
    return SecretUse(unit=unit, secret=secret, credential=secret, type=type_, target="X")


def put(config: Config, *names: str, value: bytes = b"v") -> None:
    with client.channel(config.runtime_dir / "operator/grpc.sock") as channel:
        stub = pb_grpc.SecretsServiceStub(channel)
        for name in names:
            stub.PutSecret(pb.PutSecretRequest(name=name, value=value))


def ask(config: Config, unit: str, credential: str) -> bytes:
    """Ask for a credential as systemd does when a unit starts."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(30)
        asking.bind(f"\0{os.urandom(8).hex()}/unit/{unit}/{credential}")
        asking.connect(str(config.runtime_dir / "credentials.sock"))
        asking.shutdown(socket.SHUT_WR)
        with asking.makefile("rb") as answer:
            return answer.read()


def bindings(config: Config) -> list[tuple[str, str, str]]:
    with client.channel(config.runtime_dir / "operator/grpc.sock") as channel:
        answer = pb_grpc.BindingsServiceStub(channel).ListBindings(pb.ListBindingsRequest())
    return [(b.stack, b.binding.unit, b.binding.secret) for b in answer.bindings]


@contextmanager
def care(config: Config) -> Iterator[store_grpc.StoreServiceStub]:
    """The operator's way to seal the store and to open it."""
    with client.channel(config.runtime_dir / "operator/grpc.sock") as channel:
        yield store_grpc.StoreServiceStub(channel)


def lose_the_store(config: Config) -> None:
    for file in config.state_dir.glob("secrets.db*"):
        file.unlink()


def test_it_sees_names(
    service: SecretsService, deployer: SecretsServiceClient, config: Config
) -> None:
    assert deployer.stored() == frozenset()
    put(config, "a", "b/c")
    assert deployer.stored() == {"a", "b/c"}
    assert deployer.refusals() == []


def test_it_binds_each_unit_to_each_secret_once_and_takes_all_away_again(
    service: SecretsService, deployer: SecretsServiceClient, config: Config
) -> None:
    deployer.bind("shop", [use("web.service", "a"), use("web.service", "a", "mount"),
                           use("db.service", "b")])  # fmt: skip
    assert bindings(config) == [("shop", "db.service", "b"), ("shop", "web.service", "a")]
    assert deployer.all_bindings() == {
        "shop": {Binding("db.service", "b", "b"), Binding("web.service", "a", "a")}
    }
    deployer.bind("shop", [])
    assert bindings(config) == []
    assert deployer.all_bindings() == {}


def test_it_sees_and_activates_versions_by_their_numbers(
    service: SecretsService, deployer: SecretsServiceClient, config: Config
) -> None:
    put(config, "a")
    put(config, "a", value=b"w")
    assert deployer.state("a") == SecretState(active=1, previous=0, versions=frozenset({1, 2}))
    deployer.activate("a", 2)
    assert deployer.state("a") == SecretState(active=2, previous=1, versions=frozenset({1, 2}))
    deployer.activate("a", 2)
    deployer.activate("a", 1, previous=0)
    assert deployer.state("a") == SecretState(active=1, previous=0, versions=frozenset({1, 2}))
    for unknown in (lambda: deployer.activate("a", 3), lambda: deployer.state("b")):
        with pytest.raises(RemoteError) as raised:
            unknown()
        assert raised.value.kind is Kind.NOT_FOUND


def test_a_version_that_no_environment_variable_can_hold_is_refused_for_one(
    service: SecretsService, deployer: SecretsServiceClient, config: Config
) -> None:
    put(config, "a")
    put(config, "a", value=b"w\0")
    with pytest.raises(RemoteError) as raised:
        deployer.activate("a", 2, for_environment=True)
    assert raised.value.reason == "NOT_FOR_ENVIRONMENT"
    assert deployer.state("a").active == 1
    deployer.activate("a", 2)


def test_it_knows_which_version_each_unit_was_last_handed(
    service: SecretsService, deployer: SecretsServiceClient, config: Config
) -> None:
    put(config, "a")
    deployer.bind("shop", [use("web.service", "a"), use("job@.service", "a")])
    job, web = deployer.bound("a")
    assert (job.stack, job.unit, job.served) == ("shop", "job@.service", {})
    assert (web.unit, web.served) == ("web.service", {})
    for unit in ("web.service", "job@x.service", "job@y.service"):
        assert ask(config, unit, "a") == b"v"
    put(config, "a", value=b"w")
    deployer.activate("a", 2)
    assert ask(config, "job@x.service", "a") == b"w"
    job, web = deployer.bound("a")
    assert {unit: served.version for unit, served in job.served.items()} == {
        "job@x.service": 2,
        "job@y.service": 1,
    }
    assert job.served["job@x.service"].time > web.served["web.service"].time
    assert deployer.bound("b") == []


def test_what_the_service_refuses_is_passed_on(
    service: SecretsService, deployer: SecretsServiceClient
) -> None:
    deployer.bind("shop", [use("web.service", "a")])
    with pytest.raises(RemoteError) as raised:
        deployer.bind("other", [use("web.service", "a")])
    assert raised.value.reason == "UNIT_BOUND"


def test_a_service_that_is_down_is_unavailable_and_one_that_is_back_is_noticed_at_once(
    deployer: SecretsServiceClient, config: Config
) -> None:
    for _ in range(3):
        with pytest.raises(SecretsUnavailable, match=r"leger-secrets\.service"):
            deployer.stored()
    service = wiring.build(config)
    service.start()
    try:
        assert deployer.stored() == frozenset()
    finally:
        service.stop()


def test_it_watches_whether_the_store_is_open(
    service: SecretsService, deployer: SecretsServiceClient, config: Config
) -> None:
    with deployer.watch() as openness, care(config) as operator:
        assert next(openness)
        operator.SealStore(store.SealStoreRequest())
        assert not next(openness)
        operator.UnsealStore(store.UnsealStoreRequest())
        assert next(openness)


def test_it_cannot_watch_a_service_that_is_down(deployer: SecretsServiceClient) -> None:
    with deployer.watch() as openness, pytest.raises(SecretsUnavailable):
        next(openness)


class Recording(SecretsServiceClient):
    """Tells whoever waits for it that a stack was bound."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.told = threading.Semaphore(0)

    def bind(self, stack: str, uses: Iterable[SecretUse]) -> None:
        super().bind(stack, uses)
        self.told.release()


def test_whatever_store_the_service_comes_with_is_given_the_bindings_of_what_is_installed(
    host: FakeHost, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations = host.operations()
    operations.applier.apply(planned(operations), ignore)
    right = {stack: frozenset(bindings) for stack, bindings in host.bindings.items()}
    deployer = Recording(config.runtime_dir / "deployer/grpc.sock")
    rebinder = Rebinder(files=host.files, secrets=deployer, changing=threading.RLock())
    background = Background(rebinder.attend, pause=0.01)
    background.start()  # as at boot, before the secrets service

    first = wiring.build(config)
    first.start()
    assert deployer.told.acquire(timeout=30)
    assert deployer.all_bindings() == right

    # Damaged, set aside, and unsealed as the documentation says: the process goes on.
    with care(config) as operator:
        operator.SealStore(store.SealStoreRequest())
        lose_the_store(config)
        operator.UnsealStore(store.UnsealStoreRequest(accept_rollback=True))
    assert deployer.told.acquire(timeout=30)
    assert deployer.all_bindings() == right

    stop = partialmethod(UnixServer.stop, grace=60.0)
    with monkeypatch.context() as patched:
        patched.setattr(UnixServer, "stop", stop)
        begun = time.monotonic()
        first.stop()
        assert time.monotonic() - begun < 30, "it waited for whoever watches it"
    for file in config.state_dir.iterdir():
        file.unlink()
    second = wiring.build(config)
    second.start()
    try:
        assert deployer.told.acquire(timeout=30)
        assert deployer.all_bindings() == right
        rebinder.rebind()
        assert not deployer.told.acquire(blocking=False)
    finally:
        background.stop()
        second.stop()
