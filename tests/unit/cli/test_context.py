from pathlib import Path

import pytest
from leger_cli.context import Account, Scope, Session
from leger_cli.errors import UsageError


def account(tmp_path: Path, uid: int = 1000) -> Account:
    return Account(uid=uid, runtime=tmp_path / "run", config=tmp_path / "config")


def test_an_account_without_a_pod_means_the_system_scope(tmp_path: Path) -> None:
    assert account(tmp_path).usual_scope is Scope.SYSTEM


def test_an_account_whose_pod_runs_means_its_own_scope(tmp_path: Path) -> None:
    (tmp_path / "run" / "leger").mkdir(parents=True)
    assert account(tmp_path).usual_scope is Scope.USER


def test_an_account_whose_pod_is_stopped_still_means_its_own_scope(tmp_path: Path) -> None:
    (tmp_path / "config/containers/systemd/legerd").mkdir(parents=True)
    assert account(tmp_path).usual_scope is Scope.USER


def test_root_means_the_system_scope_even_with_a_pod_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "run" / "leger").mkdir(parents=True)
    assert account(tmp_path, uid=0).usual_scope is Scope.SYSTEM


def test_a_scope_that_is_named_counts_more_than_the_usual_one(tmp_path: Path) -> None:
    session = Session(account=account(tmp_path))
    session.choose(Scope.USER)
    assert session.socket("secrets") == tmp_path / "run/leger/secrets/operator/grpc.sock"


def test_the_system_scope_is_below_run(tmp_path: Path) -> None:
    session = Session(account=account(tmp_path, uid=0))
    assert session.socket("deployer") == Path("/run/leger/deployer/operator/grpc.sock")


def test_naming_the_same_scope_twice_is_fine(tmp_path: Path) -> None:
    session = Session(account=account(tmp_path))
    session.choose(Scope.SYSTEM)
    session.choose(Scope.SYSTEM)
    assert session.scope is Scope.SYSTEM


def test_naming_both_scopes_is_a_mistake(tmp_path: Path) -> None:
    session = Session(account=account(tmp_path))
    session.choose(Scope.USER)
    with pytest.raises(UsageError):
        session.choose(Scope.SYSTEM)


def test_directories_follow_the_xdg_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/r")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/c")
    found = Account.of_this_process()
    assert (found.runtime, found.config) == (Path("/r"), Path("/c"))


def test_an_account_without_a_session_has_the_usual_runtime_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    found = Account.of_this_process()
    assert found.runtime == Path(f"/run/user/{found.uid}")
