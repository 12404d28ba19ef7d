"""The status of services is what systemd, podman and the secrets service say, in one word."""

from dataclasses import replace

import pytest
from leger_deployer.domain.errors import StackNotFound
from leger_deployer.domain.ports.container_engine import Health
from leger_deployer.domain.ports.secrets_directory import Refusal
from leger_deployer.domain.ports.unit_manager import UnitState
from leger_deployer.domain.progress import ignore
from leger_deployer.domain.status import ServiceState, ServiceStatus, classify
from unit.deployer.fakes import FakeHost, planned


@pytest.fixture(autouse=True)
def installed(host: FakeHost) -> None:
    operations = host.operations()
    operations.applier.apply(planned(operations), ignore)


def status(host: FakeHost, service: str = "web") -> ServiceStatus:
    report = host.operations().status.report()
    return next(s for s in report.services if s.unit.service == service)


def become(host: FakeHost, unit: str, **state: object) -> None:
    host.states[unit] = replace(
        UnitState(unit=unit, load="loaded"),
        **state,  # type: ignore[arg-type]
    )


def state(active: str, sub: str = "") -> UnitState:
    return UnitState(unit="x.service", load="loaded", active=active, sub=sub)


@pytest.mark.parametrize(
    ("found", "health", "expected"),
    [
        (state("active", "running"), "", ServiceState.RUNNING),
        (state("active", "running"), "healthy", ServiceState.RUNNING),
        (state("active", "running"), "starting", ServiceState.STARTING),
        (state("active", "running"), "unhealthy", ServiceState.UNHEALTHY),
        (state("reloading"), "", ServiceState.RUNNING),
        (state("activating", "start"), "starting", ServiceState.STARTING),
        (state("activating", "start"), "unhealthy", ServiceState.UNHEALTHY),
        (state("activating", "auto-restart"), "", ServiceState.FAILED),
        (state("activating", "auto-restart-queued"), "", ServiceState.FAILED),
        (state("failed", "failed"), "", ServiceState.FAILED),
        (state("inactive", "dead"), "", ServiceState.STOPPED),
        (state("deactivating", "stop"), "", ServiceState.STOPPED),
        (UnitState(unit="x.service"), "", ServiceState.FAILED),
    ],
)
def test_a_service_is_what_its_unit_and_its_container_are(
    found: UnitState, health: str, expected: ServiceState
) -> None:
    assert classify(found, health) is expected


def test_services_are_listed_with_what_they_require(host: FakeHost) -> None:
    report = host.operations().status.report("shop")
    assert [s.unit.service for s in report.services] == ["cache", "db", "web"]
    assert status(host).requires == ("db",), "networks and volumes are no services"
    assert report.secrets_available
    assert all(s.why == "" for s in report.services)


def test_a_health_check_that_fails_is_told_with_what_it_said(host: FakeHost) -> None:
    host.healths["shop-web"] = [Health(status="unhealthy", output="connection\n refused\n")]
    found = status(host)
    assert found.state is ServiceState.UNHEALTHY
    assert found.why == "Its health check fails: connection refused"


def test_a_refused_secret_is_why_a_unit_failed(host: FakeHost) -> None:
    become(host, "web.service", active="failed", result="exit-code", exit_code=1, exit_status=243)
    host.refused = [Refusal(unit="web.service", credential="x", message="No secret api_key.")]
    assert status(host).why == "No secret api_key."


def test_a_unit_that_nobody_handed_its_secrets_says_how_it_gets_them(host: FakeHost) -> None:
    """As after the package was away: systemd was reloaded since, the secrets service is back."""
    become(host, "web.service", active="failed", result="exit-code")
    host.journal = ['{"COMMAND": "ExecStartPre", "EXIT_CODE": "exited", "EXIT_STATUS": "243"}']
    assert status(host).why == (
        "It did not start, as systemd did not get the credentials (secrets) that it asks for"
        " (status 243). `leger services start web` has it ask again."
    )


def test_nothing_is_to_ask_again_while_the_secrets_service_is_silent(host: FakeHost) -> None:
    become(host, "web.service", active="failed", result="exit-code", exit_code=1, exit_status=243)
    host.secrets_up = False
    assert status(host).why == (
        "It did not start, as systemd did not get the credentials (secrets) that it asks for"
        " (status 243). The secrets service does not answer now, either: see `leger doctor`."
    )


def test_a_service_that_is_restarted_again_and_again_has_failed(host: FakeHost) -> None:
    become(host, "web.service", active="activating", sub="auto-restart", result="exit-code",
           exit_code=1, exit_status=7, restarts=4)  # fmt: skip
    found = status(host)
    assert found.state is ServiceState.FAILED
    assert found.restarts == 4
    assert found.why == "It ended with status 7. systemd starts it again and again."


def test_a_service_that_waits_for_a_failed_one_says_so(host: FakeHost) -> None:
    become(host, "db.service", active="failed", result="oom-kill")
    become(host, "web.service")
    assert status(host).state is ServiceState.STOPPED
    assert status(host).why == "It requires db.service, which failed."


def test_a_service_that_went_down_badly_with_what_it_requires_says_both(host: FakeHost) -> None:
    become(host, "db.service", active="failed", result="oom-kill")
    become(host, "web.service", active="failed", result="exit-code", exit_code=1, exit_status=137)
    assert status(host).why == ("It ended with status 137. It requires db.service, which failed.")


def test_a_service_that_a_failed_one_held_back_says_so_when_that_one_is_well_again(
    host: FakeHost,
) -> None:
    become(host, "web.service")
    host.journal = ['{"JOB_TYPE": "start", "JOB_RESULT": "dependency"}']
    found = status(host)
    assert found.state is ServiceState.FAILED
    assert found.why == (
        "It was not started, as something that it requires had failed."
        " `leger services start web` starts it."
    )
    become(host, "db.service", active="failed", result="oom-kill")
    assert status(host).state is ServiceState.STOPPED
    assert status(host).why == "It requires db.service, which failed."


@pytest.mark.parametrize("last", ["", '{"JOB_TYPE": "stop", "JOB_RESULT": "done"}', "[]"])
def test_a_stopped_service_says_that_it_is(host: FakeHost, last: str) -> None:
    become(host, "web.service")
    host.journal = [last]
    assert status(host).why == "It was stopped, or ended."
    become(host, "web.service", active="deactivating")
    assert status(host).why == "It is being stopped."


def test_a_unit_that_the_generator_makes_no_more_is_told(host: FakeHost) -> None:
    del host.states["web.service"]
    assert status(host).state is ServiceState.FAILED
    assert "no such unit" in status(host).why


def test_the_status_is_there_though_the_secrets_service_is_not(host: FakeHost) -> None:
    host.secrets_up = False
    report = host.operations().status.report()
    assert not report.secrets_available
    assert len(report.services) == 3


def test_a_stack_that_is_not_installed_has_no_status(host: FakeHost) -> None:
    with pytest.raises(StackNotFound):
        host.operations().status.report("other")
