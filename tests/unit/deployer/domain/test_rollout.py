"""A version of a secret reaches all units that run with it, in order, or none of them."""

import logging
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from leger_deployer.adapters import generation_record
from leger_deployer.domain.errors import (
    NoPreviousVersion,
    SecretNotFound,
    SecretsUnavailable,
    StorageUnavailable,
    UnitFailed,
    UnitUnhealthy,
    VersionNotFound,
    VersionNotServed,
)
from leger_deployer.domain.ports.unit_manager import UnitAction, UnitState
from leger_deployer.domain.progress import Progress, Step, StepState, ignore
from leger_deployer.domain.rollout import RolloutResult
from leger_deployer.domain.stack import SecretUse
from leger_runtime.errors import LegerError
from unit.deployer.fakes import FakeHost, Killed, NotForEnvironment, Versions, new_host, planned

SECRET = "db/password"
DB, WEB, CACHE = "db.service", "web.service", "cache.service"
OLDEST, OLD, NEW = 5, 1, 2
BROKEN = StorageUnavailable("It fails here.", why="The test wants it.", next_step="None.")


def install(host: FakeHost) -> FakeHost:
    """Install the shop: db and web are bound to db/password, whose version 2 is stored."""
    operations = host.operations()
    operations.applier.apply(planned(operations), ignore)
    host.versions[SECRET] = Versions(stored={OLDEST, OLD, NEW}, active=OLD, previous=OLDEST)
    host.started.clear()
    host.trouble.changes.clear()
    return host


@pytest.fixture(autouse=True)
def installed(host: FakeHost) -> FakeHost:
    return install(host)


def let_use(host: FakeHost, unit: str, secret: str, type_: str = "env") -> None:
    """Make one more unit of the shop use a secret, as if it had been installed like that."""
    shop = host.files.active("shop")
    assert shop is not None
    use = SecretUse(unit=unit, secret=secret, credential=secret, type=type_, target="X")
    record = generation_record.of_generation(replace(shop, secrets=(*shop.secrets, use)))
    (host.data / "generations/shop/1.json").write_bytes(record)
    host.bindings["shop"].add(use.binding)


def roll_out(host: FakeHost, version: int = NEW, secret: str = SECRET) -> RolloutResult:
    return host.operations().rollouts.roll_out(secret, version, ignore)


def failure(host: FakeHost, version: int = NEW, secret: str = SECRET) -> LegerError:
    with pytest.raises(LegerError) as raised:
        roll_out(host, version, secret)
    return raised.value


def versions(host: FakeHost) -> tuple[int, int, int]:
    """Return the version that is active, and those that db and web run with."""
    return (
        host.versions[SECRET].active,
        host.served[DB, SECRET].version,
        host.served[WEB, SECRET].version,
    )


def all_run_with(host: FakeHost, version: int) -> bool:
    is_up = all(host.states[unit].active == "active" for unit in (DB, WEB, CACHE))
    return versions(host) == (version, version, version) and is_up and host.rollout.read() is None


def is_as_before(host: FakeHost) -> bool:
    """Tell whether all runs as it did, and a roll-back would go where it would have gone."""
    return all_run_with(host, OLD) and host.versions[SECRET].previous == OLDEST


# -- all of them


def test_the_units_that_are_bound_are_restarted_in_order_and_handed_the_version(
    host: FakeHost,
) -> None:
    result = roll_out(host)
    assert result == RolloutResult(
        secret=SECRET,
        version=NEW,
        previous_version=OLD,
        restarted=(DB, WEB),
        not_running=(),
    )
    assert host.started == [DB, WEB]
    assert all_run_with(host, NEW)


def test_a_unit_that_is_not_bound_is_left_alone(host: FakeHost) -> None:
    host.versions["api_key"] = Versions(stored={1, 2})
    assert roll_out(host, secret="api_key").restarted == (WEB,)
    assert host.started == [WEB]


