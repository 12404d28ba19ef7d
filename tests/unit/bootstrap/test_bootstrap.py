import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest
from leger_bootstrap import bootstrap
from leger_bootstrap.commands import Outcome
from leger_bootstrap.scope import Scope, system

SHARE = Path(__file__).parents[3]


class Host:
    """A host that notes which programs it is asked to run."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.images: set[str] = set()
        self.active = False
        self.start_fails = False

    def __call__(self, command: Sequence[str], stdin: bytes) -> Outcome:
        line = " ".join(command)
        self.ran.append(line)
        if line.endswith("--version"):
            return Outcome(0, b"version 257.0", "")
        if "image exists" in line:
            return Outcome(0 if command[-1] in self.images else 1, b"", "")
        if "load" in command:
            self.images.add("localhost/leger/services:1")
        if "is-active" in command:
            return Outcome(0 if self.active else 3, b"", "")
        if command[0] == "systemd-creds":
            return Outcome(0, b"sealed", "")
        if "leger-pod.service" in command:
            if self.start_fails:
                return Outcome(1, b"", "Job for leger-pod.service failed.")
            self.active = True
        return Outcome(0, b"", "")

    def verbs(self) -> list[str]:
        return [line.split()[1] for line in self.ran if line.startswith("systemctl ")]


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    return dataclasses.replace(
        system(),
        data=tmp_path / "data",
        secrets_data=tmp_path / "secrets_data",
        config=tmp_path / "config",
        quadlets=tmp_path / "quadlets",
        encrypted_credentials=tmp_path / "credstore.encrypted",
        plain_credentials=tmp_path / "credstore",
    )


@pytest.fixture
def share(tmp_path: Path) -> Path:
    share = tmp_path / "share"
    (share / "image").mkdir(parents=True)
    (share / "image/reference").write_text("localhost/leger/services:1\n")
    (share / "quadlets").symlink_to(SHARE / "quadlets")
    return share


def run(scope: Scope, share: Path, host: Host, *, why_sealed: str = "") -> list[str]:
    said: list[str] = []
    bootstrap.bootstrap(
        scope, share=share, run=host, say=said.append, why_sealed=lambda _: why_sealed
    )
    return said


def test_a_fresh_host_gets_image_key_units_and_a_started_pod(scope: Scope, share: Path) -> None:
    host = Host()
    run(scope, share, host)
    assert host.images == {"localhost/leger/services:1"}
    assert (scope.quadlets / "legerd/leger.pod").is_file()
    assert host.verbs() == ["--version", "daemon-reload", "is-active", "start"]


def test_a_second_run_reloads_and_restarts_nothing(scope: Scope, share: Path) -> None:
    host = Host()
    run(scope, share, host)
    host.ran.clear()
    run(scope, share, host)
    assert host.verbs() == ["--version", "start"]
    assert not any("load" in line for line in host.ran)


def test_a_new_image_restarts_the_pod(scope: Scope, share: Path) -> None:
    host = Host()
    run(scope, share, host)
    (share / "image/reference").write_text("localhost/leger/services:2\n")
    host.ran.clear()
    run(scope, share, host)
    assert "restart" in host.verbs()


def test_a_pod_that_does_not_start_is_reported_with_the_journals_to_read(
    scope: Scope, share: Path
) -> None:
    host = Host()
    host.start_fails = True
    with pytest.raises(bootstrap.PodNotStarted) as caught:
        run(scope, share, host)
    assert "leger-pod.service failed" in caught.value.why
    assert "journalctl -b -u leger-pod.service" in caught.value.next_step


def test_what_the_services_keep_is_readable_by_their_owner_alone(scope: Scope, share: Path) -> None:
    run(scope, share, Host())
    assert scope.secrets_data.stat().st_mode & 0o777 == 0o700
    assert scope.data.stat().st_mode & 0o777 == 0o700


def test_a_sealed_store_is_said_and_is_no_failure(scope: Scope, share: Path) -> None:
    said = run(scope, share, Host(), why_sealed="A passphrase is needed. Type it.")
    assert said[-1].endswith("A passphrase is needed. Type it.")
    assert run(scope, share, Host())[-1] == "the services are ready"


def test_the_directory_of_the_policy_is_there_to_be_mounted(scope: Scope, share: Path) -> None:
    run(scope, share, Host())
    assert scope.config.is_dir()
