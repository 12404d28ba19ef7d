from typing import cast

import grpc
import pytest
from contract.secrets.conftest import Client
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from leger.secrets.v1 import secrets_pb2 as pb
from leger_runtime import client
from leger_runtime.errors import Kind, LegerError


def put(operator: Client, name: str, value: bytes, *, activate: bool = False) -> int:
    request = pb.PutSecretRequest(name=name, value=value, activate=activate)
    return operator.secrets.PutSecret(request).version


def test_a_secret_lives_from_put_to_delete(operator: Client) -> None:
    secrets = operator.secrets
    first = secrets.PutSecret(pb.PutSecretRequest(name="a/b", value=b"\0one"))
    assert (first.version, first.active, first.created) == (1, True, True)
    assert put(operator, "a/b", b"two") == 2
    got = secrets.GetSecret(pb.GetSecretRequest(name="a/b"))
    assert (got.value, got.version, got.unchanged) == (b"\0one", 1, False)

    activated = secrets.ActivateSecretVersion(
        pb.ActivateSecretVersionRequest(name="a/b", version=2)
    )
    assert activated.previous_version == 1
    secrets.CreateSecretVersion(pb.CreateSecretVersionRequest(name="a/b", version=9, value=b"nine"))
    secrets.DeleteSecretVersion(pb.DeleteSecretVersionRequest(name="a/b", version=1))
    info = secrets.GetSecretInfo(pb.GetSecretInfoRequest(name="a/b")).secret
    assert ([v.version for v in info.versions], info.active_version) == ([2, 9], 9)
    assert info.versions[0].created_by == "operator:root"
    assert info.versions[0].create_time.seconds > 0

    secrets.DeleteSecret(pb.DeleteSecretRequest(name="a/b"))
    listed = secrets.ListSecrets(pb.ListSecretsRequest())
    assert list(listed.secrets) == []
    assert listed.revision > info.revision


def test_a_conditional_get_of_what_the_caller_has_carries_no_value(operator: Client) -> None:
    put(operator, "a", b"one")
    got = operator.secrets.GetSecret(pb.GetSecretRequest(name="a", if_version_not=1))
    assert (got.unchanged, got.version, got.value) == (True, 1, b"")


def test_several_secrets_are_resolved_in_the_order_asked_for(operator: Client) -> None:
    put(operator, "a", b"one")
    put(operator, "b", b"two")
    resolved = operator.secrets.ResolveSecrets(pb.ResolveSecretsRequest(names=["b", "a"]))
    assert [(s.name, s.value, s.version) for s in resolved.secrets] == [
        ("b", b"two", 1),
        ("a", b"one", 1),
    ]
    assert resolved.revision == 2


def test_the_largest_value_goes_through_and_one_byte_more_does_not(operator: Client) -> None:
    put(operator, "a", b"x" * 1_000_000)
    assert len(operator.secrets.GetSecret(pb.GetSecretRequest(name="a")).value) == 1_000_000
    with pytest.raises(LegerError) as caught:
        client.call(lambda: put(operator, "a", b"x" * 1_000_001))
    assert caught.value.reason == "VALUE_TOO_LARGE"
    assert caught.value.violations[0].field == "value"


def test_an_error_carries_its_reason_its_why_and_what_to_do(operator: Client) -> None:
    with pytest.raises(LegerError) as caught:
        client.call(
            lambda: operator.secrets.ResolveSecrets(
                pb.ResolveSecretsRequest(names=["absent", "missing"])
            )
        )
    error = caught.value
    assert (error.kind, error.reason) == (Kind.NOT_FOUND, "SECRET_NOT_FOUND")
    assert error.what == "2 secrets are not stored: absent, missing."
    assert error.why
    assert error.next_step == (
        "Store it: `leger secrets put absent`. Those there are: `leger secrets list`."
    )
    assert [v.field for v in error.violations] == ["absent", "missing"]


def test_an_error_on_the_wire_is_a_google_rpc_status(operator: Client) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        operator.secrets.GetSecret(pb.GetSecretRequest(name="a/../b"))
    status: status_pb2.Status = rpc_status.from_call(cast("grpc.Call", caught.value))
    assert status.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    info, help_, request = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.Help(),
        error_details_pb2.BadRequest(),
    )
    for packed, detail in zip(status.details, (info, help_, request), strict=True):
        assert packed.Unpack(detail)
    assert (info.domain, info.reason) == ("leger", "INVALID_NAME")
    assert info.metadata["why"]
    assert help_.links[0].description == "Choose another name."
    assert request.field_violations[0].field == "name"


@pytest.mark.parametrize(
    ("method", "request_", "reason"),
    [
        ("PutSecret", pb.PutSecretRequest(name=""), "INVALID_NAME"),
        ("GetSecret", pb.GetSecretRequest(name="absent"), "SECRET_NOT_FOUND"),
        ("GetSecret", pb.GetSecretRequest(name="a", version=7), "VERSION_NOT_FOUND"),
        ("ResolveSecrets", pb.ResolveSecretsRequest(), "INVALID_NAME"),
        ("GetSecretInfo", pb.GetSecretInfoRequest(name="absent"), "SECRET_NOT_FOUND"),
        ("CreateSecretVersion", pb.CreateSecretVersionRequest(name="a"), "INVALID_VERSION"),
        (
            "CreateSecretVersion",
            pb.CreateSecretVersionRequest(name="a", version=1),
            "VERSION_CLAIMED",
        ),
        (
            "ActivateSecretVersion",
            pb.ActivateSecretVersionRequest(name="a", version=7),
            "VERSION_NOT_FOUND",
        ),
        ("DeleteSecret", pb.DeleteSecretRequest(name="absent"), "SECRET_NOT_FOUND"),
        ("DeleteSecret", pb.DeleteSecretRequest(name="a"), "SECRET_IN_USE"),
        (
            "DeleteSecretVersion",
            pb.DeleteSecretVersionRequest(name="a", version=1),
            "VERSION_ACTIVE",
        ),
    ],
)
def test_every_refusal_of_the_contract_has_its_reason(
    operator: Client, deployer: Client, method: str, request_: object, reason: str
) -> None:
    put(operator, "a", b"one")
    deployer.bindings.BindStack(
        pb.BindStackRequest(
            stack="notes", bindings=[pb.Binding(unit="w.service", credential="a", secret="a")]
        )
    )
    with pytest.raises(LegerError) as caught:
        client.call(lambda: getattr(operator.secrets, method)(request_))
    assert caught.value.reason == reason


def test_bindings_are_replaced_listed_and_seen_in_the_secret(
    operator: Client, deployer: Client
) -> None:
    put(operator, "a", b"one")
    binding = pb.Binding(unit="web.service", credential="token", secret="a")
    deployer.bindings.BindStack(pb.BindStackRequest(stack="notes", bindings=[binding]))
    for caller in (operator, deployer):
        [listed] = caller.bindings.ListBindings(pb.ListBindingsRequest()).bindings
        assert (listed.stack, listed.binding) == ("notes", binding)
        info = caller.secrets.GetSecretInfo(pb.GetSecretInfoRequest(name="a")).secret
        assert list(info.units) == ["web.service"]
    with pytest.raises(LegerError) as caught:
        client.call(
            lambda: deployer.bindings.BindStack(
                pb.BindStackRequest(stack="blog", bindings=[binding])
            )
        )
    assert caught.value.reason == "UNIT_BOUND"