def test_what_systemd_restarts_along_with_a_unit_is_not_restarted_once_more(
    host: FakeHost,
) -> None:
    host.pulls[DB] = {WEB}
    assert roll_out(host).restarted == (DB, WEB)
    assert host.started == [DB, WEB]


def test_what_was_restarted_along_but_not_handed_the_version_is_restarted(host: FakeHost) -> None:
    host.pulls[DB] = {WEB}
    host.kept_back.add((WEB, SECRET, NEW))
    original = host._start

    def start(unit: str) -> str | None:
        if WEB in host.started:
            host.kept_back.clear()
        return original(unit)

    host._start = start  # type: ignore[method-assign]
    roll_out(host)
    assert host.started == [DB, WEB, WEB]
    assert all_run_with(host, NEW)


def test_units_that_do_not_run_are_left_so_and_named(host: FakeHost) -> None:
    host.states[DB] = UnitState(unit=DB, load="loaded", active="failed", sub="failed")
    result = roll_out(host)
    assert (result.restarted, result.not_running) == ((WEB,), (DB,))
    assert host.started == [WEB]


def test_without_any_unit_the_version_is_activated(host: FakeHost) -> None:
    host.stored_secrets.add("lonely")
    host.versions["lonely"] = Versions(stored={1, 2})
    result = roll_out(host, secret="lonely")
    assert (result.restarted, result.not_running) == ((), ())
    assert host.versions["lonely"].active == 2


def test_version_0_is_the_one_that_was_active_before(host: FakeHost) -> None:
    roll_out(host)
    result = roll_out(host, 0)
    assert (result.version, result.previous_version) == (OLD, NEW)
    assert all_run_with(host, OLD)


def test_the_active_version_can_be_rolled_out_to_units_that_started_before_it_was(
    host: FakeHost,
) -> None:
    host.versions[SECRET].active = NEW
    result = roll_out(host)
    assert (result.version, result.previous_version) == (NEW, NEW)
    assert all_run_with(host, NEW)


def test_each_step_is_reported(host: FakeHost) -> None:
    events: list[Progress] = []
    host.operations().rollouts.roll_out(SECRET, NEW, events.append)
    ends = [(e.step, e.subject) for e in events if e.state is StepState.DONE]
    assert ends == [
        (Step.SECRETS, ""),
        (Step.ACTIVATE, ""),
        (Step.RESTART, DB),
        (Step.RESTART, WEB),
        (Step.RESTART, ""),
    ]
    assert {e.total for e in events if e.step is Step.RESTART} == {2}


# -- refused before anything is done


def test_a_value_that_no_environment_variable_can_hold_is_refused_before_a_restart(
    host: FakeHost,
) -> None:
    host.with_zeros.add((SECRET, NEW))
    assert isinstance(failure(host), NotForEnvironment)
    assert host.started == []
    assert host.versions[SECRET].active == OLD
    assert host.rollout.read() is None


def test_as_a_file_a_unit_gets_every_value(host: FakeHost) -> None:
    host.stored_secrets.add("keyfile")
    host.versions["keyfile"] = Versions(stored={1, 2})
    host.with_zeros.add(("keyfile", 2))
    let_use(host, CACHE, "keyfile", type_="mount")
    assert roll_out(host, 2, "keyfile").restarted == (CACHE,)


def test_a_secret_that_is_not_stored_is_refused(host: FakeHost) -> None:
    assert isinstance(failure(host, secret="nothing"), SecretNotFound)
    assert host.trouble.changes == []


def test_a_version_that_is_not_stored_is_refused(host: FakeHost) -> None:
    error = failure(host, 7)
    assert isinstance(error, VersionNotFound)
    assert error.what == "The secret db/password has no version 7."
    assert host.trouble.changes == []


def test_there_must_be_a_version_to_go_back_to(host: FakeHost) -> None:
    host.versions[SECRET].previous = 0
    assert isinstance(failure(host, 0), NoPreviousVersion)
    assert host.trouble.changes == []


