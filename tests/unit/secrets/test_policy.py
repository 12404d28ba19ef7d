from google.protobuf.descriptor import Descriptor, FieldDescriptor
from leger.secrets.v1 import access_pb2, audit_pb2, backup_pb2, secrets_pb2, store_pb2
from leger_runtime.principals import Role
from leger_secrets import policy

METHODS = {
    f"/{service.full_name}/{method.name}": method
    for contract in (access_pb2, audit_pb2, backup_pb2, secrets_pb2, store_pb2)
    for service in contract.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}


def test_the_table_has_exactly_the_methods_of_the_contract() -> None:
    assert set(policy.POLICY) == set(METHODS)


def test_exactly_the_streaming_methods_have_threads_of_their_own() -> None:
    streaming = {
        name
        for name, method in METHODS.items()
        if method.client_streaming or method.server_streaming
    }
    assert set(policy.LASTING) == streaming


def test_the_deployer_can_read_no_value_and_changes_no_more_than_which_is_active() -> None:
    allowed = {m.split("/")[-1] for m, roles in policy.POLICY.items() if Role.DEPLOYER in roles}
    assert allowed == {
        "GetSecretInfo",
        "ListSecrets",
        "ActivateSecretVersion",
        "BindStack",
        "ListBindings",
        "ListRefusals",
        "GetStoreStatus",
    }


def test_only_the_deployer_binds() -> None:
    bind = policy.POLICY["/leger.secrets.v1.BindingsService/BindStack"]
    assert bind == frozenset({Role.DEPLOYER})


def test_no_method_that_the_deployer_may_call_answers_a_value() -> None:
    for name, method in METHODS.items():
        if Role.DEPLOYER in policy.POLICY[name]:
            assert not has_bytes(method.output_type, set()), name


def has_bytes(message: Descriptor, seen: set[str]) -> bool:
    if message.full_name in seen:
        return False
    seen.add(message.full_name)
    return any(
        field.type == FieldDescriptor.TYPE_BYTES
        or (field.message_type is not None and has_bytes(field.message_type, seen))
        for field in message.fields
    )
