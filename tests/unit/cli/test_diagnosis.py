import os
import socket
from pathlib import Path

import pytest
from leger_cli import diagnosis, legerd
from leger_cli.context import Account, Scope, Session
from leger_runtime.errors import Kind, LegerError


@pytest.fixture
def session(tmp_path: Path) -> Session:
    session = Session(account=Account(uid=1000, runtime=tmp_path / "run", config=tmp_path))
    session.choose(Scope.USER)
    return session


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with a podman in it, and whatever a test adds."""
    path = tmp_path / "bin"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    program(path, "podman", "exit 0")
    return path


def program(path: Path, name: str, script: str) -> None:
    (path / name).write_text(f"#!/bin/sh\n{script}\n")
    (path / name).chmod(0o755)


def units(
    path: Path,
    pod: str,
    service: str,
    legerd: str = "active",
    load: str = "loaded",
    enabled: str = "enabled",
    status: int = 1,
    restarts: int = 0,
) -> None:
    """Let systemctl answer with these states, as `systemctl show` prints several units."""
    blocks = [
        f"Id={name}.service\nLoadState={loaded}\nActiveState={active}\nSubState=sub\n"
        f"Result=exit-code\nExecMainStatus={ended}\nNRestarts={again}\nUnitFileState={enabled}\n"
        for name, loaded, active, ended, again in (
            ("legerd", "loaded", legerd, 0, 0),
            ("leger-pod", load, pod, 0, 0),
            ("leger-secrets", load, service, status, restarts),
            ("leger-deployer", load, service, 0, 0),
        )
    ]
    answer = "\n".join(blocks)
    program(path, "systemctl", f"test \"$1\" = --user || exit 1\nprintf '{answer}'")


def diagnose(session: Session) -> LegerError:
    return diagnosis.of_silence("secrets", session=session)


def test_a_missing_podman_is_the_cause(session: Session, programs: Path) -> None:
    (programs / "podman").unlink()
    error = diagnose(session)
    assert (error.kind, error.reason) == (Kind.UNAVAILABLE, "PODMAN_MISSING")


@pytest.mark.parametrize("state", ["inactive", "deactivating"])
@pytest.mark.parametrize("pod", ["active", "deactivating", "inactive"])
def test_a_stopped_legerd_is_named_before_what_stops_with_it(
    session: Session, programs: Path, state: str, pod: str
) -> None:
    units(programs, legerd=state, pod=pod, service="inactive")
    error = diagnose(session)
    assert "legerd.service is stopped" in error.what
    assert error.next_step == "Run `systemctl --user start legerd.service`."


def test_a_legerd_that_is_off_is_enabled_as_well(session: Session, programs: Path) -> None:
    units(programs, legerd="inactive", pod="inactive", service="inactive", enabled="disabled")
    assert diagnose(session).next_step == "Run `systemctl --user enable --now legerd.service`."


def test_a_stopped_pod_is_named_before_its_service(session: Session, programs: Path) -> None:
    """To start legerd.service would do nothing: it has been started."""
    units(programs, pod="inactive", service="inactive")
    error = diagnose(session)
    assert "leger-pod.service is stopped" in error.what
    assert error.next_step == "Run `systemctl --user reload legerd.service`."


def test_a_stopped_service_of_a_running_pod_is_named(session: Session, programs: Path) -> None:
    units(programs, pod="active", service="inactive")
    error = diagnose(session)
    assert "leger-secrets.service is stopped" in error.what
    assert error.next_step == "Run `systemctl --user reload legerd.service`."
    assert error.kind is Kind.UNAVAILABLE


def test_a_failed_service_leads_to_its_journal(session: Session, programs: Path) -> None:
    units(programs, pod="active", service="failed")
    error = diagnose(session)
    assert "exit-code" in error.why
    assert "journalctl --user -u leger-secrets.service" in error.next_step


@pytest.mark.parametrize("state", ["failed", "activating", "inactive"])
def test_a_service_without_its_root_key_is_told_apart(
    session: Session, programs: Path, state: str
) -> None:
    units(programs, pod="active", service=state, status=243)
    error = diagnose(session)
    assert "cannot be given the root key" in error.what
    assert "`legerd key status`" in error.next_step


@pytest.mark.parametrize(
    ("legerd", "load"),
    [("active", "loaded"), ("activating", "loaded"), ("activating", "not-found")],
)
def test_a_starting_service_needs_a_moment(
    session: Session, programs: Path, legerd: str, load: str
) -> None:
    """At the first start of all, only legerd.service is there."""
    units(programs, legerd=legerd, pod="active", service="activating", load=load)
    assert "again in a moment" in diagnose(session).next_step


@pytest.mark.parametrize("legerd", ["active", "failed"])
def test_a_service_that_is_restarted_again_and_again_is_not_about_to_be_there(
    session: Session, programs: Path, legerd: str
) -> None:
    units(programs, legerd=legerd, pod="active", service="activating", restarts=7)
    error = diagnose(session)
    assert "leger-secrets.service fails, and is started again" in error.what
    assert "7 times" in error.why
    assert "journalctl --user -u leger-secrets.service" in error.next_step


@pytest.mark.parametrize(
    ("legerd", "command"), [("active", "reload"), ("failed", "start"), ("inactive", "start")]
)
def test_a_root_key_that_is_gone_is_the_cause_whatever_systemd_is_about_to_try(
    session: Session, programs: Path, legerd: str, command: str
) -> None:
    units(programs, legerd=legerd, pod="active", service="activating")
    program(programs, "legerd", "echo 'error: It is gone.\n  No file.\n  → Mend it.' >&2\nexit 6")
    error = diagnose(session)
    assert (error.kind, error.reason) == (Kind.UNAVAILABLE, "STORE_KEY_MISSING")
    assert error.what == "The secrets service does not answer. It is gone."
    assert error.why == "No file."
    assert f"`systemctl --user {command} legerd.service`" in error.next_step
    assert "leger secrets restore" in error.next_step


@pytest.mark.parametrize(("legerd", "asked"), [("failed", True), ("active", False)])
def test_a_root_key_that_is_gone_keeps_the_deployer_away_only_where_legerd_did_not_start(
    session: Session, programs: Path, legerd: str, asked: bool
) -> None:
    units(programs, legerd=legerd, pod="inactive", service="inactive")
    program(programs, "legerd", "echo 'error: It is gone.\n  No file.\n  → Mend it.' >&2\nexit 6")
    error = diagnosis.of_silence("deployer", session=session)
    assert (error.reason == "STORE_KEY_MISSING") is asked


def test_of_another_accounts_root_key_nothing_is_asked(
    session: Session, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(legerd, "key_status", lambda: pytest.fail("it was asked"))
    units(programs, pod="active", service="inactive")
    of_system = (programs / "systemctl").read_text().replace('"$1" = --user', '"$1" = show')
    (programs / "systemctl").write_text(of_system)
    error = diagnosis.of_silence("secrets", session=Session(account=session.account))
    assert error.next_step == "Run `sudo systemctl reload legerd.service`."


def test_a_running_service_without_a_socket_is_restarted(session: Session, programs: Path) -> None:
    units(programs, pod="active", service="active")
    assert diagnose(session).next_step == "Run `systemctl --user restart leger-secrets.service`."


@pytest.mark.parametrize(
    ("legerd", "enabled", "command"),
    [
        ("inactive", "disabled", "enable --now"),  # as after a purge
        ("inactive", "enabled", "start"),
        ("active", "enabled", "reload"),
    ],
)
def test_a_scope_without_units_begins_with_legerd(
    session: Session, programs: Path, legerd: str, enabled: str, command: str
) -> None:
    units(programs, "inactive", "inactive", legerd=legerd, enabled=enabled, load="not-found")
    error = diagnose(session)
    assert error.reason == "NOT_SET_UP"
    assert f"`systemctl --user {command} legerd.service`" in error.next_step
    assert "--system" in error.next_step


def test_without_its_unit_the_package_is_not_there(session: Session, programs: Path) -> None:
    units(programs, "inactive", "inactive", legerd="inactive", load="not-found")
    answer = (programs / "systemctl").read_text().replace("LoadState=loaded", "LoadState=not-found")
    (programs / "systemctl").write_text(answer)
    error = diagnose(session)
    assert (error.reason, error.next_step) == ("NOT_SET_UP", "Install the leger package.")


def test_an_ordinary_account_needs_sudo_for_the_system(session: Session, programs: Path) -> None:
    program(programs, "systemctl", "exit 1")
    system = Session(account=session.account)
    assert "sudo systemctl" in diagnosis.of_silence("secrets", session=system).next_step


@pytest.mark.parametrize("script", ["exit 1", "echo nonsense", "exec sleep 60"])
def test_a_silent_systemd_is_said_to_be_silent(
    session: Session, programs: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr(diagnosis, "_PATIENCE", 0.2)
    (programs / "sleep").symlink_to("/bin/sleep")
    program(programs, "systemctl", script)
    assert "systemd could not be asked" in diagnose(session).why


def test_a_host_without_systemd_is_told_so(session: Session, programs: Path) -> None:
    assert "systemd could not be asked" in diagnose(session).why


def test_a_socket_of_somebody_else_is_a_matter_of_permission(
    session: Session, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_self: socket.socket, _address: object) -> None:
        raise PermissionError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert diagnose(session).kind is Kind.NOT_PERMITTED
    error = diagnosis.of_silence("secrets", session=Session(account=session.account))
    assert error.kind is Kind.NOT_PERMITTED
    assert error.next_step == (
        "Run it with sudo, or give this account services of its own: `systemctl --user enable --now"
        " legerd.service`."
    )
    session.account.runtime.joinpath("leger").mkdir(parents=True)
    system = Session(account=session.account)
    system.choose(Scope.SYSTEM)
    error = diagnosis.of_silence("secrets", session=system)
    assert error.next_step == "Run it with sudo, or with --user for this account's own services."


def test_the_runtime_directory_reaches_systemctl(
    session: Session, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    program(programs, "systemctl", f'echo "$XDG_RUNTIME_DIR" > {tmp_path}/seen')
    diagnose(session)
    assert (tmp_path / "seen").read_text().strip() == os.fspath(session.runtime)
