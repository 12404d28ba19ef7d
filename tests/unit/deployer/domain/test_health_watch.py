"""A service that is started is watched: how its health stands is said, and when it cannot be."""

import json
from collections.abc import Sequence

import pytest
from leger_deployer.domain.errors import UnitUnhealthy
from leger_deployer.domain.ports.container_engine import Health
from leger_deployer.domain.ports.unit_manager import UnitAction, UnitState
from leger_deployer.domain.progress import Progress, Step, StepState, ignore
from unit.deployer.fakes import FakeHost, planned

WEB = "web.service"  # probed every 10 s, for 30 s at most, 3 times; from 15 s after its start
STARTING = Health(status="starting")
REFUSED = Health(status="starting", failures=2, output="a\n\nb.\n")
TIMED_OUT = UnitState(
    unit=WEB, load="loaded", active="deactivating", sub="stop-sigterm", result="timeout"
)


@pytest.fixture(autouse=True)
def installed(host: FakeHost) -> None:
    operations = host.operations()
    operations.applier.apply(planned(operations), ignore)
    host.started.clear()
    host.now = 0


def restart(host: FakeHost, *healths: Health) -> list[Progress]:
    """Restart a service whose start does not end by itself, and return what was reported."""
    host.starts[WEB] = None
    host.healths["shop-web"] = list(healths)
    events: list[Progress] = []
    with pytest.raises(UnitUnhealthy) as raised:
        host.operations().controller.control(UnitAction.RESTART, [WEB], events.append)
    host.error = raised.value  # type: ignore[attr-defined]
    return events


def why(host: FakeHost) -> str:
    found: str = host.error.why  # type: ignore[attr-defined]
    return found


def waits(events: Sequence[Progress]) -> list[str]:
    return [e.detail for e in events if e.state is StepState.WAITING and e.subject == WEB]


def test_how_it_stands_is_said_every_five_seconds(host: FakeHost) -> None:
    events = restart(host, *[STARTING] * 15, *[REFUSED] * 20, Health(status="unhealthy"))
    assert waits(events) == [
        "waiting for it to be healthy, 5 s",
        "waiting for it to be healthy, 10 s; its health check failed 2 times: a | b",
        "waiting for it to be healthy, 15 s; its health check failed 2 times: a | b",
    ]


def test_it_is_given_up_when_podman_calls_it_unhealthy_with_what_the_check_said(
    host: FakeHost,
) -> None:
    host.journal = [json.dumps({"CONTAINER_NAME": "c", "MESSAGE": "no database"})]
    restart(host, Health(status="unhealthy", failures=3, output="refused\n"))
    assert why(host) == (
        "Its health check failed 3 times; the latest time it said: refused."
        " Its last words: no database"
    )
    assert host.now < 5


def test_a_check_that_never_ends_is_given_up_when_a_verdict_is_due(host: FakeHost) -> None:
    restart(host, STARTING)
    assert why(host) == "Its health check gave no answer in time."
    assert 15 + 3 * 40 < host.now < 15 + 4 * 40 + 2


def test_a_start_that_timed_out_is_not_waited_for_until_the_container_has_ended(
    host: FakeHost,
) -> None:
    original = host.states_of

    def states(units: object) -> object:
        if host.now > 90:
            host.states[WEB] = TIMED_OUT
        return original(units)  # type: ignore[arg-type]

    host.states_of = states  # type: ignore[assignment,method-assign]
    restart(host, REFUSED)
    assert "failed 2 times" in why(host)
    assert 90 < host.now < 92


def test_a_timeout_of_an_earlier_start_is_none_of_this_one(host: FakeHost) -> None:
    host.stopping[WEB] = [TIMED_OUT]
    host.operations().controller.control(UnitAction.RESTART, [WEB], ignore)
    assert host.started[-1] == WEB


def test_a_rollout_says_what_it_waits_for(host: FakeHost) -> None:
    host.versions["api_key"].stored = {1, 2}
    host.starts[WEB] = None
    host.healths["shop-web"] = [*[STARTING] * 15, Health(status="unhealthy", failures=1)]
    events: list[Progress] = []
    with pytest.raises(UnitUnhealthy, match="failed once, and said nothing"):
        host.operations().rollouts.roll_out("api_key", 2, events.append)
    assert {(e.step, e.state) for e in events if e.subject == WEB} >= {
        (Step.RESTART, StepState.WAITING),
        (Step.RESTART, StepState.FAILED),
    }
    assert waits(events)[0] == "waiting for it to be healthy, 5 s"
