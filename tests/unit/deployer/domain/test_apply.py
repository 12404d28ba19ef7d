"""An apply is whole or not at all, wherever it fails and wherever its process is killed."""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from leger_deployer.domain.errors import (
    HostCommandFailed,
    ImageUnavailable,
    PlanNotFound,
    PlanStale,
    PodmanUnavailable,
    PortInUse,
    SecretNotFound,
    StagedNotFound,
    StorageUnavailable,
    UnitFailed,
    UnitUnhealthy,
)
from leger_deployer.domain.health_check import HealthCheck
from leger_deployer.domain.ports.container_engine import Health
from leger_deployer.domain.ports.host_commands import CommandResult
from leger_deployer.domain.ports.secrets_directory import Refusal
from leger_deployer.domain.ports.unit_manager import UnitState
from leger_deployer.domain.progress import Progress, Step, StepState, ignore
from unit.deployer.fakes import FakeHost, Killed, new_host, planned, upload

ORDER = [
    "cache-image.service",
    "db-data-volume.service",
    "shop-network.service",
    "cache.service",
    "db.service",
    "web.service",
]


def changes_of_an_apply() -> list[str]:
    with tempfile.TemporaryDirectory() as directory:
        host = new_host(Path(directory))
        operations = host.operations()
        plan = planned(operations)
        host.trouble.changes.clear()
        operations.applier.apply(plan, ignore)
        return host.trouble.changes


CHANGES = changes_of_an_apply()
MOMENTS = [
    pytest.param(number, after, id=f"{number}-{'after' if after else 'before'}-{name}")
    for number, name in enumerate(CHANGES)
    for after in (False, True)
]


def failure() -> PodmanUnavailable:
    return PodmanUnavailable("It fails here.", why="The test wants it.", next_step="None.")


def strike(host: FakeHost, at: int, error: BaseException, *, after: bool) -> None:
    host.trouble.changes.clear()
    host.trouble.at, host.trouble.error, host.trouble.after = at, error, after


def test_an_applied_stack_is_installed_and_all_of_its_units_were_started_in_order(
    host: FakeHost,
) -> None:
    operations = host.operations()
    generation = operations.applier.apply(planned(operations), ignore)
    assert generation.number == 1
    assert host.started == ORDER
    assert [unit.unit for unit in generation.units] == ORDER
    assert list(host.files.stacks()) == ["shop"]
    assert (host.quadlets / "leger/shop/web.container").exists()
    assert host.files.intents() == []


def test_bindings_and_podman_secrets_are_those_that_the_units_name(host: FakeHost) -> None:
    operations = host.operations()
    operations.applier.apply(planned(operations), ignore)
    assert host.bindings["shop"] == {
        ("web.service", "api_key", "api_key"),
        ("web.service", "db_password-4c4bafe6", "db/password"),
        ("db.service", "db_password-4c4bafe6", "db/password"),
    }
    web = "${CREDENTIALS_DIRECTORY:-/run/credentials/web.service}/api_key"
    db = "${CREDENTIALS_DIRECTORY:-/run/credentials/db.service}/db_password-4c4bafe6"
    assert host.podman_secrets.keys() == {"leger-web-api_key", "leger-db-db_password-4c4bafe6"}
    assert host.podman_secrets["leger-web-api_key"].startswith(f"test -s {web} && ")
    assert host.podman_secrets["leger-db-db_password-4c4bafe6"].endswith(f" <{db}")


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize(
    "value",
    [b"plain", b"a line\n", b"two\nlines", b"\n\n", b" \\n \t", b"-n %s", bytes(range(1, 256))],
    ids=repr,
)
def test_podman_reads_a_credential_to_the_byte(
    host: FakeHost, tmp_path: Path, shell: str, value: bytes
) -> None:
    operations = host.operations()
    operations.applier.apply(planned(operations), ignore)
    (tmp_path / "api_key").write_bytes(value)
    lookup = host.podman_secrets["leger-web-api_key"]
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path), "PATH": os.defpath}
    done = subprocess.run([shell, "-c", lookup], env=environment, capture_output=True, check=True)
    assert done.stdout == value


