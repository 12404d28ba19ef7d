import os
import socket
from pathlib import Path

import pytest
from leger_cli import diagnosis
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


def units(path: Path, pod: str, service: str, load: str = "loaded", status: int = 1) -> None:
    """Let systemctl answer with these states, as `systemctl show` prints several units."""
    program(
        path,
        "systemctl",
        'test "$1" = --user || exit 1\n'
        f"printf 'Id=leger-pod.service\\nLoadState={load}\\nActiveState={pod}\\nSubState=sub\\n"
        f"Result=exit-code\\nExecMainStatus=0\\n\\nId=leger-secrets.service\\nLoadState={load}\\n"
        f"ActiveState={service}\\nSubState=sub\\nResult=exit-code\\nExecMainStatus={status}\\n'",
    )


def diagnose(session: Session) -> LegerError:
    return diagnosis.of_silence("secrets", session=session)


def test_a_missing_podman_is_the_cause(session: Session, programs: Path) -> None:
    (programs / "podman").unlink()
    error = diagnose(session)
    assert (error.kind, error.reason) == (Kind.UNAVAILABLE, "PODMAN_MISSING")


def test_a_stopped_pod_is_named_before_its_service(session: Session, programs: Path) -> None:
    units(programs, pod="inactive", service="inactive")
    error = diagnose(session)
    assert "leger-pod.service is stopped" in error.what
    assert error.next_step == "Run `systemctl --user start leger-pod.service`."


def test_a_stopped_service_of_a_running_pod_is_named(session: Session, programs: Path) -> None:
    units(programs, pod="active", service="inactive")
    error = diagnose(session)
    assert "leger-secrets.service is stopped" in error.what
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


def test_a_starting_service_needs_a_moment(session: Session, programs: Path) -> None:
    units(programs, pod="active", service="activating")
    assert "again in a moment" in diagnose(session).next_step


def test_a_running_service_without_a_socket_is_restarted(session: Session, programs: Path) -> None:
    units(programs, pod="active", service="active")
    assert diagnose(session).next_step == "Run `systemctl --user restart leger-secrets.service`."


def test_a_scope_without_units_is_bootstrapped(session: Session, programs: Path) -> None:
    units(programs, pod="inactive", service="inactive", load="not-found")
    error = diagnose(session)
    assert error.reason == "NOT_SET_UP"
    assert "`legerd bootstrap`" in error.next_step
    assert "--system" in error.next_step


def test_an_ordinary_account_needs_sudo_for_the_system(session: Session, programs: Path) -> None:
    program(programs, "systemctl", "exit 1")
    system = Session(account=session.account)
    assert "sudo legerd bootstrap" in diagnosis.of_silence("secrets", session=system).next_step


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
    assert error.next_step == "Run it with sudo, or with --user for this account's own services."


def test_the_runtime_directory_reaches_systemctl(
    session: Session, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    program(programs, "systemctl", f'echo "$XDG_RUNTIME_DIR" > {tmp_path}/seen')
    diagnose(session)
    assert (tmp_path / "seen").read_text().strip() == os.fspath(session.runtime)
