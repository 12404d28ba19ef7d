import dataclasses
import json
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from leger_bootstrap import bootstrap as bootstrap_module
from leger_bootstrap import directory_lock, installed, release, store_copy
from leger_bootstrap.bootstrap import UpgradeRefused
from leger_bootstrap.commands import HostCommandFailed, Outcome
from leger_bootstrap.health import Health
from leger_bootstrap.pod import UNITS, PodNotStarted, StartCalledOff
from leger_bootstrap.scope import Scope
from unit.bootstrap.conftest import FIRST, SECOND, Host

# Of an upgrade that is taken back with its store: programs that are run, and names that change.
MOST_STEPS = 60


@pytest.fixture
def upgraded(host: Host) -> Host:
    """A host that runs the first version, and on which the second is installed."""
    host.bootstrap()
    host.install(SECOND)
    return host


@pytest.fixture
def other_schema(scope: Scope, upgraded: Host, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The database of a store whose schema the second version changes when it starts."""
    monkeypatch.setattr(installed, "STORE_SCHEMA", 1_000)
    database = scope.secrets_data / "secrets.db"
    database.write_text("old")
    (scope.secrets_data / "keyring.json").write_text("{}")
    start = upgraded._start

    def migrate(verb: str, units: Sequence[str]) -> Outcome:
        if upgraded.loaded == SECOND and units[0] != "leger-deployer.service":
            assert database.read_text() != "old" or store_copy.exists(scope.secrets_data)
            database.write_text("migrated")
            (scope.secrets_data / "secrets.db-wal").write_text("of the migrated one")
            (scope.secrets_data / "keyring.json").write_text("new")
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
    assert upgraded.verbs() == ["--version", "start", "show"]
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


@pytest.mark.parametrize("state", ["reloading", "active", "inactive"])
def test_whoever_asks_for_a_version_that_is_taken_back_is_told_by_a_failure(
    upgraded: Host, state: str
) -> None:
    """At a reload, and by hand; legerd.service is to start where the services run."""
    upgraded.broken, upgraded.legerd = {SECOND}, state
    for _ in ("tried", "not tried again"):
        with pytest.raises(UpgradeRefused) as caught:
            upgraded.bootstrap()
        assert caught.value.what.startswith("The installed version does not run")
        assert "exec format error" in caught.value.why
        assert "The version before serves on." in caught.value.why
        assert upgraded.running == FIRST


def test_a_hand_that_asks_while_the_unit_starts_is_told_by_a_failure(upgraded: Host) -> None:
    upgraded.broken, upgraded.is_of_unit = {SECOND}, False
    with pytest.raises(UpgradeRefused):
        upgraded.bootstrap()


@pytest.mark.parametrize(
    "said",
    [
        "Job for leger-secrets.service canceled.",
        "Failed to restart x: Transaction for x/restart is destructive (shutdown.target has …).",
    ],
)
def test_a_start_that_somebody_calls_off_says_nothing_of_a_version(
    scope: Scope, upgraded: Host, other_schema: Path, said: str
) -> None:
    """When the host is shut down, or legerd.service stopped, in the middle of an upgrade."""
    upgraded.stopping = said
    with pytest.raises(StartCalledOff) as caught:
        upgraded.bootstrap()
    assert caught.value.why == said
    assert [line for line in upgraded.ran if " start " in line or " restart " in line] == [
        "systemctl restart leger-pod.service leger-secrets.service leger-deployer.service"
    ]
    record = release.read(scope)
    assert (bool(record.trying), record.returning, record.refused) == (True, False, None)
    upgraded.stopping = ""
    assert upgraded.bootstrap()[-1] == "the services are ready"
    assert (upgraded.running, other_schema.read_text()) == (SECOND, "migrated")


def test_a_service_that_fails_and_takes_another_ones_start_along_is_not_well(
    upgraded: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = upgraded._start

    def fail(verb: str, units: Sequence[str]) -> Outcome:
        outcome = start(verb, units)
        called_off = "\nJob for leger-deployer.service canceled."
        return dataclasses.replace(outcome, complaint=outcome.complaint + called_off)

    monkeypatch.setattr(upgraded, "_start", fail)
    upgraded.broken = {SECOND}
    upgraded.bootstrap()
    assert upgraded.running == FIRST


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


@pytest.mark.parametrize("failing", ["the copy", "the record", "the services' stop"])
def test_an_upgrade_that_cannot_be_prepared_leaves_running_what_runs(
    scope: Scope,
    upgraded: Host,
    other_schema: Path,
    monkeypatch: pytest.MonkeyPatch,
    failing: str,
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "legerd.json")

    if failing == "the copy":
        monkeypatch.setattr(store_copy, "make", full)
    elif failing == "the record":
        monkeypatch.setattr(release, "write", full)
    else:
        upgraded.unstoppable = True
    with pytest.raises((OSError, HostCommandFailed)):
        upgraded.bootstrap()
    assert upgraded.running == upgraded.placed() == FIRST
    assert other_schema.read_text() == "old"
    assert not store_copy.exists(scope.secrets_data)


def test_a_service_that_is_started_while_the_store_is_copied_is_stopped_once_more(
    scope: Scope, upgraded: Host, other_schema: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by its socket, or for a stack: it has the lock that it takes before it opens the store."""
    with ExitStack() as started:
        started.enter_context(directory_lock.at_once(scope.secrets_data))
        stops = 0

        def run(command: Sequence[str], stdin: bytes) -> Outcome:
            nonlocal stops
            if command[1] == "stop" and command[-1] in UNITS:
                stops += 1
                if stops == 2:
                    started.close()
            return upgraded(command, stdin)

        bootstrap_on(scope, upgraded, run)
    assert stops == 2
    assert upgraded.running == SECOND
    assert other_schema.read_text() == "migrated"


def test_no_version_but_the_new_one_opens_a_store_that_is_copied(
    scope: Scope, upgraded: Host, other_schema: Path
) -> None:
    opened_by: list[str] = []

    def run(command: Sequence[str], stdin: bytes) -> Outcome:
        if store_copy.exists(scope.secrets_data):
            with suppress(BlockingIOError), directory_lock.at_once(scope.secrets_data):
                opened_by.append(str(upgraded.loaded))
        return upgraded(command, stdin)

    bootstrap_on(scope, upgraded, run)
    assert set(opened_by) == {SECOND}
    assert other_schema.read_text() == "migrated"


def test_a_stop_that_somebody_called_off_is_asked_for_again(
    scope: Scope, upgraded: Host, other_schema: Path
) -> None:
    stops: list[bool] = []

    def run(command: Sequence[str], stdin: bytes) -> Outcome:
        if command[1] == "stop" and command[-1] in UNITS:
            stops.append(upgraded.unstoppable)
            upgraded.unstoppable = len(stops) == 1
        return upgraded(command, stdin)

    bootstrap_on(scope, upgraded, run)
    assert stops == [False, True]
    assert (upgraded.running, other_schema.read_text()) == (SECOND, "migrated")


def test_a_store_that_somebody_keeps_open_is_not_touched(
    scope: Scope, upgraded: Host, other_schema: Path
) -> None:
    with directory_lock.at_once(scope.secrets_data), pytest.raises(store_copy.StoreInUse):
        upgraded.bootstrap()
    assert upgraded.running == FIRST
    assert other_schema.read_text() == "old"


def test_a_stopped_store_that_was_open_and_is_damaged_by_an_upgrade_is_taken_back(
    upgraded: Host,
) -> None:
    upgraded.running = None  # the package is exchanged while nothing runs, and so cannot be asked
    upgraded.health[SECOND] = Health(seal_reason="STORE_DAMAGED", seal="The store is damaged.")
    assert "The store is damaged." in upgraded.bootstrap()[-1]
    assert upgraded.running == FIRST


def test_a_store_that_was_sealed_before_it_was_stopped_may_be_sealed_after(upgraded: Host) -> None:
    sealed = Health(seal_reason="STORE_DAMAGED")
    upgraded.install(FIRST)
    upgraded.health = {FIRST: sealed, SECOND: sealed}
    upgraded.bootstrap()
    upgraded.install(SECOND)
    upgraded.running = None
    upgraded.bootstrap()
    assert upgraded.running == SECOND


def test_a_copy_of_an_upgrade_that_was_not_begun_is_never_put_back(
    scope: Scope, upgraded: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = scope.secrets_data / "secrets.db"
    database.write_text("stale")
    store_copy.make(scope.secrets_data)
    database.write_text("written since")
    upgraded.broken = {SECOND}
    upgraded.bootstrap()
    assert upgraded.running == FIRST
    assert database.read_text() == "written since"


def test_what_was_started_before_legerd_was_killed_is_restarted(
    scope: Scope, upgraded: Host
) -> None:
    """Its units are placed, and what runs is still the version before."""

    def killed(command: Sequence[str], stdin: bytes) -> Outcome:
        if command[1] == "restart":
            raise PowerCut
        return upgraded(command, stdin)

    with pytest.raises(PowerCut):
        bootstrap_on(scope, upgraded, killed)
    assert (upgraded.placed(), upgraded.running) == (SECOND, FIRST)
    upgraded.bootstrap()
    assert upgraded.running == SECOND


class PowerCut(BaseException):
    pass


class Power:
    """Fails at the n-th step that changes anything: in memory, on the disk, or of the host."""

    CALLS = ("rename", "unlink", "mkdir", "rmdir")

    def __init__(self, host: Host, monkeypatch: pytest.MonkeyPatch, *, step: int) -> None:
        self.host = host
        self.left = step
        for name in self.CALLS:
            monkeypatch.setattr(os, name, self._guarded(getattr(os, name)))
        monkeypatch.setattr(shutil, "copy2", self._half(shutil.copy2))
        monkeypatch.setattr(os, "fsync", lambda _: None)  # which takes time, and changes nothing

    def run(self, command: Sequence[str], stdin: bytes) -> Outcome:
        self._use()
        return self.host(command, stdin)

    def _use(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise PowerCut

    def _guarded(self, call: Callable[..., object]) -> Callable[..., object]:
        def guarded(*args: object, **kwargs: object) -> object:
            self._use()
            return call(*args, **kwargs)

        return guarded

    def _half(self, copy: Callable[[Path, Path], object]) -> Callable[[Path, Path], object]:
        def half(source: Path, target: Path) -> object:
            try:
                self._use()
            except PowerCut:
                target.write_text("half")
                raise
            return copy(source, target)

        return half


def bootstrap_on(scope: Scope, host: Host, run: Callable[[Sequence[str], bytes], Outcome]) -> None:
    """Run `legerd bootstrap` with other programs than the host's own."""
    bootstrap_module.bootstrap(
        scope,
        share=host.share,
        run=run,
        say=lambda _: None,
        ask=lambda _: host.now(),
        is_of_unit=host.is_of_unit,
    )


def boot(scope: Scope, host: Host) -> None:
    """Start what is placed, as systemd does before legerd comes."""
    if not (scope.secrets_data / "keyring.json").exists():
        (scope.secrets_data / "keyring.json").write_text("of an empty store")
        (scope.secrets_data / "secrets.db").write_text("empty")
    host.loaded, host.running = host.placed(), None
    host.loaded_address, host.bound = host.placed_address(), ""
    host._start("start", ["leger-pod.service"])


@pytest.mark.parametrize(("fault", "cuts"), [("none", 1), ("start", 1), ("health", 2)])
@pytest.mark.parametrize("step", range(MOST_STEPS + 1))
def test_a_power_cut_at_any_step_leaves_one_version_with_its_store(
    scope: Scope,
    upgraded: Host,
    other_schema: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    step: int,
    fault: str,
    cuts: int,
) -> None:
    if fault == "start":
        upgraded.broken = {SECOND}
    elif fault == "health":
        upgraded.health[SECOND] = Health(silent={"deployer": "The deployer does not answer."})
    for _ in range(cuts):
        with monkeypatch.context() as patched, suppress(PowerCut):
            bootstrap_on(scope, upgraded, Power(upgraded, patched, step=step).run)
        boot(scope, upgraded)
    upgraded.bootstrap()
    first = upgraded.placed() == FIRST
    assert first == (fault != "none")
    assert other_schema.read_text() == ("old" if first else "migrated")
    assert (scope.secrets_data / "keyring.json").read_text() == ("{}" if first else "new")
    assert upgraded.running == upgraded.placed()
    record = release.read(scope)
    assert (record.trying, record.returning) == (None, False)
    assert bool(record.refused) == first
    assert not [path for path in scope.secrets_data.iterdir() if path.is_dir()]


def test_the_power_is_cut_at_every_step(
    scope: Scope, upgraded: Host, other_schema: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgraded.health[SECOND] = Health(silent={"deployer": "The deployer does not answer."})
    power = Power(upgraded, monkeypatch, step=1_000)
    bootstrap_on(scope, upgraded, power.run)
    assert other_schema.read_text() == "old"
    assert MOST_STEPS // 2 < 1_000 - power.left <= MOST_STEPS


def test_a_way_back_that_was_cut_off_does_not_keep_the_next_version_away(
    scope: Scope, upgraded: Host, other_schema: Path
) -> None:
    upgraded.broken = {FIRST, SECOND}
    with pytest.raises(PodNotStarted):
        upgraded.bootstrap()
    assert release.read(scope).returning
    upgraded.install("localhost/leger/services:3")
    upgraded.bootstrap()
    assert upgraded.running == "localhost/leger/services:3"


@pytest.mark.parametrize("step", range(MOST_STEPS + 1))
def test_an_address_that_is_taken_back_by_a_run_that_is_killed_is_the_one_that_is_listened_on(
    scope: Scope, upgraded: Host, monkeypatch: pytest.MonkeyPatch, *, step: int
) -> None:
    upgraded.install(FIRST)
    upgraded.health[FIRST] = Health(silent={"deployer": "The deployer does not answer."})
    scope.config.mkdir(exist_ok=True)
    (scope.config / "leger.toml").write_text('[secrets.http]\nlisten = "127.0.0.1:8090"\n')
    with monkeypatch.context() as patched, suppress(PowerCut):
        bootstrap_on(scope, upgraded, Power(upgraded, patched, step=step).run)
    upgraded.bootstrap()
    assert release.read(scope).refused
    assert upgraded.bound == upgraded.placed_address() == "127.0.0.1:8080"


def test_a_record_of_before_says_no_cause_of_a_refusal(scope: Scope, upgraded: Host) -> None:
    upgraded.broken = {SECOND}
    upgraded.bootstrap()
    content = json.loads(release.path(scope).read_text())
    del content["refused"]["what"]
    release.path(scope).write_text(json.dumps(content))
    refused = release.read(scope).refused
    assert refused is not None
    assert refused.what == "version"


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
