from typing import Any

import pytest
from leger.deployer.v1 import deployer_pb2 as d
from leger.secrets.v1 import secrets_pb2 as s
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


def test_what_has_only_to_ask_for_its_secrets_again_is_to_be_started(patient: Any) -> None:
    """As a stack that started while leger was down: no refusal is known of it."""
    patient.stacks.services.extend(
        [
            d.ServiceStatus(
                service="db",
                unit="db.service",
                state=d.SERVICE_STATE_FAILED,
                why="It has no secrets. `leger services start db` has it ask again.",
            ),
            d.ServiceStatus(
                service="app", unit="app.service", state=d.SERVICE_STATE_STOPPED, requires=["db"]
            ),
        ]
    )
    assert stacks.stacks(patient).fix == "`leger services start db app`"


def test_a_silent_deployer_is_told_elsewhere(patient: Any) -> None:
    patient.stacks = silence("deployer")
    assert stacks.stacks(patient).verdict is Verdict.SKIPPED


@pytest.fixture
def sealed_once(patient: Any) -> Any:
    """A store that is open again, beside services that it kept from starting meanwhile."""
    patient.stacks.services.extend(
        [
            d.ServiceStatus(service="db", unit="db.service", state=d.SERVICE_STATE_FAILED),
            d.ServiceStatus(
                service="app", unit="app.service", state=d.SERVICE_STATE_STOPPED, requires=["db"]
            ),
            d.ServiceStatus(service="odd", unit="odd.service", state=d.SERVICE_STATE_FAILED),
        ]
    )
    for unit, reason in (("db.service", "STORE_SEALED"), ("odd.service", "SECRET_NOT_FOUND")):
        patient.refusals.refusals.append(s.Refusal(unit=unit, reason=reason))
    return patient


def test_what_a_seal_kept_from_starting_is_to_be_started_now(sealed_once: Any) -> None:
    fix = stacks.stacks(sealed_once).fix
    assert fix == "`leger services start db app` `leger services logs odd`"


def test_nothing_is_to_be_started_while_the_store_is_sealed(sealed_once: Any) -> None:
    sealed_once.store.sealed = True
    fix = stacks.stacks(sealed_once).fix
    assert fix == "`leger services logs db` `leger services logs odd`"
