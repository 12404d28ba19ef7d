"""Services are started, stopped and restarted by their own names or their stack's."""

import pytest
from leger_deployer.domain.errors import SecretNotFound, ServiceNotFound, UnitFailed
from leger_deployer.domain.ports.container_engine import Health
from leger_deployer.domain.ports.unit_manager import UnitAction, UnitState
from leger_deployer.domain.progress import ignore
from unit.deployer.fakes import FakeHost, planned


@pytest.fixture(autouse=True)
def installed(host: FakeHost) -> None:
    operations = host.operations()
    operations.applier.apply(planned(operations), ignore)
    host.started.clear()


def control(host: FakeHost, action: UnitAction, *names: str) -> list[str]:
    found = host.operations().controller.control(action, names, ignore)
    return [unit.service for unit in found]


def test_a_stacks_name_stands_for_its_services_in_the_order_of_their_start(
    host: FakeHost,
) -> None:
    assert control(host, UnitAction.START, "shop") == ["cache", "db", "web"]
    assert host.started == ["cache.service", "db.service", "web.service"]


def test_single_services_by_the_names_of_service_and_unit(host: FakeHost) -> None:
    assert control(host, UnitAction.RESTART, "web", "db.service") == ["db", "web"]


def test_a_stop_is_in_reverse_order_and_leaves_no_failure_behind(host: FakeHost) -> None:
    host.trouble.changes.clear()
    control(host, UnitAction.STOP, "shop")
    stops = [change for change in host.trouble.changes if change.startswith("stop")]
    assert stops == ["stop web.service", "stop db.service", "stop cache.service"]
    assert host.trouble.changes[-1] == "reset_failed"


def test_a_stop_that_systemd_refuses_is_told_after_the_others_are_stopped(host: FakeHost) -> None:
    host.unstoppable["web.service"] = "Operation refused."
    with pytest.raises(UnitFailed) as raised:
        control(host, UnitAction.STOP, "shop")
    assert raised.value.what == "web.service does not stop."
    assert raised.value.why == "systemd says: Operation refused."
    assert host.states["db.service"].active == "inactive"


def test_a_container_on_its_way_up_is_ended_by_podman(host: FakeHost) -> None:
    host.states["web.service"] = UnitState(unit="web.service", load="loaded", active="activating")
    control(host, UnitAction.STOP, "web")
    assert host.started == ["stopped shop-web"]


def test_an_unhealthy_service_can_be_restarted(host: FakeHost) -> None:
    leaving = UnitState(unit="web.service", load="loaded", active="deactivating", sub="stop")
    host.stopping["web.service"] = [leaving]
    host.healths["shop-web"] = [Health(status="unhealthy")]
    original = host._start

    def start(unit: str) -> str | None:
        host.healths["shop-web"] = [Health(status="healthy")]
        return original(unit)

    host._start = start  # type: ignore[method-assign]
    assert control(host, UnitAction.RESTART, "web") == ["web"]


def test_a_restart_that_could_not_start_again_stops_nothing(host: FakeHost) -> None:
    host.stored_secrets.discard("api_key")
    with pytest.raises(SecretNotFound, match=r"the secret api_key is not stored"):
        control(host, UnitAction.RESTART, "web")
    assert host.states["web.service"].active == "active"
    assert host.started == []


def test_what_systemd_restarts_along_is_waited_for(host: FakeHost) -> None:
    host.pulls["db.service"] = {"web.service"}
    assert control(host, UnitAction.RESTART, "db") == ["db"]
    assert host.started == ["db.service", "web.service"]


def test_an_unknown_name_is_refused_before_anything_is_done(host: FakeHost) -> None:
    with pytest.raises(ServiceNotFound, match="nothing, shop-network"):
        control(host, UnitAction.STOP, "web", "nothing", "shop-network")
    assert host.states["web.service"].active == "active"


def test_no_name_at_all_is_refused(host: FakeHost) -> None:
    with pytest.raises(ServiceNotFound):
        control(host, UnitAction.STOP)


def test_a_start_that_fails_is_told_and_nothing_is_undone(host: FakeHost) -> None:
    host.starts["web.service"] = "failed"
    with pytest.raises(UnitFailed, match=r"web\.service"):
        control(host, UnitAction.START, "shop")
    assert host.states["db.service"].active == "active"
    assert list(host.files.stacks()) == ["shop"]


def test_a_unit_whose_requirement_did_not_start_is_named_when_no_cause_is(host: FakeHost) -> None:
    host.starts["web.service"] = "dependency"
    with pytest.raises(UnitFailed, match="A unit that it requires did not start"):
        control(host, UnitAction.START, "web")


def test_one_service_is_found_by_its_name(host: FakeHost) -> None:
    controller = host.operations().controller
    assert controller.service("db").unit == "db.service"
    with pytest.raises(ServiceNotFound):
        controller.service("shop")
