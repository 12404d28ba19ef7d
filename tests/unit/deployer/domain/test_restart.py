"""What a restart comes to: pods that end with their last container, and what depends on a unit."""

from dataclasses import replace

import pytest
from leger_deployer.domain.errors import SecretNotFound, SecretsUnavailable
from leger_deployer.domain.ports.unit_manager import UnitState
from leger_deployer.domain.progress import ignore
from leger_deployer.domain.restart import Restart
from leger_deployer.domain.stack import Generation, SecretUse, StackUnit, UnitKind
from unit.deployer.fakes import FakeHost, planned

POD, A, B = "pod.service", "a.service", "b.service"
JOB = "job@.service"


@pytest.fixture(autouse=True)
def installed(host: FakeHost) -> Generation:
    """A stack of a pod with the containers a and b, and of a template."""
    operations = host.operations()
    generation = operations.applier.apply(planned(operations), ignore)

    container, pod = UnitKind.CONTAINER, UnitKind.POD
    units = (
        StackUnit(file="", unit=POD, kind=pod, resource="pod"),
        StackUnit(file="", unit=A, kind=container, resource="a", pod=POD),
        StackUnit(file="", unit=B, kind=container, resource="b", pod=POD),
        StackUnit(file="", unit=JOB, kind=container, instance_resource="job-%i"),
    )
    generation = replace(generation, units=units, secrets=(), number=2)
    host.files.store_generation(generation, host.data / "generations/shop/1")
    host.files.switch("shop", 2)
    host.reload()
    host.pulls[POD] = {A, B}
    for name in (POD, A, B):
        host.states[name] = UnitState(unit=name, load="loaded", active="active", sub="running")
    host.started.clear()
    return generation


def names(restart: Restart) -> tuple[list[str], list[str]]:
    return [u.unit for u in restart.asked], [u.unit for u in restart.along]


def stop(host: FakeHost, unit: str) -> None:
    host.states[unit] = UnitState(unit=unit, load="loaded", active="failed", sub="failed")


def test_one_container_of_several_in_a_pod_is_restarted_alone(host: FakeHost) -> None:
    assert names(host.operations().controller.restarter.plan([A])) == ([A], [])


def test_with_the_last_running_container_of_a_pod_the_pod_is_restarted(host: FakeHost) -> None:
    stop(host, B)
    assert names(host.operations().controller.restarter.plan([A])) == ([POD], [A])


def test_with_all_of_its_containers_the_pod_is_restarted(host: FakeHost) -> None:
    assert names(host.operations().controller.restarter.plan([A, B])) == ([POD], [A, B])


def test_a_stopped_container_of_a_pod_that_is_restarted_is_started(host: FakeHost) -> None:
    stop(host, B)
    assert names(host.operations().controller.restarter.plan([A, B])) == ([POD], [A, B])


def test_a_pod_that_is_restarted_restarts_its_containers_once(host: FakeHost) -> None:
    restarter = host.operations().controller.restarter
    restart = restarter.plan([POD, A])
    assert names(restart) == ([POD], [A, B])
    restarter.run(restart, ignore)
    assert host.started == [POD, A, B]


def test_a_container_of_a_pod_that_does_not_run_is_started_by_itself(host: FakeHost) -> None:
    for unit in (POD, A, B):
        stop(host, unit)
    assert names(host.operations().controller.restarter.plan([A])) == ([A], [])


def test_what_depends_on_a_unit_and_does_not_run_is_left_so(host: FakeHost) -> None:
    host.pulls[A] = {B}
    stop(host, B)
    host.pulls[POD] = set()
    stop(host, POD)
    assert names(host.operations().controller.restarter.plan([A])) == ([A], [])


def test_an_instance_of_a_template_is_a_service_of_its_own(host: FakeHost) -> None:
    host.states["job@x.service"] = UnitState(
        unit="job@x.service", load="loaded", active="active", sub="running"
    )
    (instance,) = host.operations().controller.restarter.plan(["job@x.service"]).asked
    assert (instance.unit, instance.resource) == ("job@x.service", "job-x")


@pytest.mark.parametrize("active", ["activating", "deactivating"])
def test_a_container_on_its_way_up_or_down_is_ended_by_podman_first(
    host: FakeHost, active: str
) -> None:
    host.states[A] = replace(host.states[A], active=active)
    restarter = host.operations().controller.restarter
    restarter.run(restarter.plan([A]), ignore)
    assert host.started == ["stopped a", A]


def test_a_unit_whose_secret_is_gone_is_not_stopped(host: FakeHost, installed: Generation) -> None:
    host.states["job@x.service"] = UnitState(unit="job@x.service", load="loaded", active="active")
    needs(host, installed, unit=JOB, secret="gone")
    restarter = host.operations().controller.restarter
    with pytest.raises(SecretNotFound, match="the secret gone is not stored"):
        restarter.require_secrets(restarter.plan(["job@x.service"]))
    restarter.require_secrets(restarter.plan([A]))


def test_only_who_has_secrets_needs_the_secrets_service(
    host: FakeHost, installed: Generation
) -> None:
    host.secrets_up = False
    needs(host, installed, unit=A, secret="api_key")
    restarter = host.operations().controller.restarter
    restarter.require_secrets(restarter.plan([B]))
    with pytest.raises(SecretsUnavailable):
        restarter.require_secrets(restarter.plan([A]))


def needs(host: FakeHost, generation: Generation, *, unit: str, secret: str) -> None:
    use = SecretUse(unit=unit, secret=secret, credential=secret, type="env", target="X")
    changed = replace(generation, number=3, secrets=(use,))
    host.files.store_generation(changed, host.data / "generations/shop/1")
    host.files.switch("shop", 3)