def test_a_unit_that_could_not_start_again_is_not_stopped(host: FakeHost) -> None:
    host.stored_secrets.discard("api_key")
    error = failure(host)
    assert isinstance(error, SecretNotFound)
    assert error.what == "Nothing was restarted, as the secret api_key is not stored."
    assert "web.service would be stopped" in error.why
    assert error.next_step == "Store `leger secrets put api_key`."
    assert host.trouble.changes == []
    assert host.versions[SECRET].active == OLD


def test_nor_is_one_that_would_be_restarted_along_with_another(host: FakeHost) -> None:
    host.stored_secrets |= {"lonely"}
    host.stored_secrets.discard("api_key")
    let_use(host, CACHE, "lonely")
    host.versions["lonely"] = Versions(stored={1, 2})
    roll_out(host, secret="lonely")
    host.pulls[CACHE] = {WEB}
    host.started.clear()
    assert isinstance(failure(host, 0, "lonely"), SecretNotFound)
    assert host.started == []


def test_units_whose_bindings_the_store_has_lost_are_not_passed_over(host: FakeHost) -> None:
    host.bindings.clear()
    assert roll_out(host).restarted == (DB, WEB)
    assert all_run_with(host, NEW)


def test_nothing_is_done_while_the_secrets_service_is_silent(host: FakeHost) -> None:
    host.secrets_up = False
    assert isinstance(failure(host), SecretsUnavailable)
    assert host.trouble.changes == []


# -- or none of them


@pytest.mark.parametrize("unit", [DB, WEB])
def test_a_unit_that_does_not_start_takes_all_back_to_the_former_version(
    host: FakeHost, unit: str
) -> None:
    host.breaks.add((unit, SECRET, NEW))
    host.journal = ['{"CONTAINER_NAME": "x", "MESSAGE": "access denied"}']
    error = failure(host)
    assert isinstance(error, UnitFailed)
    assert error.what == f"{unit} does not start."
    assert "access denied" in error.why
    assert error.why.endswith(
        "Version 1 of db/password is active again, and what was restarted runs with it."
    )
    assert all_run_with(host, OLD)


def test_what_was_not_restarted_yet_is_left_alone_on_the_way_back(host: FakeHost) -> None:
    host.breaks.add((DB, SECRET, NEW))
    failure(host)
    assert host.started == [DB, DB]


def test_a_unit_that_is_not_healthy_takes_all_back(host: FakeHost) -> None:
    host.sickens.add((WEB, SECRET, NEW))
    host.journal = ['{"CONTAINER_NAME": "x", "MESSAGE": "wrong key"}']
    error = failure(host)
    assert isinstance(error, UnitUnhealthy)
    assert "wrong key" in error.why
    assert host.started == [DB, WEB, DB, WEB]
    assert all_run_with(host, OLD)


def test_a_unit_that_was_not_handed_the_version_takes_all_back(host: FakeHost) -> None:
    host.kept_back.add((DB, SECRET, NEW))
    error = failure(host)
    assert isinstance(error, VersionNotServed)
    assert error.what == "db.service was not handed version 2 of db/password."
    assert WEB not in host.started
    assert all_run_with(host, OLD)


def test_a_unit_that_was_handed_the_version_before_does_not_pass_for_handed_it_now(
    host: FakeHost,
) -> None:
    roll_out(host)
    host.kept_back.add((DB, SECRET, NEW))
    assert isinstance(failure(host, NEW), VersionNotServed)


def test_what_systemd_restarts_along_must_come_back_too_though_it_is_not_bound(
    host: FakeHost,
) -> None:
    host.pulls[WEB] = {CACHE}
    original = host._start

    def start(unit: str) -> str | None:
        host.starts = {CACHE: "failed"} if host.versions[SECRET].active == NEW else {}
        return original(unit)

    host._start = start  # type: ignore[method-assign]
    error = failure(host)
    assert error.what == "cache.service does not start."
    assert all_run_with(host, OLD)