def test_a_failed_apply_is_in_the_deployers_own_journal(
    host: FakeHost, caplog: pytest.LogCaptureFixture
) -> None:
    host.starts["web.service"] = "failed"
    operations = host.operations()
    with pytest.raises(UnitFailed) as raised:
        operations.applier.apply(planned(operations), ignore)
    assert f"the stack shop is not installed: {raised.value.what}" in caplog.text


def test_podman_finds_an_empty_credential_to_be_none(host: FakeHost, tmp_path: Path) -> None:
    operations = host.operations()
    operations.applier.apply(planned(operations), ignore)
    (tmp_path / "api_key").touch()
    lookup = host.podman_secrets["leger-web-api_key"]
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert subprocess.run(["/bin/sh", "-c", lookup], env=environment, check=False).returncode != 0


@pytest.mark.parametrize(("number", "after"), MOMENTS)
def test_an_apply_that_fails_leaves_the_host_as_it_was(
    host: FakeHost, number: int, after: bool
) -> None:
    operations = host.operations()
    plan = planned(operations)
    before = host.picture()
    strike(host, number, failure(), after=after)
    with pytest.raises(PodmanUnavailable):
        operations.applier.apply(plan, ignore)
    if after and CHANGES[number] == "clear_intent":
        return  # the apply was through: the next test tells what becomes of it
    host.operations().recovery.finish()
    assert host.picture() == before


@pytest.mark.parametrize(("number", "after"), MOMENTS)
def test_an_apply_that_is_killed_is_undone_or_complete_at_the_next_start(
    host: FakeHost, number: int, after: bool
) -> None:
    operations = host.operations()
    plan = planned(operations)
    before = host.picture()
    strike(host, number, Killed(), after=after)
    with pytest.raises(Killed):
        operations.applier.apply(plan, ignore)
    host.trouble.at = -1
    host.operations().recovery.finish()
    assert host.files.intents() == []
    if after and CHANGES[number] == "clear_intent":
        assert {host.states[unit].active for unit in ORDER} == {"active"}
    else:
        assert host.picture() == before


@pytest.mark.parametrize("number", range(0, 40, 3))
def test_an_undo_that_is_killed_too_is_completed_by_the_next_start(
    host: FakeHost, number: int
) -> None:
    operations = host.operations()
    plan = planned(operations)
    before = host.picture()
    strike(host, CHANGES.index("start web.service"), Killed(), after=True)
    with pytest.raises(Killed):
        operations.applier.apply(plan, ignore)
    strike(host, number, Killed(), after=True)
    try:
        host.operations().recovery.finish()
    except Killed:
        host.trouble.at = -1
        host.operations().recovery.finish()
    assert host.picture() == before


def test_a_failed_undo_says_so_and_is_completed_before_the_next_change(host: FakeHost) -> None:
    operations = host.operations()
    plan = planned(operations)
    before = host.picture()
    host.starts["web.service"] = "failed"
    host.trouble.changes.clear()
    # The first removal of a podman secret is that of the undo.
    strike(host, CHANGES.index("start web.service") + 11, failure(), after=False)
    with pytest.raises(UnitFailed) as raised:
        operations.applier.apply(plan, ignore)
    assert "Undoing it is not complete yet" in raised.value.why
    host.trouble.at = -1
    host.starts.clear()
    operations.recovery.finish()
    assert host.picture() == before


def test_a_unit_that_fails_is_named_with_what_its_container_said(host: FakeHost) -> None:
    operations = host.operations()
    before = host.picture()
    host.starts["db.service"] = "failed"
    host.journal = ['{"CONTAINER_NAME": "systemd-db", "MESSAGE": "no such luck"}']
    with pytest.raises(UnitFailed) as raised:
        operations.applier.apply(planned(operations), ignore)
    assert raised.value.what == "db.service does not start."
    assert raised.value.why == "It ended with status 3. Its last words: no such luck"
    assert host.picture() == before


