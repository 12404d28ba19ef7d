import os
import shutil
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from leger_bootstrap import store_copy
from leger_secrets.adapters import keyring_file, store_files
from leger_secrets.adapters.audit_directory import AuditDirectory, StateInUse
from leger_secrets.adapters.audit_file import AuditFile
from leger_secrets.wiring import AUDIT_LOG


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A store of an older leger, with an audit log beside it."""
    for name in ("secrets.db", "secrets.db-wal", "keyring.json", "anchor", "audit.log"):
        (tmp_path / name).write_text(f"old {name}")
        (tmp_path / name).chmod(0o600)
    return tmp_path


def now() -> datetime:
    return datetime.now(UTC)


def migrate(state: Path) -> None:
    """Do what a newer leger might do to it."""
    for name in ("secrets.db", "keyring.json", "anchor", "audit.log", "secrets.db-shm"):
        (state / name).write_text(f"new {name}")
    (state / "secrets.db-wal").unlink()


def test_what_is_put_back_is_what_was_copied_but_for_the_audit_log(state: Path) -> None:
    store_copy.make(state)
    migrate(state)
    store_copy.put_back(state)
    for name in ("secrets.db", "secrets.db-wal", "keyring.json", "anchor"):
        assert (state / name).read_text() == f"old {name}"
        assert (state / name).stat().st_mode & 0o777 == 0o600
    assert (state / "audit.log").read_text() == "new audit.log"
    assert not (state / "secrets.db-shm").exists()


def test_a_log_that_was_not_there_is_not_there_again(state: Path) -> None:
    (state / "secrets.db-wal").unlink()
    store_copy.make(state)
    (state / "secrets.db-wal").write_text("of the newer one")
    store_copy.put_back(state)
    assert not (state / "secrets.db-wal").exists()


def test_a_copy_is_its_owners_alone_and_goes_when_it_is_dropped(state: Path) -> None:
    before = sorted(path.name for path in state.iterdir())
    store_copy.make(state)
    assert store_copy.directory(state).stat().st_mode & 0o777 == 0o700
    store_copy.drop(state)
    assert sorted(path.name for path in state.iterdir()) == before
    store_copy.drop(state)  # there is none


def test_a_copy_that_was_interrupted_is_none_and_is_in_nobodys_way(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(_source: Path, _target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copy2", cut)
        with pytest.raises(KeyboardInterrupt):
            store_copy.make(state)
    assert not store_copy.exists(state)
    store_copy.make(state)
    assert store_copy.exists(state)


def test_a_newer_copy_replaces_an_older_one(state: Path) -> None:
    store_copy.make(state)
    migrate(state)
    store_copy.make(state)
    store_copy.put_back(state)
    assert (state / "secrets.db").read_text() == "new secrets.db"


def test_what_is_copied_are_the_files_that_the_secrets_service_has(state: Path) -> None:
    assert store_copy.DATABASE == store_files.DATABASE
    assert store_copy.KEYRING == keyring_file.NAME
    assert store_copy.ANCHOR == store_files.ANCHOR
    log = AuditFile(path=state / "new.log", clock=now)
    with closing(log):
        files = store_files.StoreFiles(directory=state, root_key=bytearray, audit=log, clock=now)
        assert files.rekeyed.name == store_copy.REKEYED


def test_a_closed_store_and_a_secrets_service_keep_each_other_away(state: Path) -> None:
    with store_copy.closed(state), pytest.raises(StateInUse):
        AuditDirectory(state / AUDIT_LOG)
    served = AuditDirectory(state / AUDIT_LOG)
    with pytest.raises(store_copy.StoreInUse), store_copy.closed(state):
        pass
    served.close()
    with store_copy.closed(state):
        pass


def test_what_is_put_back_is_never_absent_in_between(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_copy.make(state)
    migrate(state)
    lasting = [state / name for name in ("secrets.db", "keyring.json", "anchor")]

    def watched(call: Callable[..., object]) -> Callable[..., object]:
        def calling(*args: object, **kwargs: object) -> object:
            assert all(path.exists() for path in lasting)
            return call(*args, **kwargs)

        return calling

    for name in ("rename", "unlink", "rmdir", "open"):
        monkeypatch.setattr(os, name, watched(getattr(os, name)))
    store_copy.put_back(state)
    assert [path.read_text() for path in lasting] == [f"old {path.name}" for path in lasting]


def test_a_full_disk_is_noticed_before_anything_is_put_back(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_source: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    store_copy.make(state)
    migrate(state)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copy2", full)
        with pytest.raises(OSError, match="No space"):
            store_copy.put_back(state)
    assert (state / "secrets.db").read_text() == "new secrets.db"
    store_copy.put_back(state)
    assert (state / "secrets.db").read_text() == "old secrets.db"