def test_a_version_that_could_not_be_activated_has_taken_nothing_away(host: FakeHost) -> None:
    host.trouble.at, host.trouble.error = CHANGES.index("activate"), BROKEN
    with pytest.raises(StorageUnavailable) as raised:
        roll_out(host)
    assert raised.value.why.endswith("Version 1 of db/password is active.")
    assert host.started == []


def test_a_unit_that_is_not_well_with_the_former_version_either_is_named(host: FakeHost) -> None:
    host.breaks |= {(WEB, SECRET, NEW), (WEB, SECRET, OLD)}
    error = failure(host)
    assert error.why.endswith(
        "Version 1 of db/password is active again, but not all is well with it:"
        " web.service does not start."
    )
    assert error.next_step.startswith("Start what is down: `leger services start web.service`. ")
    assert host.started.count(WEB) == 4
    assert versions(host) == (OLD, OLD, OLD)
    assert host.rollout.read() is None


def test_a_roll_back_after_a_failed_rollout_goes_to_what_it_went_to_before(host: FakeHost) -> None:
    host.breaks.add((WEB, SECRET, NEW))
    failure(host)
    assert host.versions[SECRET].previous == OLDEST
    assert roll_out(host, 0).version == OLDEST


def test_and_to_nothing_when_it_went_to_nothing_before(host: FakeHost) -> None:
    host.versions[SECRET].previous = 0
    host.breaks.add((WEB, SECRET, NEW))
    failure(host)
    assert isinstance(failure(host, 0), NoPreviousVersion)


def test_nor_to_a_version_that_is_deleted_meanwhile(host: FakeHost) -> None:
    host.breaks.add((WEB, SECRET, NEW))
    original = host._start

    def start(unit: str) -> str | None:
        host.versions[SECRET].stored.discard(OLDEST)
        return original(unit)

    host._start = start  # type: ignore[method-assign]
    failure(host)
    assert all_run_with(host, OLD)
    assert host.versions[SECRET].previous == 0


def test_a_unit_that_needs_more_than_one_try_to_come_back_is_given_them(host: FakeHost) -> None:
    host.pulls[DB] = {WEB}
    host.breaks.add((DB, SECRET, NEW))
    original = host._start
    fails = [DB, DB]

    def start(unit: str) -> str | None:
        if host.versions[SECRET].active == OLD and unit in fails:
            fails.remove(unit)
            original(unit)
            host.states[unit] = replace(host.states[unit], active="failed", sub="failed")
            return "failed"
        return original(unit)

    host._start = start  # type: ignore[method-assign]
    error = failure(host)
    assert fails == []
    assert error.why.endswith("is active again, and what was restarted runs with it.")
    assert all_run_with(host, OLD)


def test_a_restart_of_systemds_own_is_waited_for_on_the_way_back(host: FakeHost) -> None:
    host.pulls[DB] = {WEB}
    host.breaks.add((DB, SECRET, NEW))
    original_start, original_sleep = host._start, host._sleep
    due: list[float] = []
    early: list[str] = []

    def start(unit: str) -> str | None:
        if host.versions[SECRET].active == NEW or unit != DB:
            return original_start(unit)
        if not due:
            due.append(host.now + 5)
            waits = UnitState(unit=DB, load="loaded", active="activating", sub="auto-restart")
            host.states[DB] = waits
            return "failed"
        if host.now < due[0]:
            early.append(unit)
        return original_start(unit)

    def sleep(seconds: float) -> None:
        original_sleep(seconds)
        if due and host.now >= due[0] and host.states[DB].awaits_restart:
            host.states[DB] = replace(host.states[DB], sub="start", restarts=1)

    host._start, host._sleep = start, sleep  # type: ignore[method-assign]
    failure(host)
    assert due
    assert early == []
    assert all_run_with(host, OLD)