def test_a_journal_that_cannot_be_read_does_not_hide_the_failure(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = host.run

    def without_journal(command: Sequence[str], **more: Any) -> CommandResult:
        if command[0].endswith("journalctl"):
            raise HostCommandFailed("no", why="It cannot run.", next_step="None.")
        return run(command, **more)

    monkeypatch.setattr(host, "run", without_journal)
    host.starts["web.service"] = "failed"
    operations = host.operations()
    plan_id = planned(operations)
    with pytest.raises(UnitFailed) as raised:
        operations.applier.apply(plan_id, ignore)
    assert raised.value.why == "It ended with status 3."


def test_a_refused_secret_is_the_reason_that_is_told(host: FakeHost) -> None:
    operations = host.operations()
    host.starts["db.service"] = "failed"
    host.refused = [
        Refusal(unit="db.service", credential="x", message="The secret db/password is gone.")
    ]
    with pytest.raises(UnitFailed, match=r"The secret db/password is gone\."):
        operations.applier.apply(planned(operations), ignore)


def test_a_container_that_is_restarted_again_and_again_fails_the_apply(host: FakeHost) -> None:
    operations = host.operations()
    host.crashes["cache.service"] = UnitState(
        unit="cache.service", load="loaded", active="activating", sub="auto-restart",
        result="exit-code", exit_code=1, exit_status=7, restarts=1,
    )  # fmt: skip
    plan = planned(operations)
    original = host.states_of

    def restarted(units: object) -> object:
        state = host.states.get("cache.service")
        if state is not None and state.active == "activating":
            restarts = state.restarts + 1
            host.states["cache.service"] = UnitState(**{**vars(state), "restarts": restarts})
        return original(units)  # type: ignore[arg-type]

    host.states_of = restarted  # type: ignore[assignment,method-assign]
    with pytest.raises(UnitFailed, match=r"restarted it \d+ times.*status 7"):
        operations.applier.apply(plan, ignore)


def test_a_container_that_ends_well_by_itself_is_fine(host: FakeHost) -> None:
    operations = host.operations()
    host.crashes["cache.service"] = UnitState(unit="cache.service", load="loaded")
    operations.applier.apply(planned(operations), ignore)
    assert list(host.files.stacks()) == ["shop"]


def test_a_start_whose_container_turns_unhealthy_is_not_waited_for(host: FakeHost) -> None:
    operations = host.operations()
    before = host.picture()
    host.starts["web.service"] = None
    host.healths["shop-web"] = [Health(status="starting")] * 3 + [
        Health(status="unhealthy", failures=3, output="connection refused\n")
    ]
    with pytest.raises(UnitUnhealthy, match="connection refused"):
        operations.applier.apply(planned(operations), ignore)
    assert "stopped shop-web" in host.started, "podman is asked to end what systemd cannot"
    assert host.picture() == before


def test_an_image_that_is_missing_is_fetched(host: FakeHost) -> None:
    operations = host.operations()
    host.images.discard("localhost/shop/web:1")
    host.registry.add("localhost/shop/web:1")
    operations.applier.apply(planned(operations), ignore)
    assert "localhost/shop/web:1" in host.images


def test_an_image_that_may_not_be_fetched_is_named_before_anything_changes(
    host: FakeHost,
) -> None:
    operations = host.operations()
    host.images.discard("localhost/shop/db:1")
    before = host.picture()
    with pytest.raises(ImageUnavailable, match=r"Pull=never"):
        operations.applier.apply(planned(operations), ignore)
    assert host.picture() == before


def test_what_an_image_unit_of_the_stack_provides_is_not_fetched_beforehand(
    host: FakeHost,
) -> None:
    operations = host.operations()
    host.images.discard("localhost/shop/cache:1")
    operations.applier.apply(planned(operations), ignore)
    assert "localhost/shop/cache:1" not in host.images


def test_a_health_check_that_an_image_brings_gets_a_timer(host: FakeHost) -> None:
    operations = host.operations()
    host.images.discard("localhost/shop/web:1")
    host.registry.add("localhost/shop/web:1")
    host.image_checks["localhost/shop/db:1"] = HealthCheck(interval=7.0)
    operations.applier.apply(planned(operations), ignore)
    generation = host.files.active("shop")
    assert generation is not None
    database = generation.unit("db.service")
    assert database is not None
    assert database.healthy_within > 0
    text = (host.quadlets / "leger/shop/db.container.d/90-leger.conf").read_text("utf-8")
    assert "--on-unit-inactive=7s" in text


def test_every_missing_secret_is_named_with_the_command_that_stores_it(host: FakeHost) -> None:
    operations = host.operations()
    host.stored_secrets.clear()
    plan = planned(operations)
    before = host.picture()
    with pytest.raises(SecretNotFound) as raised:
        operations.applier.apply(plan, ignore)
    for name in ("api_key", "db/password"):
        assert f"`leger secrets put {name}`" in raised.value.next_step
    assert host.picture() == before


def test_a_check_that_now_fails_is_reported_as_itself(host: FakeHost) -> None:
    operations = host.operations()
    plan = planned(operations)
    host.sockets = (
        "==> /proc/net/tcp <==\n  sl  local_address\n"
        "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000\n"
    )
    with pytest.raises(PortInUse, match=r"127\.0\.0\.1:8080/tcp"):
        operations.applier.apply(plan, ignore)


def test_a_plan_that_would_do_something_else_by_now_is_stale(host: FakeHost) -> None:
    operations = host.operations()
    plan = planned(operations)
    host.generator_edits = {"443:443/udp": "444:444/udp"}
    before = host.picture()
    with pytest.raises(PlanStale):
        operations.applier.apply(plan, ignore)
    assert host.picture() == before


def test_a_plan_is_gone_after_another_upload_of_the_stack(host: FakeHost) -> None:
    operations = host.operations()
    plan = planned(operations)
    operations.staging.stage(upload())
    with pytest.raises(PlanNotFound):
        operations.applier.apply(plan, ignore)


def test_the_steps_are_reported_in_their_order(host: FakeHost) -> None:
    operations = host.operations()
    events: list[Progress] = []
    operations.applier.apply(planned(operations), events.append)
    begun = [e.step for e in events if e.state is StepState.STARTED and not e.subject]
    assert begun == [
        Step.CHECK, Step.CONFLICTS, Step.SECRETS, Step.PULL, Step.SECRETS, Step.SWITCH,
        Step.RELOAD, Step.START, Step.HEALTH,
    ]  # fmt: skip
    starts = [(e.subject, e.current, e.total) for e in events if e.step is Step.START and e.subject]
    assert starts == [(unit, n, 6) for n, unit in enumerate(ORDER, start=1)]


def test_an_upload_that_cannot_be_dropped_undoes_nothing(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_staged_id: str) -> None:
        raise StorageUnavailable("no", why="The disk is gone.", next_step="None.")

    operations = host.operations()
    plan_id = planned(operations)
    monkeypatch.setattr(host.files, "drop_staged", refuse)
    assert operations.applier.apply(plan_id, ignore).number == 1
    assert host.files.stacks() == ["shop"]
    assert host.files.intents() == []


@pytest.mark.parametrize("moment", ["plan", "apply"])
def test_an_upload_that_is_replaced_meanwhile_is_said_to_be_gone(
    host: FakeHost, moment: str
) -> None:
    operations = host.operations()
    staged = operations.staging.stage(upload())

    def replace(event: Progress) -> None:
        if (event.step, event.state) == (wanted, StepState.STARTED):
            operations.staging.stage(upload())

    before = host.picture()
    wanted = Step.CHECK
    if moment == "plan":
        with pytest.raises(StagedNotFound):
            operations.planner.plan(staged.id, replace)
    else:
        plan_id = operations.planner.plan(staged.id, ignore).plan_id
        wanted = Step.SWITCH
        with pytest.raises(StagedNotFound):
            operations.applier.apply(plan_id, replace)
    assert host.picture() == before
