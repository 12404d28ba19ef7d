import json
import stat

import grpc
import pytest
from contract.secrets.conftest import Client
from google.protobuf import message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from leger.secrets.v1 import access_pb2, audit_pb2, backup_pb2, store_pb2
from leger.secrets.v1 import secrets_pb2 as pb
from leger_runtime import client
from leger_runtime.errors import Kind, LegerError
from leger_runtime.principals import Role
from leger_secrets import policy
from leger_secrets.config import Config

CONTRACTS = (access_pb2, audit_pb2, backup_pb2, pb, store_pb2)
METHODS = {
    f"/{service.full_name}/{method.name}": method
    for contract in CONTRACTS
    for service in contract.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
ROLES = {"operator": Role.OPERATOR, "deployer": Role.DEPLOYER}
REFUSED = [
    (name, method)
    for name, role in ROLES.items()
    for method in METHODS
    if role not in policy.POLICY[method]
]


def call(channel: grpc.Channel, method: str, asked: dict[str, object]) -> None:
    """Call any method of the contract by its full name, with those fields that its request has."""
    descriptor = METHODS[method]
    request_type = message_factory.GetMessageClass(descriptor.input_type)
    names = {field.name for field in descriptor.input_type.fields}
    request = request_type(**{k: v for k, v in asked.items() if k in names})
    # A stream of one message is the same on the wire as that message alone.
    rpc = channel.unary_stream(
        method,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=bytes,
    )
    for _ in rpc(request, timeout=20):
        pass


@pytest.mark.parametrize(("principal", "method"), REFUSED)
def test_a_method_is_refused_to_a_principal_that_the_table_does_not_name(
    request: pytest.FixtureRequest, config: Config, principal: str, method: str
) -> None:
    connected: Client = request.getfixturevalue(principal)
    item = pb.ImportSecretsRequest.Item(name="a")
    asked: dict[str, object] = {"name": "a", "names": ["a"], "secrets": [item], "stack": "notes"}
    with pytest.raises(LegerError) as caught:
        client.call(lambda: call(connected.channel, method, asked))
    assert (caught.value.kind, caught.value.reason) == (Kind.NOT_PERMITTED, "NOT_PERMITTED")
    [line] = (config.state_dir / "audit.log").read_text().splitlines()
    entry = json.loads(line)
    assert entry["outcome"] == "NOT_PERMITTED"
    assert entry["action"] == policy.RULES[method].action
    assert entry["principal"] == ("operator:root" if principal == "operator" else "svc:deployer")
    asks = METHODS[method].input_type
    fields = {field.name for field in asks.fields}
    names_secrets = asks.file == pb.DESCRIPTOR and fields & {"name", "names", "secrets"}
    assert entry["secret"] == ("a" if names_secrets else "")
    assert entry.get("stack") == ("notes" if "stack" in fields else None)


def test_every_principal_is_refused_something() -> None:
    assert {principal for principal, _ in REFUSED} == set(ROLES)


@pytest.mark.parametrize("principal", ROLES)
def test_reflection_lists_the_services_and_answers_their_contracts(
    request: pytest.FixtureRequest, principal: str
) -> None:
    connected: Client = request.getfixturevalue(principal)
    reflection = ProtoReflectionDescriptorDatabase(connected.channel)
    assert set(reflection.get_services()) >= {
        *(service.rpartition("/")[0].removeprefix("/") for service in METHODS),
        "grpc.health.v1.Health",
    }
    file = reflection.FindFileContainingSymbol("leger.secrets.v1.SecretsService")
    assert "PutSecret" in [method.name for method in file.service[0].method]


@pytest.mark.parametrize("principal", ROLES)
def test_health_says_serving(request: pytest.FixtureRequest, principal: str) -> None:
    connected: Client = request.getfixturevalue(principal)
    health = health_pb2_grpc.HealthStub(connected.channel)
    for name in ("", "leger.secrets.v1.SecretsService", "leger.secrets.v1.BindingsService"):
        answer = health.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_sockets_and_state_are_for_the_owner_alone(config: Config, operator: Client) -> None:
    operator.secrets.ListSecrets(pb.ListSecretsRequest())

    def mode(path: str) -> int:
        return stat.S_IMODE((config.runtime_dir.parent / path).stat().st_mode)

    for socket in ("operator/grpc.sock", "deployer/grpc.sock", "credentials.sock"):
        assert mode(f"run/{socket}") == 0o600
    for directory in ("run/operator", "run/deployer", "state"):
        assert mode(directory) == 0o700
