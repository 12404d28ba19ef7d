import dataclasses
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from leger_bootstrap import commands, directory_lock, main, purge, root_key
from leger_bootstrap import scope as scope_module
from leger_bootstrap.commands import Outcome
from leger_bootstrap.scope import Scope
from unit.bootstrap.conftest import FIRST, Host

UNIT = {
    "file": "web.container",
    "unit": "web.service",
    "kind": "container",
    "resource": "systemd-web",
    "requires": [],
    "volumes": ["data"],
    "subnets": [],
    "ports": [],
}
USE = {
    "unit": "web.service",
    "secret": "key",
    "credential": "key",
    "type": "env",
    "target": "KEY",
    "podman_secret": "leger-web-key",
}

RECORD = {
    "format": 1,
    "stack": "notes",
    "number": 1,
    "apply_time": "2026-01-01T00:00:00+00:00",
    "units": [UNIT],
    "secrets": [USE],
}


class PurgedHost(Host):
    """A host whose systemd knows units, some of stacks; `stuck` commands fail."""

    stuck = ""

    def __call__(self, command: Sequence[str], stdin: bytes) -> Outcome:
        outcome = super().__call__(command, stdin)
        if self.stuck and self.stuck in self.ran[-1]:
            return Outcome(1, b"", "It is in use.\nReally.")
        if command[-1] == "*":
            units = (
                ("web.service", self.scope.data / "generations/notes/1/web.container"),
                ("leger-secrets.service", self.scope.quadlets / "legerd/leger-secrets.container"),
                ("leger-health-web.timer", ""),
                ("sshd.service", ""),
            )
            return Outcome(0, "\n\n".join(f"Id={u}\nSourcePath={p}" for u, p in units).encode(), "")
        if "--property=LoadState" in command:
            return Outcome(0, b"loaded\n", "")
        return outcome


@pytest.fixture
def host(scope: Scope, host: Host) -> PurgedHost:
    """A host that runs leger and a stack, with a volume and a secret."""
    purged = PurgedHost(scope, host.share)
    purged.bootstrap()
    stack = scope.data / "generations/notes"
    stack.mkdir(parents=True)
    (stack / "1.json").write_text(json.dumps(RECORD))
    (stack / "2.json").write_text("{")  # unreadable ones are in nobody's way
    (scope.quadlets / "leger/notes").symlink_to(stack)
    (scope.secrets_data / "secrets.db").touch()
    purged.ran.clear()
    return purged


def carry_out(scope: Scope, host: Host, *, volumes: bool = False) -> None:
    found = purge.find(scope, host)
    purge.Purge(scope=scope, run=host, say=lambda _: None).carry_out(found, volumes=volumes)


def test_what_goes_is_known_before(scope: Scope, host: PurgedHost) -> None:
    found = purge.find(scope, host)
    assert found.stacks == ("notes",)
    assert found.units == ("web.service", "leger-health-web.timer")
    assert found.volumes == ("data",)
    assert found.images == (FIRST,)
    lines = purge.describe(found, volumes=False)
    assert str(scope.secrets_data) in lines
    assert not [line for line in lines if "volumes" in line]
    assert "volumes of the stacks, with all data: data" in purge.describe(found, volumes=True)


def test_nothing_is_left(scope: Scope, host: PurgedHost, tmp_path: Path) -> None:
    carry_out(scope, host)
    assert host.images == set()
    left = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert {path for path in left if not path.startswith("share/")} == set()
    for command in (
        "podman --transient-store=true rm --force --ignore systemd-web",
        "podman --transient-store=true secret rm leger-web-key",
    ):
        assert command in host.ran


def test_everything_is_stopped_and_disabled_before_files_go(scope: Scope, host: PurgedHost) -> None:
    carry_out(scope, host)
    verbs = [verb for verb in host.verbs() if verb not in ("show", "--version")]
    assert verbs[:2] == ["disable", "stop"]
    [stop] = [line for line in host.ran if line.startswith("systemctl stop web.service")]
    assert "leger-secrets.service" in stop
    assert "sshd" not in stop


def test_volumes_go_when_that_is_said(scope: Scope, host: PurgedHost) -> None:
    found = purge.find(scope, host)
    clean = purge.Purge(scope=scope, run=host, say=lambda _: None)
    clean.carry_out(found, volumes=False)
    assert not [line for line in host.ran if "volume rm" in line]
    clean.carry_out(found, volumes=True)
    assert "podman --transient-store=true volume rm data" in host.ran


def test_what_cannot_be_removed_keeps_nothing_else(scope: Scope, host: PurgedHost) -> None:
    host.stuck = "image rm"
    with pytest.raises(purge.PurgeIncomplete) as caught:
        carry_out(scope, host)
    assert FIRST in caught.value.why
    assert not scope.secrets_data.exists()
    host.stuck = ""
    carry_out(scope, host)
    assert host.images == set()


@pytest.mark.parametrize("stuck", ["volume rm data", "secret rm", "rm --force", "daemon-reload"])
def test_the_next_purge_goes_on_with_all_that_one_could_not_remove(
    scope: Scope, host: PurgedHost, stuck: str
) -> None:
    host.stuck = stuck
    with pytest.raises(purge.PurgeIncomplete):
        carry_out(scope, host, volumes=True)
    assert not scope.secrets_data.exists()
    host.stuck = ""
    host.ran.clear()
    carry_out(scope, host, volumes=True)
    assert [line for line in host.ran if stuck in line]
    assert not scope.data.exists()


def test_the_root_key_goes_first(scope: Scope, host: PurgedHost) -> None:
    key = root_key.find(scope)
    assert key is not None

    def interrupted(_command: Sequence[str], _stdin: bytes) -> Outcome:
        raise KeyboardInterrupt

    found = purge.find(scope, host)
    with pytest.raises(KeyboardInterrupt):
        purge.Purge(scope=scope, run=interrupted, say=lambda _: None).carry_out(
            found, volumes=False
        )
    assert not key.path.exists()


class Confirming:
    """A terminal at which somebody types the host's name, while a stack is installed."""

    def __init__(self, generations: Path) -> None:
        self._generations = generations

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        (self._generations / "3.json").write_text(
            json.dumps(RECORD | {"number": 3, "units": [UNIT | {"resource": "came-later"}]})
        )
        return f"{os.uname().nodename}\n"


def test_a_purge_takes_what_came_while_it_asked_and_keeps_a_bootstrap_away(
    scope: Scope,
    host: PurgedHost,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    locked = []

    def run(command: Sequence[str], stdin: bytes = b"") -> Outcome:
        if command[1] in ("stop", "disable"):
            try:
                with directory_lock.at_once(scope.data):
                    locked.append(False)
            except BlockingIOError:
                locked.append(True)
        return host(command, stdin)

    monkeypatch.setattr(commands, "run", run)
    monkeypatch.setattr(scope_module, "of_this_process", lambda: scope)
    monkeypatch.setattr(sys, "argv", ["legerd", "purge"])
    monkeypatch.setattr(sys, "stdin", Confirming(scope.data / "generations/notes"))
    assert main.main() == 0
    assert locked
    assert all(locked)
    assert "podman --transient-store=true rm --force --ignore came-later" in host.ran
    assert "nothing of leger is left" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["system", "user"])
def test_the_policy_goes_and_the_packages_directory_stays(
    scope: Scope, host: PurgedHost, name: str
) -> None:
    (scope.config / "policy.toml").touch()
    carry_out(dataclasses.replace(scope, name=name), host)
    assert not (scope.config / "policy.toml").exists()
    assert scope.config.exists() == (name == "system")
