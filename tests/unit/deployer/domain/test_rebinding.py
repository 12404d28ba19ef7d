"""The bindings of stacks are those of what is installed, whatever store there is."""

import logging
from collections.abc import Callable
from dataclasses import replace

import pytest
from leger_deployer.adapters import generation_record
from leger_deployer.domain.errors import SecretsUnavailable, StorageUnavailable
from leger_deployer.domain.intent import Intent, Operation
from leger_deployer.domain.ports.unit_manager import UnitAction
from leger_deployer.domain.progress import ignore
from leger_deployer.domain.rebinding import Rebinder
from leger_deployer.domain.stack import Generation, SecretUse
from unit.deployer.fakes import FakeHost, planned

BROKEN = StorageUnavailable("It fails here.", why="The test wants it.", next_step="None.")
Bindings = dict[str, set[tuple[str, str, str]]]


@pytest.fixture(autouse=True)
def right(host: FakeHost) -> Bindings:
    """Install the shop and return the bindings that it needs."""
    operations = host.operations()
    operations.applier.apply(planned(operations), ignore)
    host.started.clear()
    host.trouble.changes.clear()
    return {stack: set(bindings) for stack, bindings in host.bindings.items()}


@pytest.fixture
def rebinder(host: FakeHost) -> Rebinder:
    return host.operations().controller.rebinder


def shop(host: FakeHost) -> Generation:
    generation = host.files.active("shop")
    assert generation is not None
    return generation


def install_beside(host: FakeHost, stack: str, unit: str) -> tuple[str, str, str]:
    """Install another stack, with one unit that has one secret, and return its binding."""
    use = SecretUse(unit=unit, secret="api_key", credential="api_key", type="env", target="X")
    generation = replace(shop(host), stack=stack, units=(), secrets=(use,))
    home = host.data / "generations" / stack
    home.mkdir()
    (home / "1.json").write_bytes(generation_record.of_generation(generation))
    host.files.switch(stack, 1)
    return use.binding


def test_nothing_is_written_while_all_is_right(host: FakeHost, rebinder: Rebinder) -> None:
    rebinder.rebind()
    assert host.trouble.changes == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda bindings: bindings.clear(),
        lambda bindings: bindings["shop"].pop(),
        lambda bindings: bindings["shop"].add(("web.service", "more", "more")),
        lambda bindings: bindings.update(shop={("web.service", "api_key", "other")}),
    ],
    ids=["nothing is left", "one is missing", "one is too many", "it is another secret"],
)
def test_what_differs_from_the_record_is_bound_again(
    host: FakeHost, rebinder: Rebinder, right: Bindings, spoil: Callable[[Bindings], object]
) -> None:
    spoil(host.bindings)
    rebinder.rebind()
    assert host.bindings == right
    host.trouble.changes.clear()
    rebinder.rebind()
    assert host.trouble.changes == []


def test_what_is_bound_is_never_taken_away_in_between(
    host: FakeHost, rebinder: Rebinder, right: Bindings
) -> None:
    kept = sorted(right["shop"])[0]
    host.bindings["shop"] = {kept, ("web.service", "more", "more")}
    host.trouble.at, host.trouble.error, host.trouble.after = 0, BROKEN, True
    with pytest.raises(StorageUnavailable):
        rebinder.rebind()
    assert kept in host.bindings["shop"]


def test_a_stack_that_is_not_installed_any_more_loses_its_secrets(
    host: FakeHost, rebinder: Rebinder, right: Bindings
) -> None:
    host.bindings["removed"] = {("old.service", "api_key", "api_key")}
    rebinder.rebind()
    assert host.bindings == right


def test_a_unit_that_was_another_stacks_is_taken_from_that_first(
    host: FakeHost, rebinder: Rebinder, right: Bindings, monkeypatch: pytest.MonkeyPatch
) -> None:
    binding = install_beside(host, "annex", "moved.service")
    host.bindings["shop"].add(binding)
    bind = host.bind

    def strict(stack: str, uses: tuple[SecretUse, ...]) -> None:
        """Refuse, as the secrets service does, what is bound to another stack."""
        units = {use.unit for use in uses}
        for other, bindings in host.bindings.items():
            assert other == stack or not units & {unit for unit, _, _ in bindings}
        bind(stack, uses)

    monkeypatch.setattr(host, "bind", strict)
    rebinder.rebind()
    assert host.bindings == {**right, "annex": {binding}}


@pytest.mark.parametrize("operation", Operation)
def test_an_unfinished_stack_is_left_to_its_recovery(
    host: FakeHost, rebinder: Rebinder, operation: Operation
) -> None:
    host.files.record_intent(Intent(operation=operation, generation=shop(host)))
    host.bindings.clear()
    rebinder.rebind()
    assert host.bindings == {}


def test_a_stack_that_fails_keeps_no_other_from_being_bound(
    host: FakeHost, rebinder: Rebinder, right: Bindings
) -> None:
    install_beside(host, "annex", "annex.service")
    host.bindings.clear()
    host.trouble.at, host.trouble.error = 0, BROKEN
    with pytest.raises(StorageUnavailable):
        rebinder.rebind()
    assert host.bindings == right


def test_it_is_done_each_time_the_store_is_opened(
    host: FakeHost, rebinder: Rebinder, right: Bindings
) -> None:
    host.bindings.clear()
    assert not rebinder.attend()
    assert host.bindings == right


def test_nothing_is_asked_of_a_sealed_store_and_its_service_need_not_wait_to_end(
    host: FakeHost, rebinder: Rebinder
) -> None:
    host.bindings.clear()
    host.openness = [False, True]
    assert not rebinder.attend()
    assert host.bindings == {}


def test_a_secrets_service_that_is_silent_is_no_news(
    host: FakeHost, rebinder: Rebinder, caplog: pytest.LogCaptureFixture
) -> None:
    host.secrets_up = False
    assert not rebinder.attend()
    assert caplog.records == []


def test_a_failure_is_told_once_until_it_is_another_one(
    host: FakeHost,
    rebinder: Rebinder,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(stack: str, uses: object) -> None:
        raise BROKEN

    host.bindings.clear()
    with monkeypatch.context() as patch:
        patch.setattr(host, "bind", fail)
        rebinder.attend()
        rebinder.attend()
    assert [r.levelno for r in caplog.records] == [logging.ERROR]
    assert "It fails here." in caplog.text
    rebinder.attend()
    host.bindings.clear()
    caplog.clear()
    with monkeypatch.context() as patch:
        patch.setattr(host, "bind", fail)
        rebinder.attend()
    assert [r.levelno for r in caplog.records] == [logging.ERROR]


@pytest.mark.parametrize("action", [UnitAction.START, UnitAction.RESTART])
def test_it_is_done_before_services_are_started(
    host: FakeHost, right: Bindings, action: UnitAction
) -> None:
    host.bindings.clear()
    host.operations().controller.control(action, ["shop"], ignore)
    assert host.bindings == right
    assert host.trouble.changes[0] == "bind"


def test_a_start_does_not_need_the_secrets_service_for_that(host: FakeHost) -> None:
    host.secrets_up = False
    host.operations().controller.control(UnitAction.START, ["cache"], ignore)
    assert host.started == ["cache.service"]


def test_the_rebinder_says_why_it_could_not(
    host: FakeHost, rebinder: Rebinder, caplog: pytest.LogCaptureFixture
) -> None:
    host.secrets_up = False
    with pytest.raises(SecretsUnavailable):
        rebinder.rebind()
    rebinder.try_to_rebind()
    assert "could not be checked" in caplog.text
