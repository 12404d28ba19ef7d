"""The deployer as a client of the real secrets service."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from leger.secrets.v1 import secrets_pb2 as pb
from leger.secrets.v1 import secrets_pb2_grpc as pb_grpc
from leger_deployer.adapters.secrets_client import SecretsServiceClient
from leger_deployer.domain.errors import SecretsUnavailable
from leger_deployer.domain.stack import SecretUse
from leger_runtime import client
from leger_runtime.errors import RemoteError
from leger_secrets import wiring
from leger_secrets.config import Config


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
def service(config: Config) -> Iterator[wiring.SecretsService]:
    service = wiring.build(config)
    service.start()
    yield service
    service.stop()


@pytest.fixture
def deployer(config: Config) -> SecretsServiceClient:
    return SecretsServiceClient(config.runtime_dir / "deployer/grpc.sock")


def use(unit: str, secret: str, type_: str = "env") -> SecretUse:
    return SecretUse(unit=unit, secret=secret, credential=secret, type=type_, target="X")


def put(config: Config, *names: str) -> None:
    with client.channel(config.runtime_dir / "operator/grpc.sock") as channel:
        stub = pb_grpc.SecretsServiceStub(channel)
        for name in names:
            stub.PutSecret(pb.PutSecretRequest(name=name, value=b"v"))


def bindings(config: Config) -> list[tuple[str, str, str]]:
    with client.channel(config.runtime_dir / "operator/grpc.sock") as channel:
        answer = pb_grpc.BindingsServiceStub(channel).ListBindings(pb.ListBindingsRequest())
    return [(b.stack, b.binding.unit, b.binding.secret) for b in answer.bindings]


def test_it_sees_names(
    service: wiring.SecretsService, deployer: SecretsServiceClient, config: Config
) -> None:
    assert deployer.stored() == frozenset()
    put(config, "a", "b/c")
    assert deployer.stored() == {"a", "b/c"}
    assert deployer.refusals() == []


def test_it_binds_each_unit_to_each_secret_once_and_takes_all_away_again(
    service: wiring.SecretsService, deployer: SecretsServiceClient, config: Config
) -> None:
    deployer.bind("shop", [use("web.service", "a"), use("web.service", "a", "mount"),
                           use("db.service", "b")])  # fmt: skip
    assert bindings(config) == [("shop", "db.service", "b"), ("shop", "web.service", "a")]
    deployer.bind("shop", [])
    assert bindings(config) == []


def test_what_the_service_refuses_is_passed_on(
    service: wiring.SecretsService, deployer: SecretsServiceClient
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
