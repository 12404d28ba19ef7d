from leger.secrets.v1 import secrets_pb2
from leger_runtime.principals import Role
from leger_secrets import policy


def test_the_table_has_exactly_the_methods_of_the_contract() -> None:
    methods = {
        f"/{service.full_name}/{method.name}"
        for service in secrets_pb2.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    assert set(policy.POLICY) == methods


def test_the_deployer_can_read_no_value_and_change_no_secret() -> None:
    allowed = {m.split("/")[-1] for m, roles in policy.POLICY.items() if Role.DEPLOYER in roles}
    assert allowed == {
        "GetSecretInfo",
        "ListSecrets",
        "BindStack",
        "ListBindings",
        "ListRefusals",
    }


def test_only_the_deployer_binds() -> None:
    bind = policy.POLICY["/leger.secrets.v1.BindingsService/BindStack"]
    assert bind == frozenset({Role.DEPLOYER})


def test_no_method_that_the_deployer_may_call_answers_a_value() -> None:
    for service in secrets_pb2.DESCRIPTOR.services_by_name.values():
        for method in service.methods:
            if Role.DEPLOYER in policy.POLICY[f"/{service.full_name}/{method.name}"]:
                assert not has_bytes(method.output_type, set())


def has_bytes(message: object, seen: set[str]) -> bool:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor

    assert isinstance(message, Descriptor)
    if message.full_name in seen:
        return False
    seen.add(message.full_name)
    return any(
        field.type == FieldDescriptor.TYPE_BYTES
        or (field.message_type is not None and has_bytes(field.message_type, seen))
        for field in message.fields
    )