def test_going_back_is_reported_and_in_the_deployers_own_journal(
    host: FakeHost, caplog: pytest.LogCaptureFixture
) -> None:
    host.breaks.add((WEB, SECRET, NEW))
    events: list[Progress] = []
    with pytest.raises(UnitFailed):
        host.operations().rollouts.roll_out(SECRET, NEW, events.append)
    back = [(e.subject, e.state) for e in events if e.step is Step.ROLL_BACK]
    assert back == [
        ("", StepState.STARTED),
        (DB, StepState.DONE),
        (WEB, StepState.DONE),
        ("", StepState.DONE),
    ]
    failed = [e.subject for e in events if e.state is StepState.FAILED]
    assert failed == [WEB, ""]
    assert "version 2 of db/password is not rolled out: web.service does not start." in caplog.text


def test_a_version_that_somebody_else_activates_meanwhile_is_kept(host: FakeHost) -> None:
    host.versions[SECRET].stored.add(3)
    host.kept_back.add((WEB, SECRET, NEW))
    original = host._start

    def start(unit: str) -> str | None:
        if unit == WEB:
            host.versions[SECRET].active = 3
        return original(unit)

    host._start = start  # type: ignore[method-assign]
    error = failure(host)
    assert isinstance(error, VersionNotServed)
    assert "Version 3 of db/password, which was activated meanwhile, is active" in error.why
    assert all_run_with(host, 3)


def test_there_is_no_way_back_to_a_version_that_is_deleted_meanwhile(host: FakeHost) -> None:
    host.breaks.add((WEB, SECRET, NEW))
    original = host._start

    def start(unit: str) -> str | None:
        host.versions[SECRET].stored.discard(OLD)
        return original(unit)

    host._start = start  # type: ignore[method-assign]
    error = failure(host)
    assert "There is no way back" in error.why
    assert host.rollout.read() is None


# -- wherever it fails, and wherever its process is killed


def changes_of_a_rollout(*, fails: bool = False) -> list[str]:
    with tempfile.TemporaryDirectory() as directory:
        host = install(new_host(Path(directory)))
        if fails:
            host.breaks.add((WEB, SECRET, NEW))
            failure(host)
        else:
            roll_out(host)
        return host.trouble.changes


def moments(changes: list[str]) -> list[object]:
    return [
        pytest.param(number, after, id=f"{number}-{'after' if after else 'before'}-{name}")
        for number, name in enumerate(changes)
        for after in (False, True)
    ]


CHANGES = changes_of_a_rollout()


@pytest.mark.parametrize(("number", "after"), moments(CHANGES))
def test_a_rollout_that_fails_leaves_the_former_version_everywhere(
    host: FakeHost, number: int, after: bool
) -> None:
    host.trouble.at, host.trouble.error, host.trouble.after = number, BROKEN, after
    failure(host)
    host.operations().rollouts.undo.finish()
    is_through = after and CHANGES[number] == "clear"
    assert all_run_with(host, NEW) if is_through else is_as_before(host)


@pytest.mark.parametrize(("number", "after"), moments(CHANGES))
def test_a_rollout_whose_process_is_killed_is_undone_by_the_next_one(
    host: FakeHost, number: int, after: bool
) -> None:
    host.trouble.at, host.trouble.error, host.trouble.after = number, Killed(), after
    with pytest.raises(Killed):
        roll_out(host)
    host.operations().rollouts.undo.finish()
    is_through = after and CHANGES[number] == "clear"
    assert all_run_with(host, NEW) if is_through else is_as_before(host)


@pytest.mark.parametrize(("number", "after"), moments(changes_of_a_rollout(fails=True)))
def test_a_process_that_is_killed_while_it_goes_back_leaves_the_rest_to_the_next_one(
    host: FakeHost, number: int, after: bool
) -> None:
    host.breaks.add((WEB, SECRET, NEW))
    host.trouble.at, host.trouble.error, host.trouble.after = number, Killed(), after
    with pytest.raises(Killed):
        roll_out(host)
    host.operations().rollouts.undo.finish()
    assert is_as_before(host)


def killed_after(host: FakeHost, change: str) -> None:
    host.trouble.changes.clear()
    host.trouble.at, host.trouble.error = CHANGES.index(change), Killed()
    host.trouble.after = True
    with pytest.raises(Killed):
        roll_out(host)


