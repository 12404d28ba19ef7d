"""The table of who may call what is complete."""

from leger.deployer.v1 import deployer_pb2
from leger_deployer.policy import DEPLOYER_SERVICE, POLICY
from leger_runtime.principals import Role


def test_every_method_of_the_contract_has_its_row_and_no_other_is_there() -> None:
    service = deployer_pb2.DESCRIPTOR.services_by_name["DeployerService"]
    assert service.full_name == DEPLOYER_SERVICE
    assert set(POLICY) == {f"/{service.full_name}/{method.name}" for method in service.methods}


def test_only_the_operator_may_call() -> None:
    assert set(POLICY.values()) == {frozenset({Role.OPERATOR})}
