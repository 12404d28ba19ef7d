import contextvars

import pytest
from leger_runtime import principals
from leger_runtime.principals import Principal, Role


def test_a_principal_reads_as_its_role_and_account() -> None:
    assert str(Principal(Role.OPERATOR, "alice")) == "operator:alice"
    assert str(Principal(Role.DEPLOYER)) == "svc:deployer"


def test_there_is_no_principal_outside_of_a_call() -> None:
    with pytest.raises(LookupError):
        contextvars.Context().run(principals.current)


def test_a_principal_that_entered_is_the_current_one() -> None:
    def call() -> Principal:
        principals.enter(Principal(Role.DEPLOYER))
        return principals.current()

    assert contextvars.Context().run(call) == Principal(Role.DEPLOYER)
