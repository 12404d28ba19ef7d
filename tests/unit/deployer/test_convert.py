"""The contract's enums and the domain's are the same, name by name."""

from enum import Enum

import pytest
from leger.deployer.v1 import deployer_pb2 as messages
from leger_deployer import convert
from leger_deployer.domain.errors import InvalidName
from leger_deployer.domain.ports.unit_manager import UnitAction
from leger_deployer.domain.progress import Step, StepState
from leger_deployer.domain.stack import UnitKind
from leger_deployer.domain.staging import Chunk, Header
from leger_deployer.domain.status import ServiceState


@pytest.mark.parametrize(
    ("own", "contract", "prefix"),
    [
        (Step, messages.Step, "STEP_"),
        (StepState, messages.StepState, "STEP_STATE_"),
        (UnitKind, messages.UnitKind, "UNIT_KIND_"),
        (ServiceState, messages.ServiceState, "SERVICE_STATE_"),
        (UnitAction, messages.ServiceAction, "SERVICE_ACTION_"),
    ],
)
def test_every_name_has_its_counterpart(own: type[Enum], contract: object, prefix: str) -> None:
    names = set(contract.keys()) - {f"{prefix}UNSPECIFIED"}  # type: ignore[attr-defined]
    assert names == {f"{prefix}{member.name}" for member in own}


def test_an_upload_is_a_header_and_chunks() -> None:
    request = messages.StageStackRequest
    parts = [
        request(header=request.Header(stack="web")),
        request(chunk=request.Chunk(path="a", mode=0o644, content=b"x")),
        request(),
    ]
    assert list(convert.upload(parts)) == [Header("web"), Chunk("a", 0o644, b"x"), Header("")]


def test_every_action_is_understood_and_none_is_not() -> None:
    assert convert.action(messages.SERVICE_ACTION_RESTART) is UnitAction.RESTART
    with pytest.raises(InvalidName):
        convert.action(messages.SERVICE_ACTION_UNSPECIFIED)
