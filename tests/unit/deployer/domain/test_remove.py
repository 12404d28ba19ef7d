"""A removal takes away all that is the stack's, keeps its data, and is finished once begun."""

import contextlib

import pytest
from leger_deployer.domain.errors import (
    InvalidName,
    PodmanUnavailable,
    SecretsUnavailable,
    StackNotFound,
)
from leger_deployer.domain.progress import ignore
from leger_deployer.domain.teardown import Removed
from unit.deployer.fakes import FakeHost, Killed, planned

VOLUMES = ["scratch", "shop-db-data"]


@pytest.fixture
def empty(host: FakeHost) -> dict[str, object]:
    """The host before the shop was installed on it."""
    before = host.picture()
    operations = host.operations()
    operations.applier.apply(planned(operations), ignore)
    host.trouble.changes.clear()
    return before


def remove(host: FakeHost, *, delete_volumes: bool = True) -> Removed:
    remover = host.operations().remover
    return remover.remove("shop", delete_volumes=delete_volumes, report=ignore)


def test_everything_is_gone_after_a_removal_with_its_volumes(
    host: FakeHost, empty: dict[str, object]
) -> None:
    result = remove(host)
    assert result.stopped_units == [
        "web.service",
        "db.service",
        "cache.service",
        "shop-network.service",
        "db-data-volume.service",
        "cache-image.service",
    ]
    assert result.deleted_volumes == VOLUMES
    assert host.picture() == empty


def test_a_unit_that_systemd_does_not_stop_is_not_said_to_be_stopped(
    host: FakeHost, empty: dict[str, object]
) -> None:
    host.unstoppable["web.service"] = "Operation refused."
    result = remove(host)
    assert "web.service" not in result.stopped_units
    assert host.container_names == empty["containers"]


def test_volumes_are_kept_unless_they_are_given_up(
    host: FakeHost, empty: dict[str, object]
) -> None:
    result = remove(host, delete_volumes=False)
    assert result.kept_volumes == VOLUMES
    assert host.picture() == {**empty, "volumes": set(VOLUMES)}


def test_a_volume_that_something_uses_is_kept(host: FakeHost, empty: dict[str, object]) -> None:
    host.in_use = {"scratch"}
    result = remove(host)
    assert result.kept_volumes == ["scratch"]
    assert result.deleted_volumes == ["shop-db-data"]


def test_a_failed_unit_is_forgotten(host: FakeHost, empty: dict[str, object]) -> None:
    state = host.states["db.service"]
    host.states["db.service"] = type(state)(
        unit="db.service", load="loaded", active="failed", sub="failed", result="exit-code"
    )
    assert "db.service" not in remove(host).stopped_units
    assert host.picture() == empty


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(22))
def test_a_removal_that_is_killed_is_finished_by_the_next_start(
    host: FakeHost, empty: dict[str, object], number: int, after: bool
) -> None:
    host.trouble.at, host.trouble.error, host.trouble.after = number, Killed(), after
    installed = host.picture()
    with contextlib.suppress(Killed):
        remove(host)
    host.trouble.at = -1
    host.operations().recovery.finish()
    nothing_noted = number == 0 and not after
    assert host.picture() == (installed if nothing_noted else empty)


@pytest.mark.parametrize("number", range(1, 20, 2))
def test_a_step_that_fails_keeps_no_other_from_being_made_and_is_made_up_for(
    host: FakeHost, empty: dict[str, object], number: int
) -> None:
    error = PodmanUnavailable("It fails here.", why="The test wants it.", next_step="None.")
    host.trouble.at, host.trouble.error = number, error
    with pytest.raises(PodmanUnavailable):
        remove(host)
    host.trouble.at = -1
    host.operations().recovery.finish()
    assert host.picture() == empty


def test_nothing_is_stopped_while_the_secrets_service_is_down(
    host: FakeHost, empty: dict[str, object]
) -> None:
    host.secrets_up = False
    installed = host.picture()
    with pytest.raises(SecretsUnavailable):
        remove(host)
    assert host.picture() == installed


def test_a_stack_that_is_not_installed_cannot_be_removed(host: FakeHost) -> None:
    with pytest.raises(StackNotFound):
        remove(host)
    with pytest.raises(InvalidName):
        host.operations().remover.remove("../x", delete_volumes=False, report=ignore)


def test_a_recovery_that_fails_lets_the_service_start_and_tries_again_later(
    host: FakeHost, empty: dict[str, object]
) -> None:
    host.trouble.at, host.trouble.error = 3, Killed()
    with pytest.raises(Killed):
        remove(host)
    host.trouble.at = -1
    host.secrets_up = False
    recovery = host.operations().recovery
    recovery.try_to_finish()
    assert len(host.files.intents()) == 1
    host.secrets_up = True
    recovery.try_to_finish()
    assert host.picture() == empty
