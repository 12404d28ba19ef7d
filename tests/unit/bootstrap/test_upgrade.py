import dataclasses
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from leger_bootstrap import bootstrap as bootstrap_module
from leger_bootstrap import release, store_copy
from leger_bootstrap.bootstrap import UpgradeRefused
from leger_bootstrap.commands import Outcome
from leger_bootstrap.health import Health
from leger_bootstrap.pod import PodNotStarted
from leger_bootstrap.scope import Scope
from unit.bootstrap.conftest import FIRST, SECOND, Host


@pytest.fixture
def upgraded(host: Host) -> Host:
    """A host that runs the first version, and on which the second is installed."""
    host.bootstrap()
    host.install(SECOND)
    return host


@pytest.fixture
def other_schema(scope: Scope, upgraded: Host, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The database of a store whose schema the second version changes when it starts."""
    monkeypatch.setattr(bootstrap_module, "STORE_SCHEMA", 1_000)
    database = scope.secrets_data / "secrets.db"
    database.write_text("old")
    (scope.secrets_data / "keyring.json").write_text("{}")
    start = upgraded._start

    def migrate(verb: str, units: Sequence[str]) -> Outcome:
        if upgraded.loaded == SECOND and units[0] != "leger-deployer.service":
            assert database.read_text() != "old" or store_copy.exists(scope.secrets_data)
            database.write_text("migrated")
            (scope.secrets_data / "secrets.db-wal").write_text("of the migrated one")
        return start(verb, units)

    monkeypatch.setattr(upgraded, "_start", migrate)
    return database


def test_a_new_image_is_loaded_before_anything_is_stopped(upgraded: Host) -> None:
    upgraded.bootstrap()
    assert upgraded.running == SECOND
    loaded = next(i for i, line in enumerate(upgraded.ran) if " load " in line)
    assert loaded < next(i for i, line in enumerate(upgraded.ran) if " restart " in line)


def test_only_the_containers_are_restarted_one_after_the_other(upgraded: Host) -> None:
    upgraded.bootstrap()
    restarts = [line for line in upgraded.ran if " restart " in line]
    assert restarts == [
        "systemctl restart leger-secrets.service",
        "systemctl restart leger-deployer.service",
    ]


def test_a_healthy_upgrade_leaves_one_image_and_no_way_back(scope: Scope, upgraded: Host) -> None:
    upgraded.bootstrap()
    assert upgraded.images == {SECOND}
    record = release.read(scope)
    assert record.healthy is not None
    assert record.healthy.image == SECOND
    assert (record.trying, record.refused) == (None, None)


def test_another_image_is_mounted_before_the_one_that_was_is_unmounted(upgraded: Host) -> None:
    upgraded.bootstrap()
    mounts = [line for line in upgraded.ran if "podman image " in line]
    assert mounts == [
        f"podman image mount {SECOND}",
        f"podman image unmount {FIRST}",
    ]


def test_a_version_that_does_not_start_is_taken_back(scope: Scope, upgraded: Host) -> None:
    upgraded.broken = {SECOND}
    said = upgraded.bootstrap()
    assert upgraded.running == upgraded.placed() == FIRST
    assert "exec format error" in said[-1]
    assert "legerd bootstrap --retry" in said[-1]
    assert upgraded.images == {FIRST, SECOND}  # and never more
    record = release.read(scope)
    assert record.refused is not None
    assert record.refused.image == SECOND


def test_what_was_taken_back_is_not_tried_again_at_the_next_start(upgraded: Host) -> None:
    upgraded.broken = {SECOND}
    upgraded.bootstrap()
    said = upgraded.bootstrap()
    assert upgraded.verbs() == ["--version", "start"]
    assert "is not well" not in "".join(said)
    assert "The installed version does not run" in said[-1]


def test_it_is_tried_again_when_somebody_says_so(upgraded: Host) -> None:
    upgraded.broken = {SECOND}
    upgraded.bootstrap()
    with pytest.raises(UpgradeRefused):
        upgraded.bootstrap(retry=True)
    assert upgraded.running == FIRST
    upgraded.broken.clear()
    upgraded.bootstrap(retry=True)
    assert upgraded.running == SECOND


def test_a_newer_package_is_tried(upgraded: Host) -> None:
    upgraded.broken = {SECOND}
    upgraded.bootstrap()
    upgraded.install("localhost/leger/services:3")
    upgraded.bootstrap()
    assert upgraded.running == "localhost/leger/services:3"
    assert upgraded.images == {"localhost/leger/services:3"}


def test_the_former_package_ends_the_matter(scope: Scope, upgraded: Host) -> None:
    upgraded.broken = {SECOND}
    upgraded.bootstrap()
    upgraded.install(FIRST)
    assert upgraded.bootstrap()[-1] == "the services are ready"
    assert release.read(scope).refused is None
    assert upgraded.images == {FIRST}


@pytest.mark.parametrize(
    "after",
    [
        Health(silent={"deployer": "The deployer service does not answer: UNAVAILABLE."}),
        Health(seal_reason="STORE_DAMAGED", seal="The store is damaged."),
        Health(seal_reason="STORE_TOO_NEW", seal="Its schema is version 3."),
    ],
)
def test_services_that_are_not_well_are_taken_back(upgraded: Host, after: Health) -> None:
    upgraded.health[SECOND] = after
    assert (after.seal or after.silent["deployer"]) in upgraded.bootstrap()[-1]
    assert upgraded.running == FIRST


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Health(), Health(seal_reason="PASSPHRASE_NEEDED")),
        (Health(seal_reason="STORE_DAMAGED"), Health(seal_reason="STORE_DAMAGED")),
    ],
)
def test_a_seal_that_no_upgrade_has_caused_is_none_of_its_business(
    upgraded: Host, before: Health, after: Health
) -> None:
    upgraded.health = {FIRST: before, SECOND: after}
    upgraded.bootstrap()
    assert upgraded.running == SECOND


def test_when_neither_version_starts_that_is_the_failure(upgraded: Host) -> None:
    upgraded.broken = {FIRST, SECOND}
    with pytest.raises(PodNotStarted):
        upgraded.bootstrap()


def test_without_its_former_image_an_upgrade_is_like_a_first_start(upgraded: Host) -> None:
    upgraded.images.clear()
    upgraded.broken = {SECOND}
    with pytest.raises(PodNotStarted):
        upgraded.bootstrap()


def test_a_store_that_was_migrated_is_put_back_with_the_version_that_reads_it(
    scope: Scope, upgraded: Host, other_schema: Path
) -> None:
    upgraded.broken = {SECOND}
    upgraded.bootstrap()
    assert upgraded.running == FIRST
    assert other_schema.read_text() == "old"
    assert not (scope.secrets_data / "secrets.db-wal").exists()
    assert not store_copy.exists(scope.secrets_data)


def test_a_migrated_store_that_is_well_leaves_no_copy(
    scope: Scope, upgraded: Host, other_schema: Path
) -> None:
    upgraded.bootstrap()
    assert upgraded.running == SECOND
    assert other_schema.read_text() == "migrated"
    assert sorted(path.name for path in scope.secrets_data.iterdir()) == [
        "keyring.json",
        "secrets.db",
        "secrets.db-wal",
    ]


def test_a_store_that_cannot_be_copied_keeps_the_version_that_runs(
    upgraded: Host, other_schema: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_state: Path) -> None:
        raise OSError(28, "No space left on device", "before-upgrade")

    monkeypatch.setattr(store_copy, "make", full)
    with pytest.raises(OSError, match="No space left"):
        upgraded.bootstrap()
    assert upgraded.running == FIRST
    assert other_schema.read_text() == "old"


class PowerCut(BaseException):
    pass


def cut_at(host: Host, step: int) -> Callable[[Sequence[str], bytes], Outcome]:
    """Let the power fail as the host is asked for its n-th program from now on."""

    def run(command: Sequence[str], stdin: bytes) -> Outcome:
        nonlocal step
        step -= 1
        if step < 0:
            raise PowerCut
        return host(command, stdin)

    return run


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("step", range(4, 24))
def test_a_power_cut_at_any_step_leaves_one_version_with_its_store(
    scope: Scope, upgraded: Host, other_schema: Path, step: int, broken: bool
) -> None:
    upgraded.broken = {SECOND} if broken else set()
    with suppress(PowerCut):
        bootstrap_module.bootstrap(
            scope,
            share=upgraded.share,
            run=cut_at(upgraded, step),
            say=lambda _: None,
            ask=lambda _: Health() if upgraded.running else Health(silent={"secrets": "Silence."}),
        )
    # The boot: systemd starts what is placed, then legerd comes.
    upgraded.loaded, upgraded.running = upgraded.placed(), None
    upgraded._start("start", ["leger-pod.service"])
    upgraded.bootstrap()
    expected = (FIRST, "old") if broken else (SECOND, "migrated")
    assert (upgraded.placed(), other_schema.read_text()) == expected
    assert upgraded.running == upgraded.placed()
    assert not store_copy.exists(scope.secrets_data)
    assert release.read(scope).trying is None


def test_a_record_that_is_not_understood_is_none(scope: Scope, host: Host) -> None:
    host.bootstrap()
    for content in ("", "[]", "{}", json.dumps({"format": 99})):
        release.path(scope).write_text(content)
        assert release.read(scope) == release.Record()
    host.bootstrap()
    assert release.read(scope).healthy is not None


def test_the_record_is_read_as_it_was_written(scope: Scope, upgraded: Host) -> None:
    upgraded.broken = {SECOND}
    upgraded.bootstrap()
    record = release.read(scope)
    release.write(scope, dataclasses.replace(record, trying="abc"))
    assert release.read(scope) == dataclasses.replace(record, trying="abc")
