from typing import Any

from leger.deployer.v1 import deployer_pb2 as d
from leger_cli.checks import stacks
from leger_cli.checks.finding import Verdict
from unit.cli.checks.conftest import silence


def test_services_that_failed_are_named_with_their_reason(patient: Any) -> None:
    assert stacks.stacks(patient).verdict is Verdict.OK
    patient.stacks.services.append(
        d.ServiceStatus(service="db", state=d.SERVICE_STATE_FAILED, why="Its image is gone.")
    )
    found = stacks.stacks(patient)
    assert found.verdict is Verdict.PROBLEM
    assert found.why == "db is failed: Its image is gone."
    assert found.fix == "`leger services logs db`"


def test_a_silent_deployer_is_told_elsewhere(patient: Any) -> None:
    patient.stacks = silence("deployer")
    assert stacks.stacks(patient).verdict is Verdict.SKIPPED