def test_the_next_process_says_what_it_found_and_did(
    host: FakeHost, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    killed_after(host, f"start {DB}")
    assert host.operations().rollouts.undo.try_to_finish()
    assert "rolling out version 2 of db/password was interrupted" in caplog.text
    assert "Version 1 of db/password is active again" in caplog.text


def test_going_back_waits_for_the_secrets_service(host: FakeHost) -> None:
    killed_after(host, f"start {DB}")
    host.secrets_up = False
    undo = host.operations().rollouts.undo
    assert not undo.try_to_finish()
    host.secrets_up = True
    assert undo.try_to_finish()
    assert all_run_with(host, OLD)


def test_a_failed_rollout_that_cannot_go_back_says_so_and_is_tried_again_later(
    host: FakeHost,
) -> None:
    host.breaks.add((WEB, SECRET, NEW))
    original = host._start

    def start(unit: str) -> str | None:
        result = original(unit)
        host.secrets_up = unit != WEB
        return result

    host._start = start  # type: ignore[method-assign]
    later: list[bool] = []
    rollouts = replace(host.operations().rollouts, later=lambda: later.append(True))
    with pytest.raises(UnitFailed) as raised:
        rollouts.roll_out(SECRET, NEW, ignore)
    assert "Going back is not complete, and is tried until it is: down" in raised.value.why
    assert later == [True]
    host.secrets_up = True
    host._start = original  # type: ignore[method-assign]
    assert rollouts.undo.try_to_finish()
    assert all_run_with(host, OLD)


def test_the_next_rollout_goes_back_from_an_interrupted_one_first(host: FakeHost) -> None:
    killed_after(host, f"start {DB}")
    host.started.clear()
    assert roll_out(host).previous_version == OLD
    assert host.started == [DB, DB, WEB]
    assert all_run_with(host, NEW)


def test_a_unit_that_got_the_new_version_by_a_restart_of_its_own_is_taken_back_too(
    host: FakeHost,
) -> None:
    killed_after(host, f"start {DB}")
    host._start(WEB)  # it crashed, or the host was booted
    host.operations().rollouts.undo.finish()
    assert all_run_with(host, OLD)


def test_a_unit_that_ran_with_that_version_before_is_not_restarted_by_going_back(
    host: FakeHost,
) -> None:
    roll_out(host)
    host.versions[SECRET].active = OLD  # activated by hand, without a restart
    host.now += 1
    host.started.clear()
    killed_after(host, "activate")
    host.operations().rollouts.undo.finish()
    assert host.started == []


def test_units_of_a_stack_that_was_removed_meanwhile_are_not_looked_for(host: FakeHost) -> None:
    killed_after(host, f"start {DB}")
    operations = host.operations()
    operations.remover.remove("shop", delete_volumes=False, report=ignore)
    operations.rollouts.undo.finish()
    assert (host.versions[SECRET].active, host.rollout.read()) == (OLD, None)


def test_one_change_at_a_time(host: FakeHost) -> None:
    operations = host.operations()
    reached, goes_on = threading.Event(), threading.Event()
    original = host._start

    def start(unit: str) -> str | None:
        reached.set()
        assert goes_on.wait(10)
        return original(unit)

    host._start = start  # type: ignore[method-assign]
    controller = operations.controller
    rollout = threading.Thread(
        target=lambda: operations.rollouts.roll_out(SECRET, NEW, ignore), daemon=True
    )
    control = threading.Thread(
        target=lambda: controller.control(UnitAction.STOP, ["cache"], ignore), daemon=True
    )
    rollout.start()
    assert reached.wait(10)
    control.start()
    control.join(0.05)
    assert control.is_alive()
    assert host.states[CACHE].active == "active"
    goes_on.set()
    rollout.join(10)
    control.join(10)
    assert host.states[CACHE].active == "inactive"
    assert host.trouble.changes.index("clear") < host.trouble.changes.index(f"stop {CACHE}")
